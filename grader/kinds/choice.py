"""Choose one or several of numbered options, and say why in a sentence.

Options are read by meaning (``documents.options``). A choice that cannot be told is unreadable and waits for a person;
so does a right choice whose reason contradicts it. The reason itself carries no marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.options import Named, find_named
from grader.documents.wording import find_phrase, one_line, to_plain
from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

MAX_SHOWN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the sheet."""

    __pydantic_config__: ClassVar[Any] = STRICT
    number: int
    text: str  # as the feedback names it
    phrases: tuple[str, ...] = ()  # words by which students name it, English and Persian (see documents/wording.py)
    formulas: tuple[str, ...] = ()  # formulas by which students name it


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words that fit several options and so do not tell which one is meant ("unidirectional")."""

    __pydantic_config__: ClassVar[Any] = STRICT
    text: str
    options: tuple[int, ...]
    phrases: tuple[str, ...]
    credit: Decimal  # for naming the group and no option
    next: str  # what the student should add


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A reason that does not go with choosing ``option``: such an answer is shown to a person."""

    __pydantic_config__: ClassVar[Any] = STRICT
    option: int
    phrases: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A choice: every right option earns its share of the credit, every wrong one costs ``deduction``."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["choice"]
    options: tuple[Option, ...]
    key: tuple[int, ...]
    deduction: Decimal = Decimal("0.5")
    prompt: str = ""  # the sheet's question, recognised when a student copies it
    denials: tuple[str, ...] = ()  # what, said of an option, rules it out ("many to many")
    groups: tuple[Group, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    next: str = ""  # to a student who chose wrongly


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one choice; ``context`` is not needed."""
    if answer.state != "given":
        return _not_given(criterion, answer)
    named = find_named(answer.text, question.options, question.prompt, question.denials)
    findings: list[Finding] = []
    if named.addressed:
        findings.append(Finding(code="choice.addressed_to_grader", audience="staff",
                                message="Part of the text speaks to the grader; it was not counted."))  # fmt: skip
    if not named.text.strip():
        return _nothing_left(criterion, answer, findings)
    return _decide(criterion, question, answer, named, findings)


def _decide(criterion: str, question: Question, answer: Answer, named: Named, findings: list[Finding]) -> Evidence:
    group = None if named.chosen else _group(question, named)
    settled = group is not None and (len(named.text.split()) <= 12 or not set(group.options) & set(question.key))
    doubt = "" if settled else named.doubt
    contradiction = _contradiction(question, named)
    if doubt or contradiction:
        findings.append(_doubt_finding(doubt, contradiction))
        suggestion = _credit(question, named.chosen) if named.chosen else group.credit if group else None
        review = Review(
            reason=contradiction or f"The choice could not be told: {doubt}.",
            suggested_verdict=_verdict(suggestion) if suggestion is not None else None,
            suggested_credit=suggestion,
        )
        return _evidence(criterion, question, answer, named, None, "unreadable", findings, review)
    credit = group.credit if group else _credit(question, named.chosen)
    findings += _findings(question, named, group)
    return _evidence(criterion, question, answer, named, credit, _verdict(credit), findings, None, group)


def _credit(question: Question, chosen: frozenset[int]) -> Decimal:
    right = len(chosen & set(question.key))
    wrong = len(chosen - set(question.key))
    credit = Decimal(right) / Decimal(len(question.key)) - question.deduction * wrong
    return max(Decimal(0), credit).quantize(Decimal("0.0001")).normalize() + Decimal(0)


def _verdict(credit: Decimal) -> Verdict:
    return "correct" if credit == 1 else "partial" if credit > 0 else "wrong"


def _group(question: Question, named: Named) -> Group | None:
    said = [group for group in question.groups if _meant(group.phrases, named.text)]
    return said[0] if len(said) == 1 else None


def _meant(phrases: Sequence[str], text: str) -> bool:
    """Whether any sentence asserts one of the phrases (what is asked or denied does not count)."""
    return any(find_phrase(phrase, unit) for unit in text.replace("\n", ". ").split(". ") for phrase in phrases)


def _contradiction(question: Question, named: Named) -> str:
    """Return why the words do not go with the option chosen, "" where they do."""
    if not named.chosen or named.by == "words":
        pass
    elif named.in_words and not named.in_words & named.chosen and named.by == "number":
        words = _list_options(question, named.in_words)
        return f"The text names {_list_options(question, named.chosen)}, but its words describe {words}."
    for group in question.groups:
        others = [other for other in question.groups if other is not group]
        apart = named.chosen and not named.chosen & set(group.options)
        if (
            apart
            and _meant(group.phrases, named.claim)
            and not any(_meant(other.phrases, named.claim) for other in others)
        ):
            return f"The text names {_list_options(question, named.chosen)}, but says {group.text}."
    for entry in question.contradictions:
        if entry.option in named.chosen and _meant(entry.phrases, named.reason or named.text):
            return entry.message
    return ""


def _doubt_finding(doubt: str, contradiction: str) -> Finding:
    if contradiction:
        message = "Your reason and the option you name do not seem to go together; a person will look at it."
        return Finding(code="choice.contradiction", message=message)
    message = "We could not tell which option you chose; a person will read it. Name options by their number."
    return Finding(code="choice.not_told", message=message)


def _findings(question: Question, named: Named, group: Group | None) -> list[Finding]:
    findings = []
    key = set(question.key)
    if group:
        message = f"You say {group.text}, which fits more than one option."
        findings.append(Finding(code="choice.not_told_apart", message=message))
    elif named.none_of_them:
        findings.append(
            Finding(code="choice.none_chosen", message="You choose none of the options; at least one is right.")
        )
    elif named.chosen & key and key - named.chosen:
        findings.append(Finding(code="choice.incomplete", message="What you chose is right, but something is missing."))
    if named.chosen - key:
        wrong = _list_options(question, named.chosen - key)
        findings.append(Finding(code="choice.wrong_option", message=f"You chose {wrong}, which does not fit."))
    if not group and len(named.text.split()) <= 4 + 2 * len(named.chosen):
        findings.append(
            Finding(
                code="choice.no_reason", message="The sheet asks for a reason in a sentence; no marks hang on it here."
            )
        )
    return findings


def _list_options(question: Question, numbers: frozenset[int]) -> str:
    listed = sorted(numbers)
    word = "option" if len(listed) == 1 else "options"
    return f"{word} {' and '.join(str(n) for n in listed)}" if listed else "no option"


def _evidence(
    criterion: str,
    question: Question,
    answer: Answer,
    named: Named,
    credit: Decimal | None,
    verdict: Verdict,
    findings: Sequence[Finding],
    review: Review | None,
    group: Group | None = None,
) -> Evidence:
    read = group.text if group else _list_options(question, named.chosen)
    rows = [[str(o.number), o.text, "chosen" if o.number in named.chosen else ""] for o in question.options]
    observed: dict[str, Json] = {**_shown(answer), "text": read if credit is not None else "no clear choice"}
    observed["table"] = {"columns": ["Option", "Text", "Read as"], "rows": rows}
    observed["chosen"] = sorted(named.chosen)
    if verdict in ("partial", "wrong") and (follow := group.next if group else question.next):
        observed["next"] = follow
    texts = {option.number: option.text for option in question.options}
    expected = "; ".join(f"option {number}: {texts[number]}" for number in sorted(question.key))
    return Evidence(
        criterion=criterion, verdict=verdict, credit=credit, reading=named.by or None, observed=observed,
        expected={"text": expected, "key": sorted(question.key)}, findings=tuple(findings), review=review, provenance="choice",
    )  # fmt: skip


def _shown(answer: Answer) -> Mapping[str, Json]:
    location = {"location": str(answer.location)} if answer.location else {}
    return {"answer": answer.text[:MAX_SHOWN], **location}


def _not_given(criterion: str, answer: Answer) -> Evidence:
    if answer.state == "missing":
        finding = Finding(code="choice.missing", message="No answer was found for this part.")
        return Evidence(
            criterion=criterion, verdict="missing", credit=Decimal(0), findings=(finding,), provenance="choice"
        )
    review = Review(reason=answer.reason or "The answer could not be read.")
    return Evidence(criterion=criterion, verdict="unreadable", credit=None, observed=_shown(answer), review=review,
                    provenance="choice")  # fmt: skip


def _nothing_left(criterion: str, answer: Answer, findings: Sequence[Finding]) -> Evidence:
    """All that was written is struck out or speaks to the grader."""
    observed = {**_shown(answer), "text": one_line(to_plain(answer.text)) or "nothing that is not struck out"}
    missing = Finding(code="choice.missing", message="Nothing in this part answers the question.")
    return Evidence(criterion=criterion, verdict="missing", credit=Decimal(0), observed=observed,
                    findings=(*findings, missing), provenance="choice")  # fmt: skip


KIND = Kind(name="choice", question=Question, check=check)
