import json
from importlib.metadata import version

import pytest
import torch

from reference.hw5.corpus import Comment, build_course_comments, build_hidden_comments
from reference.hw5.models import Network
from reference.hw5.train import (
    HIDDEN_SEED,
    RECIPES,
    WEIGHTS,
    Recipe,
    compute_comments_f1,
    load_network,
    render_model_card,
    save_network,
    train_all,
    train_recipe,
)
from reference.hw5.training import (
    Batches,
    build_vocabulary,
    compute_f1,
    compute_logits,
    encode_comments,
    evaluate_network,
    train_network,
)

COMMENTS = [Comment("you are a fool!", 1), Comment("you are kind", 0), Comment("thanks", 0)]
SMALL = Recipe(name="small", m_type="gru", epochs=2, embedding_dim=16, hidden_size=32)
LOSS = torch.nn.BCEWithLogitsLoss()


@pytest.fixture(autouse=True)
def torch_settings():
    """Training switches torch to deterministic algorithms and one thread: put back what was."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)


def build(drop=0.0):
    torch.manual_seed(1)
    return Network(12, embedding_dim=4, hidden_size=5, m_type="gru", drop=drop)


def batches(size=2):
    return Batches(COMMENTS, build_vocabulary(COMMENTS), size)


def test_vocabulary_and_encoding_are_those_of_torchtext():
    vocabulary = build_vocabulary(COMMENTS)
    assert list(vocabulary) == ["<unk>", "<pad>", "are", "you", "!", "a", "fool", "kind", "thanks"]
    tokens = encode_comments(["you are strange", "thanks"], vocabulary)
    assert tokens.T.tolist() == [[3, 2, 0], [8, 1, 1]]
    assert tokens.dtype == torch.int64


def test_batches_hold_every_comment_once_and_are_shuffled_anew():
    course = build_course_comments()[:500]
    vocabulary = build_vocabulary(course)
    shuffled = Batches(course, vocabulary, 64, seed=1)
    walks = [[x.T.tolist() for x, _ in shuffled] for _ in range(2)]
    assert walks[0] != walks[1]
    assert walks[0] == [x.T.tolist() for x, _ in Batches(course, vocabulary, 64, seed=1)]
    assert sum(len(y) for _, y in shuffled) == 500
    assert sum(float(y.sum()) for _, y in shuffled) == sum(comment.toxic for comment in course)


def test_means_are_per_comment_though_batches_differ_in_size():
    network = build().eval()
    logits = compute_logits(network, [comment.text for comment in COMMENTS], build_vocabulary(COMMENTS))
    labels = torch.tensor([1.0, 0, 0])
    loss, accuracy = evaluate_network(network, batches(size=1), None, LOSS)
    assert loss == pytest.approx(LOSS(logits, labels).item())
    assert accuracy == pytest.approx(((logits > 0) == (labels > 0)).float().mean().item())
    assert evaluate_network(network, list(batches(1)) * 2, None, LOSS) == pytest.approx((loss, accuracy))


def test_evaluation_changes_nothing_and_uses_no_dropout():
    network = build(drop=0.5).train()
    before = {name: item.clone() for name, item in network.state_dict().items()}
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    assert evaluate_network(network, batches(), optimizer, LOSS) == evaluate_network(
        network, batches(), optimizer, LOSS
    )
    assert all(torch.equal(before[name], item) for name, item in network.state_dict().items())
    assert all(item.grad is None for item in network.parameters())


def test_one_batch_is_one_plain_step():
    """Against the step written out: new = old - lr * gradient, from cleared gradients."""
    (x, y), network = next(iter(batches(size=3))), build()
    network(x).sum().backward()  # left-over gradients that must not count
    twin = build()
    expected_loss = LOSS(twin(x).squeeze(1), y)
    grads = torch.autograd.grad(expected_loss, list(twin.parameters()))
    loss, _ = train_network(network, [(x, y)], torch.optim.SGD(network.parameters(), lr=0.1), LOSS, 1)
    assert loss == pytest.approx(expected_loss.item())
    for new, old, grad in zip(network.parameters(), twin.parameters(), grads, strict=True):
        torch.testing.assert_close(new, old - 0.1 * grad)


def test_f1_counts_the_toxic_class():
    logits = torch.tensor([2.0, 1, -1, -2, -3])
    assert compute_f1(logits, [1, 0, 1, 0, 0]) == 0.5
    assert compute_f1(-logits.abs(), [1, 0, 0, 0, 0]) == 0
    assert compute_f1(torch.tensor([-1.0]), [0]) == 0


def test_padding_does_not_touch_logits():
    vocabulary = build_vocabulary(COMMENTS)
    network = build().eval()
    texts = [comment.text for comment in COMMENTS]
    alone = [compute_logits(network, [text], vocabulary).item() for text in texts]
    assert compute_logits(network, texts, vocabulary).tolist() == pytest.approx(alone, abs=1e-6)


def test_a_small_network_learns_and_a_second_run_is_identical():
    course = build_course_comments()
    vocabulary = build_vocabulary(course[:4000])
    first, curves = train_recipe(SMALL, course[:4000], course[4000:4300], vocabulary)
    second, again = train_recipe(SMALL, course[:4000], course[4000:4300], vocabulary)
    assert curves == again
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert curves["loss"][-1] < 0.5 * curves["loss"][0]
    assert compute_comments_f1(first, build_hidden_comments(77), vocabulary) > 0.9


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_shipped_networks_know_comments_that_nobody_has_seen(recipe):
    network, vocabulary = load_network(recipe.name)
    for seed in (424242, -1):
        assert compute_comments_f1(network, build_hidden_comments(seed), vocabulary) >= 0.97


def test_metrics_and_card_belong_to_the_shipped_weights():
    metrics = json.loads((WEIGHTS / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["networks"]) == {recipe.name for recipe in RECIPES}
    for recipe in RECIPES:
        stored = metrics["networks"][recipe.name]
        network, vocabulary = load_network(recipe.name)
        found = compute_comments_f1(network, build_hidden_comments(HIDDEN_SEED), vocabulary)
        assert stored["hidden_f1"] == pytest.approx(found, abs=1e-3)
        assert len(stored["loss"]) == len(stored["val_accuracy"]) == recipe.epochs
        assert stored["parameters"] == sum(item.numel() for item in network.parameters())
    assert metrics["versions"]["torch"].partition("+")[0] == version("torch").partition("+")[0]
    assert (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8") == render_model_card(metrics)
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 2_000_000


def test_saved_networks_come_back(tmp_path):
    network, words = SMALL.build_network(9), build_vocabulary(COMMENTS)
    save_network(tmp_path / "one" / "small.safetensors", network, SMALL, words)
    loaded, vocabulary = load_network("small", tmp_path / "one")
    assert vocabulary == words
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True))


def test_the_command_writes_weights_metrics_and_card(tmp_path, monkeypatch):
    monkeypatch.setattr("reference.hw5.train.TRAINING_COMMENTS", 200)
    monkeypatch.setattr("reference.hw5.train.VALIDATION_COMMENTS", 50)
    said = []
    tiny = Recipe(name="tiny", m_type="rnn", epochs=1, embedding_dim=2, hidden_size=2)
    for folder in ("one", "two"):
        train_all(tmp_path / folder, [tiny], said.append)
    names = ["MODEL_CARD.md", "metrics.json", "tiny.safetensors"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert said[0].startswith("tiny: ")
