"""A question answered in sentences, decided by key points.

Every sentence is read on its own: a point counts when a sentence asserts one of its phrases with the right polarity.
Words strewn about without a sentence earn nothing by themselves, what is asked or supposed is not asserted, and what
speaks to the grader is left out. Credit is given without a person only where every deciding point is clear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from grader.documents.phrases import find_phrase, locate_phrase, repeats_question
from grader.documents.spelling import build_vocabulary, mend_spelling
from grader.documents.wording import (
    Sentence,
    find_sentences,
    one_line,
    to_plain,
)
from grader.kinds.answers import build_missing, build_shown, find_absent
from grader.kinds.base import Context, Kind
from grader.kinds.prose_question import Point, Question
from grader.kinds.prose_reading import Reading, read_points
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

_SHOWN_STATUS = {"made": "found", "contradicted": "not right", "mixed": "unclear", "strewn": "words only"}
# Where a sentence goes on to something else.
_FURTHER = re.compile(
    r";|=>|->|\b(?:also|moreover|besides|in addition|additionally|furthermore|on the other hand"
    r"|however|but|although|though"
    r"|همچنین|اما|ولی|از طرفی|در عوض|ضمنا|علاوه بر این)\b"
)
# A longer answer is for a person: reading takes time, and no honest answer is so long.
MAX_CHARACTERS = 12_000


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one prose answer; ``context`` is not needed."""
    if absent := find_absent("prose", criterion, answer, MAX_CHARACTERS):
        return absent
    sentences = find_sentences(to_plain(answer.text))
    kept = [sentence for sentence in sentences if not repeats_question(sentence.folded, question.question_cues)]
    if not kept:
        return build_missing("prose", criterion, answer)
    points = question.points
    words = build_vocabulary(tuple(w for p in points for w in (*p.topic, *p.supports, *p.contradicts)))
    mended = [replace(sentence, folded=mend_spelling(sentence.folded, words)) for sentence in kept]
    return _judge(criterion, question, answer, read_points(question, mended))


# --- judging -------------------------------------------------------------------------------------------------------


def _judge(criterion: str, question: Question, answer: Answer, reading: Reading) -> Evidence:
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


# "improve and don't improve"
_BOTH = re.compile(r"\b([a-z]{4,30}?)(?:s|es)? (?:and|but) (?:also )?(?:do not|don't|does not|doesn't|not|never) \1\b")


def _find_doubt(question: Question, reading: Reading) -> tuple[str, Sequence[Sentence]]:
    """Return why a person should decide and the sentences to look at, ("", ()) where all is clear."""
    both = [sentence for sentence in reading.sentences if _BOTH.search(sentence.folded)]
    if both:
        return "The text says a thing and its contrary.", both
    for point in question.points:
        if reading.status[point.name] == "mixed":
            return f"The text both says and denies: {point.title}.", _sentences(reading, point)
    if reading.rule and reading.rule.credit == 1:
        return "", ()
    if strewn := [point for point in question.points if reading.status[point.name] == "strewn"]:
        return "Words of the answer stand there, but not as a statement.", _sentences(reading, *strewn)
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
    return _find_unread(question, reading)


def _find_unread(question: Question, reading: Reading) -> tuple[str, Sequence[Sentence]]:
    """Return a doubt where sentences matched nothing, or where nothing that matched is a sentence or a list's entry."""
    hits = [hit for found in reading.hits.values() for hit in found]
    if hits and not any(hit.said or hit.sentence.item for hit in hits):
        return "Words of the answer stand there, but not as a statement.", reading.sentences
    used = {hit.sentence.folded for hit in hits}
    unread = [
        sentence
        for sentence in reading.sentences
        if not _is_heading(sentence)
        and not (sentence.folded not in used and _is_beside(question, sentence))
        and (sentence.folded not in used or _has_unread_clause(question, sentence))
    ]
    if unread and hits:
        return "A sentence was not understood; it may hold what is missing.", unread
    if hits or not unread:
        return "", ()
    return "None of the key points could be found in the text.", reading.sentences


def _is_beside(question: Question, sentence: Sentence) -> bool:
    """Return whether a sentence only tells what earns nothing, and goes on to nothing else."""
    topics = [word for point in question.points if point.deciding for word in point.topic]
    said = any(find_phrase(phrase, sentence.folded) for phrase in question.beside)
    return (
        said
        and not any(locate_phrase(word, sentence.folded) for word in topics)
        and not _FURTHER.search(sentence.folded)
    )


def _has_unread_clause(question: Question, sentence: Sentence) -> bool:
    """Return whether a sentence goes on ("also ...", "but ...") with words that say no point."""
    pieces = _FURTHER.split(sentence.folded)
    further = [piece for piece in pieces[len(pieces) == 1 :] if len(re.findall(r"\w{2,}", piece)) >= 3]
    phrases = [phrase for point in question.points for phrase in (*point.supports, *point.contradicts)]
    return any(not any(find_phrase(phrase, piece) for phrase in phrases) for piece in further)


def _is_heading(sentence: Sentence) -> bool:
    return sentence.plain.rstrip().endswith(":") or len(sentence.folded.split()) < 3


def _sentences(reading: Reading, *points: Point) -> list[Sentence]:
    return [hit.sentence for point in points for hit in reading.hits[point.name]]


def _find_missing(question: Question, reading: Reading) -> Finding:
    for point in question.points:
        if point.deciding and reading.status[point.name] == "absent":
            return Finding(code="prose.point_missing", message=f"Something is missing about {point.about}.")
    return Finding(code="prose.only_one_side", message="Name at least one more effect, good or bad, or a remedy.")


# --- evidence ------------------------------------------------------------------------------------------------------


def _observed(question: Question, answer: Answer, reading: Reading) -> dict[str, Json]:
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
