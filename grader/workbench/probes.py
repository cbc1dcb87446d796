"""Whether what is asked of notebooks can be asked: the probes' file, the requests and the functions that judge."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from grader.codec import find_line, find_non_json, load_record, load_text
from grader.course import Course
from grader.errors import ConfigError, Problem
from grader.kinds import Context
from grader.rubric import Rubric

_SEED = b"grade check"


def find_probe_problems(course: Course) -> list[Problem]:
    """Return what is wrong with the rubric's ``notebook:`` section; the files it names were looked for on loading."""
    if course.rubric.notebook is None:
        return []
    lines = load_record(Rubric, course.rubric_path)[1]
    path = course.root / course.rubric.notebook.probes
    try:
        defined = _find_functions(load_text(path))
    except SyntaxError as error:
        return [Problem(file=str(path), line=error.lineno, where="probes", message=f"is no Python: {error.msg}")]
    return [
        Problem(
            file=str(course.rubric_path),
            line=find_line(("notebook", name), lines),
            where=f"notebook.{name}",
            message=message,
        )
        for name, message in _find_problems(course, course.rubric.notebook, defined)
    ]


def _find_functions(source: str) -> set[str]:
    return {item.name for item in ast.parse(source).body if isinstance(item, ast.FunctionDef)}


def _find_problems(course: Course, settings: Any, defined: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (field, message)."""
    if settings.signs:
        try:
            course.resolve(settings.signs)
        except ConfigError as error:
            yield "signs", str(error)
    try:
        requests = course.resolve(settings.checks)(Context(seed=_SEED).number("probes"))
    except ConfigError as error:
        yield "checks", str(error)
        return
    except Exception as error:  # the course's own code: whatever it is, its teacher must hear it
        yield "checks", f"{settings.checks} fails: {type(error).__name__}: {error}"
        return
    names = [request.name for request in requests]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "checks", f"two requests have the name {name}"
    for request in requests:
        if request.function not in defined:
            yield (
                "probes",
                f"{settings.probes} has no function {request.function}, which {request.name} asks for",
            )
        if bad := find_non_json(asdict(request)):
            yield "checks", f"the request {request.name} is no plain JSON at {bad}"
