"""A vector worked out by hand, with method marks for what leads to it and named mistakes.

The final value is compared before any rounding, so that a wrong method whose result rounds to the key is not taken for
the right one. Where the text repeats a given number wrongly but the student's own results are those of the sheet's
numbers, the results prove a slip of reading (in a machine-read text) or of writing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from grader.documents.numbers import read_numbers
from grader.documents.wording import fold, one_line, to_plain
from grader.kinds.answers import build_missing, build_shown, find_absent
from grader.kinds.base import Context, Kind
from grader.kinds.vector_question import Bars, Question, Step
from grader.kinds.vector_reading import Reading, is_close, read_answer
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

# A longer answer is for a person: reading takes time, and no honest answer is so long.
MAX_CHARACTERS = 8_000

# How the sheet's question begins; a copy of it holds all the given vectors.
_TASK = re.compile(
    r"\W*(?:question\W+)?(?:compute|calculate|find|determine|work out|obtain|evaluate|given|consider|let"
    r"|suppose|what)\b",
    re.IGNORECASE,
)
_VECTOR = re.compile(r"[\[(]\s*-?\d[^\[\]()]*[\])]")


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one vector; ``context`` is not needed."""
    if absent := find_absent("vector", criterion, answer, MAX_CHARACTERS):
        return absent
    parts = re.split(r"(?<=[.!?\n])(?=\s|$)", answer.text)
    numbers = read_numbers("".join(_without_task(parts)))
    if not re.search(r"\w", numbers.text):
        return build_missing("vector", criterion, answer)
    return _judge(criterion, question, answer, read_answer(question, numbers))


def _without_task(sentences: Sequence[str]) -> Sequence[str]:
    """Return the sentences without the sheet's own, which tells all the given vectors, where others hold numbers."""
    rest = [text for text in sentences if not (_TASK.match(text) and len(_VECTOR.findall(text)) >= 4)]
    return rest if re.search(r"\d", fold("".join(rest))) else sentences


# --- judging -------------------------------------------------------------------------------------------------------


def _judge(criterion: str, question: Question, answer: Answer, reading: Reading) -> Evidence:
    findings: list[Finding] = []
    final, key = reading.final, question.answer
    right = final is not None and is_close(final.values, key.values, key.rtol, key.atol)
    observed = _observed(question, answer, reading)
    review: Review | None = None
    verdict: Verdict = "correct"
    credit: Decimal | None = Decimal(1)
    if doubt := _find_doubt(question, reading, right):
        verdict, credit = "unreadable", None
        findings.append(Finding(code="vector.not_told", message=f"A person will look at this answer. {doubt}"))
        likely = right or reading.symbolic
        review = _review(doubt, "correct" if likely else None, Decimal(1) if likely else None)
    elif right:
        review = _confirm_slips(question, answer, reading, observed, findings)
    else:
        credit = _partial_credit(question, reading, findings)
        verdict = "partial" if credit > 0 else "wrong"
        if question.next:
            observed["next"] = question.next
        if answer.machine_read and reading.slips:
            reason = "The machine reading gives other numbers than the sheet; look at the page."
            review = _review(reason, verdict, credit)
    return _evidence(criterion, question, verdict, credit, reading, observed, findings, review)


def _review(reason: str, verdict: Verdict | None, credit: Decimal | None) -> Review:
    return Review(reason=reason, suggested_verdict=verdict, suggested_credit=credit)


def _find_doubt(question: Question, reading: Reading, right: bool) -> str:
    """Return why a person should decide, "" where the answer is clear."""
    title, final = question.answer.title, reading.final
    if final is None and reading.symbolic:
        return f"The {title} is named but not written in numbers."
    if final is None:
        return "" if any(reading.steps.values()) or reading.method else f"No {title} could be read from the text."
    if reading.rivals:
        return f"The text gives two different results for the {title}."
    if right and final.approximate:
        return f"The {title} is written as approximate; it may be a rounded result of another method."
    single = any(reading.steps[step.title] for step in question.steps if len(step.values) == 1)
    if right and reading.weights and not single:
        return f"The text shows weights that are no one-hot beside the exact {title}; it may be rounded."
    if right and question.proof and reading.steps[question.proof] is False:
        return f"The {title} is right, but the {question.proof} shown are not."
    return ""


def _confirm_slips(
    question: Question, answer: Answer, reading: Reading, observed: dict[str, Json], findings: list[Finding]
) -> Review | None:
    """Note inputs that stand there with other numbers: a repair to confirm where a machine read the text."""
    if not reading.slips:
        return None
    names = " and ".join(value.title for value, _ in reading.slips)
    if not answer.machine_read:
        message = f"You write {names} with other numbers than the sheet; your result is that of the sheet's numbers."
        findings.append(Finding(code="vector.input_differs", message=message))
        return None
    observed["repairs"] = [
        f"{value.title} read as {_show(vector.values)}, taken as the sheet's {_show(value.values)}"
        for value, vector in reading.slips
    ]
    message = f"The machine reading of {names} differs from the sheet; your result counts as it stands."
    findings.append(Finding(code="vector.reading_slip", message=message))
    if question.proof and reading.steps[question.proof]:
        reason = f"The {question.proof} prove the reading slip of {names}; confirm."
    else:
        reason = (
            f"Other numbers than the sheet's are read for {names}, and no right {question.proof} stand beside them."
        )
    return _review(reason, "correct", Decimal(1))


def _partial_credit(question: Question, reading: Reading, findings: list[Finding]) -> Decimal:
    """Return the credit of a wrong answer: its right steps, or the known mistake that it is."""
    title, final = question.answer.title, reading.final
    credit = Decimal(0)
    for step in question.steps:
        found = reading.steps[step.title]
        if found:
            credit += step.credit
            findings.append(Finding(code="vector.step_right", message=f"Your {step.title}: right."))
        elif found is False:
            findings.append(
                Finding(code="vector.step_wrong", message=f"Your {step.title}: not right, look there first.")
            )
    mistakes = [m for m in question.mistakes if final is not None and is_close(final.values, m.values, 0, m.atol)]
    if mistakes:
        findings.append(Finding(code=mistakes[0].code, message=mistakes[0].message))
        # One of the sheet's own rows, and nothing that leads to it, is a guess: no method is shown.
        rows = [value.values for value in question.given if value.title not in question.inputs]
        guessed = reading.bare and any(is_close(row, mistakes[0].values, 0, 1e-9) for row in rows)
        return max(min(credit, Decimal(1)), Decimal(0) if guessed else mistakes[0].credit)
    if final is None and reading.method and not credit:
        message = "You say how it is done; the question asks for the numbers."
        findings.append(Finding(code="vector.only_method", message=message))
    elif final is None:
        findings.append(Finding(code="vector.no_output", message=f"The {title} itself was not found."))
    else:
        findings.append(Finding(code="vector.wrong_output", message=f"The {title} you give is not right."))
    return min(credit, Decimal(1))


# --- evidence ------------------------------------------------------------------------------------------------------


def _show(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values) + "]"


def _observed(question: Question, answer: Answer, reading: Reading) -> dict[str, Json]:
    said = {True: "right", False: "not right", None: "not shown"}
    rows = [[title, said[found]] for title, found in reading.steps.items()]
    final = _show(reading.final.values) if reading.final else "not found"
    observed = build_shown(answer)
    observed["text"] = one_line(f"{question.answer.title} {final}" if reading.final else to_plain(answer.shown))
    observed["table"] = {"columns": ["Quantity", "Read as"], "rows": [*rows, [question.answer.title, final]]}
    if question.plot and reading.steps[question.plot.step]:
        observed["plot"] = _plot(question.plot, next(s for s in question.steps if s.title == question.plot.step))
    return observed


def _plot(bars: Bars, step: Step) -> Json:
    return {
        "kind": "bars",
        "title": bars.title,
        "x_label": bars.x_label,
        "y_label": bars.y_label,
        "categories": list(bars.categories),
        "series": [{"name": step.title, "values": [round(value, 4) for value in step.values]}],
    }


def _evidence(
    criterion: str,
    question: Question,
    verdict: Verdict,
    credit: Decimal | None,
    reading: Reading,
    observed: dict[str, Json],
    findings: Sequence[Finding],
    review: Review | None,
) -> Evidence:
    parts = [f"{step.title} {_show(step.values)}" for step in question.steps]
    parts.append(f"{question.answer.title} {_show(question.answer.values)}")
    return Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=credit,
        reading="the sheet's inputs" if reading.slips and verdict == "correct" else None,
        observed=observed,
        expected={"text": ", ".join(parts)},
        findings=tuple(findings),
        review=review,
        provenance="vector",
    )


KIND = Kind(name="vector", question=Question, check=check, mathematics=True)
