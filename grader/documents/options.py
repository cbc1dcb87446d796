"""Which of several numbered options a text names: by number, letter, ordinal word, its words or its formula.

A text names an option *in a claim* ("2 and 3", "the answer is the third", "1: no, 2: yes") or *in passing* (in the
reason); claims win. The reading says what was named, what was ruled out, and why nothing can be told where nothing
can. It does not know which options are right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from grader.documents.notation import canonical_formulas
from grader.documents.wording import find_phrase, fold, is_addressed_to_grader, locate_phrase, remove_struck, to_plain


class Nameable(Protocol):
    """An option as far as reading needs it."""

    @property
    def number(self) -> int:
        """Its number on the sheet, from 1."""

    @property
    def phrases(self) -> Sequence[str]:
        """Phrases (see ``wording``) that name it."""

    @property
    def formulas(self) -> Sequence[str]:
        """Formulas that name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a text names. ``doubt`` says why nothing can be told from it (then ``chosen`` is only a suggestion)."""

    chosen: frozenset[int] = frozenset()
    ruled_out: frozenset[int] = frozenset()
    by: str = ""
    doubt: str = ""
    none_of_them: bool = False
    text: str = ""
    reason: str = ""
    claim: str = ""
    in_words: frozenset[int] = frozenset()
    addressed: bool = False


_Span: TypeAlias = tuple[int, int, int, bool]  # option, start, end, hedged by "or"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mention:
    option: int
    start: int
    end: int
    denied: bool
    claim: bool
    unit: int
    hedged: bool = False


_YES = r"✓|✔|✅|☑|\[x\]|yes\b|true\b|correct\b|right\b|suitable\b|ok\b|many[ -]to[ -]one\b|t\b|بله|آره|درست|صحیح|بلی|مناسب(?!\s*نیست)"
_NO = (
    r"✗|✘|❌|×|☒|\[ \]|nope\b|no\b|not\b|false\b|wrong\b|incorrect\b|unsuitable\b|many[ -]to[ -]many\b|f\b|خیر|نه\b|غلط"
    r"|نادرست|نیست|مناسب نیست"
)
_SYMBOL = re.compile(r"(?P<yes>✓|✔|✅|☑|\[x\]|\ue000)|(?P<no>✗|✘|❌|×|☒|\[ \])")
_MARK = re.compile(rf"(?:^|[:|=>(,\-]|\b(?:is|are)\b|  )\W*?(?:(?P<no>{_NO})|(?P<yes>{_YES}))", re.M)

_ORDINALS = {
    1: r"first|1st|یکم|اولی|اول",
    2: r"second|2nd|دومی|دوم",
    3: r"third|3rd|سومی|سوم",
    4: r"fourth|forth|4th|چهارمی|چهارم",
    5: r"fifth|5th|پنجمی|پنجم",
}
_WORDS = {1: "one|یک", 2: "two|دو", 3: "three|سه", 4: "four|چهار", 5: "five|پنج"}
_LETTERS = {1: "a|الف|i", 2: "b|ب|ii", 3: "c|ج|iii", 4: "d|د|iv", 5: "e|ه|v"}
_NOUN = (
    r"(?:options?|choices?|answers?|numbers?|nos?\.|cases?|items?|tasks?|statements?|models?|#|گزینه\s*(?:های|ی)?|مورد|موارد"
    r"|شماره\s*(?:های|ی)?|جواب|پاسخ|حالت)"
)
_AND = r"\s*(?:,\s*and\b|,\s*(?:و\s)?|\band\b|&|\+|/|\bو\b|-|\bto\b|\bplus\b|\balso\b|هم)\s*"
_OR = r"\s*(?:,?\s*\bor\b|\bیا\b|\band/or\b)\s*"
_FOLLOW = re.compile(
    r"^\s*(?:$|[.,:;()\-!?/&|\"'=>✓✗\]،]|(?:and|or|is|are|was|were|isn't|aren't|one|ones|option|options|choice|choices|answer"
    r"|answers|tasks?|cases?|model|items?|network|architecture|statement|expression|formula|alternative|because|since|as|only"
    r"|but|not|too|also|both|fits?|suits?|works?|should|would|can|cannot|does|doesn't|gives?|needs?|has|have|with|for|rather"
    r"|instead|seems?|here|must|reads?|و|یا|است|هستند|درست|صحیح|غلط|گزینه|مورد|چون|زیرا|را|هم|نیست|بله|نه|خیر|هر|می|مناسب|بخاطر|به)"
    r"(?![a-z_]))"
)
_NO_OPTION_BEFORE = re.compile(
    r"(?:[\w.^_]|[=<>/+*] ?|\b0 (?:or|to|and) |\b(?:step|time|day|t|layer|class|label|label is) )$"
)
_LEAD = re.compile(
    r"(?:\b(?:answers?|solutions?|choose|chose|chosen|choosing|pick|picked|select|selected|choice|choices|go for|go with|going with"
    r"|therefore|thus|so|hence|finally|conclusion|correct|right|suitable|appropriate|many to one|think|believe|say|guess|mean"
    r"|it'?s|it is|it must be|that is|only|both|yes|ans)\b|=>|->|✓|جواب|پاسخ|درست|صحیح|پس|بنابراین|انتخاب"
    r"|مناسب|فقط)"
    r"(?:\W+(?:is|are|be|would be|should be|the|option|options|number|numbers|no|it'?s|it|will be|both|ones?|for this|question|in my"
    r"|opinion|my|answers?|tasks?|statements?|that|only|من|من گزینه|های|ی|است|گزینه|میشود|:|=))*\W*$"
)
_APPROVAL = re.compile(
    r"\b(?:correct|right|true|suitable|suits?|appropriate|many to one|fits?|too|also|as well|both|answers?|works?|applies|apply"
    r"|best|ok|fine|valid)\b|جواب|پاسخ|درست|صحیح|مناسب|بله|انتخاب|\bهم\b|همچنین|✓"
)
_JOINT = re.compile(r"[\s,&+/()\-]*(?:ones?|options?|tasks?)?[\s,&+/()\-]*(?:and|or|و|یا|also|plus|to|هم|&)?[\s,&+/()\-]*"
                    r"(?:the|also|both)?\s*(?:options?|number|numbers|task|گزینه|ی|های|مورد)?[\s(#]*")  # fmt: skip
_BECAUSE = re.compile(
    r"\b(?:because|since|as|due to|given that|for the reason)\b|چون|زیرا|چرا که|به دلیل|بخاطر|به خاطر|چونکه"
)
_CORRECTION = re.compile(
    r"\bno\b\s*[,.!:\-]+|\bno (?:wait|it|i)\b|\bwait\b|\bsorry\b|\bactually\b|\bi mean(?:t)?\b|\bcorrection\b|\bon second thoughts?\b"
    r"|\bscratch that\b|\b(?:but )?in the end\b|\bchanged? my mind\b|\boops\b|\bedit\s*:|\bi was wrong\b|ببخشید|اصلاح|\bنه\s*[,.]|اشتباه (?:شد|کردم)"
)
_EXCEPT = re.compile(r"\b(?:all|every(?:thing)?|each|both others)\b.{0,20}\b(?:but|except|excluding|other than|apart from|besides)\b"
                     r"|همه.{0,15}(?:به جز|بجز|غیر از|جز)")  # fmt: skip
_OTHERS = re.compile(
    r"\b(?:the |both )?(?:others?|rest|remaining|other (?:two|three|ones|options))\b|بقیه|دو تای دیگر|سایر|دوتای دیگر"
)
_ALL = re.compile(r"\ball (?:of (?:them|these|the above)|three|four|the (?:options|tasks|above)|options|tasks)\b|^\W*all\W*$"
                  r"|\beverything\b|\bany of (?:them|these)\b|هر سه|هر چهار|همه ?ی? ?(?:موارد|گزینه|آنها)|^\W*همه\W*$")  # fmt: skip
_NONE = re.compile(
    r"\bnone of (?:them|these|the)\b|^\W*none\W*$|\bneither\b(?!.*\bnor\b)|\bno option\b|هیچ ?کدام|هیچ ?یک"
)
_UNSURE = re.compile(
    r"\b(?:not sure|don't know|dont know|no idea|can't (?:tell|decide)|either)\b|نمیدانم|نمی دانم|مطمئن نیستم"
)
_AFTER_DENIAL = re.compile(
    r"\b(?:is|are|was|were|seems?|would be)?\s*(?:not|n't|wrong|incorrect|false|impossible|unsuitable|ruled out|excluded|out\b"
    r"|no good)\b|\b(?:isn't|aren't|doesn't|don't|can't|cannot|won't)\b|✗|✘|❌|×|\bnope\b|نیست|غلط|نادرست|نمی\s*\w+|\bنه\b|خیر|ندار"
)
_BEFORE_DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|except|excluding|but not|rather than|instead of|unlike|exclude|reject|rule out|ruled out|without"
    r"|isn't|cannot be|can't be|other than|no for|no to)\s+(?:\w+\s+){0,2}\W*$|(?<!\w)(?:به جز|بجز|غیر از|برخلاف|نه)\s*(?:گزینه|مورد|شماره)?\s*(?:ی|های)?\s*\W*$"
)


def find_named(text: str, options: Sequence[Nameable], prompt: str = "", denials: Sequence[str] = ()) -> Named:
    """Return which of ``options`` a raw answer names.

    ``prompt`` is the sheet's question, so that a repeated question is not taken for an answer. ``denials`` are phrases
    that rule an option out when said of it ("many to many").
    """
    folded, addressed = _prepare(text)
    body, reading = _read_list(folded, options, denials)
    named = reading or _read_prose(body, options, prompt, denials)
    return Named(**{**_fields(named), "addressed": addressed, "text": folded.replace("\ue000", "")})


def _fields(named: Named) -> dict[str, object]:
    return {name: getattr(named, name) for name in Named.__dataclass_fields__}


def _prepare(text: str) -> tuple[str, bool]:
    marked = re.sub(r"\*\*([^*\n]+)\*\*", "\ue000\\1\ue000", remove_struck(text))
    folded = canonical_formulas(fold(to_plain(marked)))
    parts = re.split(r"(?<=[.!?;,\n])(?=\s|$)", folded)
    kept = [part for part in parts if not is_addressed_to_grader(part)]
    return "".join(kept), len(kept) < len(parts)


# --- lists: "1: no, 2: yes", options copied with marks --------------------------------------------------------------


def _designator(options: Sequence[Nameable], kinds: Sequence[dict[int, str]] = ()) -> str:
    names = [str(option.number) for option in options]
    for table in kinds:
        names += [table[option.number] for option in options if option.number in table]
    return "|".join(sorted("|".join(names).split("|"), key=len, reverse=True))


def _number(word: str, options: Sequence[Nameable]) -> int:
    for option in options:
        number = option.number
        names = "|".join((str(number), _ORDINALS.get(number, ""), _WORDS.get(number, ""), _LETTERS.get(number, "")))
        if word in names.split("|"):
            return number
    raise KeyError(word)


def _read_list(folded: str, options: Sequence[Nameable], denials: Sequence[str]) -> tuple[str, Named | None]:
    """Return the text without a copied list of the options, and what the list's marks say (None without marks)."""
    name = _designator(options, (_LETTERS,))
    words = _designator(options, (_ORDINALS,))
    start = re.compile(
        rf"(?:^|(?<=[\s,;.|(]))(?:[-*•+]\s*)?(?P<box>\[[ x]\]\s*)?\ue000?(?:{_NOUN}\s*)?(?:\(?(?P<n>{name})\s*[).:|\]=]"
        rf"|(?P<d>\d)(?=\s*(?:-\s*)?(?:yes|no|true|false|✓|✗|✔|✘|✅|❌|×|بله|خیر|نه|درست|غلط|صحیح|نادرست)(?!\w))"
        rf"|(?:the )?(?P<o>{words})(?: one| option)?\s*:)", re.M)  # fmt: skip
    starts = [m for m in start.finditer(folded) if not m["d"] or int(m["d"]) <= len(options)]
    starts = [m for m in starts if not re.search(r"[\w^_]\Z", folded[: m.start()])]
    if len(starts) < 2:
        return folded, None
    ends = [m.start() for m in starts[1:]] + [_line_end(folded, starts[-1].end())]
    segments: dict[int, list[str]] = {}
    for m, end in zip(starts, ends, strict=True):
        number = _number(m["n"] or m["d"] or m["o"], options)
        segments.setdefault(number, []).append(
            (m["box"] or "") + ("\ue000" if "\ue000" in m[0] else "") + folded[m.end() : end]
        )
    if any(len(parts) > 1 for parts in segments.values()) or len(segments) < 2:
        return folded, None
    marks = {number: _mark(parts[0], denials) for number, parts in segments.items()}
    complete = len(segments) == len(options)
    copied = complete and all(_says(option, segments[option.number][0]) for option in options)
    rest = folded[: starts[0].start()] + " " + folded[ends[-1] :]
    if set(marks.values()) == {None}:
        return (rest, None) if copied else (folded, None)
    if not complete:
        return folded, None
    chosen = {n for n, mark in marks.items() if mark or (mark is None and True not in marks.values())}
    ruled_out = {option.number for option in options} - chosen
    return folded, Named(
        chosen=frozenset(chosen), ruled_out=frozenset(ruled_out), by="marks on each option", reason=rest
    )


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _mark(segment: str, denials: Sequence[str]) -> bool | None:
    if symbol := _SYMBOL.search(segment):
        return symbol["yes"] is not None
    first = re.split(r"[.;\n]", segment.strip(), maxsplit=1)[0]
    if word := _MARK.search(first):
        return word["yes"] is not None
    if any(find_phrase(denial, first) for denial in denials):
        return False
    return None


def _says(option: Nameable, segment: str) -> bool:
    return any(locate_phrase(phrase, segment) for phrase in option.phrases) or bool(_formula_spans(option, segment))


def _formula_spans(option: Nameable, folded: str) -> list[tuple[int, int]]:
    spans = []
    for formula in option.formulas:
        wanted = canonical_formulas(fold(formula)).strip()
        spans += [m.span() for m in re.finditer(rf"(?<![\w.|]){re.escape(wanted)}(?![\w.|])", folded)]
    return spans


# --- prose: claims and mentions ------------------------------------------------------------------------------------


def _read_prose(folded: str, options: Sequence[Nameable], prompt: str, denials: Sequence[str]) -> Named:
    body = folded.replace("\ue000", " ")
    units = [unit for unit in _units(body) if not _repeats(unit, prompt)]
    text = "\n".join(units)
    mentions = _mentions(units, options, denials)
    cut = _corrected(text, units, mentions, options)
    if cut:
        units = [unit for unit in _units(text[cut:]) if unit.strip()]
        text = "\n".join(units)
        mentions = _mentions(units, options, denials)
    in_words = _in_words(units, options, denials)
    claim = "\n".join(unit for index, unit in enumerate(units) if any(m.unit == index and m.claim for m in mentions))
    named = _settle(text, options, mentions, in_words)
    return Named(**{**_fields(named), "claim": claim})


def _units(text: str) -> list[str]:
    parts = re.split(r"(?<=[^\s.])[.!?]+(?=\s|$)(?<!e\.g\.)(?<!i\.e\.)|\n+|;|(?<=\?)\s", text)
    return [" ".join(part.split()) for part in parts if re.search(r"\w", part)]


def _repeats(unit: str, prompt: str) -> bool:
    words = re.findall(r"\w+", unit)
    known = set(re.findall(r"\w+", fold(prompt)))
    return len(words) >= 6 and sum(word in known for word in words) >= 0.8 * len(words)


def _corrected(text: str, units: Sequence[str], mentions: Sequence[_Mention], options: Sequence[Nameable]) -> int:
    """Return where the text starts anew after a change of mind that stands between two mentions, else 0."""
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + len(unit) + 1)
    places = [(offsets[m.unit] + m.start, m.denied) for m in mentions]
    for offset, unit in zip(offsets, units, strict=False):
        places += [(offset + start, denied) for start, _, _, denied in _word_spans(unit, options)]
    for cue in reversed(list(_CORRECTION.finditer(text))):
        before = any(place < cue.start() for place, _ in places)
        after = any(place >= cue.end() and not denied for place, denied in places)
        if before and after:
            return cue.end()
    return 0


def _mentions(units: Sequence[str], options: Sequence[Nameable], denials: Sequence[str]) -> list[_Mention]:
    found = []
    for number, unit in enumerate(units):
        masked = _mask_formulas(unit, options)
        main_end = _main_end(masked)
        spans = _designations(masked, options)
        for index, (option, start, end, hedged) in enumerate(spans):
            following = spans[index + 1][1] if index + 1 < len(spans) else len(masked)
            denied = _denied(masked, start, end, following, denials)
            claim = _is_claim(masked, index, spans, main_end)
            found.append(
                _Mention(option=option, start=start, end=end, denied=denied, claim=claim, unit=number, hedged=hedged)
            )
    return found


def _mask_formulas(unit: str, options: Sequence[Nameable]) -> str:
    masked = re.sub(r"p\([^()]*\)", lambda m: "#" * len(m[0]), unit)
    masked = re.sub(r" \([^\W\d]{3,}[^()]*\)", lambda m: " " * len(m[0]), masked)
    return re.sub(r"[a-z]_[\w+\-]+(?:\.\.[a-z]_[\w+\-]+)?", lambda m: "#" * len(m[0]), masked)


def _main_end(unit: str) -> int:
    because = _BECAUSE.search(unit)
    return because.start() if because and because.start() > 0 else len(unit)


def _is_claim(unit: str, index: int, spans: Sequence[_Span], main_end: int) -> bool:
    """Whether a designation is said as the answer: bare, after "the answer is", or before "is correct"."""
    first, last = _list_around(unit, index, spans)
    start, end = spans[first][1], spans[last][2]
    if start >= main_end:
        return False
    before = unit[:start].strip(" (\"'*-")
    after = re.sub(r"^[\s)\"'*]*(?:(?:ones?|options?|tasks?|choices?)\b\s*)?", "", unit[end:]).strip()
    if _LEAD.search(before) or not before or len(before.split()) <= 1:
        stops = re.match(r"(?:$|[.,:;(\-/✓|]|=>|->)", after) or _BECAUSE.match(after)
        if stops or _LEAD.search(before):
            return True
    predicate = re.split(r"[.,:;(]|\bbut\b", after, maxsplit=1)[0]
    return bool(_APPROVAL.search(" ".join(predicate.split()[:8])))


def _list_around(unit: str, index: int, spans: Sequence[_Span]) -> tuple[int, int]:
    first = last = index
    while first > 0 and _JOINT.fullmatch(unit[spans[first - 1][2] : spans[first][1]]):
        first -= 1
    while last + 1 < len(spans) and _JOINT.fullmatch(unit[spans[last][2] : spans[last + 1][1]]):
        last += 1
    return first, last


def _designations(unit: str, options: Sequence[Nameable]) -> list[_Span]:
    """Return (option, start, end, hedged) for every place of a unit that names an option by number, letter or order."""
    name = _designator(options, (_LETTERS, _WORDS))
    sure = rf"\(?(?:{name})\)?(?![\w_^'])"
    tail = rf"(?:(?:{_AND}|{_OR})(?:and )?(?:{_NOUN}\s*)?{sure})*"
    spans: dict[int, _Span] = {}
    patterns = [
        rf"{_NOUN}\s*(?:(?:is|are|:|=)\s*)*(?P<l>{sure}{tail})",
        rf"^\W*(?P<l>{sure}{tail})(?=\s*(?:$|[.,:;\-(=)|✓]|{_BECAUSE.pattern}|\bare\b|\bis\b|=>|درست|صحیح))",
        rf"(?<![\w)^_])(?P<l>\((?:{_designator(options, (_LETTERS,))})\){tail})",
        rf"(?<![\w.^_])(?P<l>(?:{_designator(options, (_LETTERS,))})\)(?=\s|$|,))",
        rf"(?<![\w.])(?P<l>(?:{_designator(options)}){tail})(?![\w^_=/*+.])",
    ]
    for order, pattern in enumerate(patterns):
        for m in re.finditer(pattern, unit):
            if order == 4 and (_NO_OPTION_BEFORE.search(unit[: m.start("l")]) or not _FOLLOW.match(unit[m.end("l") :])):
                continue
            if order == 1 and m["l"] in ("a", "i", "one", "یک", "د", "ه", "و"):
                if len(unit.strip(" .()")) > 4:
                    continue
            _add_list(spans, m["l"], m.start("l"), options, name)
    for option in options:
        if option.number in _ORDINALS:
            _add_ordinals(spans, unit, option.number)
    _add_ends(spans, unit, options)
    return [spans[start] for start in sorted(spans)]


def _add_list(spans: dict[int, _Span], listed: str, offset: int, options: Sequence[Nameable], name: str) -> None:
    hedged = bool(re.search(_OR, listed))
    for m in re.finditer(rf"(?<![\w])(?:{name})(?![\w])", listed):
        start, end = offset + m.start(), offset + m.end()
        if not any(left <= start < right for _, left, right, _ in spans.values()):
            spans[start] = (_number(m[0], options), start, end, hedged)


def _add_ordinals(spans: dict[int, _Span], unit: str, number: int) -> None:
    for m in re.finditer(rf"(?<![\w])(?:{_ORDINALS[number]})(?![\w])", unit):
        if not _FOLLOW.match(unit[m.end() :]) or re.match(r"\s*-?\s*order|\s*two", unit[m.end() :]):
            continue
        discourse = m.start() == 0 and number == 1 and re.match(r"\s*,\s*\w+\s+\w+\s+\w+", unit[m.end() :])
        listed = re.match(r"\s*,?\s*(?:and|و)\s", unit[m.end() :])
        persian_start = m[0] == "اول" and not re.search(_NOUN + r"\s*$", unit[: m.start()]) and not listed
        hedged = bool(re.match(rf"{_OR}(?:the )?(?:\w+\s)?(?:{'|'.join(_ORDINALS.values())})", unit[m.end() :]))
        if not (discourse and not listed) and not persian_start:
            spans[m.start()] = (number, m.start(), m.end(), hedged)


def _add_ends(spans: dict[int, _Span], unit: str, options: Sequence[Nameable]) -> None:
    """Add "the last", "the last two", "the first two"."""
    numbers = [option.number for option in options]
    two_last = r"\b(?:last|latter|final) (?:two|2)\b|\btwo last\b|دو ?(?:تای|مورد|گزینه|تا) ?(?:ی )?(?:آخر|اخر)"
    two_first = r"\b(?:first|former) (?:two|2)\b|\btwo first\b|دو ?(?:تای|مورد|گزینه|تا) ?(?:ی )?اول"
    for pattern, picked in ((two_last, numbers[-2:]), (two_first, numbers[:2])):
        for m in re.finditer(pattern, unit):
            for key in [key for key in spans if m.start() <= key < m.end()]:
                del spans[key]
            for shift, number in enumerate(picked):
                spans[m.start() + shift] = (number, m.start() + shift, m.end(), False)
    for m in re.finditer(r"\bthe last\b(?! two| 2)|آخری|گزینه ?ی? (?:آخر|اخر)", unit):
        if _FOLLOW.match(unit[m.end() :]):
            spans[m.start()] = (numbers[-1], m.start(), m.end(), False)


def _denied(unit: str, start: int, end: int, following: int, denials: Sequence[str]) -> bool:
    before = re.split(r"[;:]|\bbut (?!not)|\bso\b|=>", unit[:start])[-1]
    if re.search(r"\b(?:not only|not just)\b[^,]*$", before):
        return False
    if _BEFORE_DENIAL.search(before) or re.search(
        r"\b(?:neither|nor|not)\b[^,.;]{0,14}\b(?:and|or|nor)\b[^,]{0,8}$", before
    ):
        return True
    after = unit[end:following]
    if re.fullmatch(rf"[\s)]*(?:{_AND}|{_OR})\W*(?:the )?\W*(?:{_NOUN})?\W*", after):
        later = unit[following:]
        after = re.split(r"[\d(]|\b(?:first|second|third|fourth)\b", re.sub(r"^[\w)]+", "", later), maxsplit=1)[0]
    after = re.split(
        rf"\bbut\b|\bwhile\b|\bwhereas\b|,\s*(?:not|so|and|the|it)\b|{_BECAUSE.pattern}|=>|اما|ولی", after, maxsplit=1
    )[0]
    after = re.sub(r"^[\s:=\-(>]+", "", after) if re.match(r"\s*[:=\-(]", after) else after
    after = re.split(r",|:", after, maxsplit=1)[0] if not re.match(r"\s*,?\s*(?:no\b|✗|نه)", after) else after
    trailing = re.search(
        r"\b(?:not|rather than|instead of|except|unlike|but not|نه|به جز|بجز)\W*(?:the|option)?\W*$", after
    )
    said = after[: trailing.start()] if trailing else after
    if _AFTER_DENIAL.search(" ".join(said.split()[:9])):
        return not re.search(r"\bnot (?:wrong|incorrect|false|impossible)\b", said)
    return any(find_phrase(denial, said) for denial in denials)


def _in_words(units: Sequence[str], options: Sequence[Nameable], denials: Sequence[str]) -> tuple[set[int], set[int]]:
    """Return the options that the text asserts and those it denies by their words or formulas."""
    asserted: set[int] = set()
    refused: set[int] = set()
    for unit in units:
        spans = _word_spans(unit, options)
        for index, (start, end, number, denied) in enumerate(spans):
            following = spans[index + 1][0] if index + 1 < len(spans) else len(unit)
            excluded = denied or _denied(unit, start, end, following, denials)
            (refused if excluded else asserted).add(number)
    return asserted, refused


def _word_spans(unit: str, options: Sequence[Nameable]) -> list[_Span]:
    """Return (option, denied) with its place for every phrase or formula of an option; the longest one wins a place."""
    found: list[_Span] = []
    for option in options:
        found += [(*span, option.number, False) for span in _formula_spans(option, unit)]
        for phrase in option.phrases:
            for start, end, as_asked in locate_phrase(phrase, unit):
                if as_asked or not phrase.startswith("not "):
                    found.append((start, end, option.number, not as_asked))
    taken: list[_Span] = []
    for start, end, number, denied in sorted(found, key=lambda c: (c[0] - c[1], c[0], c[2])):
        if all(end <= left or start >= right for left, right, _, _ in taken):
            taken.append((start, end, number, denied))
    return sorted(taken)


# --- from mentions to a choice --------------------------------------------------------------------------------------


def _settle(
    text: str, options: Sequence[Nameable], mentions: Sequence[_Mention], words: tuple[set[int], set[int]]
) -> Named:
    everything = frozenset(option.number for option in options)
    claims = [m for m in mentions if m.claim]
    counted = claims if any(not m.denied for m in claims) else list(mentions)
    chosen = frozenset(m.option for m in counted if not m.denied)
    refused = frozenset(m.option for m in mentions if m.denied)
    asserted, denied_words = frozenset(words[0]), frozenset(words[1])
    by = "number"
    if _EXCEPT.search(text) and (refused or denied_words or chosen or asserted):
        excluded = refused | denied_words or chosen or asserted
        return Named(chosen=everything - excluded, ruled_out=excluded, by="all but", reason=text, in_words=asserted)
    if not chosen and (refused or denied_words) and not asserted and _OTHERS.search(text):
        excluded = refused | denied_words
        return Named(chosen=everything - excluded, ruled_out=excluded, by="the others", reason=text)
    if not chosen and asserted:
        chosen, refused, by = asserted, denied_words, "words"
    conflict = (chosen & refused) if by == "number" else frozenset()
    doubt = _doubt(text, chosen, refused, conflict, everything, counted, by)
    none = not chosen and bool(_NONE.search(text)) and not doubt
    return Named(
        chosen=chosen, ruled_out=refused, by=by if chosen else "", doubt="" if none else doubt, none_of_them=none,
        reason=text, in_words=asserted,
    )  # fmt: skip


def _doubt(
    text: str,
    chosen: frozenset[int],
    refused: frozenset[int],
    conflict: frozenset[int],
    everything: frozenset[int],
    counted: Sequence[_Mention],
    by: str,
) -> str:
    if conflict:
        return "the text both names and rules out option " + ", ".join(str(n) for n in sorted(conflict))
    if (_ALL.search(text) and not chosen) or (len(everything) > 1 and chosen == everything):
        return "every option is named, which chooses none"
    if _UNSURE.search(text) and len(chosen) != 1:
        return "the text does not settle on an option"
    if by == "number" and len(chosen) > 1 and any(m.hedged and not m.denied for m in counted):
        return "the text names options with 'or' between them"
    if not chosen and not _NONE.search(text):
        return "only options that are not meant are named" if refused else "no option could be told from the text"
    return ""
