"""Why the option that a text names may not be what is meant: groups, elimination, contradictions, several at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from grader.documents.option_words import DISMISSED, TAKEN_BACK, UNSURE, parse_option
from grader.documents.options import Named
from grader.documents.phrases import find_phrase, locate_phrase
from grader.kinds.choice_question import Group, Question, work_out_credit


def eliminate(question: Question, named: Named) -> Named:
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


def settles(question: Question, group: Group, named: Named) -> bool:
    """Return whether naming a group is all there is: nothing that might tell its options apart."""
    told = any(locate_phrase(word, named.reason) for word in group.topic)
    return not told or not set(group.options) & set(question.key)


def find_doubt(question: Question, named: Named) -> str:
    """Return why the choice cannot be told, "" where it can."""
    # "All three" is a choice where several options are right: it costs what the wrong ones among them cost.
    every = named.by == "all" and len(question.key) > 1
    return (
        ("" if every else named.doubt)
        or _find_apart(question, named)
        or _find_others(question, named)
        or _find_taken_back(named)
    )


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
    """Return a doubt where one option is right and several are claimed: by their words, or each in its own sentence."""
    several = len(question.key) == 1 and len(named.chosen) > 1 and (named.apart or named.by == "words")
    return "different sentences name different options" if several else ""


# A figure by itself that was not read as an option: no "0/1", "0 or 1" or "1 label".
_FIGURE = re.compile(
    r"(?<![\w.^_/=+*-])(?<!0 or )(?<!0 and )(?<!0 یا )(?<!0 و )([1-9])"
    r"(?![\w.^%/]|\.\d| (?:or|and|یا|و) 0| ?(?:labels?|outputs?|values?|class|numbers?)\b)"
)
# "The ones whose output is a label: the text one and the other": several are meant.
_SEVERAL = re.compile(
    r"\b(?:ones|both|two|tasks|them|as well as|plus|[,;] and|and (?:the|what|also|then|whether))\b"
    r"|هر ?دو|دو ?(?:تا|مورد|گزینه)|همچنین"
)


def _find_others(question: Question, named: Named) -> str:
    """Return a doubt where several options may be right, one was understood by its words, and several are spoken of."""
    if len(question.key) > 1 and 0 < work_out_credit(question, named.chosen) < 1:
        figures = {int(figure) for figure in _FIGURE.findall(named.text)} & {o.number for o in question.options}
        if named.by in ("number", "words") and (named.beside or figures - named.chosen - named.refused):
            return "further options are named beside the answer"
    alone = named.by == "words" and len(named.chosen) == 1 < len(question.key)
    return "only one option was understood where several are spoken of" if alone and _SEVERAL.search(named.text) else ""


# "A bidirectional network isn't suitable."
_UNSUITABLE = re.compile(
    r"\s*(?:(?!because|since|so|and|but|as\b)\w+ ){0,2}?(?:(?:isn't|aren't|wasn't|is not|are not"
    r"|wouldn't be|would not be|cannot be|can't be) (?:\w+ )?"
    r"(?:suitable|right|correct|appropriate|necessary|possible|good|useful|used|usable|needed"
    r"|applicable|allowed|an option)"
    r"|(?:doesn't|does not|don't|wouldn't|cannot|can't) (?:fit|suit|work|make sense|apply)"
    r"|(?:is|are|would be) (?:wrong|unsuitable|out|impossible|useless|pointless|unnecessary|incorrect|inappropriate"
    r"|excluded|ruled out|no option|overkill|not needed))\b"
)


def _is_meant(phrases: Sequence[str], text: str) -> bool:
    """Return whether any sentence asserts one of the phrases (not what is denied, or dismissed at its end)."""
    units = [unit for unit in text.replace("\n", ". ").split(". ") if not DISMISSED.search(unit)]
    spans = [(unit, span) for unit in units for phrase in phrases if (span := find_phrase(phrase, unit))]
    return any(not _UNSUITABLE.match(unit[end:]) for unit, (_, end) in spans)


def find_group(question: Question, named: Named) -> Group | None:
    """Return the one group that the text names, None where it names none or several."""
    # "Unidirectional. A bidirectional one would ...": the sentence of few words is the answer.
    short = "\n".join(unit for unit in named.reason.splitlines() if len(unit.split()) <= 5)
    for text in (short, named.reason):
        said = [group for group in question.groups if _is_meant(group.phrases, text)]
        if len(said) == 1:
            return said[0]
    return None


def find_contradiction(question: Question, named: Named) -> str:
    """Return why the words do not go with the option chosen, "" where they do."""
    chosen = named.chosen
    listed = list_options(chosen)
    if chosen and named.by == "number":
        if named.in_words and not named.in_words & chosen:
            return f"The text names {listed}, but its words describe {list_options(named.in_words)}."
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
_CHOICE_OF = re.compile(
    r"\b(?:between|compar\w*|differen\w*|neither|not|of|versus)\b[^.;]{0,30}$|(?<!\w)(?:بین|تفاوت|مقایسه)[^.;]{0,30}$"
)


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


def list_options(numbers: Iterable[int]) -> str:
    """Return "option 2" or "options 2 and 3"."""
    listed = [str(number) for number in sorted(numbers)]
    word = "option" if len(listed) == 1 else "options"
    return f"{word} {' and '.join(listed)}" if listed else "no option"
