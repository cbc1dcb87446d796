"""The loops worked out anew: their networks' logits, the weights' way, and the gradients of the last linear layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from reference.hw5.checks.forward import (
    PLAIN,
    Formula,
    Parts,
    Weights,
    agrees,
    apply_linears,
    compute_features,
    compute_logits,
    compute_outputs,
    find_parts,
    read_layout,
    unpack,
)
from reference.hw5.checks.recount import Recount, read_logits, twins_agree
from reference.hw5.checks.replies import Numbers, OddReplyError, read_list, read_map, read_numbers

MOST_DROPPED = 8  # features of which every way to drop some is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loop:
    """A loop's network and the batches that it was sent."""

    parts: Parts
    formula: Formula
    batches: Sequence[Mapping[str, Any]]
    drop: float
    device: str

    def eval(self, weights: Weights, batch: int) -> Numbers:
        return compute_logits(weights, self.parts, self.formula, self.batches[batch]["tokens"])

    def agree(self, looks: Any, weights: Weights) -> bool:
        """Return whether the logits of all batches are those of ``weights``."""
        if not isinstance(looks, list | tuple) or len(looks) != len(self.batches):
            raise OddReplyError
        for batch, look in enumerate(looks):
            logits = read_logits(look, len(self.batches[batch]["labels"]))
            if logits is None or not agrees(logits, self.eval(weights, batch), self.device):
                return False
        return True

    def find_dropped(self, logits: Numbers, weights: Weights, batch: int) -> Numbers | None:
        """Return the features [comments, features] that give ``logits`` when some are dropped, None if none do."""
        outputs = compute_outputs(weights, self.parts, self.batches[batch]["tokens"])
        features = compute_features(outputs, self.formula)
        if features.shape[1] > MOST_DROPPED or len(self.parts.linears) > 1:
            return None
        masks = np.array(list(product((0.0, 1.0), repeat=features.shape[1]))) / (1 - self.drop)
        options = (features[:, None, :] * masks).reshape(-1, features.shape[1])
        gaps = apply_linears(options, weights, self.parts, self.formula).reshape(len(features), -1) - logits[:, None]
        best = np.argmin(np.abs(gaps), axis=1)
        close = np.abs(gaps[np.arange(len(features)), best]) <= (1e-4 if self.device == "cpu" else 1e-2)
        return features * masks[best] if close.all() else None


def recount_loop(
    reply: Mapping[str, Any], arguments: Mapping[str, Any], looks: Recount, steady: bool, device: str
) -> Recount:
    """Work out what a loop's network answered before, during and after. Raises OddReplyError.

    ``looks`` tells the formula of the student's own GRU as far as known; the grader's own network has the plain one.
    ``steady`` says that the evaluation loop's network answered the same twice.
    """
    formula = looks.formulas.get("gru")
    if looks.separate and steady and not _all_twins_agree(reply, arguments):
        return Recount(contradiction="a loop's network answers two equal comments differently")
    ours = reply.get("network") == "grader"
    known = PLAIN if ours else formula
    layout = read_layout(reply.get("layout"))
    start, final = (unpack(reply.get(name), layout) for name in ("start", "final"))
    parts = find_parts(start, arguments["sizes"]["in_neuron"], "gru") if start is not None else None
    if known is None or start is None or final is None or parts is None:
        return Recount()
    loop = _Loop(parts=parts, formula=known, batches=arguments["batches"], drop=arguments["drop"], device=device)
    before, after = loop.agree(reply.get("before"), start), loop.agree(reply.get("after"), final)
    # A network that answers otherwise every time (dropout that is never off) is no contradiction.
    steady = ours or before or reply.get("before") == reply.get("after")
    contradiction = "" if before and after else "a loop's network answers otherwise than its weights"
    if not _movement_agrees(reply, start, final):
        contradiction = contradiction or "the weights of a loop's network moved otherwise than was said"
    walked, falsely, dropped = _recount_forwards(reply, loop, layout)
    if falsely:
        contradiction = contradiction or "a loop's logits are not those of the weights at that time"
    doubts = []
    if dropped and before and after:
        doubts.append("the network dropped units while it was said to be in evaluation mode")
    stepped = _steps_agree(reply, loop, layout, start, arguments.get("lr", 0.05))
    return Recount(
        confirmed=not contradiction and walked and stepped,
        contradiction=contradiction if steady else "",
        doubt="; ".join(doubts + ([] if stepped else ["the steps that were noted do not lead to the weights"])),
        steady=before and after,
    )


def _all_twins_agree(reply: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    return all(
        twins_agree(look, batch["tokens"])
        for name in ("before", "after")
        for look, batch in zip(read_list(reply, name), arguments["batches"], strict=False)
    )


def _movement_agrees(reply: Mapping[str, Any], start: Weights, final: Weights) -> bool:
    movement = read_map(reply, "movement")
    for name, item in start.items():
        claimed, norm = movement.get(name), float(np.linalg.norm(final[name] - item))
        if not isinstance(claimed, int | float) or abs(claimed - norm) > 1e-3 * (norm + 1e-3):
            return False
    return True


def _recount_forwards(reply: Mapping[str, Any], loop: _Loop, layout: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    """Return whether all noted forwards follow from their weights, whether one in evaluation mode does not, or dropped.

    The last is that it follows with some of its units dropped, as in training mode.
    """
    walked, falsely, dropped, dropping = True, False, False, False
    training = []
    for event in read_list(reply, "events"):
        if not isinstance(event, Mapping) or event.get("event") != "forward":
            continue
        batch = event.get("batch")
        if not isinstance(batch, int) or batch not in range(len(loop.batches)):
            continue
        weights = unpack(event.get("weights"), layout)
        if weights is None:
            walked = False
            continue
        logits = read_numbers(event.get("logits"), len(loop.batches[batch]["labels"]))
        plain = agrees(logits, loop.eval(weights, batch), loop.device)
        masked = not plain and loop.find_dropped(logits, weights, batch) is not None
        training.append(event.get("training") is True)
        dropped |= masked
        walked &= masked if training[-1] else plain
        falsely |= not training[-1] and not plain and not masked
        dropping |= not training[-1] and masked
    return walked and bool(training) and (dropped or not any(training)), falsely, dropping


def _steps_agree(reply: Mapping[str, Any], loop: _Loop, layout: Mapping[str, Any], start: Weights, lr: float) -> bool:
    """Return whether Adam leads from the noted gradients of the last linear layer to its weights at each forward."""
    name = loop.parts.linears[-1][0]
    head: Numbers = start[name].reshape(-1)[:200].copy()
    mean, square, count = np.zeros_like(head), np.zeros_like(head), 0
    for event in read_list(reply, "events"):
        if not isinstance(event, Mapping):
            raise OddReplyError
        taken = event.get("head") if event.get("event") == "step" else None
        if taken is not None and isinstance(taken, list | tuple):
            if len(taken) != len(head):
                return True  # the diary looked at another layer
            gradient, count = read_numbers(taken, len(head)), count + 1
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            head = head - lr * (mean / (1 - 0.9**count)) / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)
        weights = unpack(event.get("weights"), layout) if event.get("event") == "forward" else None
        if count and weights is not None and not np.allclose(weights[name].reshape(-1)[:200], head, atol=1e-3):
            return False
    return True


def is_gradient_own(
    reply: Mapping[str, Any], arguments: Mapping[str, Any], formula: Formula | None, device: str
) -> bool | None:
    """Return whether each noted gradient is that of its own batch's loss, None where that cannot be told."""
    known = PLAIN if reply.get("network") == "grader" else formula
    layout = read_layout(reply.get("layout"))
    start = unpack(reply.get("start"), layout)
    parts = find_parts(start, arguments["sizes"]["in_neuron"], "gru") if start is not None else None
    if known is None or known.squash or parts is None:
        return None
    loop = _Loop(parts=parts, formula=known, batches=arguments["batches"], drop=arguments["drop"], device=device)
    own: Numbers | None = None
    told: bool | None = None
    for event in read_list(reply, "events"):
        if event.get("event") == "forward":
            own, batch = None, event.get("batch")
            weights = unpack(event.get("weights"), layout)
            if weights is not None and isinstance(batch, int) and batch in range(len(loop.batches)):
                labels = np.asarray(loop.batches[batch]["labels"], dtype=np.float64)
                logits = read_numbers(event.get("logits"), len(labels))
                features = loop.find_dropped(logits, weights, batch)
                own = None if features is None else (1 / (1 + np.exp(-logits)) - labels) @ features
        elif event.get("event") == "backward" and own is not None:
            head = event.get("head")
            if not isinstance(head, list | tuple) or len(head) != len(own):
                return None
            noted = read_numbers(head, len(own))
            norms = float(np.linalg.norm(noted) * np.linalg.norm(own))
            told = told is not False and (norms == 0 or float(noted @ own) / norms > 0.99)
    return told
