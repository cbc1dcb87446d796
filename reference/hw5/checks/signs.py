"""Signs that a notebook meddled with its own process: for a person, never a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.model import Execution
from reference.hw5.checks.canaries import find_failed
from reference.hw5.checks.figures import compute_f1
from reference.hw5.checks.forward import Formula
from reference.hw5.checks.recount import Recount, read_logits, recount_looks, recount_quality
from reference.hw5.checks.replies import OddReplyError, find_error, find_reply
from reference.hw5.checks.requests import CANARY, QUALITY_TYPES, find_arguments, find_requests, hidden_comments
from reference.hw5.checks.retrace import recount_loop

UNMOVED = 0.02  # of the logits' own spread: other weights throughout move an honest network's logits far more
LEARNED = 0.55  # F1 that no untrained network reaches

NOTHING = Recount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquest:
    """What working the replies out anew has shown, by probe, and the signs of tampering."""

    recounts: Mapping[str, Recount]
    signs: tuple[str, ...]

    def find(self, probe: str) -> Recount:
        """Return what became of one probe's reply."""
        return self.recounts.get(probe, NOTHING)


_last: tuple[Execution, int, Inquest] | None = None


def signs(execution: Execution, seed: int) -> tuple[str, ...]:
    """Return the signs of tampering, in words for staff; none for an honest notebook, however odd."""
    return inquire(execution, seed).signs


def inquire(execution: Execution, seed: int) -> Inquest:
    """Return what is known of a run; kept until another run is asked for, since all criteria of one run ask."""
    global _last
    kept = _last
    if kept is None or kept[0] is not execution or kept[1] != seed:
        recounts = _recount(execution, seed)
        found = [f"{_name(name)}: {item.contradiction}" for name, item in recounts.items() if item.contradiction]
        found += [
            f"{_name(name)}: a request about our own code got a wrong answer" for name in find_failed(execution, seed)
        ]
        found += [f"{_name(name)}: predictions do not move with the weights" for name in _find_unmoved(execution)]
        found += [f"{_name(name)}: answered faster than the work can be done" for name in _find_hasty(execution, seed)]
        kept = _last = (execution, seed, Inquest(recounts=recounts, signs=tuple(dict.fromkeys(found))))
    return kept[2]


def _name(name: str) -> str:
    return name.removeprefix(CANARY).removeprefix("quality_") if name.startswith(CANARY) else name


def find_value(execution: Execution, name: str) -> Mapping[str, Any] | None:
    """Return a probe's reply where there is one that can be looked at."""
    try:
        reply, _ = find_reply(execution, name)
    except OddReplyError:
        return None
    return None if reply is None or reply.get("found", True) is None else reply


def _recount(execution: Execution, seed: int) -> dict[str, Recount]:
    """Return the recount of every reply that has one; a reply that is no probe's is dealt with elsewhere."""
    device, recounts = execution.device, {}

    def attempt(name: str, recount: Any, *more: Any) -> None:
        value = find_value(execution, name)
        try:
            if value is not None:
                recounts[name] = recount(value, find_arguments(seed, name), *more, device)
        except (OddReplyError, AttributeError, TypeError, KeyError, IndexError):
            recounts[name] = NOTHING

    attempt("network", recount_looks)
    attempt("deep", recount_looks)
    looks = recounts.get("network", NOTHING)
    formulas: Mapping[str, Formula] = looks.formulas
    evaluated = find_value(execution, "evaluate") or {}
    same = evaluated.get("before") is not None and evaluated.get("before") == evaluated.get("after")
    for name in ("evaluate", "train"):
        attempt(name, recount_loop, looks, same)
    steady = any(recounts.get(name, NOTHING).steady for name in ("evaluate", "train"))
    for kind in QUALITY_TYPES:
        attempt(f"quality_{kind}", recount_quality, formulas.get(kind), steady)
    return recounts


def _find_unmoved(execution: Execution) -> list[str]:
    """Return the probes in which logits that differ between comments stay the same with all weights changed."""
    found = []
    for name in ("network", "deep"):
        value = find_value(execution, name)
        types = value.get("types") if value is not None else None
        for look in types.values() if isinstance(types, Mapping) else ():
            if isinstance(look, Mapping) and isinstance(look.get("logits"), Mapping):
                before, after = look["logits"].get("many"), look.get("moved")
                if _is_unmoved(
                    *(item.get("values") if isinstance(item, Mapping) else None for item in (before, after))
                ):
                    found.append(name)
    for kind in QUALITY_TYPES:
        value = find_value(execution, f"quality_{kind}")
        if value is not None and not _has_failed(value) and _is_unmoved(value.get("logits"), value.get("moved")):
            found.append(f"quality_{kind}")
    return found


def _has_failed(value: Mapping[str, Any]) -> bool:
    """Return whether a reply says that the student's code raised, or is not a probe's at all."""
    try:
        return bool(find_error(value))
    except OddReplyError:
        return True


def _is_unmoved(before: Any, after: Any) -> bool:
    if not isinstance(before, list | tuple) or not isinstance(after, list | tuple) or not after:
        return False
    try:
        one, two = (read_logits({"values": list(row[: len(after)])}, len(after)) for row in (before, after))
    except OddReplyError:
        return False
    if one is None or two is None or np.ptp(one) <= 1e-3:
        return False
    return bool(np.max(np.abs(one - two)) < UNMOVED * np.ptp(one))


def _find_hasty(execution: Execution, seed: int) -> list[str]:
    """Return the trainings that succeeded in less time than they can take."""
    found = []
    labels = [comment.toxic for comment in hidden_comments(seed)]
    for kind in QUALITY_TYPES:
        name = f"quality_{kind}"
        value, reply = find_value(execution, name), execution.replies.get(name)
        if value is None or reply is None or not 0 < reply.seconds < find_requests(seed)[name].least_seconds:
            continue
        try:
            logits = read_logits({"values": value.get("logits")}, len(labels))
        except OddReplyError:
            continue
        if logits is not None and max(compute_f1(logits, labels, level) for level in (0.0, 0.5)) >= LEARNED:
            found.append(name)
    return found
