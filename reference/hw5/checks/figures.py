"""Loss, accuracy and F1 from logits, in NumPy, and the ways in which a reported mean goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.model import PointResult
from reference.hw5.checks.replies import Numbers, OddReplyError, earned, find_number, lost, read_numbers


def compute_loss(logits: Numbers, labels: Sequence[int]) -> float:
    """Return the mean binary cross-entropy of logits, computed so that large ones do not overflow."""
    y = np.asarray(labels, dtype=np.float64)
    return float(np.mean(np.maximum(logits, 0) - logits * y + np.log1p(np.exp(-np.abs(logits)))))


def compute_accuracy(logits: Numbers, labels: Sequence[int], threshold: float = 0.0) -> float:
    """Return the share of comments on the right side of ``threshold`` (0 for logits, 0.5 for probabilities)."""
    return float(np.mean((logits > threshold) == (np.asarray(labels) > 0.5)))


def compute_f1(logits: Numbers, labels: Sequence[int], threshold: float = 0.0) -> float:
    """Return F1 of the toxic class, 2 TP / (2 TP + FP + FN), 0 where nothing is predicted or labelled toxic."""
    predicted, actual = logits > threshold, np.asarray(labels) > 0.5
    total = int(predicted.sum() + actual.sum())
    return 2 * int((predicted & actual).sum()) / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Per batch: sizes, losses and accuracies; for the first and the last time that each batch was sent through.

    ``squashed`` says that all outputs lie between 0 and 1, as probabilities do.
    """

    sizes: tuple[int, ...]
    losses: tuple[tuple[float, ...], ...]
    accuracies: tuple[tuple[float, ...], ...]
    squashed_losses: tuple[float, ...]
    half_accuracies: tuple[float, ...]
    squashed: bool


def build_figures(forwards: Sequence[Mapping[str, Any]], batches: Sequence[Mapping[str, Any]]) -> Figures:
    """Return the figures of the batches that were sent through the network. Raises OddReplyError."""
    passes: list[list[tuple[Numbers, Sequence[int]]]] = [[], []]
    for index, batch in enumerate(batches):
        labels = batch["labels"]
        seen = [read_numbers(event.get("logits"), len(labels)) for event in forwards if event["batch"] == index]
        if seen:
            passes[0].append((seen[0], labels))
            passes[1].append((seen[-1], labels))
    if not passes[0]:
        raise OddReplyError
    first = passes[0]
    return Figures(
        sizes=tuple(len(labels) for _, labels in first),
        losses=tuple(tuple(compute_loss(*item) for item in one) for one in passes),
        accuracies=tuple(tuple(compute_accuracy(*item) for item in one) for one in passes),
        squashed_losses=tuple(compute_loss(1 / (1 + np.exp(-logits)), labels) for logits, labels in first),
        half_accuracies=tuple(compute_accuracy(logits, labels, 0.5) for logits, labels in first),
        squashed=all(bool(((logits >= 0) & (logits <= 1)).all()) for logits, _ in first),
    )


def _means(values: Sequence[float], sizes: Sequence[int]) -> tuple[float, float]:
    """Return the mean over batches and the mean over comments: both are accepted."""
    return float(np.mean(values)), float(np.average(values, weights=sizes))


def _is_close(question: Any, device: str, quantity: str, observed: float, expected: float) -> bool:
    for item in question.tolerances:
        if item.quantity == quantity and item.device == device:
            return bool(abs(observed - expected) <= item.atol + item.rtol * abs(expected))
    raise ValueError(f"the rubric gives no tolerance for {quantity} on {device}")


def judge_loss(question: Any, device: str, figures: Figures, returned: Sequence[Any]) -> PointResult:
    """Return the point ``mean_loss``: the loss that the function returned against that of the logits it saw."""
    if not returned or (told := find_number(returned[0])) is None:
        return _no_pair("mean_loss", returned)
    right = [mean for losses in figures.losses for mean in _means(losses, figures.sizes)]
    saw = f"returned {told:.4f}; the logits give {min(right, key=lambda value: abs(value - told)):.4f}"

    def close(value: float) -> bool:
        return _is_close(question, device, "loss", told, value)

    if any(close(value) for value in right):
        return earned("mean_loss", saw)
    other = find_number(returned[1]) if len(returned) > 1 else None
    if other is not None and any(_is_close(question, device, "loss", other, value) for value in right):
        return _swapped("mean_loss", saw)
    losses = figures.losses[0]
    for code, message, values in (
        (
            "sigmoid_before_loss",
            "The loss is that of sigmoid(logits), but BCEWithLogitsLoss takes the sigmoid itself: give it the logits.",
            _means(figures.squashed_losses, figures.sizes),
        ),
        (
            "loss_summed",
            "The loss is summed over the batches: divide by their number, len(iterator).",
            (sum(losses), sum(loss * size for loss, size in zip(losses, figures.sizes, strict=True))),
        ),
        (
            "loss_of_last_batch",
            "The loss is that of the last batch alone: average over all batches.",
            (losses[-1], losses[-1] / len(losses)),
        ),
        (
            "loss_wrong_divisor",
            "The summed loss is divided by the wrong number: the loss function has averaged over each batch already, "
            "so divide by the number of batches.",
            (sum(losses) / sum(figures.sizes), sum(losses) / max(figures.sizes)),
        ),
    ):
        if any(close(value) for value in values):
            return lost("mean_loss", saw, code, message)
    return lost("mean_loss", saw, "wrong_loss", "The returned loss is not the mean of the loss over the batches.")


def judge_accuracy(question: Any, device: str, figures: Figures, returned: Sequence[Any]) -> PointResult:
    """Return the point ``mean_accuracy``; a fraction and a percentage are both accepted."""
    if len(returned) < 2 or (told := find_number(returned[1])) is None:
        return _no_pair("mean_accuracy", returned)
    right = [mean for values in figures.accuracies for mean in _means(values, figures.sizes)]
    if figures.squashed:  # the network's own mistake, lost there: its outputs are probabilities
        right += _means(figures.half_accuracies, figures.sizes)
    saw = f"returned {told:.4f}; the logits give {min(right, key=lambda value: abs(value - told)):.4f}"

    def close(value: float) -> bool:
        return _is_close(question, device, "accuracy", told, value)

    if any(close(value) or close(100 * value) for value in right):
        return earned("mean_accuracy", saw)
    first = find_number(returned[0])
    if first is not None and any(_is_close(question, device, "accuracy", first, value) for value in right):
        return _swapped("mean_accuracy", saw)
    hits = figures.accuracies[0]
    counts = [value * size for value, size in zip(hits, figures.sizes, strict=True)]
    for code, message, values in (
        (
            "accuracy_summed",
            "The accuracy is summed instead of averaged: divide the summed batch accuracies by the number of batches, "
            "or the hits by the number of comments.",
            (sum(hits), sum(counts), 100 * sum(hits), sum(counts) / len(counts)),
        ),
        (
            "threshold_on_logits",
            "The logits are compared with 0.5 (or rounded) as if they were probabilities: take the sigmoid first, or "
            "compare with 0.",
            (*_means(figures.half_accuracies, figures.sizes), sum(figures.half_accuracies)),
        ),
        (
            "accuracy_of_last_batch",
            "The accuracy is that of the last batch alone: average over all batches.",
            (hits[-1],),
        ),
        (
            "accuracy_wrong_divisor",
            "The accuracy is divided by the wrong number: divide summed batch accuracies by the number of batches, or "
            "hits by the number of comments.",
            (sum(hits) / sum(figures.sizes), sum(counts) / (len(counts) * max(figures.sizes))),
        ),
    ):
        if any(close(value) for value in values):
            return lost("mean_accuracy", saw, code, message)
    message = "The returned accuracy is not the share of comments whose logit lies on the right side of 0."
    return lost("mean_accuracy", saw, "wrong_accuracy", message)


def _no_pair(point: str, returned: Sequence[Any]) -> PointResult:
    saw = "nothing was returned" if list(returned) in ([], [None]) else "no (loss, accuracy) pair of numbers"
    return lost(point, saw, "return_value", "Return two numbers: the mean loss and the mean accuracy, in this order.")


def _swapped(point: str, saw: str) -> PointResult:
    return lost(point, saw, "return_order", "Return (mean loss, mean accuracy) in this order.", share=0.5)
