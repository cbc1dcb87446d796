"""What could be added to a question so that it decides an answer as a person did: the ways, each tried by itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from grader.documents.notation import canonical_formulas
from grader.documents.numbers import read_numbers
from grader.documents.phrases import compile_phrase, find_phrase
from grader.documents.wording import find_sentences, fold, one_line, remove_struck, to_plain
from grader.kinds.formula_question import AcceptedReading, Misconception
from grader.kinds.vector_question import Mistake
from grader.kinds.vector_reading import is_close, read_answer
from grader.model import Evidence
from grader.workbench.learning.decided import DecidedGroup
from grader.workbench.learning.insertion import Addition

MOST_CHARACTERS = 500
"""A longer answer is no phrase that another student would write."""
_MOST_SENTENCES = 12
_SIGNS = re.compile(r"[()|?*+]|\.\.\.|…")  # what a phrase reads as its own signs
_HINT = "A known mistake: compare your answer with the expected one, step by step."


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One addition to a question (its path begins below the question), and the question with it.

    ``certain``: where it is the only one that works, it is what the person meant. ``proof`` is the name of the reading
    that must be proved, "" for none.
    """

    text: str
    addition: Addition
    question: Any
    certain: bool = True
    proof: str = ""


def find_ways(question: Any, group: DecidedGroup, evidence: Evidence, oracles: tuple[str, ...]) -> Iterator[Way]:
    """Yield what may be added, whether or not it works; ``evidence`` is on the group's first answer as it is now.

    Raises LookupError with the reason where nothing can be learned safely.
    """
    if max(len(item.answer) for item in group.answers) > MOST_CHARACTERS and question.kind in ("choice", "prose"):
        raise LookupError(f"the answer has more than {MOST_CHARACTERS} characters, which nobody else writes again")
    if group.verdict == "missing":
        raise LookupError("that nothing answers the question is told by no phrase")
    if question.kind not in _KINDS:
        raise LookupError(f"nothing is learned for a {question.kind} question")
    yield from _KINDS[question.kind](question, group, evidence, oracles)


# --- words ---


def _make_phrase(text: str) -> str:
    """Return a sentence as a phrase of the rubric, "" where it is none: too short, or with a phrase's own signs."""
    phrase = text.strip(" \t\n.,;:!-\"'")
    words = re.findall(r"\w+", phrase)
    if _SIGNS.search(phrase) or "\n" in phrase or len(words) < 3 or len(phrase) < 10:
        return ""
    try:
        compile_phrase(phrase)
    except ValueError:
        return ""
    return phrase


def _adds(group: DecidedGroup, evidence: Evidence) -> bool:
    """Return whether the person saw more in the words than the grader did, so that a phrase is what is missing."""
    return evidence.review is None or evidence.review.suggested_credit != group.credit


def _find_choice_ways(
    question: Any, group: DecidedGroup, evidence: Evidence, oracles: tuple[str, ...]
) -> Iterator[Way]:
    if evidence.decided:
        raise LookupError("the answer chooses its options clearly, and the decision is against the key")
    parts = re.split(r"(?<=[^\s.])[.!]+(?=\s|$)|\n+|;|\?", to_plain(remove_struck(group.answers[0].answer)))
    phrases = [phrase for part in parts if (phrase := _make_phrase(canonical_formulas(fold(part))))]
    for phrase in phrases[:_MOST_SENTENCES]:
        for name in ("options", "groups"):
            for index, item in enumerate(getattr(question, name)):
                if name == "options" and group.credit == 1 and item.number not in question.key:
                    continue
                changed = replace(item, phrases=(*item.phrases, phrase))
                items = getattr(question, name)
                what = f"option {item.number}" if name == "options" else f"the words for “{item.text}”"
                yield Way(
                    text=f"{what}: “{one_line(phrase, 80)}”",
                    addition=Addition(path=(name, index, "phrases"), value=phrase),
                    question=replace(question, **{name: (*items[:index], changed, *items[index + 1 :])}),
                    certain=_adds(group, evidence),
                )


def _find_prose_ways(question: Any, group: DecidedGroup, evidence: Evidence, oracles: tuple[str, ...]) -> Iterator[Way]:
    known = [phrase for point in question.points for phrase in (*point.supports, *point.contradicts)]
    sentences = [
        item.folded
        for item in find_sentences(to_plain(group.answers[0].answer))
        if not any(find_phrase(phrase, item.folded) for phrase in known)
    ]
    if not sentences and evidence.decided:
        raise LookupError("every sentence was understood, and the decision is against the key")
    for phrase in [phrase for text in sentences[:_MOST_SENTENCES] if (phrase := _make_phrase(text))]:
        for index, point in enumerate(question.points):
            for side in ("supports", "contradicts"):
                changed = replace(point, **{side: (*getattr(point, side), phrase)})
                points = (*question.points[:index], changed, *question.points[index + 1 :])
                yield Way(
                    text=f"{point.name} {side}: “{one_line(phrase, 80)}”",
                    addition=Addition(path=("points", index, side), value=phrase),
                    question=replace(question, points=points),
                    certain=_adds(group, evidence),
                )


# --- vectors ---


def _find_vector_ways(
    question: Any, group: DecidedGroup, evidence: Evidence, oracles: tuple[str, ...]
) -> Iterator[Way]:
    numbers = read_numbers(group.answers[0].answer)
    final = read_answer(question, numbers).final
    key = question.answer
    right = final is not None and is_close(final.values, key.values, key.rtol, key.atol)
    if final is not None and not right:
        if group.credit == 1:
            raise LookupError(f"the {key.title} is not the key's, so that it is never learned as right")
        known = [item for item in question.mistakes if is_close(final.values, item.values, 0, item.atol)]
        if known:
            raise LookupError(f"the {key.title} is a known mistake ({known[0].code}): change its credit by hand")
        message = group.comment or _HINT
        fields: dict[str, Any] = {
            "code": "vector.decided_mistake",
            "values": final.values,
            "credit": group.credit,
            "message": message,
        }
        yield Way(
            text=f"a known mistake: {_show(final.values)}",
            addition=Addition(path=("mistakes",), value=fields),
            question=replace(question, mistakes=(*question.mistakes, Mistake(**fields))),
        )
    for index, step in enumerate(question.steps):
        forms = {step.values, *step.other_forms, *([final.values] if final is not None else [])}
        for values in dict.fromkeys(vector.values for vector in numbers.vectors if vector.values not in forms):
            changed = replace(step, other_forms=(*step.other_forms, values))
            yield Way(
                text=f"another form of the {step.title}: {_show(values)}",
                addition=Addition(path=("steps", index, "other_forms"), value=values),
                question=replace(question, steps=(*question.steps[:index], changed, *question.steps[index + 1 :])),
            )


def _show(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


# --- formulas ---


def _find_formula_ways(
    question: Any, group: DecidedGroup, evidence: Evidence, oracles: tuple[str, ...]
) -> Iterator[Way]:
    latex = evidence.observed.get("latex")
    if not isinstance(latex, str) or not latex:
        raise LookupError("no formula could be read in it")
    if evidence.observed.get("repairs"):
        raise LookupError("the formula was mended, since a machine misread it")
    name = "decided_" + hashlib.sha256(latex.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    if group.credit == 1:
        for oracle in oracles:
            reading: dict[str, Any] = {"formula": latex, "oracle": oracle}
            yield Way(
                text=f"an accepted reading, proved by {oracle}: {one_line(latex, 80)}",
                addition=Addition(path=("readings",), key=name, value=reading),
                question=replace(question, readings={**question.readings, name: AcceptedReading(**reading)}),
                proof=name,
            )
        return
    fields: dict[str, Any] = {"credit": group.credit, "formulas": (latex,), "hint": group.comment or _HINT}
    yield Way(
        text=f"a misconception worth {_show_credit(group.credit)}: {one_line(latex, 80)}",
        addition=Addition(path=("misconceptions",), key=name, value=fields),
        question=replace(question, misconceptions={**question.misconceptions, name: Misconception(**fields)}),
    )


def _show_credit(credit: Decimal) -> str:
    return f"{credit.normalize():f}"


_KINDS: dict[str, Callable[[Any, DecidedGroup, Evidence, tuple[str, ...]], Iterator[Way]]] = {
    "choice": _find_choice_ways,
    "prose": _find_prose_ways,
    "vector": _find_vector_ways,
    "formula": _find_formula_ways,
}
