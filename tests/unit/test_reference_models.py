import pytest
import torch

from reference.hw5.models import DeepNetwork, Network

TYPES = ["rnn", "gru", "lstm"]
TOKENS = torch.tensor([[2, 3, 4, 5], [5, 4, 3, 2], [6, 6, 7, 7]])  # [seq_len 3, batch 4]
TWO_WAYS = {"num_layers": 2, "bidirectional": True}


def build(network=Network, m_type="gru", **kwargs):
    torch.manual_seed(0)
    return network(9, embedding_dim=5, hidden_size=6, m_type=m_type, **kwargs).eval()


@pytest.mark.parametrize("m_type", TYPES)
def test_logits_have_one_column(m_type):
    assert build(m_type=m_type)(TOKENS).shape == (4, 1)
    assert build(m_type=m_type)(TOKENS[:, :1]).shape == (1, 1)  # a batch of one stays a batch
    assert build(DeepNetwork, m_type, **TWO_WAYS)(TOKENS).shape == (4, 1)


def test_defaults_of_the_template():
    network = Network(9)
    assert (network.embedding.embedding_dim, network.layer.hidden_size, network.dropout.p) == (128, 256, 0.53)
    assert isinstance(network.layer, torch.nn.RNN)
    assert DeepNetwork(9).embedding.embedding_dim == 100


@pytest.mark.parametrize("network", [Network, DeepNetwork])
def test_further_arguments_reach_the_layer(network):
    layer = build(network, num_layers=3, bias=False).layer
    assert (layer.num_layers, layer.bias) == (3, False)


def test_another_type_is_refused():
    with pytest.raises(ValueError, match="m_type must be one of rnn, gru, lstm, not 'transformer'"):
        Network(9, m_type="transformer")


def test_the_assertion_refuses_two_directions_in_the_plain_network():
    with pytest.raises((AssertionError, RuntimeError)):
        build(bidirectional=True)(TOKENS)


@pytest.mark.parametrize("m_type", TYPES)
def test_every_parameter_gets_a_gradient(m_type):
    for network in (build(m_type=m_type), build(DeepNetwork, m_type, **TWO_WAYS)):
        network(TOKENS).square().sum().backward()
        assert [name for name, item in network.named_parameters() if item.grad is None or not item.grad.any()] == []


def test_comments_of_a_batch_do_not_mix():
    for network in (build(), build(DeepNetwork, **TWO_WAYS)):
        alone = torch.cat([network(TOKENS[:, index : index + 1]) for index in range(4)])
        torch.testing.assert_close(network(TOKENS), alone)


def test_deep_network_reads_the_last_layer_in_both_directions():
    """The two states by torch's own names: outputs of the last layer at the last word and, backwards, at the first."""
    network = build(DeepNetwork, "lstm", **TWO_WAYS)
    output, _ = network.layer(network.embedding(TOKENS))
    both = torch.cat((output[-1, :, :6], output[0, :, 6:]), dim=1)
    torch.testing.assert_close(network(TOKENS), network.linear(both))


def test_dropout_works_in_training_only():
    network = build()
    torch.testing.assert_close(network(TOKENS), network(TOKENS))
    network.train()
    assert not torch.equal(network(TOKENS), network(TOKENS))
