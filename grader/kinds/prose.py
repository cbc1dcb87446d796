"""A question answered in sentences, decided by key points.

Every sentence is read on its own: a point counts when a sentence asserts one of its phrases with the right polarity.
Words strewn about without a sentence earn nothing by themselves, what is asked or supposed is not asserted, and what
speaks to the grader is left out. Credit is given without a person only where every deciding point is clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.phrases import check_phrases, find_phrase, locate_phrase, repeats_question
from grader.documents.wording import (
    Sentence,
    find_sentences,
    is_sentence,
    is_supposed,
    one_line,
    to_plain,
)
from grader.kinds.answers import build_missing, build_shown, find_absent
from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

Status = Literal["made", "contradicted", "mixed", "strewn", "absent"]
_SHOWN_STATUS = {"made": "found", "contradicted": "not right", "mixed": "unclear", "strewn": "words only"}

# A longer answer is for a person: reading takes time, and no honest answer is so long.
MAX_CHARACTERS = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A key point: ``supports`` and ``contradicts`` are phrases (see documents/phrases.py)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    # The point itself, for staff, and what it is about, for a student who has not made it.
    title: str
    about: str
    # A deciding point must be clear before credit is given without a person.
    deciding: bool = False
    # Words that show that a sentence is about this point: with them, an answer short of full credit in which a
    # deciding point was not found is for a person.
    topic: tuple[str, ...] = ()
    supports: tuple[str, ...]
    contradicts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_phrases(self.topic, self.supports, self.contradicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Credit for all points of ``needs`` and at least ``others`` further ones; the first rule that holds counts."""

    __pydantic_config__: ClassVar[Any] = STRICT
    needs: tuple[str, ...] = ()
    others: int = 0
    credit: Decimal
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prose question. Short of full credit, a sentence that matched no point sends the answer to a person."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["prose"]
    points: tuple[Point, ...]
    rules: tuple[Rule, ...]
    # Phrases by which a sentence of the sheet's question is known when a student copies it.
    question_cues: tuple[str, ...] = ()
    model_answer: str = ""

    def __post_init__(self) -> None:
        check_phrases(self.question_cues)
        names = {point.name for point in self.points}
        if unknown := {need for rule in self.rules for need in rule.needs} - names:
            raise ValueError(f"rules: there is no point {sorted(unknown)[0]!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    sentence: Sentence
    for_it: bool
    said: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    sentences: tuple[Sentence, ...]
    hits: Mapping[str, Sequence[_Hit]]
    status: Mapping[str, Status]
    rule: Rule | None


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one prose answer; ``context`` is not needed."""
    if absent := find_absent("prose", criterion, answer, MAX_CHARACTERS):
        return absent
    sentences = find_sentences(to_plain(answer.text))
    kept = [sentence for sentence in sentences if not repeats_question(sentence.folded, question.question_cues)]
    if not kept:
        return build_missing("prose", criterion, answer)
    return _judge(criterion, question, answer, _read(question, kept))


# --- reading -------------------------------------------------------------------------------------------------------


def _read(question: Question, sentences: Sequence[Sentence]) -> _Reading:
    hits = {point.name: _find_hits(point, sentences) for point in question.points}
    strewn = [hit.sentence.folded for found in hits.values() for hit in found if hit.for_it and not hit.said]
    crowded = {text for text in strewn if strewn.count(text) >= 3}
    status = {point.name: _status(point, hits[point.name], crowded) for point in question.points}
    made = {name for name, found in status.items() if found == "made"}
    return _Reading(sentences=tuple(sentences), hits=hits, status=status, rule=_find_rule(question, made))


def _find_hits(point: Point, sentences: Sequence[Sentence]) -> list[_Hit]:
    hits = []
    for sentence in sentences:
        if sentence.plain.rstrip().endswith(("?", "؟")):
            continue
        said = is_sentence(sentence.folded)
        if any(find_phrase(phrase, sentence.folded) for phrase in point.supports):
            hits.append(_Hit(sentence=sentence, for_it=True, said=said))
        against = any(find_phrase(phrase, sentence.folded) for phrase in point.contradicts)
        if against and not is_supposed(sentence.folded):
            hits.append(_Hit(sentence=sentence, for_it=False, said=said))
    return hits


def _status(point: Point, hits: Sequence[_Hit], crowded: set[str]) -> Status:
    """Return what became of a point.

    A bare fragment carries a point that does not decide, unless it is ``crowded`` with the words of many points.
    """
    support = [hit for hit in hits if hit.for_it]
    made = [h for h in support if h.said or (not point.deciding and h.sentence.folded not in crowded)]
    if len(support) < len(hits):
        return "mixed" if support else "contradicted"
    return "made" if made else "strewn" if support else "absent"


def _find_rule(question: Question, made: set[str]) -> Rule | None:
    further = made - {point.name for point in question.points if point.deciding}
    for rule in question.rules:
        if set(rule.needs) <= made and len(further - set(rule.needs)) >= rule.others:
            return rule
    return None


# --- judging -------------------------------------------------------------------------------------------------------


def _judge(criterion: str, question: Question, answer: Answer, reading: _Reading) -> Evidence:
    findings: list[Finding] = []
    observed = _observed(question, answer, reading)
    rule = reading.rule
    credit = rule.credit if rule else Decimal(0)
    doubt, sentences = _find_doubt(question, reading)
    if doubt:
        observed["highlight"] = [one_line(sentence.plain, 300) for sentence in sentences[:5]]
        findings.append(Finding(code="prose.referred", message="A person will read this answer."))
        verdict = _verdict(credit) if rule else None
        review = Review(reason=doubt, suggested_verdict=verdict, suggested_credit=credit if rule else None)
        return _evidence(criterion, question, None, observed, findings, review)
    against = [point for point in question.points if reading.status[point.name] == "contradicted"]
    for point in against:
        message = f"What you say about {point.about} is not right."
        findings.append(Finding(code=f"prose.contradicts_{point.name}", message=message))
    if any(point.deciding for point in against):
        credit = Decimal(0)
        observed["next"] = f"Think again about {against[0].about}."
    elif rule and rule.next:
        observed["next"] = rule.next
    if credit < 1:
        findings.append(_find_missing(question, reading))
    return _evidence(criterion, question, credit, observed, findings, None)


def _verdict(credit: Decimal) -> Verdict:
    return "correct" if credit == 1 else "partial" if credit > 0 else "wrong"


def _find_doubt(question: Question, reading: _Reading) -> tuple[str, Sequence[Sentence]]:
    """Return why a person should decide and the sentences to look at, ("", ()) where all is clear."""
    for point in question.points:
        if reading.status[point.name] == "mixed":
            return f"The text both says and denies: {point.title}.", _sentences(reading, point)
    if reading.rule and reading.rule.credit == 1:
        return "", ()
    if strewn := [point for point in question.points if reading.status[point.name] == "strewn"]:
        return "Words of the answer stand there, but not in a sentence.", _sentences(reading, *strewn)
    deciding = [point for point in question.points if point.deciding]
    if any(reading.status[point.name] == "contradicted" for point in deciding):
        right = [point for point in deciding if reading.status[point.name] == "made"]
        return (
            ("Right about one deciding point, wrong about another.", _sentences(reading, *right)) if right else ("", ())
        )
    for point in deciding:
        about = [s for s in reading.sentences if any(locate_phrase(word, s.folded) for word in point.topic)]
        if reading.status[point.name] == "absent" and about:
            return f"The text touches on a deciding point without a clear statement: {point.title}.", about
    return _find_unread(reading)


def _find_unread(reading: _Reading) -> tuple[str, Sequence[Sentence]]:
    """Return a doubt where sentences matched nothing, or where nothing that matched is a sentence or a list's entry."""
    hits = [hit for found in reading.hits.values() for hit in found]
    if hits and not any(hit.said or hit.sentence.item for hit in hits):
        return "Words of the answer stand there, but not in a sentence.", reading.sentences
    used = {hit.sentence.folded for hit in hits}
    unread = [sentence for sentence in reading.sentences if sentence.folded not in used and not _is_heading(sentence)]
    if unread and hits:
        return "A sentence was not understood; it may hold what is missing.", unread
    return ("None of the key points could be found in the text.", reading.sentences) if not hits else ("", ())


def _is_heading(sentence: Sentence) -> bool:
    return sentence.plain.rstrip().endswith(":") or len(sentence.folded.split()) < 3


def _sentences(reading: _Reading, *points: Point) -> list[Sentence]:
    return [hit.sentence for point in points for hit in reading.hits[point.name]]


def _find_missing(question: Question, reading: _Reading) -> Finding:
    for point in question.points:
        if point.deciding and reading.status[point.name] == "absent":
            return Finding(code="prose.point_missing", message=f"Something is missing about {point.about}.")
    return Finding(code="prose.only_one_side", message="Name at least one more effect, good or bad, or a remedy.")


# --- evidence ------------------------------------------------------------------------------------------------------


def _observed(question: Question, answer: Answer, reading: _Reading) -> dict[str, Json]:
    rows = []
    for point in question.points:
        status = reading.status[point.name]
        if status != "absent":
            title = point.title if status == "made" else point.about
            rows.append([title, _SHOWN_STATUS[status], one_line(reading.hits[point.name][0].sentence.plain, 120)])
    observed = build_shown(answer)
    observed["text"] = one_line(to_plain(answer.shown))
    if rows:
        observed["table"] = {"columns": ["Key point", "Read as", "Your words"], "rows": rows}
    return observed


def _evidence(
    criterion: str,
    question: Question,
    credit: Decimal | None,
    observed: dict[str, Json],
    findings: Sequence[Finding],
    review: Review | None,
) -> Evidence:
    expected = question.model_answer or "; ".join(point.title for point in question.points if point.deciding)
    return Evidence(
        criterion=criterion,
        verdict="unreadable" if credit is None else _verdict(credit),
        credit=credit,
        observed=observed,
        expected={"text": expected},
        findings=tuple(findings),
        review=review,
        provenance="prose",
    )


KIND = Kind(name="prose", question=Question, check=check)
