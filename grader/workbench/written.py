"""The right answers in words, as a student would write them, made from the rubric itself; and a report of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from grader.course import Course
from grader.workbench.mutants import MutantTable


def write_answers(course: Course, table: MutantTable) -> dict[str, str]:
    """Return the right answer to every criterion that a report answers, by criterion id."""
    return {
        item.id: table.answers.get(item.id) or write_answer(item.question)
        for item in course.rubric.criteria
        if item.question.kind != "notebook"
    }


def write_answer(question: Any) -> str:
    """Return an answer that earns full marks: the key's options, the first reading, the values, the model answer."""
    if question.kind == "choice":
        return write_choice(question, question.key)
    if question.kind == "formula":
        return f"${next(iter(question.readings.values())).formula}$"
    if question.kind == "vector":
        return write_vector(question, list(question.answer.values))
    if question.kind == "prose":
        return str(question.model_answer)
    return "An answer stands here."


def write_choice(question: Any, numbers: Any) -> str:
    """Return a choice of these options by their numbers."""
    return "Option " + " and option ".join(map(str, numbers)) + "." if numbers else ""


def write_vector(question: Any, values: list[float]) -> str:
    """Return a vector as an answer."""
    return f"{question.answer.title} = [{', '.join(f'{value:.12g}' for value in values)}]"


def write_report(course: Course, answers: dict[str, str], folder: Path) -> Path:
    """Write the answers as a hand-in of one report into ``folder`` and return the hand-in's path."""
    lines, question = [], 0
    placed = [item for item in course.rubric.criteria if item.place and item.id in answers]
    for item in sorted(placed, key=lambda item: (item.place.question, item.place.part) if item.place else (0, "")):
        if item.place is None:
            continue
        if item.place.question != question:
            question = item.place.question
            lines.append(f"### Q{question})")
        label = f"{item.place.part}) " if item.place.part else ""
        lines.append(label + re.sub(r"\n\s*\n", "\n", answers[item.id]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return folder
