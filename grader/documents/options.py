"""Which of several numbered options a text names: by number, letter, ordinal word, its words or its formula.

A text names an option *in a claim* ("2 and 3", "the answer is the third", "1: no, 2: yes") or *in passing* (in the
reason); claims win. The reading says what was named, what was ruled out, and why nothing can be told where nothing
can. It does not know which options are right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.documents.notation import canonical_formulas
from grader.documents.option_lists import BOLD, read_list
from grader.documents.option_mentions import Mention, find_contrary, find_mentions, find_only, read_words
from grader.documents.option_places import find_designations, find_words
from grader.documents.option_words import (
    ALL,
    ALL_CHOSEN,
    CONCLUDES,
    CORRECTION,
    EXCEPT,
    NONE,
    OTHERS,
    UNSURE,
    WAVERED,
    Nameable,
)
from grader.documents.phrases import repeats_question
from grader.documents.spelling import build_vocabulary, mend_spelling
from grader.documents.wording import fold, remove_struck, to_plain

MAX_SENTENCE = 1_200
MAX_NUMBERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a text names. ``doubt`` says why nothing can be told from it (then ``chosen`` is only a suggestion).

    ``refused`` are the options that the text rules out.
    ``by`` is how: number, words, all but, the others, marks. ``in_words`` are the options whose words or formulas the
    text asserts, ``denied_words`` those whose words it only denies. ``beside`` are options that the text
    names or asserts and neither chooses nor rules out. ``contrary`` is a sentence that says of the chosen
    options what rules an option out. ``apart``: options are claimed in more than one
    sentence, or one of them again. ``text`` is all that was
    read, ``claim`` the sentences with a claim, ``reason`` all that explains it, ``about`` what of it names no option
    that is not chosen; they are folded.
    """

    chosen: frozenset[int] = frozenset()
    by: str = ""
    doubt: str = ""
    none_of_them: bool = False
    in_words: frozenset[int] = frozenset()
    denied_words: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    contrary: str = ""
    beside: frozenset[int] = frozenset()
    apart: bool = False
    text: str = ""
    claim: str = ""
    reason: str = ""
    about: str = ""


def find_named(text: str, options: Sequence[Nameable], cues: Sequence[str] = (), denials: Sequence[str] = ()) -> Named:
    """Return which of ``options`` a raw answer names.

    ``cues`` are phrases by which a copied question is known, so that it is not taken for an answer. ``denials`` are
    phrases that rule an option out when said of it ("many to many").
    """
    words = build_vocabulary(tuple(phrase for option in options for phrase in option.phrases))
    folded = mend_spelling(_prepare(text), words, shortest=5)
    body, chosen = read_list(folded, options, denials)
    if chosen is not None:
        named = Named(chosen=chosen, by="marks", reason=body.replace(BOLD, ""))
        named = replace(named, doubt="" if len(chosen) < len(options) else EVERY, none_of_them=not chosen)
    else:
        named = _read_sentences(body.replace(BOLD, " "), options, cues, denials)
    return replace(named, text=folded.replace(BOLD, ""))


def _prepare(text: str) -> str:
    marked = re.sub(r"\*\*([^*\n]+)\*\*", rf"{BOLD}\1{BOLD}", remove_struck(text))
    marked = re.sub(r"(?<![_^\w\\])\{\s*([1-9](?:\s*[,،]\s*[1-9])*)\s*\}", r"\1", marked)  # "{2, 3}"
    marked = re.sub(r"(?<=[a-zA-Z])\[(\w+(?:[-+]\d)?)\]", r"_\1", marked)  # "x[1]" is no option
    folded = re.sub(r"\b(tasks?|options?|cases?|and|&) no\. ?(?=\d)", r"\1 number ", fold(to_plain(marked)))
    return canonical_formulas(folded)


# --- sentences: claims and mentions ----------------------------------------------------------------------------------


def _read_sentences(body: str, options: Sequence[Nameable], cues: Sequence[str], denials: Sequence[str]) -> Named:
    units = _units(body, cues)
    if any(len(unit) > MAX_SENTENCE or len(re.findall(r"\d+", unit)) > MAX_NUMBERS for unit in units):
        return Named(doubt="a sentence is too long or has too many numbers", reason=body)
    mentions = find_mentions(units, options, denials)
    if cut := _corrected(units, mentions, options):
        units = _units("\n".join(units)[cut:])
        mentions = find_mentions(units, options, denials)
    asserted, denied = read_words(units, mentions, options, denials)
    asserted = find_only(units, options) & asserted or asserted
    text = "\n".join(units)
    named = _settle(text, frozenset(option.number for option in options), mentions, asserted, denied)
    claimed = {mention.unit for mention in mentions if mention.claim}
    others = {mention.unit for mention in mentions if mention.place.option not in named.chosen}
    others |= {index for index, unit in enumerate(units) if _only_denies(unit, options, denials) - named.chosen}
    return replace(
        named,
        claim="\n".join(units[index] for index in sorted(claimed)),
        reason=text,
        about="\n".join(unit for index, unit in enumerate(units) if index not in others),
        in_words=asserted,
        denied_words=denied - asserted,
        refused=(denied | {mention.place.option for mention in mentions if mention.denied}) - asserted - named.chosen,
        contrary=find_contrary(units, mentions, options, denials, named.chosen),
        beside=(asserted | {m.place.option for m in mentions if not m.denied}) - named.chosen,
        apart=len({m.unit for m in _count(mentions)}) > 1 or _is_uneven(mentions),
    )


def _only_denies(unit: str, options: Sequence[Nameable], denials: Sequence[str]) -> frozenset[int]:
    """Return the options that a sentence denies by their words, none where it asserts any."""
    asserted, denied = read_words([unit], (), options, denials)
    return frozenset() if asserted else denied


def _units(text: str, cues: Sequence[str] = ()) -> list[str]:
    """Cut a text into sentences and lines, without those that repeat the question."""
    # "II. and III.": the point belongs to the number.
    text = re.sub(r"(?<!\w)(i{1,3}|iv|[1-5a-e])\.(?=\s*(?:and|&|or|و|یا)\b)", r"\1", text)
    parts = re.split(r"(?<=[^\s.])[.!]+(?=\s|$)(?<!e\.g\.)(?<!i\.e\.)|\n+|;|(?<=\?)\s", text)
    kept = [part for part in parts if re.search(r"\w", part) and not repeats_question(part, cues)]
    return [" ".join(re.sub(r"\?\s*$", "", part).split()) for part in kept]


def _corrected(units: Sequence[str], mentions: Sequence[Mention], options: Sequence[Nameable]) -> int:
    """Return where the text starts anew after a change of mind that stands between two mentions, else 0."""
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + len(unit) + 1)
    places = [(offsets[m.unit] + m.place.start, m.denied) for m in mentions]
    for offset, unit in zip(offsets, units, strict=False):
        places += [(offset + place.start, place.denied) for place in find_words(unit, options)]
    joined = "\n".join(units)
    wavered = WAVERED.search(joined)
    # "First I thought 4, ... so my answer is 3.": what it comes to counts.
    for cue in reversed(list(CONCLUDES.finditer(joined, wavered.end())) if wavered else []):
        named = [denied for start, denied in places if start >= cue.end()]
        if named and not any(named):
            return cue.end()
    for cue in reversed(list(CORRECTION.finditer(joined))):
        before = any(start < cue.start() for start, _ in places)
        after = any(start >= cue.end() and not denied for start, denied in places)
        # "... no: three": behind the cue a sentence begins anew.
        rest = joined[cue.end() :].split("\n")[0].lstrip(" ,.:;-")
        after = after or any(place.start == 0 for place in find_designations(rest, options))
        if before and after:
            return cue.end()
    return 0


# --- from mentions to a choice ---------------------------------------------------------------------------------------

EVERY = "every option is named, which chooses none"


def _count(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions that choose: the claims, or where there is none all that are not denied."""
    claims = [m for m in mentions if m.claim and not m.denied]
    return claims or [m for m in mentions if not m.denied]


def _is_uneven(mentions: Sequence[Mention]) -> bool:
    """Return whether one of the options chosen is named again: "3 and 4 are possible, so 3"."""
    return len(set(Counter(m.place.option for m in _count(mentions)).values())) > 1


def _settle(
    text: str,
    everything: frozenset[int],
    mentions: Sequence[Mention],
    asserted: frozenset[int],
    denied: frozenset[int],
) -> Named:
    counted = _count(mentions)
    chosen = frozenset(m.place.option for m in counted)
    refused = frozenset(m.place.option for m in mentions if m.denied)
    if EXCEPT.search(text) and (excluded := refused | denied or chosen or asserted):
        return Named(chosen=everything - excluded, by="all but")
    if not chosen and not asserted and (refused or denied) and OTHERS.search(text):
        return Named(chosen=everything - refused - denied, by="the others")
    if ALL_CHOSEN.match(text):
        if not (refused or denied) and chosen | asserted in (frozenset(), everything):
            return Named(chosen=everything, by="all", doubt=EVERY)
        if chosen and chosen != everything:
            return Named(chosen=chosen, by="number", doubt="all options are chosen and then some of them")
    if chosen:
        doubt = _number_doubt(chosen, refused, counted, mentions)
    elif not asserted and NONE.search(text):
        return Named(none_of_them=True)
    else:
        doubt = "" if asserted else _nothing_doubt(refused | denied)
    named = Named(chosen=chosen or asserted, by="number" if chosen else "words" if asserted else "")
    return replace(named, doubt=doubt or _whole_doubt(text, named.chosen, everything))


def _number_doubt(
    chosen: frozenset[int], refused: frozenset[int], counted: Sequence[Mention], mentions: Sequence[Mention]
) -> str:
    if conflict := sorted(chosen & refused):
        return "the text both names and rules out option " + ", ".join(str(number) for number in conflict)
    if len(chosen) > 1 and any(mention.place.hedged for mention in counted):
        return "the text names options with 'or' between them"
    claimed = {mention.unit for mention in counted if mention.claim}
    beside = [m for m in mentions if m.unit in claimed and not (m.claim or m.denied or m.reason)]
    if {mention.place.option for mention in beside} - chosen:
        return "further options are named beside the answer"
    return ""


def _nothing_doubt(refused: frozenset[int]) -> str:
    return "only options that are not meant are named" if refused else "no option could be told from the text"


def _whole_doubt(text: str, chosen: frozenset[int], everything: frozenset[int]) -> str:
    if chosen == everything or (ALL.search(text) and not chosen):
        return EVERY
    wavers = UNSURE.search(text) or WAVERED.search(text)
    return "the text does not settle on an option" if wavers and len(chosen) != 1 else ""
