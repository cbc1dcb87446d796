"""What students' own CI is given: built up from what is allowed, so that a new key of a rubric stays out until let in.

A bundle is a course's folder like any other, with a rubric that asks whether each part is there and can be read, and
whether the notebook runs. It holds no key, accepted formula, clue, probe, weight, reference or secret; of a criterion
that the rubric opens with ``student_ci: marked`` it holds the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from grader.codec import load_text
from grader.course import Course
from grader.delivery.ci.wheel import build_wheel
from grader.errors import ConfigError, Problem
from grader.rubric import Criterion

NOTEBOOK = "notebook_runs"
CELL_SECONDS, TOTAL_SECONDS = 300.0, 420.0
"""The most that a notebook may take in CI, whatever the rubric allows: a job has fifteen minutes in all."""

# Of the rubric's ``notebook:`` section: limits, and what notebooks find on the machine. Nothing that is asked of them.
_SETTINGS = (
    "file", "packages", "preload", "output_bytes_per_cell", "output_bytes_per_notebook", "memory_bytes", "processes",
    "open_files", "file_bytes", "disk_bytes", "cpu_seconds", "value_bytes", "seed", "stand_ins",
)  # fmt: skip
_PUBLIC = '''"""What students' own CI asks of a notebook: nothing but that it runs."""

from pathlib import Path

from grader.delivery.ci.public_checks import build_check, list_requests

notebook_runs = build_check(Path(__file__).with_name("template.ipynb"))
__all__ = ["list_requests", "notebook_runs"]
'''
_NOTEBOOK_QUESTION = {
    "kind": "notebook",
    "points": [
        {
            "id": "ran",
            "title": "every cell runs without an error, in a fresh kernel, from top to bottom",
            "credit": 0.5,
        },
        {"id": "filled", "title": "no cell to fill in is as it was handed out", "credit": 0.25},
        {"id": "names", "title": "the functions and classes of the handed-out notebook are there", "credit": 0.25},
    ],
}


def build_bundle(course: Course) -> dict[str, bytes]:
    """Return the bundle's files by their path in it. Raises ConfigError for what the course asks and does not hold.

    Read anew from the rubric's text, so that a marked question is given word for word as the teacher wrote it.
    """
    rubric = course.rubric
    raw = yaml.safe_load(load_text(course.rubric_path))
    questions = {str(item["id"]): item["question"] for item in raw["criteria"]}
    criteria = [*_build_criteria(course, questions)]
    if not criteria:
        raise ConfigError(
            [Problem(file=str(course.rubric_path), where="criteria", message="student_ci is hidden everywhere: "
                     "nothing is left for students' CI")]
        )  # fmt: skip
    notebook = any(item["question"]["kind"] == "notebook" for item in criteria)
    document = {
        "schema": raw["schema"],
        "assignment": rubric.assignment,
        "title": f"{rubric.title}: check before the deadline",
        "available": sum(item["available"] for item in criteria),
        "criteria": criteria,
    }
    reference = f"reference/{rubric.assignment}"
    files = {"reference/__init__.py": b"", f"{reference}/__init__.py": b""}
    if notebook:
        document["notebook"] = _build_settings(course, raw["notebook"])
        files |= {f"{reference}/public.py": _PUBLIC.encode(), f"{reference}/probes.py": b"# Nothing is asked.\n"}
        files |= dict(_read_handed_out(course, reference))
    head = f"# Written by `grade ci` from {course.rubric_path.name}, for students' own CI. No keys are in it.\n"
    text = head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=118)
    files[f"rubrics/{rubric.assignment}.yaml"] = text.encode()
    name, wheel = build_wheel()
    files[name] = wheel
    return files


def _build_criteria(course: Course, questions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the bundle's rubric asks: a part of the report each, and the notebook once for all its criteria."""
    notebooks = [item for item in course.rubric.criteria if item.question.kind == "notebook" and _is_known(item)]
    for item in course.rubric.criteria:
        if not _is_known(item):
            continue
        if item.place is None:
            if item is notebooks[0]:
                check = f"reference.{course.rubric.assignment}.public:{NOTEBOOK}"
                question = {**_NOTEBOOK_QUESTION, "check": check}
                yield {"id": NOTEBOOK, "title": "Your notebook runs", "available": 4, "question": question}
            continue
        place = {"question": item.place.question, "part": item.place.part}
        common: dict[str, Any] = {"id": item.id, "title": item.title, "place": place}
        if item.student_ci == "marked":
            available = float(item.available) if item.available % 1 else int(item.available)
            yield {**common, "available": available, "question": questions[item.id], "student_ci": "marked"}
        else:
            title = f"Found and readable: {item.title}"  # what it says is not judged
            label = f"{item.place.question}{item.place.part}"
            advice = f"If you answered it, begin that answer on a line of its own with its label, such as `{label})`."
            question = {"kind": "presence", "next": advice}
            yield {**common, "title": title, "available": 1, "question": question}


def _is_known(criterion: Criterion) -> bool:
    return criterion.student_ci != "hidden"


def _build_settings(course: Course, raw: Mapping[str, Any]) -> dict[str, Any]:
    settings = course.rubric.notebook
    assert settings is not None  # noqa: S101 (a notebook question without the section is no rubric)
    reference = f"reference/{course.rubric.assignment}"
    return {
        **{name: raw[name] for name in _SETTINGS if name in raw},
        "cell_timeout_seconds": min(settings.cell_timeout_seconds, CELL_SECONDS),
        "total_timeout_seconds": min(settings.total_timeout_seconds, TOTAL_SECONDS),
        **({"data": "data", "handed_out": list(settings.handed_out)} if settings.handed_out else {}),
        **({"template": f"{reference}/template.ipynb"} if settings.template else {}),
        "probes": f"{reference}/probes.py",
        "checks": f"reference.{course.rubric.assignment}.public:list_requests",
    }


def _read_handed_out(course: Course, reference: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files that students have anyhow: the blank notebook, and the data that the rubric says they got."""
    settings = course.rubric.notebook
    assert settings is not None  # noqa: S101 (as above)
    if settings.template:
        yield f"{reference}/template.ipynb", (course.root / settings.template).read_bytes()
    for name in settings.handed_out:
        path = course.root / settings.data / name
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise ConfigError(
                [Problem(file=str(course.rubric_path), where="notebook.handed_out", message=f"{name} is no file in "
                         f"{settings.data}", hint="name plain files of that folder")]
            )  # fmt: skip
        yield f"data/{name}", path.read_bytes()
