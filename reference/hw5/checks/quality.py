"""How well the student's own networks learn through the student's own training function, on comments they never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from grader.model import Execution, Finding, Judgement, PointResult
from reference.hw5.checks.cells import ask
from reference.hw5.checks.figures import compute_f1
from reference.hw5.checks.recount import Recount
from reference.hw5.checks.replies import (
    Numbers,
    OddReplyError,
    find_error,
    find_number,
    find_reply,
    is_ours,
    judge_none,
    read_list,
    read_map,
    read_numbers,
    read_odd,
)
from reference.hw5.checks.requests import QUALITY_EPOCHS, QUALITY_TYPES, hidden_comments, own_comments
from reference.hw5.checks.signs import inquire

LEARNED = 0.55
METRICS = Path(__file__).parents[1] / "weights" / "metrics.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """One type of network after the grader's five epochs: F1 on the hidden comments and the curves it returned."""

    kind: str
    f1: float | None
    constant: bool = False
    error: str = ""
    losses: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    confirmed: bool = False
    doubt: str = ""


def quality(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_quality``, whose one point is ``f1``: the better of a fresh GRU's and a fresh LSTM's F1."""
    labels = [comment.toxic for comment in hidden_comments(seed)]
    inquest = inquire(execution, seed)
    runs, stops = [], []
    for kind in QUALITY_TYPES:
        reply = ask(question, execution, f"quality_{kind}", ["Network", "train_network"])
        if isinstance(reply, Judgement):
            stops.append(reply)
            continue
        try:
            runs.append(_read_run(kind, reply, labels, inquest.find(f"quality_{kind}")))
        except OddReplyError:
            stops.append(read_odd(question))
    if not runs:
        return stops[0]
    if all(is_ours(run.error) for run in runs if run.error) and not any(run.f1 is not None for run in runs):
        return judge_none(question, runs[0].error)
    result = _judge_best(question, runs)
    # The better of the two earns the mark, so that it is the one which must hold.
    best = max(runs, key=lambda run: -1.0 if run.f1 is None else run.f1)
    stopped = next((stop.review for stop in stops if stop.review), "") if result.share != 1 else ""
    own = _read_own(execution, seed)
    return Judgement(
        results=(result,),
        observed={
            "f1": {run.kind: None if run.f1 is None else round(run.f1, 4) for run in runs},
            "own_networks": own,
            "plot": _build_plot(runs),
        },
        findings=_describe_own(own),
        review=stopped or (best.doubt if result.share else ""),
        confirmed=best.confirmed,
    )


def _read_run(kind: str, reply: Mapping[str, Any], labels: Sequence[int], recount: Recount) -> Trained:
    """Return what one type learned, by the logits that were worked out from its weights where that was possible."""
    if error := find_error(reply):
        return Trained(kind=kind, f1=None, error=error)
    pairs = [pair if isinstance(pair, list | tuple) else [pair] for pair in read_list(reply, "returned")]
    losses, accuracies = (
        tuple(number for pair in pairs if len(pair) > place and (number := find_number(pair[place])) is not None)
        for place in (0, 1)
    )
    outputs = reply.get("logits")
    if error := find_error(outputs):
        return Trained(kind=kind, f1=None, error=error, losses=losses, accuracies=accuracies)
    logits = read_numbers(outputs, len(labels)) if recount.logits is None else recount.logits
    return Trained(
        kind=kind,
        f1=compute_f1(logits, labels, find_threshold(logits)),
        constant=float(np.ptp(logits)) < 1e-3 or bool(np.all(logits > 0) or np.all(logits < 0)),
        losses=losses,
        accuracies=accuracies,
        confirmed=recount.confirmed,
        doubt=recount.doubt,
    )


def find_threshold(logits: Numbers) -> float:
    """Return 0 for logits, 0.5 where all are probabilities (a sigmoid costs its point elsewhere)."""
    return 0.5 if bool(np.all((logits >= 0) & (logits <= 1))) else 0.0


def find_share(f1: float, limits: Mapping[str, Decimal]) -> Decimal:
    """Return the share of the credit for an F1: 1 from ``full_at``, 0.5 at ``half_at``, 0 below ``none_below``.

    Between these it is linear, cut to two decimals.
    """
    full, half, none = (limits[name] for name in ("full_at", "half_at", "none_below"))
    reached = Decimal(str(round(f1, 6)))
    if reached >= half:
        share = Decimal("0.5") + (reached - half) / (full - half) / 2
    else:
        share = (reached - none) / (half - none) / 2
    return min(max(share, Decimal(0)), Decimal(1)).quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def _judge_best(question: Any, runs: Sequence[Trained]) -> PointResult:
    saw = "; ".join(f"{run.kind.upper()}: {_describe(run)}" for run in runs)
    best = max((run for run in runs if run.f1 is not None), key=lambda run: run.f1 or 0.0, default=None)
    if best is None or best.f1 is None:
        message = f"A new network could not be trained through train_network: {runs[0].error}."
        return _lost(saw, "quality_raised", message, Decimal(0))
    share = find_share(best.f1, question.limits)
    if share == 1:
        return PointResult(point="f1", share=share, saw=saw)
    if best.constant and best.f1 < LEARNED:
        message = (
            "After five epochs the network gives every comment the same answer. It did not learn: look at the marks "
            "for the training loop and the network first."
        )
        return _lost(saw, "constant_predictor", message, share)
    message = (
        f"After five epochs on the course's comments the better network reaches F1 {best.f1:.2f}; "
        f"{question.limits['full_at']} earns the full mark. Look at the marks for training loop and network first."
    )
    return _lost(saw, "low_f1", message, share)


def _lost(saw: str, code: str, message: str, share: Decimal) -> PointResult:
    finding = Finding(code=f"notebook.{code}", message=message)
    return PointResult(point="f1", share=share, saw=saw, findings=(finding,))


def _describe(run: Trained) -> str:
    if run.f1 is None:
        return f"raised {run.error[:100]}"
    return f"F1 {run.f1:.3f}{' (one answer for all)' if run.constant else ''}"


def _read_own(execution: Execution, seed: int) -> list[dict[str, Any]]:
    """Return name, class, layer and F1 of the networks that the notebook's own cells left behind."""
    labels = [comment.toxic for comment in own_comments(seed)]
    rows = []
    try:
        reply, _ = find_reply(execution, "own_networks")
        networks = read_map(reply, "networks") if reply is not None else {}
    except OddReplyError:
        return []
    for name, look in networks.items():
        try:
            logits = read_numbers(look.get("logits"), len(labels))
            core = look.get("core")
        except (OddReplyError, AttributeError):
            continue
        layer = str(core.get("kind")) if isinstance(core, Mapping) else ""
        rows.append(
            {
                "name": str(name)[:40],
                "kind": str(look.get("kind"))[:40],
                "layer": layer[:10],
                "f1": round(compute_f1(logits, labels, find_threshold(logits)), 3),
            }
        )
    return rows


def _describe_own(own: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    if not own:
        return ()
    parts = ", ".join(f"`{row['name']}` ({row['kind']}, {row['layer']}) F1 {row['f1']:.2f}" for row in own)
    message = f"What your own cells left behind reaches, on comments it never saw: {parts}. This is shown, not marked."
    if max(row["f1"] for row in own) < LEARNED:
        message += " The sheet's one epoch is short, and another network's optimizer teaches a new one nothing."
    return (Finding(code="notebook.own_networks", message=message),)


def _build_plot(runs: Sequence[Trained]) -> dict[str, Any]:
    """Return the loss per epoch that the student's function returned, beside the reference's where it is shipped."""
    series = [
        {
            "name": f"{run.kind.upper()}, your train_network",
            "x": list(range(1, len(run.losses) + 1)),
            "y": [float(f"{value:.4g}") for value in run.losses],
        }
        for run in runs
        if run.losses
    ]
    for run in runs:
        reference = _reference_losses().get(run.kind, ())
        if reference:
            x = list(range(1, len(reference) + 1))
            series.append({"name": f"{run.kind.upper()}, reference", "x": x, "y": list(reference)})
    return {
        "title": "Training loss of fresh networks on the course's comments",
        "x_label": "epoch",
        "y_label": "mean loss",
        "series": series,
    }


@cache
def _reference_losses() -> dict[str, tuple[float, ...]]:
    """Return the reference's loss per epoch by type, empty where the course ships none."""
    if not METRICS.is_file():
        return {}
    stored = json.loads(METRICS.read_text(encoding="utf-8"))["networks"]
    return {kind: tuple(stored[kind]["loss"][:QUALITY_EPOCHS]) for kind in QUALITY_TYPES if kind in stored}
