"""Finding a vector, the results that lead to it and the sheet's own numbers in what a student wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.documents.numbers import Numbers, Vector
from grader.documents.phrases import find_phrase
from grader.kinds.vector_question import Question, Step, Value

_RESULT = re.compile(r"\b(?:result|final|answer|output|so|therefore|hence|gives|get)\b|جواب|خروجی|نتیجه")
_ARROW = re.compile(r"(?:→|⇒|⟶|➔|->|=>|\\(?:to|[rR]ightarrow|implies))\W*\Z")
_CORRECTION = re.compile(
    r"\b(?:no|wait|sorry|correct(?:ion|ed|ing)?|mistake\w*|actually|i mean|wrong\w*|edit\w*|miscount\w*|misread|oops"
    r"|instead|forgot|at first|first (?:got|wrote|had)|final answer|changed?|fix(?:ed)?)\b|اصلاح"
    r"|ببخشید|اشتباه|پاسخ نهایی"
)
# "[6, 1, 2] after rounding"
_ROUNDED = re.compile(r"[\s\])}>$,;(]*(?:(?:after|by|when|if|once|with) )?(?:rounded|rounding|approximat\w+|گرد)\b")
_PICK = re.compile(r"\b(?:pick|picks|choose|chooses|select|selects|take|takes|return|returns)\b(?: the)? |انتخاب ")
_TURN = re.compile(r"\b(?:but|however|now|forgot|correct\w*|mistake|wrong)\b|ولی|اما|اشتباه|اصلاح")
# What offers a second result in the place of the first.
_ALTERNATIVE = re.compile(
    r"[\s\])}>,;$?]*(?:(?:or|یا|and also|alternatively)\b[^.\d]{0,30}|(?:and|و|&)[\s\[({<$]*"
    r"|(?:if|when|in case|for)\b[^.;\[]{0,40}\b(?:and|or|but)\b[^.\d]{0,12})$"
)
_COMPARED = re.compile(
    r"\b(?:would|friends?|classmates?|neighbou?rs?|instead of|rather than|unlike|if (?:we|i)(?:'d| had)? used"
    r"|(?:it|we|i|that)'d|compared|whereas|not)\b[^,=]{0,50}=?\W*$"
    r"|به جای|اگر|\d\s*[*×·]\s*$"
)
# What may point to numbers that stand elsewhere, or name one of several without a figure.
_ELSEWHERE = re.compile(
    r"\b(?:note ?book|colab|code|cells?|above|below|attach\w*|appendix|page|photo|picture|image|scan\w*|figure|file"
    r"|see|same|screenshot|hand ?writ\w*|paper"
    r"|(?:first|second|third|fourth|last|latter|former)(?= (?:one|key|value|row|vector|entry|element|score)\b|\W*$))\b"
    r"|نوت ?بوک|کد|سلول|بالا|پایین|پیوست|ضمیمه|عکس|تصویر|صفحه|فایل|دست ?نویس|برگه|اول|دوم|سوم|چهارم|آخر|همان"
)
_FEWEST_WORDS, _MOST_CHARACTERS = 8, 1_500
_SMALL_WORDS = re.compile(r"\b(?:the|vector|is|are|with|given|so|and|for|of|let|بردار)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was found.

    The final vector and others that claim to be it; each step (True right, False wrong, None not shown); weights that
    are no one-hot; inputs repeated with other numbers; whether the answer is only named ("the value v_4").
    """

    final: Vector | None
    rivals: tuple[Vector, ...]
    steps: Mapping[str, bool | None]
    weights: Vector | None
    slips: tuple[tuple[Value, Vector], ...]
    symbolic: bool = False
    method: bool = False
    bare: bool = False


def is_close(found: Sequence[float], wanted: Sequence[float], rtol: float, atol: float) -> bool:
    """Return whether two vectors of one length agree entry by entry, the wanted one being the reference."""
    return len(found) == len(wanted) and all(
        abs(a - b) <= atol + rtol * abs(b) for a, b in zip(found, wanted, strict=True)
    )


def read_answer(question: Question, numbers: Numbers) -> Reading:
    """Return what an answer says about the question's quantities."""
    slips = _slips(question, numbers)
    repeated = [v for v in numbers.vectors if _is_given(question, v, numbers)] + [vector for _, vector in slips]
    steps = {step.title: _step(step, numbers) for step in question.steps}
    candidates = [v for v in numbers.vectors if _could_be_answer(question, v, repeated)]
    final, rivals = _final(question, candidates, numbers)
    symbolic = final is None and _named_symbolically(question, numbers.text)
    return Reading(
        final=final,
        rivals=rivals,
        steps=steps,
        weights=_weights(numbers),
        slips=slips,
        symbolic=symbolic,
        bare=final is not None and not re.search(r"\d", numbers.text[: final.start] + numbers.text[final.end :]),
        method=not symbolic and _tells_the_way(question, numbers.text),
    )


def _says(names: Sequence[str], label: str) -> bool:
    return any(find_phrase(name, label) for name in names)


def _is_called(names: Sequence[str], label: str) -> bool:
    """Return whether a label is one of the names and hardly more ("the query q", not "scores of q")."""
    tail = _SMALL_WORDS.sub(" ", re.split(r"[,:;]", label)[-1]).strip()
    spans = [span for name in names if (span := find_phrase(name, tail))]
    return any(2 * (end - start) >= len(tail) for start, end in spans)


def _is_given(question: Question, vector: Vector, numbers: Numbers) -> bool:
    """Return whether a vector repeats the sheet: a row of a matrix, an input by name, or one of several given rows."""
    if _says(question.answer.names, vector.name) or vector.rows > 1:
        return vector.rows > 1
    named = [value for value in question.given if _says(value.names, vector.name)]
    if _is_reached(vector, named, numbers):
        return False
    if any(value.title in question.inputs and _is_called(value.names, vector.name) for value in named):
        return True
    if named and len({v.name for v in numbers.vectors if _names_given(question, v)}) > 2:
        return True
    alike = [g for g in question.given if is_close(vector.values, g.values, 0, 1e-9)]
    sort = {g.title in question.inputs for g in alike}
    listed = [g for g in question.given if (g.title in question.inputs) in sort]
    rows = [v for v in numbers.vectors if any(is_close(v.values, g.values, 0, 1e-9) for g in listed)]
    if vector not in rows or _RESULT.search(vector.name):
        return False
    line = numbers.text[: vector.start].count("\n")
    beside = [v for v in rows if v is not vector and abs(v.start - vector.start) < 60 and not _compared(v, numbers)]
    return len([v for v in beside if numbers.text[: v.start].count("\n") == line]) >= 2


def _is_reached(vector: Vector, named: Sequence[Value], numbers: Numbers) -> bool:
    """Return whether an arrow leads to a vector that is not what the words before it name: "last key → [6, 1, 2]"."""
    arrow = _ARROW.search(numbers.text[max(0, vector.start - 12) : vector.start])
    alike = [sum(a == b for a, b in zip(vector.values, value.values, strict=False)) for value in named]
    return arrow is not None and 2 * max(alike, default=0) < len(vector.values)


def _names_given(question: Question, vector: Vector) -> bool:
    others = [value for value in question.given if value.title not in question.inputs]
    return any(_says(value.names, vector.name) for value in others)


def _could_be_answer(question: Question, vector: Vector, repeated: Sequence[Vector]) -> bool:
    return vector not in repeated and len(vector.values) == len(question.answer.values) and vector.rows == 1


def _final(
    question: Question, candidates: Sequence[Vector], numbers: Numbers
) -> tuple[Vector | None, tuple[Vector, ...]]:
    named = [v for v in candidates if _says(question.answer.names, v.name) and not _compared(v, numbers)]
    unnamed = [v for v in candidates if not _compared(v, numbers)]
    pool = named or unnamed
    if not pool:
        return (candidates[-1], ()) if candidates else (None, ())
    final = pool[-1]
    later = [v for v in unnamed if v.start > final.end and v.values != final.values]
    between = numbers.text[final.end : later[-1].start] if later else ""
    if named and _TURN.search(between):  # "my result was [6, -1, 2] but I forgot a minus, now: [6, 1, 2]"
        return (later[-1], ()) if _CORRECTION.search(between) else (later[-1], (final,))
    if _ROUNDED.match(numbers.text[final.end :]):
        final = replace(final, approximate=True)
    if final.approximate:  # "about [6, 1, 2], exactly [6, 0.905, 1.994]"
        final = next((v for v in unnamed if v.values != final.values and _is_rounded(v, final)), final)
    corrected = _CORRECTION.search(numbers.text[pool[0].start : final.start])
    rivals = () if corrected or not named else tuple(v for v in named[:-1] if v.values != final.values)
    offered = [v for v in unnamed if v.values != final.values and _is_alternative(final, v, numbers.text)]
    return final, (*rivals, *offered)


def _is_rounded(exact: Vector, rounded: Vector) -> bool:
    return not exact.approximate and tuple(round(value) for value in exact.values) == rounded.values


def _is_alternative(one: Vector, two: Vector, text: str) -> bool:
    """Return whether one vector is offered in place of the other ("[6, 1, 2] or [6, 1, 0]")."""
    first, last = sorted((one, two), key=lambda vector: vector.start)
    return bool(_ALTERNATIVE.match(text[first.end : last.start]))


def _compared(vector: Vector, numbers: Numbers) -> bool:
    """Return whether a vector is a term of a sum or only compared ("with softmax it would be ...", "not [6, 1, 0]")."""
    return bool(_COMPARED.search(re.split(r"\n|\. |;", numbers.text[: vector.start])[-1]))


def _step(step: Step, numbers: Numbers) -> bool | None:
    """Return True where a step was found right, False where it is named and wrong, None where it is not shown."""
    forms = (step.values, *step.other_forms)
    if any(is_close(v.values, form, step.rtol, step.atol) for v in numbers.vectors for form in forms if len(form) > 1):
        return True
    results = [value for _, value in numbers.results]
    for form in forms:
        size = len(form)
        runs = [results[i : i + size] for i in range(len(results) - size + 1)]
        if size > 1 and any(is_close(run, form, step.rtol, step.atol) for run in runs):
            return True
    singles = [form[0] for form in forms if len(form) == 1]
    if singles and (said := _single(step, numbers)) is not None:
        return said in singles
    wrong = [v for v in numbers.vectors if _says(step.names, v.name) and len(v.values) == len(step.values) > 1]
    return False if wrong else None


def _single(step: Step, numbers: Numbers) -> float | None:
    """Return a single number that follows one of the step's names ("argmax = 3", "index 3")."""
    for name in step.names:
        rest = numbers.text
        while span := find_phrase(name, rest):
            follow = re.match(r"[^\d\n.\[]{0,40}?(-?\d+)(?![\d.,]*\s*[\])}])", rest[span[1] :])
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
        called = [v for v in numbers.vectors if v.rows == 1 and _is_called(value.names, v.name)]
        said = [v for v in called if not _is_reached(v, [value], numbers)]
        if said and not any(is_close(v.values, value.values, 0, 1e-9) for v in said):
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
            wrong = [(g, v) for g, v in pairs if not is_close(v.values, g.values, 0, 1e-9)]
            if 0 < len(wrong) <= len(rows) // 2:
                slips += [(g, v) for g, v in wrong if g not in known]
                break
    return slips


def _named_symbolically(question: Question, text: str) -> bool:
    """Return whether the text says in words or symbols that the answer is the given row that it is ("output = v_4")."""
    same = [v for v in question.given if is_close(v.values, question.answer.values, 0, 1e-9)]
    names = [name for value in same for name in value.names]
    picked = [pick.end() for pick in _PICK.finditer(text)]
    if any(_says(names, text[end : end + 30]) for end in picked):
        return True
    return any(_says(question.answer.names, line) and _says(names, line) for line in text.splitlines())


def _tells_the_way(question: Question, text: str) -> bool:
    """Return whether a text says in several words how the answer is worked out, without number or pointer to one."""
    if len(text) > _MOST_CHARACTERS or re.search(r"\d", text) or len(text.split()) < _FEWEST_WORDS:
        return False
    names = [name for step in question.steps if len(step.values) > 1 for name in step.names if len(name) > 3]
    said = _says(names, text) or _says([name for name in question.answer.names if len(name) > 3], text)
    return said and not _ELSEWHERE.search(text)
