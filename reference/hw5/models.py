"""The two networks of question 4, with the names and arguments that the template fixes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

LAYERS: dict[str, Callable[..., torch.nn.RNNBase]] = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def build_layer(m_type: str, embedding_dim: int, hidden_size: int, **kwargs: Any) -> torch.nn.RNNBase:
    """Return the recurrent layer named ``m_type`` (rnn, gru or lstm); ``kwargs`` go to torch unchanged.

    Raises ValueError for any other name.
    """
    if m_type not in LAYERS:
        raise ValueError(f"m_type must be one of {', '.join(LAYERS)}, not {m_type!r}")
    return LAYERS[m_type](embedding_dim, hidden_size, **kwargs)


class Network(torch.nn.Module):
    """Embedding, one recurrent layer in one direction, dropout, linear: a comment to the logit of "toxic"."""

    def __init__(
        self,
        in_neuron: int,
        embedding_dim: int = 128,
        hidden_size: int = 256,
        out_neuron: int = 1,
        m_type: str = "rnn",
        drop: float = 0.53,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.m_type = m_type
        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)
        self.layer = build_layer(m_type, embedding_dim, hidden_size, **kwargs)
        self.dropout = torch.nn.Dropout(drop)
        self.linear = torch.nn.Linear(hidden_size, out_neuron)

    def forward(self, t: torch.Tensor) -> torch.Tensor:
        """Map token ids, int64 [seq_len, batch], to logits, float [batch, out_neuron]."""
        output, hidden = self.layer(self.embedding(t))  # output: [seq_len, batch, hidden_size]
        if self.m_type == "lstm":
            hidden = hidden[0]  # an LSTM returns (hidden state, cell state), each [1, batch, hidden_size]
        # One layer in one direction: its last hidden state and its last output are the same numbers.
        assert torch.equal(output[-1], hidden.squeeze(0))
        logits: torch.Tensor = self.linear(self.dropout(hidden.squeeze(0)))
        return logits


class DeepNetwork(torch.nn.Module):
    """As Network, for stacked bidirectional layers (``num_layers=2, bidirectional=True`` through ``kwargs``)."""

    def __init__(
        self,
        in_neuron: int,
        embedding_dim: int = 100,
        hidden_size: int = 256,
        out_neuron: int = 1,
        m_type: str = "rnn",
        drop: float = 0.53,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.m_type = m_type
        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)
        self.layer = build_layer(m_type, embedding_dim, hidden_size, **kwargs)
        self.dropout = torch.nn.Dropout(drop)
        self.linear = torch.nn.Linear(2 * hidden_size, out_neuron)

    def forward(self, t: torch.Tensor) -> torch.Tensor:
        """Map token ids, int64 [seq_len, batch], to logits, float [batch, out_neuron]."""
        _, hidden = self.layer(self.embedding(t))  # hidden: [num_layers * directions, batch, hidden_size]
        if self.m_type == "lstm":
            hidden = hidden[0]
        # The last layer's forward and backward states stand at the end, in this order.
        both = torch.cat((hidden[-2], hidden[-1]), dim=1)
        logits: torch.Tensor = self.linear(self.dropout(both))
        return logits
