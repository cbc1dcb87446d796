"""Choose one or several of numbered options, and say why in a sentence.

Options are read by meaning (``documents.options``). A choice that cannot be told is unreadable and waits for a person;
so does a choice whose reason contradicts it. The reason itself carries no marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Literal

from grader.documents.option_words import DISMISSED, TAKEN_BACK, UNSURE, parse_option
from grader.documents.options import Named, find_named
from grader.documents.phrases import check_phrases, find_phrase, locate_phrase
from grader.kinds.answers import build_missing, build_shown, find_absent
from grader.kinds.base import STRICT, Context, Kind
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

# A longer answer is for a person: reading takes time, and no honest answer is so long.
MAX_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the sheet."""

    __pydantic_config__: ClassVar[Any] = STRICT
    number: int
    # As the feedback names it.
    text: str
    # Words and formulas by which students name it, in English and Persian (see documents/phrases.py).
    phrases: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_phrases(self.phrases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words that fit several options and so do not tell which one is meant ("unidirectional")."""

    __pydantic_config__: ClassVar[Any] = STRICT
    text: str
    options: tuple[int, ...]
    phrases: tuple[str, ...]
    # Words that may tell its options apart: where they stand, naming the group is not all that is said.
    topic: tuple[str, ...] = ()
    # For naming the group and no option, with what the student should add.
    credit: Decimal
    next: str

    def __post_init__(self) -> None:
        check_phrases(self.phrases, self.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A reason that does not go with choosing ``option``: such an answer is shown to a person."""

    __pydantic_config__: ClassVar[Any] = STRICT
    option: int
    phrases: tuple[str, ...]
    # Words of the same sentence with which the phrases contradict nothing ("only on the past and on today").
    unless: tuple[str, ...] = ()
    message: str

    def __post_init__(self) -> None:
        check_phrases(self.phrases, self.unless)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A choice: every right option earns its share of the credit, every wrong one costs ``deduction``."""

    __pydantic_config__: ClassVar[Any] = STRICT
    kind: Literal["choice"]
    options: tuple[Option, ...]
    key: tuple[int, ...]
    deduction: Decimal = Decimal("0.5")
    # Phrases by which a sentence of the sheet's question is known when a student copies it.
    question_cues: tuple[str, ...] = ()
    # What, said of an option, rules it out ("many to many").
    denials: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    # To a student who chose wrongly.
    next: str = ""

    def __post_init__(self) -> None:
        check_phrases(self.question_cues, self.denials)
        numbers = [option.number for option in self.options]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError("options are numbered 1, 2, 3 ... in order")
        named = {
            *self.key,
            *(entry.option for entry in self.contradictions),
            *(n for g in self.groups for n in g.options),
        }
        if not self.key or named - set(numbers):
            raise ValueError(
                "the key, groups and contradictions name only options that there are, the key at least one"
            )


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one choice; ``context`` is not needed."""
    if absent := find_absent("choice", criterion, answer, MAX_CHARACTERS):
        return absent
    named = find_named(answer.text, question.options, question.question_cues, question.denials)
    if not named.text.strip():
        return build_missing("choice", criterion, answer)
    named = _eliminate(question, named)
    group = None if named.chosen else _find_group(question, named)
    contradiction = _find_contradiction(question, named)
    settled = group is not None and _settles(question, group, named)
    # "All three" is a choice where several options are right: it costs what the wrong ones among them cost.
    every = named.by == "all" and len(question.key) > 1
    unsure = ("" if every else named.doubt) or _find_apart(question, named) or _find_others(question, named) or _find_taken_back(named)
    doubt = contradiction or (f"The choice could not be told: {unsure}." if unsure and not settled else "")
    credit = group.credit if group else _credit(question, named.chosen)
    if doubt:
        suggested = credit if named.chosen or group else None
        findings = [_doubt_finding(bool(contradiction))]
        verdict = _verdict(suggested) if suggested is not None else None
        review = Review(reason=doubt, suggested_verdict=verdict, suggested_credit=suggested)
        return _evidence(criterion, question, answer, named, None, findings, review)
    return _evidence(criterion, question, answer, named, credit, _findings(question, named, group), None, group)


def _eliminate(question: Question, named: Named) -> Named:
    """Return the one option that is left where the text only rules out the others, by itself or by their group."""
    if named.chosen or named.in_words or len(question.key) > 1 or UNSURE.search(named.text):
        return named
    ruled_out = set(named.refused)
    left = {option.number for option in question.options}
    for group in question.groups:
        if _is_meant(group.phrases, named.reason):
            left &= set(group.options)
        elif any(locate_phrase(phrase, named.reason) for phrase in group.phrases):
            ruled_out |= set(group.options)
    left -= ruled_out
    if len(left) != 1 or not ruled_out:
        return named
    return replace(named, chosen=frozenset(left), by="elimination", doubt="")


def _settles(question: Question, group: Group, named: Named) -> bool:
    """Return whether naming a group is all there is: nothing that might tell its options apart."""
    told = any(locate_phrase(word, named.reason) for word in group.topic)
    return not told or not set(group.options) & set(question.key)


_ASKED = re.compile(
    r"\W{0,20}(?:(?:is it|maybe|perhaps|option|choice|answer|گزینه)\W{1,5}){0,3}(?P<name>\w{1,4})\W{0,5}?(?=[?؟])"
)


def _find_taken_back(named: Named) -> str:
    """Return a doubt where the one option named is asked and taken back: "Option 4? Hmm no, so the one before"."""
    text = named.text.lower()
    asked = _ASKED.match(text)
    if asked is None or not TAKEN_BACK.match(text, asked.end()):
        return ""
    try:
        alone = named.chosen == {parse_option(asked["name"])}
    except ValueError:
        return ""
    return "the option that is named is taken back" if alone else ""


def _find_apart(question: Question, named: Named) -> str:
    """Return a doubt where one option is right and several are claimed, each in a sentence of its own."""
    several = len(question.key) == 1 and len(named.chosen) > 1 and named.apart
    return "different sentences name different options" if several else ""


# "The ones whose output is a label: the text one and the other": several are meant.
_SEVERAL = re.compile(r"\b(?:ones|both|two|tasks|them|as well as|plus|[,;] and|and (?:the|what|also|then|whether))\b|هر ?دو|دو ?(?:تا|مورد|گزینه)|همچنین")


def _find_others(question: Question, named: Named) -> str:
    """Return a doubt where several options may be right, one was understood by its words, and several are spoken of."""
    if len(question.key) > 1 and named.beside and 0 < _credit(question, named.chosen) < 1:
        return "further options are named beside the answer"
    alone = named.by == "words" and len(named.chosen) == 1 < len(question.key)
    return "only one option was understood where several are spoken of" if alone and _SEVERAL.search(named.text) else ""


def _credit(question: Question, chosen: frozenset[int]) -> Decimal:
    right = len(chosen & set(question.key))
    wrong = len(chosen - set(question.key))
    credit = max(Decimal(0), Decimal(right) / len(question.key) - question.deduction * wrong)
    return credit.quantize(Decimal("0.0001")).normalize() + 0


def _verdict(credit: Decimal) -> Verdict:
    return "correct" if credit == 1 else "partial" if credit > 0 else "wrong"


# --- what the words say besides the option -------------------------------------------------------------------------


# "A bidirectional network isn't suitable."
_UNSUITABLE = re.compile(
    r"\s*(?:(?!because|since|so|and|but|as\b)\w+ ){0,2}?(?:(?:isn't|aren't|wasn't|is not|are not|wouldn't be|would not be|cannot be|can't be) (?:\w+ )?"
    r"(?:suitable|right|correct|appropriate|necessary|possible|good|useful|used|usable|needed|applicable|allowed|an option)"
    r"|(?:doesn't|does not|don't|wouldn't|cannot|can't) (?:fit|suit|work|make sense|apply)"
    r"|(?:is|are|would be) (?:wrong|unsuitable|out|impossible|useless|pointless|unnecessary|incorrect|inappropriate"
    r"|excluded|ruled out|no option|overkill|not needed))\b"
)


def _is_meant(phrases: Sequence[str], text: str) -> bool:
    """Return whether any sentence asserts one of the phrases (not what is denied, or dismissed at its end)."""
    units = [unit for unit in text.replace("\n", ". ").split(". ") if not DISMISSED.search(unit)]
    spans = [(unit, span) for unit in units for phrase in phrases if (span := find_phrase(phrase, unit))]
    return any(not _UNSUITABLE.match(unit[end:]) for unit, (_, end) in spans)


def _find_group(question: Question, named: Named) -> Group | None:
    # "Unidirectional. A bidirectional one would ...": the sentence of few words is the answer.
    short = "\n".join(unit for unit in named.reason.splitlines() if len(unit.split()) <= 5)
    for text in (short, named.reason):
        said = [group for group in question.groups if _is_meant(group.phrases, text)]
        if len(said) == 1:
            return said[0]
    return None


def _find_contradiction(question: Question, named: Named) -> str:
    """Return why the words do not go with the option chosen, "" where they do."""
    chosen = named.chosen
    listed = _list_options(chosen)
    if chosen and named.by == "number":
        if named.in_words and not named.in_words & chosen:
            return f"The text names {listed}, but its words describe {_list_options(named.in_words)}."
        said = [group for group in question.groups if _is_meant(group.phrases, named.claim)]
        if len(said) == 1 and not chosen & set(said[0].options):
            return f"The text names {listed}, but says {said[0].text}."
    if len(chosen) == 1 and chosen <= named.denied_words:
        return f"The text chooses {listed}, but denies what it says."
    if both := _find_both(question, named):
        return f"The text says both {both}."
    if named.contrary:
        return f"The text chooses {listed}, but says: {named.contrary[:200]}."
    about = _about_chosen(question, named)
    for entry in question.contradictions:
        told = "\n".join(unit for unit in about.splitlines() if not _is_meant(entry.unless, unit))
        if entry.option in chosen and _is_meant(entry.phrases, told):
            return entry.message
    return ""


_AND = re.compile(r"\W{0,3}(?:and|as well as|plus|&|\+|و)(?: also| the| a| an)*\W{0,2}")
_CHOICE_OF = re.compile(r"\b(?:between|compar\w*|differen\w*|neither|not|of|versus)\b[^.;]{0,30}$|(?<!\w)(?:بین|تفاوت|مقایسه)[^.;]{0,30}$")


def _find_both(question: Question, named: Named) -> str:
    """Return what the text claims in one breath of groups that exclude each other, "" for nothing."""
    said = [
        (*span[:2], group.text)
        for group in question.groups
        for phrase in group.phrases
        for span in locate_phrase(phrase, named.text)
        if span[2]
    ]
    for start, end, first in sorted(said):
        for other, _, second in said:
            joined = first != second and 0 < other - end < 30 and _AND.fullmatch(named.text[end:other])
            if joined and not _CHOICE_OF.search(named.text[:start]):
                return f"{first} and {second}"
    return ""


def _about_chosen(question: Question, named: Named) -> str:
    """Return the sentences, each up to where it speaks of a group to which nothing that was chosen belongs."""
    others = [p for group in question.groups if not named.chosen & set(group.options) for p in group.phrases]
    return "\n".join(_cut_before(others, unit) for unit in named.about.splitlines())


def _cut_before(phrases: Sequence[str], unit: str) -> str:
    return unit[: min((start for phrase in phrases for start, _, _ in locate_phrase(phrase, unit)), default=len(unit))]


# --- evidence ------------------------------------------------------------------------------------------------------


def _doubt_finding(contradiction: bool) -> Finding:
    if contradiction:
        message = "Your reason and the option you name do not seem to go together; a person will look at it."
        return Finding(code="choice.contradiction", message=message)
    message = "We could not tell which option you chose; a person will read it. Name options by their number."
    return Finding(code="choice.not_told", message=message)


def _findings(question: Question, named: Named, group: Group | None) -> list[Finding]:
    key = set(question.key)
    found = {
        "choice.not_told_apart": f"You say {group.text}, which fits more than one option." if group else "",
        "choice.none_chosen": "You choose none of the options; at least one is right." if named.none_of_them else "",
        "choice.incomplete": "What you chose is right, but something is missing."
        if named.chosen & key and key - named.chosen
        else "",
        "choice.wrong_option": f"You chose {_list_options(named.chosen - key)}, which does not fit."
        if named.chosen - key
        else "",
        "choice.no_reason": "The sheet asks for a reason in a sentence; no marks hang on it here."
        if not group and len(named.reason.split()) <= 4 + 2 * len(named.chosen)
        else "",
    }
    return [Finding(code=code, message=message) for code, message in found.items() if message]


def _list_options(numbers: Iterable[int]) -> str:
    listed = [str(number) for number in sorted(numbers)]
    word = "option" if len(listed) == 1 else "options"
    return f"{word} {' and '.join(listed)}" if listed else "no option"


def _evidence(
    criterion: str,
    question: Question,
    answer: Answer,
    named: Named,
    credit: Decimal | None,
    findings: Sequence[Finding],
    review: Review | None,
    group: Group | None = None,
) -> Evidence:
    read = "no clear choice" if credit is None else group.text if group else _list_options(named.chosen)
    rows = [[str(o.number), o.text, "chosen" if o.number in named.chosen else ""] for o in question.options]
    table = {"columns": ["Option", "Text", "Read as"], "rows": rows}
    observed: dict[str, Json] = {**build_shown(answer), "text": read, "table": table, "chosen": sorted(named.chosen)}
    verdict: Verdict = "unreadable" if credit is None else _verdict(credit)
    if verdict in ("partial", "wrong") and (follow := group.next if group else question.next):
        observed["next"] = follow
    key = "; ".join(
        f"option {option.number}: {option.text}" for option in question.options if option.number in question.key
    )
    return Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=credit,
        reading=named.by or None,
        observed=observed,
        expected={"text": key, "key": sorted(question.key)},
        findings=tuple(findings),
        review=review,
        provenance="choice",
    )


KIND = Kind(name="choice", question=Question, check=check)
