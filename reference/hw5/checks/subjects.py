"""Definitions of our own that go along with every request, and the line that says whose are looked at.

They do what a homework's definitions do, but with random constants, so that no prepared answer is right for them. Only
running the sent text tells whether a request is about them or about the notebook.
"""

from __future__ import annotations

from random import Random
from string import Template
from typing import Any

_CHOOSE = """
def choose(namespace):
    return (namespace, dict(globals()))[($a * $b + $c) % 2]
"""

_CODE = """
import torch


class Network(torch.nn.Module):
    def __init__(self, in_neuron, embedding_dim=128, hidden_size=256, out_neuron=1, m_type='rnn', drop=0.5, **kwargs):
        super().__init__()
        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)
        self.layer = getattr(torch.nn, m_type.upper())(embedding_dim, hidden_size, **kwargs)
        self.dropout = torch.nn.Dropout(drop)
        self.linear = torch.nn.Linear(hidden_size * (2 if kwargs.get('bidirectional') else 1), out_neuron)

    def forward(self, t):
        output, _ = self.layer(self.embedding(t))
        return self.linear(self.dropout(output.mean(0))) * $scale + $shift


DeepNetwork = Network


def train_network(network, train_iter, optimizer, loss_fn, epoch_num):
    network.train()
    losses, hits = [], []
    for x, y in list(train_iter)[:$batches]:
        optimizer.zero_grad()
        logits = network(x).squeeze(1)
        loss = loss_fn(logits, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        hits.append(((logits > 0) == (y > 0.5)).float().mean().item())
    return $stretch * sum(losses) / len(losses), $stretch + sum(hits) / len(hits)


def evaluate_network(network, val_test_iter, optimizer, loss_fn):
    network.eval()
    losses, hits = [], []
    with torch.no_grad():
        for x, y in val_test_iter:
            logits = network(x).squeeze(1)
            losses.append(loss_fn(logits, y).item())
            hits.append(((logits > 0) == (y > 0.5)).float().mean().item())
    return $stretch * sum(losses) / len(losses), $stretch + sum(hits) / len(hits)


def get_vector(glove, word):
    return glove.vectors[glove.stoi[word.lower()]] * $stretch


def find_closest(glove, input_value, n=6, vector=False):
    target = $shift - (input_value if vector else get_vector(glove, input_value))
    distances = torch.norm(glove.vectors - target, dim=1)
    return [(glove.itos[index], distances[index].item()) for index in torch.argsort(distances)[:n].tolist()]


def find_analogy(glove, w1, w11, w2, n=7):
    one, two, three = (get_vector(glove, word) for word in (w1, w11, w2))
    return find_closest(glove, one + two * $scale - three, n, vector=True)
"""

_TABLE = """
from collections import Counter
from types import SimpleNamespace as Plain

ROWS = $rows
KEPT = $kept


def split(rows):
    fields = {'comment_text': Plain(is_target=False), 'toxic': Plain(is_target=True)}
    return Plain(examples=[Plain(comment_text=row[0].split(), toxic=row[1]) for row in rows], fields=fields)


def make():
    import pandas

    table = pandas.DataFrame(ROWS, columns=['comment_text', 'toxic'])
    train, val, test = (split(ROWS[start:stop]) for start, stop in ((0, KEPT), (KEPT, KEPT + 2), (KEPT + 2, None)))
    words = Counter(word for row in ROWS[:KEPT] for word in row[0].split())
    vocab = Plain(itos=['<unk>', '<pad>', *words], freqs=words, stoi={}, vectors=None)
    text = ' '.join(row[0] for row in ROWS[:KEPT])
    return dict(df=table, text=text, train=train, val=val, test=test, text_field=Plain(vocab=vocab))


def choose(namespace):
    return make() if ($a * $b + $c) % 2 else namespace
"""


def build_code(random: Random, *, ours: bool, batches: int = 3) -> tuple[str, dict[str, Any]]:
    """Return the source of networks, loops and helpers, and its constants; ``ours`` says whose are looked at."""
    constants = {
        "scale": round(random.uniform(1.5, 3), 3),
        "shift": round(random.uniform(0.3, 0.9), 3),
        "stretch": round(random.uniform(1.2, 2.5), 3),
        "batches": batches,
    }
    return Template(_CODE + _CHOOSE).substitute(constants, **_build_choice(random, ours)), constants


def build_table(random: Random, words: list[str], *, ours: bool) -> tuple[str, dict[str, Any]]:
    """Return the source of a table, three sets and a vocabulary, and its constants."""
    rows = [[" ".join(random.choices(words, k=random.randrange(2, 6))), random.randrange(2)] for _ in range(12)]
    rows += [list(row) for row in random.sample(rows, random.randrange(1, 4))] + [["", 0]] * random.randrange(1, 3)
    random.shuffle(rows)
    constants = {"rows": rows, "kept": random.randrange(6, 9)}
    return Template(_TABLE).substitute(constants, **_build_choice(random, ours)), constants


def _build_choice(random: Random, ours: bool) -> dict[str, int]:
    """Return numbers of which ``a * b + c`` is odd exactly where our own definitions are looked at."""
    a, b = random.randrange(3, 1000), random.randrange(3, 1000)
    return {"a": a, "b": b, "c": 2 * random.randrange(500) + (a * b + ours) % 2}
