"""Each accepted formula of a rubric against its oracle in the course's reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader import ONE_THREAD
from grader.course import Course
from grader.errors import ConfigError, InfrastructureError
from grader.formula.bank import build_bank
from grader.formula.compare import find_moments
from grader.formula.evaluate import evaluate, limit_operations
from grader.formula.worlds import World

RTOL, DIFFERENCES_RTOL = 1e-9, 1e-5
_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One accepted formula against its oracle. ``gap`` is the largest relative difference; "" in ``wrong`` is good."""

    criterion: str
    reading: str
    oracle: str
    gap: float
    wrong: str = ""


def prove_formulas(course: Course, tell: Callable[[str], None] = lambda _: None) -> list[Proof]:
    """Return the proof of each reading of a formula. Raises InfrastructureError where an oracle gives no answer."""
    asked = list(_find_readings(course))
    proofs = []
    for module in dict.fromkeys(item["module"] for item in asked):
        mine = [item for item in asked if item["module"] == module]
        tell(f"{len(mine)} formulas against {module}")
        requests = [{name: item[name] for name in ("quantity", "oracle", "inputs", "moments")} for item in mine]
        proofs += [_compare(item, reply) for item, reply in zip(mine, _ask(course, module, requests), strict=True)]
    return proofs


def _find_readings(course: Course) -> Iterator[dict[str, Any]]:
    """Yield what to ask for each accepted reading, with the values that its formula has."""
    for criterion in course.rubric.criteria:
        question = criterion.question
        if question.kind != "formula" or not course.rubric.worlds[question.world].oracles:
            continue
        bank = build_bank(question, course.rubric.worlds[question.world], course.resolve)
        for name, rule in question.readings.items():
            world = bank.find_worlds("identity" if "identity" in rule.oracle else "generic")[0]
            moments = list(find_moments(world, bank.times))
            with limit_operations(None):
                values = [evaluate(bank.readings[name], world, moment) for moment in moments]
            yield {
                "criterion": criterion.id,
                "reading": name,
                "module": course.rubric.worlds[question.world].oracles,
                "quantity": question.asked[0],
                "oracle": rule.oracle,
                "inputs": _find_inputs(world),
                "moments": moments,
                "values": values,
            }


def _find_inputs(world: World) -> dict[str, Any]:
    """Return the numbers of a world's quantities, by name and time indices ("1", "3,1", "" for none)."""
    return {
        name: {",".join(map(str, times)): np.asarray(value).tolist() for times, value in by_time.items()}
        for name, by_time in world.values.items()
        if "/" not in name
    }


def _ask(course: Course, module: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the oracle's answers; torch lives in its process, not in ours. Raises InfrastructureError."""
    if not module.startswith("reference."):
        raise ConfigError(f"worlds: {module} is no module of the course's reference")
    try:
        run = subprocess.run(  # noqa: S603  # the course's own module
            [sys.executable, "-m", module],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
            cwd=course.root,
            env={**os.environ, **ONE_THREAD},
        )
        answers: list[dict[str, Any]] = json.loads(run.stdout)
    except subprocess.CalledProcessError as error:
        raise InfrastructureError(f"{module} failed: {error.stderr.strip()[-500:]}") from None
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise InfrastructureError(f"{module} gave no answer: {error}") from None
    return answers


def _compare(item: dict[str, Any], reply: dict[str, Any]) -> Proof:
    gaps = {}
    for way in ("gradients", "differences"):
        pairs = zip(item["values"], reply[way], strict=True)
        gaps[way] = max(_find_gap(np.asarray(ours, dtype=np.float64), np.asarray(theirs)) for ours, theirs in pairs)
    wrong = "" if gaps["gradients"] <= RTOL else "is not what automatic differentiation gives"
    if not wrong and gaps["differences"] > DIFFERENCES_RTOL:
        wrong = "is not what central differences give"
    names = {name: item[name] for name in ("criterion", "reading", "oracle")}
    return Proof(**names, gap=gaps["gradients"], wrong=wrong)


def _find_gap(ours: Any, theirs: Any) -> float:
    if ours.size != theirs.size:
        return float("inf")
    scale = float(np.abs(theirs).max(initial=0.0))
    return float(np.abs(ours.reshape(theirs.shape) - theirs).max(initial=0.0)) / max(scale, 1e-12)
