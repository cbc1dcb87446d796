"""Persian as it is drawn on a page, to Persian as it is read."""

from __future__ import annotations

import re
from typing import Final

import bidi

_PERSIAN: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
_NUMBERED: Final = r"\W{0,3}(?:\d{1,2} ?[-–.] ?)?"
_LONE_LABEL: Final = re.compile(rf"{_NUMBERED}\w{{1,4}} ?[(\[]")
_PERSIAN_LABEL: Final = re.compile(rf"{_NUMBERED}(?:الف|[بپجتد]) ?[(\[]")
# A sign that no report holds, and that takes the direction of what stands around it.
STRIKE: Final = "\u2980"
# A number's sign goes with the number: this stands for it, which counts as a digit.
_BOUND: Final = "\U0001f101"
# Signs that begin a formula count as its letters.
_BEGIN: Final = "∂∇∑∏√∫"
_AS_LETTERS: Final = {ord(sign): chr(0xE020 + index) for index, sign in enumerate(_BEGIN)}
_AS_SIGNS: Final = {0xE020 + index: sign for index, sign in enumerate(_BEGIN)}
_SIGN: Final = re.compile(r"(?<![\w)\]])[-\u2212](?=\d)")
# "2) argmax ..." at the right edge of a Persian line is drawn like "argmax (2"; that no bracket answers it tells.
_LABEL_AT_EDGE: Final = re.compile(r"(?<=[A-Za-z\d\])}]) *[()\[\]] ?(?:\d{1,2}|[A-Ha-h])\s*\Z")
_RIGHT_TO_LEFT: Final = "\u200f"  # an invisible character that counts as Persian
# Persian with the numbers and signs inside it, between words of other letters.
_PERSIAN_RUN: Final = re.compile(
    rf"(?:\d[^A-Za-z\u0370-\u03ff\U0001d400-\U0001d7ff]{{0,40}}?)?{_PERSIAN.pattern}"
    rf"(?:[^A-Za-z\u0370-\u03ff\U0001d400-\U0001d7ff]*(?:{_PERSIAN.pattern}|\d))?"
)


def is_persian(text: str) -> bool:
    """Tell whether a character is written from right to left."""
    return _PERSIAN.match(text) is not None


def order(visual: str, *, right_to_left: bool) -> str:
    """Return a line in reading order, from the order in which it is drawn.

    The rules that turn text into the order on the page turn it back as well.
    """
    bound = _SIGN.sub(_BOUND, visual).translate(_AS_LETTERS)
    if right_to_left:
        if sum(map(bound.count, "()[]")) % 2:
            bound = _LABEL_AT_EDGE.sub(rf"{_RIGHT_TO_LEFT}\g<0>", bound)
        ordered = str(bidi.get_display(bound, base_dir="R")).replace(_RIGHT_TO_LEFT, "")
    else:
        ordered = _PERSIAN_RUN.sub(lambda run: str(bidi.get_display(run[0], base_dir="R")), bound)
    return _mend_brackets(ordered.translate(_AS_SIGNS).replace(STRIKE, "~~").replace(_BOUND, "-"))


def _mend_brackets(text: str) -> str:
    """Turn around the brackets that stand the wrong way: programs differ in which of the two they name in Persian.

    A lone bracket behind a label ("b)") closes it.
    """
    mended, lone = _pair(text)
    label = _LONE_LABEL.match(text)
    if label is None or not lone:
        return mended
    turned, left = _pair(text[label.end() :])
    sure = left < lone or _PERSIAN_LABEL.match(text) is not None
    return f"{text[: label.end() - 1]}{_CLOSERS[label[0][-1]]}{turned}" if sure else mended


def _pair(text: str) -> tuple[str, int]:
    """Return ``text`` with ")x(" as "(x)", and how many brackets have no partner."""
    signs, lone = list(text), 0
    for opener, closer in _CLOSERS.items():
        waiting: list[int] = []  # closers that nothing opened
        opened = 0
        for place, sign in enumerate(text):
            if sign == opener and waiting:
                signs[waiting.pop()], signs[place] = opener, closer
            elif sign == opener:
                opened += 1
            elif sign == closer and opened:
                opened -= 1
            elif sign == closer:
                waiting.append(place)
        lone += opened + len(waiting)
    return "".join(signs), lone
