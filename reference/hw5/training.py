"""Training and evaluation as the template fixes them, and batches made without torchtext."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy
import torch

from reference.hw5.corpus import Comment, tokenize

Batch = tuple[torch.Tensor, torch.Tensor]
"""Token ids, int64 [seq_len, batch], and labels, float32 [batch]."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

UNKNOWN, PADDING = 0, 1


def train_network(
    network: torch.nn.Module,
    train_iter: Iterable[Batch],
    optimizer: torch.optim.Optimizer,
    loss_fn: Loss,
    epoch_num: int,
) -> tuple[float, float]:
    """Train for one pass over ``train_iter``; return the mean loss and the mean accuracy per comment.

    ``epoch_num`` is the number of this pass, which a notebook shows in its progress bar; nothing depends on it.
    """
    network.train()
    sums = _Sums()
    for x, y in train_iter:
        optimizer.zero_grad()
        logits = network(x).squeeze(1)
        loss = loss_fn(logits, y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        sums.add(loss, logits, y)
    return sums.means()


def evaluate_network(
    network: torch.nn.Module,
    val_test_iter: Iterable[Batch],
    optimizer: torch.optim.Optimizer | None,
    loss_fn: Loss,
) -> tuple[float, float]:
    """Return the mean loss and the mean accuracy per comment, in evaluation mode and without gradients.

    The template hands over an ``optimizer``, which an evaluation has no use for.
    """
    network.eval()
    sums = _Sums()
    with torch.no_grad():
        for x, y in val_test_iter:
            logits = network(x).squeeze(1)
            sums.add(loss_fn(logits, y), logits, y)
    return sums.means()


class _Sums:
    """Loss and hits summed over batches of unequal size, so that the means are per comment."""

    def __init__(self) -> None:
        self.loss, self.hits, self.count = 0.0, 0, 0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, y: torch.Tensor) -> None:
        self.loss += loss.item() * len(y)
        self.hits += int(((logits > 0) == (y > 0.5)).sum())  # a logit above 0 is a probability above one half
        self.count += len(y)

    def means(self) -> tuple[float, float]:
        return self.loss / self.count, self.hits / self.count


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, take one thread, and let torch refuse what is not deterministic."""
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def build_vocabulary(comments: Iterable[Comment]) -> dict[str, int]:
    """Return words to ids in torchtext's order: ``<unk>``, ``<pad>``, then by falling frequency, equals by spelling."""
    counts = Counter(word for comment in comments for word in tokenize(comment.text))
    words = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: index for index, word in enumerate(["<unk>", "<pad>", *words])}


def encode_comments(texts: Sequence[str], vocabulary: Mapping[str, int]) -> torch.Tensor:
    """Return token ids, int64 [longest, len(texts)]: words outside the vocabulary unknown, short comments padded."""
    rows = [[vocabulary.get(word, UNKNOWN) for word in tokenize(text)] for text in texts]
    longest = max(map(len, rows))
    return torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows]).T.contiguous()


class Batches:
    """Comments as batches of similar length, as torchtext's BucketIterator makes them.

    With a ``seed``, every walk shuffles comments and batches anew, from an own generator.
    """

    def __init__(
        self, comments: Sequence[Comment], vocabulary: Mapping[str, int], size: int, seed: int | None = None
    ) -> None:
        self.comments, self.vocabulary, self.size = comments, vocabulary, size
        self.random = None if seed is None else random.Random(seed)  # noqa: S311, reproducible, not secret

    def __iter__(self) -> Iterator[Batch]:
        comments = list(self.comments)
        if self.random:
            self.random.shuffle(comments)
        comments.sort(key=lambda comment: len(tokenize(comment.text)))  # stable: equal lengths stay shuffled
        starts = list(range(0, len(comments), self.size))
        if self.random:
            self.random.shuffle(starts)
        for start in starts:
            chosen = comments[start : start + self.size]
            x = encode_comments([comment.text for comment in chosen], self.vocabulary)
            yield x, torch.tensor([float(comment.toxic) for comment in chosen])


def compute_logits(network: torch.nn.Module, texts: Sequence[str], vocabulary: Mapping[str, int]) -> torch.Tensor:
    """Return the logits of comments in their order, float32 [texts], in evaluation mode.

    Only comments of one length go in together: the networks read padding as they read words, and long padding, which
    training hardly shows them, spoils a short comment.
    """
    by_length: dict[int, list[int]] = {}
    for index, text in enumerate(texts):
        by_length.setdefault(len(tokenize(text)), []).append(index)
    logits = torch.zeros(len(texts))
    network.eval()
    with torch.no_grad():
        for chosen in by_length.values():
            logits[chosen] = network(encode_comments([texts[index] for index in chosen], vocabulary)).squeeze(1)
    return logits


def compute_f1(logits: torch.Tensor, labels: Sequence[int]) -> float:
    """Return F1 of the toxic class, 2 TP / (2 TP + FP + FN); 0 where nothing is predicted or labelled toxic."""
    predicted, actual = logits > 0, torch.tensor(labels) > 0
    hits = int((predicted & actual).sum())
    total = int(predicted.sum()) + int(actual.sum())
    return 2 * hits / total if total else 0.0
