r"""Labels in any habit: ``### Q1)``, "Question 1 (a)", ``**b)**``, "1-a", "سوال ۱ - الف", ``$$ \\text{b) } ... $$``.

A line is looked at through a view without its marks (marks.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from grader.documents.again import CONTINUES, CORRECTED, CORRECTS, GOES_ON
from grader.documents.marks import build_view, cut_rest

_PERSIAN_PARTS = {
    "الف": "a",
    "ألف": "a",
    "ا": "a",
    "أ": "a",
    "آ": "a",
    "ب": "b",
    "پ": "c",
    "ج": "c",
    "ت": "d",
    "د": "d",
}  # الف ب پ ت and الف ب ج د are both in use
_NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "one first i اول یک یکم",
            "two second ii دوم دو",
            "three third iii سوم سه",
            "four fourth iv چهارم چهار",
            "five fifth v پنجم پنج",
            "six sixth vi ششم شش",
        ),
        1,
    )
    for word in words.split()
}
_S = r"[ \u200c]*"
_PART = r"(?P<part>[a-h]|[اأ]لف|[اأآبپجتد])(?![^\W_])"
PART_WORD = rf"(?:parts?|section|sub-?question|sub-?part|teil|parte|partie|بخش|قسمت|مورد|بند){_S}"
ANSWER = (
    rf"(?:(?:my |the )?(?:final )?(?:answers?|solutions?|ans|sol|response|reply)\b{_S}[.:]?{_S}"
    rf"(?:(?:to|of|for)\b{_S})?(?:the\b{_S})?|(?:پاسخ|جواب|حل)(?:{_S}(?:به|برای))?{_S}:?{_S})"
)
_SHEET = rf"(?:(?:hw|homework|assignment|تمرین){_S}[0-9]+{_S}[-–—:,./|]*{_S})"
QUESTION_WORD = (
    r"(?:questions?|quest|ques|qs|q|problem|prob|exercise|task|aufgabe|frage|pregunta|ejercicio|exercice|soru"
    r"|سوال|سئوال|پرسش|مسئله|مساله|س(?=[ .\d]))"
)
NUMBER = r"(?P<number>[1-9][0-9]?(?![0-9])|(?:" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")(?![^\W_]))"
_QUESTION = re.compile(
    rf"{_S}[(\[]?{_SHEET}?{ANSWER}?[(\[]?{_S}{QUESTION_WORD}{_S}(?:[#._:\-]|no\.?|number|شماره(?:ی|ٔ)?)?{_S}{NUMBER}",
    re.IGNORECASE,
)
_ORDINAL = re.compile(rf"{_S}(?P<number>first|second|third|fourth|fifth){_S}question\b", re.IGNORECASE)
# "2 Question", as LaTeX numbers its sections.
_NUMBER_FIRST = re.compile(
    rf"{_S}(?P<number>[1-9])\.?{_S}(?:question|problem|exercise|سوال|مسئله){_S}\Z", re.IGNORECASE
)
_PART_OF = re.compile(
    rf"{_S}{ANSWER}?{PART_WORD}[(\[]?{_PART}[)\]]?{_S}(?:of|in|from|از)(?:{_S}the\b)?(?={_S}{QUESTION_WORD})",
    re.IGNORECASE,
)
_ANSWER_NUMBER = re.compile(
    rf"{_S}(?:(?:answer|solution|ans|sol)\b(?:{_S}(?:to|of|for)\b)?|پاسخ|جواب|حل){_S}(?:no\.?|number|شماره)?{_S}"
    rf"(?P<number>[1-9])(?![0-9])",
    re.IGNORECASE,
)
# "A1:", "A2. (b)" under "Q1:"; "a1 = ..." is a symbol.
_SHORT_ANSWER = re.compile(rf"{_S}A(?P<number>[1-9])(?={_S}[.:)\-]|{_S}\(?[a-h][).:]|\Z)")
_AFTER = re.compile(
    rf"(?P<joint>[ \u200c)\]\-–—.,:/_|]*){ANSWER}?(?P<word>{PART_WORD})?(?P<open>[(\[]{{0,2}}){_S}{_PART}",
    re.IGNORECASE,
)
_PART_NUMBER = re.compile(r"[.\-](?P<number>[1-8])(?![0-9])")
# The part counted and not lettered: "Task 1.ii", "Q2 (iv)", "Problem 3, part 2", "THIRD QUESTION, SECOND PART".
_COUNTED_PART = re.compile(
    rf"[ \u200c]*[.,:;\-–—/|]?{_S}(?:(?:the{_S})?(?P<ordinal>first|second|third|fourth|fifth|sixth){_S}"
    rf"(?:part|section|sub-?question)(?![^\W_])|{PART_WORD}[(\[]?{_S}{NUMBER}"
    rf"|(?<![ \u200c])(?P<roman>i{{1,3}}|iv|vi?)(?![^\W_])"
    rf"|[(\[](?P<boxed>i{{1,3}}|iv|vi?)(?=[)\]]))",
    re.IGNORECASE,
)
# The same question in the other language, and a remark behind a heading: "سوال ۲ / Q2 (without psi)".
_AGAIN = re.compile(rf"{_S}[/|\-–—(]{_S}{QUESTION_WORD}{_S}[.:#]?{_S}{NUMBER}{_S}[)\]]?", re.IGNORECASE)
_REMARK = re.compile(rf"{_S}\([^()]{{1,120}}\){_S}[:.]?\Z")
_BARE_NUMBER = re.compile(rf"{_S}[(\[]?(?P<number>[1-9])(?![0-9])", re.IGNORECASE)
_BARE_PART = re.compile(
    rf"{_S}(?P<lead>{ANSWER})?(?P<word>{PART_WORD}|q(?:uestion)?{_S}[.:]?{_S})?(?P<open>[(\[]{{0,2}}){_S}{_PART}",
    re.IGNORECASE,
)
_AND_PART = re.compile(
    rf"{_S}(?:and|&|,|،|و|\+){_S}[(\[]?{_S}(?:[a-h]|الف|[بپجتد]){_S}(?:[)\]]|:|\Z)[.:]?", re.IGNORECASE
)
_END = re.compile(rf"{_S}\Z")
# A letter that is set in bold alone needs nothing to close it: "**a** second and third"; "**a** and **b**" names two.
_SET_APART = re.compile(
    r"\s*(?:[-*+•][ \t]+)?(?P<mark>\*\*|__|`)[ \t]*(?P<part>[a-hA-H]|الف|[بپجتد])[ \t]*(?P=mark)"
    r"(?![ \t]*(?:and|or|و|یا|,|&|\+|،)(?:\W|\Z))(?=\s)"
)
# What makes a label of a letter that nothing closes, where the part before it is labelled: "b 3", "c option 2".
_BARE_ANSWER = re.compile(
    r"[ \u200c]+(?:[0-9$(\[{]|(?:options?|first|second|third|fourth|uni\w*|bi\w*|گزینه|اول|دوم|سوم|چهارم)\b)",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    _S + r"(?:[.:]?[)\]]{1,2}" + _S + r"(?:[-=]*>|[→⇒]|[.:\-–—])?(?![)\]])|\.(?=[ (\[{=\u0600-\u06ff]|\Z)|[:،](?![\\/])"
    r"|[=-]*>|[-–—]+(?![-–—>])|[→⇒|]|/(?= |\Z))"
)
# "[5 pts]" behind a label is the sheet's.
_POINTS = re.compile(
    rf"{_S}(?:[(\[]{_S}[0-9]+(?:\.[0-9]+)?{_S}(?:pts?|points?|marks?|نمره|امتیاز){_S}[)\]]|[(\[]{_S}[0-9]+{_S}%{_S}[)\]]){_S}[:.\-]?",
    re.IGNORECASE,
)
_QUESTION_CLOSE = re.compile(rf"{_S}[)\]}}]*{_S}[)\].:،,\-–—=|]+>?")
# What a label may say besides its number: "Q1 (continued)", "Q1 answers:".
_CONTINUED = re.compile(
    rf"{_S}(?:[(\[]?(?:continued|cont(?:inuation)?\b\.?|again|ادامه){_S}[)\]]?{_S}[:.\-]?"
    rf"|(?:my )?(?:answers?|solutions?|پاسخ|جواب){_S}(?:[:.]|\Z)){_S}",
    re.IGNORECASE,
)
# "Q1-Q3", "Q1-3", "Q1 and Q2" speak of several questions and open none.
_SEVERAL = re.compile(
    rf"(?:[\-–—]|{_S}(?:[\-–—,&]|and\b|to\b|و|تا){_S}{QUESTION_WORD}){_S}[1-9](?![0-9])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label at the start of a line: a question, a part, or both; ``rest`` is the raw line after it.

    ``sure`` is False for a bare number, which is as often a list item or an option, and for a ``bare`` letter that
    nothing closes ("b 3"). ``full`` is True where question and part are named together, ``word`` where a word such as
    "Question" names the question. ``struck`` tells that the label alone is struck out, ``several`` that more parts than
    one are named ("(a) and (b)"): then ``part`` is "".
    """

    rest: str
    question: int | None = None
    part: str = ""
    sure: bool = True
    full: bool = False
    struck: bool = False
    word: bool = False
    several: bool = False
    bare: bool = False
    corrects: bool = False
    continues: bool = False

    @property
    def alone(self) -> bool:
        """True where nothing stands behind the label."""
        return not self.rest.strip(" \t*_~$:.-")


def find_label(raw: str) -> Label | None:
    """Return the label that the line ``raw`` begins with, None where it begins with none."""
    view = build_view(raw)
    if view.start >= len(raw):
        return None
    if apart := _SET_APART.match(raw):
        rest, struck = cut_rest(raw, view, view.text.index(apart["part"]) + len(apart["part"]))
        return Label(rest=rest, part=parse_part(apart["part"]), struck=struck)
    before = CORRECTS.match(view.text) or CONTINUES.match(view.text)
    start = before.end() if before else 0
    for find in (_find_part_of, _find_question, _find_numbered, _find_part):
        found = find(view.text[start:])
        if found is not None:
            end, label = start + found[0], found[1]
            if before and not label.sure:
                return None
            more = CORRECTED.match(view.text, end)
            end = more.end() if more else end
            corrects = bool(more) or (before is not None and before.re is CORRECTS)
            continues = not corrects and (before is not None or GOES_ON.search(view.text[:end]) is not None)
            label = replace(label, corrects=corrects, continues=continues)
            while label.part and (more := _AND_PART.match(view.text, end)):
                end, label = more.end(), replace(label, several=True)
            if points := _POINTS.match(view.text, end):
                end = points.end()
            rest, struck = cut_rest(raw, view, end)
            return replace(label, part="" if label.several else label.part, rest=rest, struck=struck)
    return None


def find_last_label(raw: str) -> Label | None:
    """Return the label at the start of ``raw``; where a struck-out label is followed by another, the other one."""
    label = find_label(raw)
    if label is not None and label.struck and label.rest.strip():
        return find_last_label(label.rest) or label
    return label


def parse_number(text: str) -> int | None:
    """Return the question number written as a digit or as a word in English or Persian."""
    return int(text) if text.isdecimal() else _NUMBERS.get(text.lower())


def parse_part(text: str) -> str:
    """Return the part letter a..h of a Latin or Persian letter."""
    return _PERSIAN_PARTS.get(text, text.lower())


_Found = tuple[int, Label]


def _find_question(text: str) -> _Found | None:
    """Find "Q1", "Question 1 (a)", "سوال ۱ - الف"."""
    match = _QUESTION.match(text) or _ORDINAL.match(text) or _NUMBER_FIRST.match(text) or _SHORT_ANSWER.match(text)
    if match is None or (number := parse_number(match["number"])) is None:
        return None
    end = match.end()
    if (again := _AGAIN.match(text, end)) and parse_number(again["number"]) == number:
        end = again.end()
    with_part = _find_part_after(text, end) or _find_counted_part(text, end)
    if with_part is not None:
        end, part = with_part
        return end, Label(rest="", question=number, word=True, part=part, full=True)
    close = _QUESTION_CLOSE.match(text, end)
    closed = close.end() if close else end
    if more := _CONTINUED.match(text, closed):
        return more.end(), Label(rest="", question=number, word=True)
    if _SEVERAL.match(text, end):
        return None
    if close:
        return closed, Label(rest="", question=number, word=True)
    if _END.match(text, end) or _REMARK.match(text, end):
        return end, Label(rest="", question=number, word=True)
    # "Q1 is about ..." in the middle of a text is no label; in a heading it is, which only the caller knows.
    return end, Label(rest="", question=number, word=True, sure=False)


def _find_part_after(text: str, start: int) -> tuple[int, str] | None:
    """Find the part behind a question's number: "Q1a", "Q1 (a)", "Q1, part a:", "Q1.2"."""
    match = _AFTER.match(text, start)
    if match:
        end, joint = match.end(), match["joint"]
        close = _close_part(text, end, bool(match["open"]))
        if close is not None:
            return close, parse_part(match["part"])
        if more := _CONTINUED.match(text, end):
            return more.end(), parse_part(match["part"])
        tight = " " not in joint and "،" not in joint
        if match["word"] or (tight and text[end : end + 1] == " ") or re.match(r" +[0-9({\[=]", text[end:]):
            return end, parse_part(match["part"])
    numbered = _PART_NUMBER.match(text, start)
    if numbered:
        close = _close_part(text, numbered.end(), False)
        if close is not None:
            return close, "abcdefgh"[int(numbered["number"]) - 1]
    return None


def _find_counted_part(text: str, start: int) -> tuple[int, str] | None:
    """Find the part behind a question's number that is counted: "Task 1.ii", "Question 2, second part"."""
    match = _COUNTED_PART.match(text, start)
    if match is None:
        return None
    number = parse_number(next(filter(None, (match["ordinal"], match["number"], match["roman"], match["boxed"]))))
    close = _close_part(text, match.end(), bool(match["boxed"]))
    if number is None or number > 8 or (close is None and text[match.end() : match.end() + 1] not in (" ", "")):
        return None
    return match.end() if close is None else close, "abcdefgh"[number - 1]


def _close_part(text: str, end: int, opened: bool) -> int | None:
    """Return where a part's label ends when a delimiter or nothing stands behind its letter."""
    if _END.match(text, end):
        return len(text)
    close = _CLOSE.match(text, end)
    if close is None or (opened and close[0].strip()[:1] not in (")", "]")):
        return None
    more = _CONTINUED.match(text, close.end())
    return more.end() if more else close.end()


def _find_numbered(text: str) -> _Found | None:
    """Find "1-a", "1)a.", "(1) a)", "1a:" and, not sure, a bare "1." or "2)" or "Answer 3"."""
    match = _BARE_NUMBER.match(text) or _ANSWER_NUMBER.match(text)
    if match is None:
        return None
    number, after = int(match["number"]), match.end()
    with_part = re.compile(r"(?P<joint>[)\].\-–—/: ]{0,4})").match(text, after)
    joint = with_part["joint"] if with_part else ""
    found = _find_part_after(text, after)
    # "2d) ..." and "2.d ..." are part d of question 2; "2d sum ..." only where 2c comes before.
    word_goes_on = (
        not joint and found is not None and re.match(r" +[^\W\d_]", text[found[0] :]) and text[found[0] - 1].isalpha()
    )
    if found is not None and word_goes_on:
        return found[0], Label(rest="", question=number, part=found[1], full=True, sure=False, bare=True)
    if found is not None and len(joint) <= 3 and "  " not in joint:
        end, part = found
        tight = " " not in joint.strip() and not joint.endswith(" ")
        return end, Label(rest="", question=number, part=part, full=True, sure=tight or joint.strip() == "-")
    close = re.compile(rf"{_S}[)\].:\-–—]+(?![0-9])").match(text, after)
    if close:
        return close.end(), Label(rest="", question=number, sure=False)
    return (len(text), Label(rest="", question=number, sure=False)) if _END.match(text, after) else None


def _find_part(text: str) -> _Found | None:
    """Find "a)", "(b)", "Part c", "الف)", "Q d)"."""
    match = _BARE_PART.match(text)
    if match is None or (match["part"] in "اآأ" and not match["open"]):
        return None
    end = match.end()
    if match["part"] == "ج" and (short := re.match(rf"{_S}:", text[end:])) and not match["word"]:
        # "ج:" is short for "answer:", or it is the part after "ب:".
        return end + short.end(), Label(rest="", part="c", sure=False, bare=True)
    close = _close_part(text, end, bool(match["open"]))
    if close is None and match["word"] and text[end : end + 1] in (" ", ""):
        close = end
    bare = not match["lead"] and not match["open"] and _BARE_ANSWER.match(text, end)
    # "A bidirectional network" and "a second task" are words.
    if close is None and bare and not (parse_part(match["part"]) == "a" and bare[0].strip()[:1].isalpha()):
        return end, Label(rest="", part=parse_part(match["part"]), sure=False, bare=True)
    # "Answer: b)" gives option b as an answer; "Answer b)" and "Answer to part b:" name a part.
    if close is None or (match["lead"] and match["lead"].strip().endswith((":", ".")) and not match["word"]):
        return None
    return close, Label(
        rest="", part=parse_part(match["part"]), sure=text[close - 1] not in "-–—" or text[close:][:1] in " "
    )


def _find_part_of(text: str) -> _Found | None:
    """Find "Part a of question 1"."""
    match = _PART_OF.match(text)
    if match is None:
        return None
    question = _QUESTION.match(text, match.end())
    number = parse_number(question["number"]) if question else None
    if question is None or number is None:
        return None
    close = _QUESTION_CLOSE.match(text, question.end())
    end = close.end() if close else question.end()
    return end, Label(rest="", question=number, part=parse_part(match["part"]), full=True, word=True)
