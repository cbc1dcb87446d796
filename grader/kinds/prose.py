"""A question answered in sentences, decided by key points.

Every sentence is read on its own: a point counts when a sentence asserts one of its phrases with the right polarity.
Words strewn about without a sentence earn nothing by themselves, what is asked or supposed is not asserted, and what
speaks to the grader is left out. Credit is given without a person only where every deciding point is clear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.wording import (
    Sentence,
    find_phrase,
    find_sentences,
    is_addressed_to_grader,
    one_line,
    remove_struck,
    to_plain,
)
from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

MAX_SHOWN = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A key point: ``supports`` and ``contradicts`` are phrases (see documents/wording.py)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    title: str  # as the feedback names it
    deciding: bool = False  # a deciding point must be clear before credit is given without a person
    supports: tuple[str, ...]
    contradicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Credit for an answer that makes all points of ``needs`` and at least ``others`` further ones. First match counts."""

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
    prompt: str = ""  # the sheet's question, recognised when a student copies it
    model_answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    sentence: Sentence
    for_it: bool
    said: bool  # in a sentence, not among strewn words


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one prose answer; ``context`` is not needed."""
    if answer.state == "missing":
        return _missing(criterion, answer, ())
    if answer.state == "unreadable":
        review = Review(reason=answer.reason or "The answer could not be read.")
        return Evidence(criterion=criterion, verdict="unreadable", credit=None, observed=_shown(answer), review=review,
                        provenance="prose")  # fmt: skip
    sentences = find_sentences(to_plain(remove_struck(answer.text)))
    kept = [s for s in sentences if not is_addressed_to_grader(s.folded)]
    findings: tuple[Finding, ...] = ()
    if len(kept) < len(sentences):
        findings = (Finding(code="prose.addressed_to_grader", audience="staff",
                            message="Part of the text speaks to the grader; it was not counted."),)  # fmt: skip
    kept = [s for s in kept if not _repeats(s, question.prompt)]
    if not kept:
        return _missing(criterion, answer, findings)
    return _judge(criterion, question, answer, kept, list(findings))


def _repeats(sentence: Sentence, prompt: str) -> bool:
    words = re.findall(r"\w+", sentence.folded)
    known = set(re.findall(r"\w+", prompt.lower()))
    return len(words) >= 5 and sum(word in known for word in words) >= 0.85 * len(words)


# --- reading -------------------------------------------------------------------------------------------------------

# Small words and verbs: what sentences have and strewn keywords have not.
_GLUE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|cannot|could|will|would|may|might|must|should|not|non|\w+n't|no"
    r"|the|a|an|it|its|this|that|these|they|we|you|he|which|there|to|of|in|on|by|for|from|with|through|at|as|so|because|since"
    r"|when|while|but|and|or|also|only|than|into|if|then|therefore|hence|thus|get|gets|gives?|makes?|leads?|causes?|becomes?"
    r"|means?|uses?|using|all|other|every|any|one|cant|doesnt|isnt|never|just|more|less|during)\b"
    r"|است|هست|نیست|نیستند|هستند|دارد|ندارد|دارند|ندارند|شود|می\s*\w+|نمی\s*\w+|باشد|شده|کند|کرد|بود|میشه|داره|نداره|هستش"
    r"|(?<!\w)(?:به|از|در|که|را|با|و|برای|این|آن|تا|پس|چون)(?!\w)"
)
_SUPPOSED = re.compile(r"\b(?:if|unless|suppose|assume)\b.{0,60}\b(?:were|was|would|could|had)\b|\bwould (?:be|have)\b"
                       r"|\bone (?:might|may|could) think\b|\bsome (?:people )?(?:say|claim|think)\b|اگر.{0,50}(?:بود|می ?شد)")  # fmt: skip


def _is_said(sentence: Sentence) -> bool:
    """Return whether words form a sentence rather than a run of keywords."""
    words = re.findall(r"[\w']+", sentence.folded)
    return len(words) >= 2 and len(_GLUE.findall(sentence.folded)) * 6 >= len(words)


def _hits(point: Point, sentences: Sequence[Sentence]) -> list[_Hit]:
    hits = []
    for sentence in sentences:
        if sentence.plain.rstrip().endswith(("?", "؟")):
            continue
        said = _is_said(sentence)
        supposed = bool(_SUPPOSED.search(sentence.folded))
        if any(find_phrase(phrase, sentence.folded) for phrase in point.supports):
            hits.append(_Hit(sentence=sentence, for_it=True, said=said))
        if not supposed and any(find_phrase(phrase, sentence.folded) for phrase in point.contradicts):
            hits.append(_Hit(sentence=sentence, for_it=False, said=said))
    return hits


def _status(point: Point, hits: Sequence[_Hit], crowded: frozenset[str]) -> str:
    """Return what became of a point; a bare fragment carries a point that does not decide, unless it is ``crowded``."""
    made = [h for h in hits if h.for_it and (h.said or (not point.deciding and h.sentence.folded not in crowded))]
    strewn = [hit for hit in hits if hit.for_it and hit not in made]
    against = [hit for hit in hits if not hit.for_it]
    if made and against:
        return "mixed"
    if against:
        return "mixed" if strewn else "contradicted"
    return "made" if made else "strewn" if strewn else "absent"


def _crowded(hits: dict[str, list[_Hit]]) -> frozenset[str]:
    """Return the sentences that are no sentences but hold the words of three points or more."""
    strewn = [hit.sentence.folded for found in hits.values() for hit in found if hit.for_it and not hit.said]
    return frozenset(text for text in strewn if strewn.count(text) >= 3)


# --- judging -------------------------------------------------------------------------------------------------------


def _judge(
    criterion: str, question: Question, answer: Answer, sentences: list[Sentence], findings: list[Finding]
) -> Evidence:
    hits = {point.name: _hits(point, sentences) for point in question.points}
    crowded = _crowded(hits)
    status = {point.name: _status(point, hits[point.name], crowded) for point in question.points}
    made = {name for name, found in status.items() if found == "made"}
    rule = _rule(question, made)
    observed = _observed(question, answer, status, hits)
    doubt, doubtful = _doubt(question, sentences, status, hits, rule)
    if doubt:
        observed["highlight"] = [one_line(s.plain, 300) for s in doubtful[:5]]
        findings.append(Finding(code="prose.referred", message="A person will read this answer."))
        suggested = rule.credit if rule else None
        review = Review(reason=doubt, suggested_credit=suggested,
                        suggested_verdict=_verdict(suggested) if suggested is not None else None)  # fmt: skip
        return _evidence(criterion, question, "unreadable", None, observed, findings, review)
    contradicted = [point for point in question.points if status[point.name] == "contradicted"]
    for point in contradicted:
        findings.append(
            Finding(
                code=f"prose.contradicts.{point.name}", message=f"Your text says the opposite of this: {point.title}."
            )
        )
    if any(point.deciding for point in contradicted):
        observed["next"] = question.rules[0].next or "Think again about: " + contradicted[0].title + "."
        return _evidence(criterion, question, "wrong", Decimal(0), observed, findings, None)
    credit = rule.credit if rule else Decimal(0)
    if rule and rule.next:
        observed["next"] = rule.next
    findings += _points_missing(question, rule, made)
    return _evidence(criterion, question, _verdict(credit), credit, observed, findings, None)


def _verdict(credit: Decimal) -> Verdict:
    return "correct" if credit == 1 else "partial" if credit > 0 else "wrong"


def _rule(question: Question, made: set[str]) -> Rule | None:
    deciding = {point.name for point in question.points if point.deciding}
    for rule in question.rules:
        if set(rule.needs) <= made and len(made - deciding - set(rule.needs)) >= rule.others:
            return rule
    return None


def _doubt(
    question: Question,
    sentences: Sequence[Sentence],
    status: dict[str, str],
    hits: dict[str, list[_Hit]],
    rule: Rule | None,
) -> tuple[str, list[Sentence]]:
    """Return why a person should decide and the sentences to look at, ("", []) where all is clear."""
    for point in question.points:
        found = [hit.sentence for hit in hits[point.name]]
        if status[point.name] == "mixed" and (point.deciding or any(not h.for_it for h in hits[point.name])):
            return f"The text both says and denies: {point.title}.", found
    if rule and rule.credit == 1:
        return "", []
    deciding = [point for point in question.points if point.deciding]
    strewn = [hit.sentence for point in question.points if status[point.name] == "strewn" for hit in hits[point.name]]
    if strewn:
        return "Words of the answer stand there, but not in a sentence that says something.", strewn
    if any(status[point.name] == "contradicted" for point in deciding):
        supported = [hit.sentence for point in deciding for hit in hits[point.name] if hit.for_it]
        if supported:
            return "The text is right about one deciding point and wrong about another.", supported
        return "", []
    used = {hit.sentence.folded for found in hits.values() for hit in found}
    if used and not any(hit.said or hit.sentence.item for found in hits.values() for hit in found):
        return "Words of the answer stand there, but not in a sentence that says something.", list(sentences)
    missed = [s for s in sentences if s.folded not in used and not _opens_list(s)]
    if missed and used:
        return "A sentence was not understood; it may hold what is missing.", missed
    if missed:
        return "None of the key points could be found in the text.", missed
    return "", []


def _opens_list(sentence: Sentence) -> bool:
    return sentence.plain.rstrip().endswith(":") or len(sentence.folded.split()) < 3


def _points_missing(question: Question, rule: Rule | None, made: set[str]) -> list[Finding]:
    if rule and rule.credit == 1:
        return []
    absent = [point for point in question.points if point.deciding and point.name not in made]
    if absent:
        return [
            Finding(
                code="prose.point_missing",
                message="Something is missing about the question's core: what happens in training, and why.",
            )
        ]
    return [
        Finding(code="prose.only_one_side", message="What you say is right; name at least one more effect or remedy.")
    ]


# --- evidence ------------------------------------------------------------------------------------------------------

_SHOWN_STATUS = {
    "made": "found",
    "contradicted": "contradicted",
    "mixed": "unclear",
    "strewn": "words only",
    "absent": "not found",
}


def _shown(answer: Answer) -> dict[str, Json]:
    location = {"location": str(answer.location)} if answer.location else {}
    return {"answer": answer.text[:MAX_SHOWN], **location}


def _observed(
    question: Question, answer: Answer, status: dict[str, str], hits: dict[str, list[_Hit]]
) -> dict[str, Json]:
    rows = []
    for point in question.points:
        words = next((one_line(hit.sentence.plain, 120) for hit in hits[point.name]), "")
        if status[point.name] != "absent" or point.deciding:
            rows.append([point.title, _SHOWN_STATUS[status[point.name]], words])
    observed = _shown(answer)
    observed["text"] = one_line(to_plain(answer.text))
    observed["table"] = {"columns": ["Key point", "Read as", "Your words"], "rows": rows}
    return observed


def _evidence(
    criterion: str,
    question: Question,
    verdict: Verdict,
    credit: Decimal | None,
    observed: dict[str, Json],
    findings: Sequence[Finding],
    review: Review | None,
) -> Evidence:
    expected = question.model_answer or "; ".join(point.title for point in question.points if point.deciding)
    return Evidence(criterion=criterion, verdict=verdict, credit=credit, observed=observed, expected={"text": expected},
                    findings=tuple(findings), review=review, provenance="prose")  # fmt: skip


def _missing(criterion: str, answer: Answer, findings: Sequence[Finding]) -> Evidence:
    message = "Nothing in this part answers the question." if answer.text else "No answer was found for this part."
    observed = {**_shown(answer), "text": one_line(to_plain(answer.text))} if answer.text else {}
    return Evidence(criterion=criterion, verdict="missing", credit=Decimal(0), observed=observed,
                    findings=(*findings, Finding(code="prose.missing", message=message)), provenance="prose")  # fmt: skip


KIND = Kind(name="prose", question=Question, check=check)
