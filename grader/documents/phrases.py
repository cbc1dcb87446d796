"""Phrases: how a rubric writes down words that students use, and whether a sentence asserts or denies them.

A phrase is made to be read by a teacher:

- words stand in the order given; ``word*`` allows any ending, ``(a|b)`` means one of them, ``(a )?`` is optional, as is
  the space in ``a ?b``;
- ``...`` stands for up to six words, not across "but", "while" or the end of a sentence;
- ``a + b`` means both in one sentence, in any order;
- a phrase counts when it is asserted; a leading ``not`` asks for it denied: ``not differentiable`` meets "isn't
  differentiable", "non-differentiable" and, with its Persian twin, "مشتق‌پذیر نیست".

Phrases are matched on folded text (see ``wording``).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.documents.wording import fold

CONTRAST = (
    "but|while|whereas|unlike|however|although|though|yet|compared|اما|ولی|لیکن|درحالی|برخلاف|بر خلاف|هرچند|اگرچه"
)
# Words that a gap does not cross: what follows them is said of something else.
_NO_GAP = rf"{CONTRAST}|because|since|as|so|therefore|thus|hence|چون|زیرا|پس|بنابراین|است|هستند|نیست|نیستند"
_GAP = rf"(?:[^\w.;!?]+(?!(?:{_NO_GAP})\b)[\w']+){{0,6}}?[^\w.;!?]+"
_PERSIAN = re.compile(r"[\u0600-\u06ff]")

_WORD_NEGATORS = (
    r"not|no|never|none|neither|cannot|without|\w+n't|cant|dont|doesnt|isnt|arent|wont|didnt|non|hardly|barely|nothing"
    r"|lack\w*|fail\w*|unable|impossible|prevent\w*|block\w*|stops?|stopped|kills?|hinders?|zero|loses?|breaks?"
)
_PERSIAN_NEGATORS = (
    r"نیست\w*|نیس|ندارد|ندارند|نداریم|نداره|نمی(?:\s*\w+)?|نمیشه|نخواه\w+|نشود|نشده|نباشد|نکند|نکرده|نرسد"
    r"|نه|بدون|غیر|عدم|مانع|نباید|نبود\w*|ن(?:داش|توان|بین|گیر|یاب|دیده|دید|کن|کرد|شو|رس|باش)\w*"
)
_NEGATOR = re.compile(rf"(?<!\w)(?:{_WORD_NEGATORS}|{_PERSIAN_NEGATORS})(?!\w)")
_PERSIAN_NEGATOR = re.compile(rf"(?<!\w)(?:{_PERSIAN_NEGATORS})(?!\w)")
_NOT_NEGATION = re.compile(
    r"\bnot (?:only|just|merely|simply)\b|\bno (?:doubt|matter|wonder)\b|\bwithout (?:a )?doubt\b|نه تنها"
    r"|نه فقط|بدون شک"
)
# "I do not think that we can train it" denies the training: the pronoun opens no new clause there.
_NOT_THINK = re.compile(
    r"\b((?:don't|do not|dont|doubt|can't|cannot|no way|not possible|impossible)"
    r"(?: (?:think|believe|see|expect|how|a way|for))* (?:that )?)(?:we|you|they|i|one|it)\b"
)
# Where a clause ends: a negator on the other side does not reach across.
_BOUNDARY = re.compile(
    rf"[;:?!()]|,(?! *(?:or|nor)\b)|\b(?:{CONTRAST}|so|because|since|therefore|thus|hence|which|as|then|we|they|you|i"
    r"|and (?=(?:so|therefore|thus|it|this|we|the|cannot|can|could|do|does|is|are|will|would|never|has|have|\w+n't)\b)"
    r"|and (?=(?:\w+ ){1,3}(?:\w+n't|cannot|(?:is|are|was|were|do|does|can|will) (?:not|never))\b)"
    r"|چون|زیرا|پس|بنابراین|که|در نتیجه)\b|=>|->"
)
_CLAUSE = re.compile(rf"[,;:?!]|\b(?:{CONTRAST}|so|because|since|therefore|thus|hence)\b|=>|->")
_ASIDE = re.compile(r"\([^()]*\)")
# "A non-differentiable function does train", "zero gradients do not stop the keys": these deny the next words only.
_OF_ANOTHER = re.compile(r"\bnon\b(?=\s+\w)|\bzero\b(?=(?:\s+\w+){2})")
_RELATIVE = re.compile(r"\W*(?:whose|which|who|that|که)\b")
# "The keys are not trained and information is lost": what has its own verb behind "and" is a clause of its own.
_FINITE = re.compile(r"\b(?:is|are|was|were|will|gets?|becomes?)\b")
_NEW_CLAUSE = re.compile(r".*\band\s+(?:(?:the|its|all|other|some|our|this)\s+)*$", re.DOTALL)
_AFTER = re.compile(
    r"^\W*(?:is|are|was|gets?|becomes?|has|have|does|do|will|would|can|could)?\W*"
    r"(?:(?:not|n't|\w+n't|cannot|never)"
    r"(?!\s+(?:be\s+)?(?:zero|0|vanish\w*|disappear\w*|lost|blocked|stopped|undefined)\b)"
    r"|fails?|lost|missing|absent|gone|impossible|blocked|broken|stopped|cut)\b"
)
# A Persian verb ends its clause: what it denies stands before it.
_PERSIAN_VERB = re.compile(
    r"(?<!\w)(?:نیستند|نیست|ندارند|ندارد|نداریم|هستند|است|دارند|دارد"
    r"|نمی\s?(?:شوند|شود|کنند|کند|رسد|شن|شه|گیرند|گیرد|گیرن|بینند|بیند|بینن|مانند|ماند|دهد|دهند))(?!\w)"
)
_ENDS_CLAUSE = re.compile(rf"(?:{_PERSIAN_VERB.pattern})$")
_PERSIAN_ASSERTION = re.compile(
    r"(?<!\w)(?:است|هست|هستند|دارد|دارند|باشد|شد|می\s?(?:شود|شوند|شه|شن|کند|کنند|کنه|رسد|دهد|مانند|ماند))(?!\w)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A compiled phrase of a rubric."""

    source: str
    parts: tuple[re.Pattern[str], ...]
    denied: bool


@functools.lru_cache(maxsize=4096)
def compile_phrase(source: str) -> Phrase:
    """Compile a rubric's phrase; raises ValueError where it cannot be read (a bracket left open, nothing in it)."""
    denied = source.startswith("not ")
    parts = [part.strip() for part in fold(source.removeprefix("not ")).split(" + ")]
    if not all(re.search(r"\w", part) for part in parts):
        raise ValueError(f"the phrase {source!r} has no words")
    try:
        patterns = tuple(re.compile(rf"(?<!\w)(?:{_pattern(part)})(?!\w|'t\b)") for part in parts)
    except re.error as error:
        raise ValueError(f"the phrase {source!r} cannot be read: {error.msg}") from None
    return Phrase(source=source, parts=patterns, denied=denied)


def check_phrases(*lists: Sequence[str]) -> None:
    """Raise ValueError at the first phrase that cannot be read, so that a rubric's typing mistake shows on loading."""
    for phrases in lists:
        for phrase in phrases:
            compile_phrase(phrase)


def _pattern(part: str) -> str:
    pattern = ""
    position = 0
    while position < len(part):
        char, rest = part[position], part[position:]
        if gap := re.match(r"\s*\.\.\.\s*", rest):
            pattern, position = pattern + _GAP, position + gap.end()
            continue
        if char == "*":
            pattern += r"\w*"
        elif char in "()|?":
            pattern += "(?:" if char == "(" else char
        elif rest.startswith(" ?"):
            pattern, position = pattern + r"[\s\-]*", position + 2
            continue
        elif char in " -":
            persian = _PERSIAN.match(part[position + 1 : position + 2] or "x")
            pattern += r"[\s\-]*" if persian or char == "-" else r"[\s\-]+"
        else:
            pattern += re.escape(char)
        position += 1
    return pattern


_ASKS = re.compile(r"^\W*(?:which|what|how|should (?:you|we|i|one)|کدام|چه|چگونه|آیا)\b.*\?\W*$", re.DOTALL)
# How a sentence of a sheet begins, after its label: it tells somebody else what there is and what to do.
_TELLS = re.compile(
    r"^\W*(?:(?:question|problem|q|سوال)\W*\w{0,3}\W+|\(?\w[).]\s)?"
    r"(?:you|suppose|assume|should|please|explain|discuss|describe|name|choose|select|justify|which|what|how|at|now"
    r"|وضعیت|فرض|شما|توضیح|مزایا|کدام)\b"
)


def repeats_question(folded: str, cues: Sequence[str]) -> bool:
    """Return whether a sentence is the sheet's and no answer: it asks, or it tells what one of ``cues`` says."""
    return bool(_ASKS.match(folded)) or bool(_TELLS.match(folded) and any(locate_phrase(cue, folded) for cue in cues))


def find_phrase(phrase: str, folded: str) -> tuple[int, int] | None:
    """Return the span in ``folded`` where ``phrase`` is said with the polarity it asks for, or None."""
    return next(((start, end) for start, end, as_asked in locate_phrase(phrase, folded) if as_asked), None)


def locate_phrase(phrase: str, folded: str) -> list[tuple[int, int, bool]]:
    """Return every (start, end, as asked) where the words of ``phrase`` stand, whatever their polarity."""
    compiled = compile_phrase(phrase)
    spans = []
    for part in compiled.parts[1:]:
        if not (match := part.search(folded)):
            return []
        spans.append(match.span())
    found = []
    for match in compiled.parts[0].finditer(folded):
        start, end = match.span()
        as_asked = is_denied(folded, start, end, own=phrase) == compiled.denied
        found.append((min([start, *(s for s, _ in spans)]), max([end, *(e for _, e in spans)]), as_asked))
    return found


def find_clause(folded: str, start: int, end: int) -> str:
    """Return the clause around ``folded[start:end]``: up to the next comma, colon or word of contrast on each side.

    A relative clause begins with the word that it is about: "softmax, whose gradient is zero".
    """
    pieces = _CLAUSE.split(folded[:start])
    before = pieces[-1]
    if len(pieces) > 1 and _RELATIVE.match(before):
        before = " ".join([*pieces[-2].split()[-1:], before])
    return before + folded[start:end] + _CLAUSE.split(folded[end:])[0]


def is_denied(folded: str, start: int, end: int, own: str = "") -> bool:
    """Return whether what stands at ``folded[start:end]`` is negated there; two negations cancel out.

    Negators inside the span count unless they belong to the phrase's ``own`` words. English negates before the words
    (and after them in "the gradient is lost"), Persian with the verb at the end.
    """
    text = _NOT_NEGATION.sub(lambda m: "_" * len(m[0]), folded)
    text = _NOT_THINK.sub(lambda m: m[1].replace("doubt", "never") + "_" * (len(m[0]) - len(m[1])), text)
    before = _BOUNDARY.split(_ASIDE.sub(" ", text[:start]))[-1]
    before = _PERSIAN_VERB.split(before)[-1]
    if _FINITE.search(text[start:end]):
        before = _NEW_CLAUSE.sub("", before)
    before = _OF_ANOTHER.sub(" ", " ".join(re.findall(r"[\w']+", before)[-7:]))
    inside = len(_NEGATOR.findall(text[start:end])) - len(_NEGATOR.findall(fold(own.removeprefix("not "))))
    after = (
        ""
        if _ENDS_CLAUSE.search(text[:end])
        else _PERSIAN_ASSERTION.split(_BOUNDARY.split(_ASIDE.sub(" ", text[end:]))[0])[0]
    )
    count = len(_NEGATOR.findall(before)) + max(inside, 0)
    count += bool(_PERSIAN_NEGATOR.search(after)) or bool(_AFTER.match(after))
    return count % 2 == 1
