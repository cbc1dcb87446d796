"""A vector worked out by hand, with method marks for what leads to it and named mistakes.

The final value is compared before any rounding, so that a wrong method whose result rounds to the key is not taken for
the right one. Where the text repeats a given number wrongly but the student's own results are those of the sheet's
numbers, the results prove a slip of reading (in a machine-read text) or of writing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.numbers import Numbers, Vector, read_numbers
from grader.documents.wording import find_phrase, fold, is_addressed_to_grader, one_line, to_plain
from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

MAX_SHOWN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A vector of the sheet. ``names`` are phrases that stand before it ("output", "scores")."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    values: tuple[float, ...]
    names: tuple[str, ...] = ()
    rtol: float = 1e-6
    atol: float = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An intermediate result with its own credit; ``other_forms`` are further right ways to give it (one-hot)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    values: tuple[float, ...]
    names: tuple[str, ...] = ()
    other_forms: tuple[tuple[float, ...], ...] = ()
    credit: Decimal
    rtol: float = 1e-6
    atol: float = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A known wrong result, its finding and its credit."""

    __pydantic_config__: ClassVar[Any] = STRICT
    code: str
    values: tuple[float, ...]
    atol: float = 1e-6
    credit: Decimal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What the feedback plots beside the answer."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    x_label: str
    y_label: str
    categories: tuple[str, ...]
    step: str  # the step whose values are plotted


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A vector question. ``given`` are the sheet's own numbers, which students repeat; ``index`` is a step of one number."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["vector"]
    answer: Value
    steps: tuple[Step, ...] = ()
    given: tuple[Value, ...] = ()
    inputs: tuple[str, ...] = ()  # titles of the given values that the proving step is worked out from
    proof: str = ""  # title of the step whose right result proves that the inputs were read rightly by the student
    approximate_weights: bool = True  # weights that are no one-hot beside the exact answer go to a person
    mistakes: tuple[Mistake, ...] = ()
    plot: Bars | None = None
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    final: Vector | None
    rivals: tuple[Vector, ...]
    steps: tuple[bool | None, ...]
    weights: Vector | None
    slips: tuple[tuple[Value, Vector], ...]
    symbolic: bool = False


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one vector; ``context`` is not needed."""
    if answer.state == "missing":
        finding = Finding(code="vector.missing", message="No answer was found for this part.")
        return Evidence(
            criterion=criterion, verdict="missing", credit=Decimal(0), findings=(finding,), provenance="vector"
        )
    if answer.state == "unreadable":
        review = Review(reason=answer.reason or "The answer could not be read.")
        return Evidence(criterion=criterion, verdict="unreadable", credit=None, observed=_shown(answer), review=review,
                        provenance="vector")  # fmt: skip
    text, addressed = _without_addressed(answer.text)
    numbers = read_numbers(text)
    findings = [] if not addressed else [
        Finding(code="vector.addressed_to_grader", audience="staff",
                message="Part of the text speaks to the grader; it was not counted.")]  # fmt: skip
    if not re.search(r"\w", numbers.text):
        findings.append(Finding(code="vector.missing", message="Nothing in this part answers the question."))
        return Evidence(criterion=criterion, verdict="missing", credit=Decimal(0), observed=_shown(answer),
                        findings=tuple(findings), provenance="vector")  # fmt: skip
    reading = _read(question, numbers)
    return _judge(criterion, question, answer, reading, findings)


def _without_addressed(text: str) -> tuple[str, bool]:
    parts = re.split(r"(?<=[.!?\n])(?=\s|$)", text)
    kept = [part for part in parts if not is_addressed_to_grader(fold(part))]
    return "".join(kept), len(kept) < len(parts)


# --- reading -------------------------------------------------------------------------------------------------------


def _close(found: Sequence[float], wanted: Sequence[float], rtol: float, atol: float) -> bool:
    return len(found) == len(wanted) and all(
        abs(a - b) <= atol + rtol * abs(b) for a, b in zip(found, wanted, strict=True)
    )


def _read(question: Question, numbers: Numbers) -> _Reading:
    slips = _slips(question, numbers)
    repeated = [v for v in numbers.vectors if _is_given(question, v, numbers)] + [vector for _, vector in slips]
    steps = tuple(_step(step, numbers) for step in question.steps)
    candidates = [v for v in numbers.vectors if _could_be_answer(question, v, repeated)]
    final, rivals = _final(question, candidates, numbers)
    symbolic = final is None and _named_symbolically(question, numbers.text)
    return _Reading(final=final, rivals=rivals, steps=steps, weights=_weights(numbers), slips=slips, symbolic=symbolic)


def _label(vector: Vector) -> str:
    return vector.name


def _says(names: Sequence[str], label: str) -> bool:
    return any(find_phrase(name, label) for name in names)


def _is_called(names: Sequence[str], label: str) -> bool:
    """Return whether a label is one of the names and hardly more ("the query q", not "scores of q")."""
    tail = re.sub(r"\b(?:the|vector|is|are|with|given|so|and|for|of|let|بردار)\b", " ", re.split(r"[,:;]", label)[-1]).strip()
    spans = [span for name in names if (span := find_phrase(name, tail))]
    return any(2 * (end - start) >= len(tail) for start, end in spans)


def _is_given(question: Question, vector: Vector, numbers: Numbers) -> bool:
    """Return whether a vector repeats the sheet: a row of a matrix, an input by name, or one of several given rows."""
    if _says(question.answer.names, vector.name) or vector.rows > 1:
        return vector.rows > 1
    named = [value for value in question.given if _says(value.names, vector.name)]
    if any(value.title in question.inputs for value in named):
        return True
    if named and len({v.name for v in numbers.vectors if _names_given(question, v)}) > 2:
        return True
    rows = [v for v in numbers.vectors if any(_close(v.values, g.values, 0, 1e-9) for g in question.given)]
    if vector not in rows or _names_result(vector):
        return False
    line = numbers.text[: vector.start].count("\n")
    beside = [v for v in rows if v is not vector and abs(v.start - vector.start) < 60]
    return len([v for v in beside if numbers.text[: v.start].count("\n") == line]) >= 2


def _names_given(question: Question, vector: Vector) -> bool:
    others = [value for value in question.given if value.title not in question.inputs]
    return any(_says(value.names, vector.name) for value in others)


def _names_result(vector: Vector) -> bool:
    return bool(
        re.search(r"\b(?:result|final|answer|output|so|therefore|hence|gives|get)\b|جواب|خروجی|نتیجه", vector.name)
    )


def _could_be_answer(question: Question, vector: Vector, repeated: Sequence[Vector]) -> bool:
    return vector not in repeated and len(vector.values) == len(question.answer.values) and vector.rows == 1


def _final(
    question: Question, candidates: Sequence[Vector], numbers: Numbers
) -> tuple[Vector | None, tuple[Vector, ...]]:
    named = [v for v in candidates if _says(question.answer.names, _label(v)) and not _compared(v, numbers)]
    unnamed = [v for v in candidates if not _compared(v, numbers)]
    pool = named or unnamed
    if not pool:
        return (candidates[-1], ()) if candidates else (None, ())
    final = pool[-1]
    corrected = re.search(
        r"\b(?:no|wait|sorry|correction|mistake|actually|i mean|wrong)\b|اصلاح|ببخشید|اشتباه",
        numbers.text[pool[0].end : final.start],
    )
    rivals = () if corrected or not named else tuple(v for v in named[:-1] if v.values != final.values)
    return final, rivals


def _compared(vector: Vector, numbers: Numbers) -> bool:
    """Whether a vector is brought up only for comparison ("with softmax it would be ...", "not [6, 1, 0]")."""
    line = re.split(r"\n|\. |;", numbers.text[: vector.start])[-1]
    if re.search(r"\d\s*[*×·]\s*$", line):
        return True
    return bool(
        re.search(
            r"\b(?:would|instead of|rather than|unlike|if we (?:had )?used|compared|whereas|not)\b[^,=]{0,50}=?\W*$|به جای|اگر",
            line,
        )
    )


def _step(step: Step, numbers: Numbers) -> bool | None:
    """True: found right; False: named and wrong; None: not shown."""
    forms = (step.values, *step.other_forms)
    if any(_close(v.values, form, step.rtol, step.atol) for v in numbers.vectors for form in forms if len(form) > 1):
        return True
    results = [value for _, value in numbers.results]
    for form in forms:
        size = len(form)
        runs = [results[i : i + size] for i in range(len(results) - size + 1)]
        if size > 1 and any(_close(run, form, step.rtol, step.atol) for run in runs):
            return True
    singles = [form[0] for form in forms if len(form) == 1]
    if singles and (said := _single(step, numbers)) is not None:
        return said in singles
    wrong = [v for v in numbers.vectors if _says(step.names, _label(v)) and len(v.values) == len(step.values) > 1]
    return False if wrong else None


def _single(step: Step, numbers: Numbers) -> float | None:
    """Return a single number that follows one of the step's names ("argmax = 3", "index 3")."""
    for name in step.names:
        rest = numbers.text
        while span := find_phrase(name, rest):
            follow = re.match(r"[^\d\n.]{0,40}?(-?\d+)(?![\d.,]*\s*[\])}])", rest[span[1] :])
            if follow:
                return float(follow[1])
            rest = rest[: span[0]] + "#" * max(span[1] - span[0], 1) + rest[span[1] :]
    return None


def _weights(numbers: Numbers) -> Vector | None:
    """Return a vector of weights that sums to one and is no one-hot, if the text shows one."""
    for vector in numbers.vectors:
        if len(vector.values) > 3 and all(0 <= x < 1 for x in vector.values) and abs(sum(vector.values) - 1) < 0.03:
            return vector
    return None


def _slips(question: Question, numbers: Numbers) -> tuple[tuple[Value, Vector], ...]:
    """Return the inputs that the text repeats with other numbers than the sheet's."""
    slips = []
    for value in question.given:
        if value.title not in question.inputs:
            continue
        said = [v for v in numbers.vectors if v.rows == 1 and _is_called(value.names, v.name)]
        if said and not any(_close(v.values, value.values, 0, 1e-9) for v in said):
            slips.append((value, said[0]))
    slips += _row_slips(question, numbers, [value for value, _ in slips])
    return tuple(slips)


def _row_slips(question: Question, numbers: Numbers, known: Sequence[Value]) -> list[tuple[Value, Vector]]:
    """Return slips in inputs that stand as rows of a matrix or list, in the sheet's order."""
    wanted = [value for value in question.given if value.title in question.inputs and len(value.values) > 1]
    slips = []
    matrices: dict[int, list[Vector]] = {}
    for vector in numbers.vectors:
        if vector.rows > 1:
            matrices.setdefault(vector.start, []).append(vector)
    for rows in matrices.values():
        for offset in range(len(wanted) - len(rows) + 1):
            part = wanted[offset : offset + len(rows)]
            pairs = list(zip(part, rows, strict=True))
            wrong = [(g, v) for g, v in pairs if not _close(v.values, g.values, 0, 1e-9)]
            if 0 < len(wrong) <= len(rows) // 2:
                slips += [(g, v) for g, v in wrong if g not in known]
                break
    return slips


def _named_symbolically(question: Question, text: str) -> bool:
    """Whether the text says in words or symbols that the answer is the given row that it is ("output = v_4")."""
    same = [v for v in question.given if _close(v.values, question.answer.values, 0, 1e-9)]
    names = [name for value in same for name in value.names]
    return any(_says(question.answer.names, line) and _says(names, line) for line in text.splitlines())


# --- judging -------------------------------------------------------------------------------------------------------


def _judge(criterion: str, question: Question, answer: Answer, reading: _Reading, findings: list[Finding]) -> Evidence:
    final = reading.final
    right = final is not None and _close(
        final.values, question.answer.values, question.answer.rtol, question.answer.atol
    )
    observed = _observed(question, answer, reading)
    if doubt := _doubt(question, reading, right):
        suggestion: tuple[Verdict, Decimal] | None = ("correct", Decimal(1)) if right or reading.symbolic else None
        review = Review(reason=doubt, suggested_verdict=suggestion[0] if suggestion else None,
                        suggested_credit=suggestion[1] if suggestion else None)  # fmt: skip
        findings.append(Finding(code="vector.not_told", message="A person will look at this answer: " + _lower(doubt)))
        return _evidence(criterion, question, "unreadable", None, reading, observed, findings, review)
    if right:
        review = _slip_review(question, answer, reading, observed, findings)
        return _evidence(criterion, question, "correct", Decimal(1), reading, observed, findings, review)
    mistake = _mistake(question, final)
    credit = _method(question, reading, findings)
    if mistake:
        findings.append(Finding(code=mistake.code, message=mistake.message))
        credit = max(credit, mistake.credit)
    elif final is None:
        findings.append(Finding(code="vector.no_output", message=f"The {question.answer.title} itself was not found."))
    else:
        findings.append(
            Finding(code="vector.wrong_output", message=f"The {question.answer.title} you give is not right.")
        )
    verdict: Verdict = "partial" if credit > 0 else "wrong"
    if question.next:
        observed["next"] = question.next
    review = None
    if answer.machine_read and reading.slips and verdict == "wrong":
        review = Review(reason="The machine reading gives other numbers than the sheet; look at the page.",
                        suggested_verdict=verdict, suggested_credit=credit)  # fmt: skip
    return _evidence(criterion, question, verdict, credit, reading, observed, findings, review)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _doubt(question: Question, reading: _Reading, right: bool) -> str:
    """Return why a person should decide, "" where the answer is clear."""
    title = question.answer.title
    if reading.final is None:
        if reading.symbolic:
            return f"The {title} is named but not written in numbers."
        if not any(reading.steps):
            return f"No {title} could be read from the text."
        return ""
    if reading.rivals:
        return f"The text gives two different results for the {title}."
    if right and reading.final.approximate:
        return f"The {title} is written as approximate; it may be a rounded result of another method."
    if right and reading.weights and question.approximate_weights and not _one_number_right(question, reading):
        return f"The text shows weights that are no one-hot beside the exact {title}; it may be rounded."
    proving = [found for step, found in zip(question.steps, reading.steps, strict=True) if step.title == question.proof]
    if right and proving == [False]:
        return f"The {title} is right, but the {question.proof} shown are not."
    return ""


def _one_number_right(question: Question, reading: _Reading) -> bool:
    pairs = zip(question.steps, reading.steps, strict=True)
    return any(found for step, found in pairs if len(step.values) == 1)


def _slip_review(
    question: Question, answer: Answer, reading: _Reading, observed: dict[str, Json], findings: list[Finding]
) -> Review | None:
    if not reading.slips:
        return None
    proved = any(
        found for step, found in zip(question.steps, reading.steps, strict=True) if step.title == question.proof
    )
    names = " and ".join(value.title for value, _ in reading.slips)
    if not answer.machine_read:
        message = f"You write {names} with other numbers than the sheet; your results are those of the sheet's numbers."
        findings.append(Finding(code="vector.input_differs", message=message))
        return None
    observed["repairs"] = [f"{value.title} read as {_show(vector.values)}, taken as the sheet's {_show(value.values)}"
                           for value, vector in reading.slips]  # fmt: skip
    findings.append(Finding(code="vector.reading_slip", message=f"The machine reading of {names} differs from the sheet; "
                            "your result is counted as it stands."))  # fmt: skip
    reason = f"The {question.proof} prove the reading slip of {names}; confirm." if proved else (
        f"{names[:1].upper() + names[1:]} is read with other numbers than the sheet's, and no {question.proof} are shown; confirm.")  # fmt: skip
    return Review(reason=reason, suggested_verdict="correct", suggested_credit=Decimal(1))


def _mistake(question: Question, final: Vector | None) -> Mistake | None:
    if final is None:
        return None
    return next((m for m in question.mistakes if _close(final.values, m.values, 0, m.atol)), None)


def _method(question: Question, reading: _Reading, findings: list[Finding]) -> Decimal:
    credit = Decimal(0)
    for step, found in zip(question.steps, reading.steps, strict=True):
        if found:
            credit += step.credit
            findings.append(Finding(code="vector.step_right", message=f"Your {step.title}: right."))
        elif found is False:
            findings.append(
                Finding(code="vector.step_wrong", message=f"Your {step.title}: not right; check them first.")
            )
    return min(credit, Decimal(1))


# --- evidence ------------------------------------------------------------------------------------------------------


def _show(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values) + "]"


def _shown(answer: Answer) -> dict[str, Json]:
    location = {"location": str(answer.location)} if answer.location else {}
    return {"answer": answer.text[:MAX_SHOWN], **location}


def _observed(question: Question, answer: Answer, reading: _Reading) -> dict[str, Json]:
    said = {True: "right", False: "not right", None: "not shown"}
    rows = [[step.title, said[found]] for step, found in zip(question.steps, reading.steps, strict=True)]
    final = _show(reading.final.values) if reading.final else "not found"
    observed = _shown(answer)
    observed["text"] = one_line(f"{question.answer.title} {final}" if reading.final else to_plain(answer.text))
    observed["table"] = {"columns": ["Quantity", "Read as"], "rows": [*rows, [question.answer.title, final]]}
    plotted = next((step for step in question.steps if question.plot and step.title == question.plot.step), None)
    if question.plot and plotted:
        observed["plot"] = {
            "kind": "bars", "title": question.plot.title, "x_label": question.plot.x_label,
            "y_label": question.plot.y_label, "categories": list(question.plot.categories),
            "series": [{"name": plotted.title, "values": [round(v, 4) for v in plotted.values]}],
        }  # fmt: skip
    return observed


def _evidence(
    criterion: str,
    question: Question,
    verdict: Verdict,
    credit: Decimal | None,
    reading: _Reading,
    observed: dict[str, Json],
    findings: Sequence[Finding],
    review: Review | None,
) -> Evidence:
    steps = [f"{step.title} {_show(step.values)}" for step in question.steps]
    expected = ", ".join([*steps, f"{question.answer.title} {_show(question.answer.values)}"])
    return Evidence(
        criterion=criterion, verdict=verdict, credit=credit, reading="sheet's inputs" if reading.slips and verdict == "correct" else None,
        observed=observed, expected={"text": expected}, findings=tuple(findings), review=review, provenance="vector",
    )  # fmt: skip


KIND = Kind(name="vector", question=Question, check=check)
