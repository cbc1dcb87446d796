"""Which key points the sentences of an answer make, deny or only touch."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.documents.phrases import find_clause, locate_phrase
from grader.documents.wording import (
    Sentence,
    fold,
    is_condition,
    is_disputed,
    is_sentence,
    is_supposed,
    split_denial,
    take_back,
)
from grader.kinds.prose_question import Point, Question, Rule

Status = Literal["made", "contradicted", "mixed", "strewn", "absent"]

# What a clause is not about: "instead of softmax", "than with softmax".
_ASIDE = re.compile(
    r"\b(?:instead of|in place of|without|replac\w*|unlike|than|compared (?:to|with)|no|rather than|not|from"
    r"|lose|losing|gumbel)"
    r"(?:\s+(?:with|the|a|using|usual|normal|in|for|of))*\W*$|(?:به جای|بجای|برخلاف|بدون|نسبت به|از)\W*$"
)
_LABELLED = re.compile(
    r"\W*(?:training|inference|test(?: time)?|forward|backward|pros?|cons?|good|bad"
    r"|(?:dis)?advantages?|plus|minus|effect"
    r"|problem|benefit|drawback|result|consequence|مزیت|مزایا|عیب|معایب|مشکل|خوبی|بدی) ?:"
)
# "I guess the keys may not be trained?" asks nothing.
_GUESS = re.compile(r"\W*(?:i (?:guess|think|believe|suppose|would say)\b|maybe\b|فکر می ?کنم|به نظرم|گمان)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A sentence for or against a point; ``said`` where it is a statement and no scrap."""

    sentence: Sentence
    for_it: bool
    said: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became of every point, the sentences that touch it, and the rule that holds."""

    sentences: tuple[Sentence, ...]
    hits: Mapping[str, Sequence[Hit]]
    status: Mapping[str, Status]
    rule: Rule | None


def read_points(question: Question, sentences: Sequence[Sentence]) -> Reading:
    """Return which points of a question the sentences make."""
    hits = {point.name: _find_hits(question, point, sentences) for point in question.points}
    strewn = [hit.sentence.folded for found in hits.values() for hit in found if hit.for_it and not hit.said]
    crowded = {text for text in strewn if strewn.count(text) >= 3}
    status = {point.name: _status(point, hits[point.name], crowded) for point in question.points}
    made = {name for name, found in status.items() if found == "made"}
    return Reading(sentences=tuple(sentences), hits=hits, status=status, rule=_find_rule(question, made))


def _find_hits(question: Question, point: Point, sentences: Sequence[Sentence]) -> list[Hit]:
    hits = []
    for sentence in sentences:
        if sentence.plain.rstrip().endswith(("?", "؟")) and not _GUESS.match(sentence.folded):
            continue
        kept = take_back(sentence.folded)
        text, denied = split_denial(kept)
        # An entry of a list makes its one point without a verb ("- zero gradient").
        # So does what stands behind a label: "Training: impossible".
        item = sentence.item or (bool(_LABELLED.match(sentence.folded)) and sentence.folded.count(",") < 2)
        entry = item and 1 < len(sentence.folded.split()) <= 7
        said = (is_sentence(sentence.folded) or entry) and not is_disputed(kept)
        against = _find_said(question, point, point.contradicts, text)
        support = _find_said(question, point, point.supports, text)
        # "It does not cause zero gradients": the words "zero gradients" are part of what is said against the point.
        if any(not any(a <= start and end <= b for a, b in against) for start, end in support):
            hits.append(Hit(sentence=sentence, for_it=True, said=said))
        if denied and _find_said(question, point, point.contradicts, denied):
            hits.append(Hit(sentence=sentence, for_it=True, said=True))
        if denied and _find_said(question, point, point.supports, denied):
            hits.append(Hit(sentence=sentence, for_it=False, said=said))
        if against and not is_supposed(sentence.folded):
            hits.append(Hit(sentence=sentence, for_it=False, said=said))
    return hits


def _find_said(question: Question, point: Point, phrases: Sequence[str], folded: str) -> list[tuple[int, int]]:
    """Return the spans where one of the phrases is said of the subject and as no condition."""
    found = []
    for phrase in phrases:
        spans = [(start, end) for start, end, as_asked in locate_phrase(phrase, folded) if as_asked]
        if point.deciding:
            spans = [span for span in spans if not is_condition(folded, span[0])]
        if point.deciding and not _names_foil(phrase, question.foils):
            spans = [span for span in spans if not _is_of_foil(question, find_clause(folded, *span))]
        found += spans
    return found


@functools.lru_cache(maxsize=4096)
def _names_foil(phrase: str, foils: tuple[str, ...]) -> bool:
    return any(locate_phrase(foil, fold(phrase)) for foil in foils)


def _is_of_foil(question: Question, clause: str) -> bool:
    """Return whether a clause speaks of what the subject is compared with and not of the subject."""
    named = [span for foil in question.foils for span in locate_phrase(foil, clause)]
    others = [start for start, _, _ in named if not _ASIDE.search(clause[:start])]
    return bool(others) and not any(locate_phrase(word, clause) for word in question.subject)


def _status(point: Point, hits: Sequence[Hit], crowded: set[str]) -> Status:
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
