"""What stands beside a formula and changes it: a sign outside the dollars, "is wrong", "then divide by 3".

A formula is read where it stands; what its writer says around it is not. Where that may turn a right answer into a
wrong one, or a wrong one into a right one, a person reads the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.formula.extract import MATH
from grader.formula.normalise import normalise
from grader.formula.passage import clean_passage

_F = "⟦F⟧"
_SPACES = re.compile(r"[ \t\r\f\v]+")
_FLAGS = re.IGNORECASE | re.MULTILINE

_SIGNS = (
    rf"(?<!⟧)(?<!⟧ )[-−]\(?{_F}",
    rf"\d\s*[-−+×·*/]\s*\(?{_F}",
    rf"(?<!⟧)(?<!⟧ )[×·/^√∑Σ∏‖÷±]\s*\(?{_F}",
    rf"(?<=[^\s⟧])[ ]\*[ ]\(?{_F}",
    rf"(?<![\w.):⟧=\-])(?<!= )\d+(?:\.\d+)?\s*\(?{_F}",
    rf"[A-Za-zη-ωΣ][(\[]\s*{_F}",
    rf"{_F}\)?\s*(?:[\^²³ᵀ/÷×·∙])(?!\s*\(?⟦)",
    rf"{_F}\)?\s*[*+](?=\s*[\d(])",
    rf"{_F}\)?\s*[-−–]\s*(?=[\d(])",
    rf"{_F}\)?['’](?!\w)",
    rf"\\\|\s*{_F}|{_F}\s*\\\|",
)
_OF = r"(?:\s+of)?(?:\s+the)?(?:\s+(?:vector|matrix|expression|quantity|term|formula))?\s*:?\s*\(?"
_WORDS = (
    r"\b(?:opposite|negative|negation|inverse|reciprocal|squares?|root|absolute value|magnitude|norm"
    r"|sign|average|mean"
    r"|exponential|logarithm|components|entries|trace|determinant)"
    rf"\s+of(?:\s+the)?(?:\s+\w+)?\s*\(?{_F}",
    rf"\b(?:twice|half|double|triple|thrice|minus|inverse|squared|dot product|inner product){_OF}{_F}",
    rf"\b(?:is|are|was|does|do)\s*(?:not|n['’]t)(?:\s+(?:equal|the same as|simply|just))?(?:\s+to)?\s*:?\s*{_F}"
    r"(?!,?\s*(?:but|rather|it is))",
    rf"\b(?:isn|aren|wasn|doesn)['’]t(?:\s+equal)?(?:\s+to)?\s*:?\s*{_F}(?!,?\s*(?:but|rather))",
    rf"≠\s*{_F}|\bunequal\b",
    rf"{_F}[^⟦\n]{{0,60}}\b(?:sign (?:reversed|flipped|changed|inverted)"
    r"|(?:reversed|flipped|opposite|changed|wrong) sign|squared|transposed|averaged|divided by|halved"
    r"|doubled|inverted|multiplied by|independent of)",
    rf"{_F}[^⟦]*(?:\bforgot|\bshould(?:n['’]t| not)? be (?:there|here|dropped|removed|transposed|negative|added))",
    rf"{_F}[^.\n⟦]{{0,20}}\b(?:except|excluding|without (?:the )?(?:first|last|second|term|transpose|sum|factor))",
    r"(?<![\u0600-\u06ff\u200c])(?:قرینه|نصف|نیم|دو ?برابر|سه ?برابر|مربع|مجذور|توان|قدر ?مطلق|وارون|معکوس|منفی"
    r"|(?:جمع|مجموع) مولفه|میانگین|لگاریتم|جذر)"
    rf"[\s\u200c\u0600-\u06ff]{{0,12}}{_F}",
    rf"{_F}[^⟦]*(?:سپس|بعد|و)\s*(?:بر|در)\s*\S+\s*(?:تقسیم|ضرب)",
    rf"{_F}\s*\?\s*no\b",
    rf"\bwould be\s*{_F}",
    rf"{_F}[^⟦\n]*(?:⟦s⟧[^⟦\n]*)?(?:\bonly for\b|\b(?:true|correct|right) class|\bif\s*\w\s*=\s*\d)",
    rf"{_F}[^⟦]*\b(?:starting (?:at|from) (?:the )?(?:\w\s*=|second|step)|runs from|only the (?:first"
    r"|last)|is zero because|p\.s\.|here it is different)",
    rf"{_F}\s*,?\s*\(?element-?\s?wise",
    rf"\|{_F}\|(?![^\n]*\|)",
)
# What is said of the last formula, searched from it on: of an earlier one it may be said before the right one follows.
_LAST = (
    rf"{_F}[^.\n;⟦]{{0,25}}\b(?:is|are|was) (?:wrong|incorrect|false|not (?:right|correct|true"
    rf"|the answer|it))",
    r"\b(?:but|which|this|that|it) (?:is|was|would be) (?:wrong|incorrect|false|not (?:right|correct))",
    rf"{_F}[^⟦]*(?:\bthen|\bfinally|\band|,|\.)\s*(?:we )?(?:divide|multiply|average"
    r"|transpose|square|negate|subtract|scale|normali[sz]e|take the (?:mean|average|transpose|sign"
    rf"|square|norm|log))\b",
    rf"{_F}[^⟦]*\b(?:edit|correction|erratum|update|p\.?s\.?)\s*:",
    rf"{_F}\s*[^.\n⟦]{{0,15}}(?:نیست|نمی.?باشد|غلط|اشتباه|نادرست|به توان|تقسیم|با علامت)",
    r"\b(?:oops|swap|something else|my friend|would be|up to (?:a|the)(?: minus)? sign|in place of"
    r"|no transpose)",
)
_PATTERNS = tuple(re.compile(pattern, _FLAGS) for pattern in (*_SIGNS, *_WORDS))
_LAST_PATTERNS = tuple(re.compile(pattern, _FLAGS) for pattern in _LAST)
# "A and B for i < t", where B is no equation of its own.
_TWO_CASES = re.compile(rf"(?:{_F}|⟦E⟧)[^⟦]*\band\b\s*⟦[Fs]⟧\s*(?:for|if|when)\b", _FLAGS)
# The same inside the dollars: what is no mathematics there is not read.
_INSIDE = re.compile(
    r"\\(?:text\w*|mbox|mathrm)\s*\{[^{}]*(?:\b(?:minus|squared|divided?|wrong|except|transposed?|not"
    r"|reversed|opposite"
    r"|negative|without|twice|half|sign of|mean of)|منفی|قرینه|غلط|اشتباه|نیست|ترانهاده)[^{}]*\}"
    r"|\\text\w*\s*\{\s*times\s*\}|\\not\b|\\footnote|\\langle|\\star\b",
    re.IGNORECASE,
)
# One sign at a time, so that a long row of them is read in one way only.
_JOINT = r"(?:[\s,;.…–-]|\bto\b|\\[lc]?dots|تا|\band\b|و)"


_NONE = re.compile(
    r"[\s,:]*(?:(?:all|they|it|this|that|the|these|everything|gradients?|derivatives?|is|are|of|them|equals?|to)\s+){0,5}"
    r"(?:zero|0|صفر|vanish\w*|nothing)(?!\w)|[\s,:]*⟦0⟧",
    _FLAGS,
)


def find_doubt(text: str, times: Sequence[str], steps: int) -> str | None:
    """Return why what stands around the formulas of a passage may change them, None where nothing does.

    ``times`` are the question's time indices, ``steps`` is the T of its model.
    """
    text = clean_passage(text)
    masked = _SPACES.sub(" ", re.sub(r"\n\s*\n", "\n\n", _mask(text)))
    if len(times) > 1:  # the steps of a recursion, told for the last loss
        masked = re.sub(rf"\bif {times[0]} ?= ?{steps}(?!\d)", "", masked)
    tail = masked[max(0, masked.rfind(_F)) :]
    told = any(pattern.search(masked) for pattern in _PATTERNS) or any(p.search(tail) for p in _LAST_PATTERNS)
    if told or _INSIDE.search(text) or (" and " in masked and _TWO_CASES.search(_mask(text, equation="⟦E⟧"))):
        return "words or signs beside the formula may change it"
    if re.search(r"\\[cl]?dots|\.\.\.|⋯|…", text) and re.search(rf"{_F}[^⟦]*\b(?:times|factors)\b", masked):
        return "how often a factor stands is told in words"
    plain = _SPACES.sub(" ", normalise(text))
    if _limits_range(plain, times, steps):
        return "a range is given beside the formula that is not the question's"
    if len(times) > 1 and _exchanges_cases(masked, _list_formulas(text), times[0], times[-1]):
        return "the cases that stand beside the formula are not the question's"
    return None


def _mask(text: str, equation: str = _F) -> str:
    """Return the text with ⟦F⟧ for its formulas; conditions and single names stay readable."""

    def mask(match: re.Match[str]) -> str:
        body = next(value for value in match.groups() if value is not None)
        plain = normalise(body).strip()
        if re.fullmatch(r"[a-zT0\d\s+\-,<>=!]*(?:\\(?:le|ge|lt|gt|ne)[qt]?\s*[a-zT\d\s+\-]*)?", plain):
            return f" {plain} "
        if re.search(r"=\s*\{?(?:\\mathbf\s*\{?)?0\}{0,2}\s*$", plain):
            return "⟦0⟧"
        if re.match(r"[^=]*(?:partial|nabla|d|g|G|epsilon|delta)[^=]*=[^=]", plain):
            return equation
        return _F if re.search(r"[-+=*/^]|\\[a-zA-Z]+.*\\[a-zA-Z]+|_.*_|\s\S", body) else "⟦s⟧"

    return MATH.sub(mask, text)


def _limits_range(plain: str, times: Sequence[str], steps: int) -> bool:
    """Whether "t = 1, 2" or "T = 2" stands somewhere."""
    letters = "".join(times) or "t"
    start = rf"(?<![A-Za-z\\])[{letters}]\s*(?:=|\\in\b|\bfrom\b|از)[\s\\{{]*"
    pattern = start + rf"(\d(?:{_JOINT}+\d)+)(?!\s*[+\-*/^_]|\d)"
    for match in re.finditer(pattern, plain):
        if any(joint.strip() in ("", ".") for joint in re.split(r"\d", match[1])[1:-1]):
            continue  # a decimal, or numbers of two things
        numbers = [int(number) for number in re.findall(r"\d", match[1])]
        falling = numbers == sorted(numbers, reverse=True)  # the steps of a recursion
        if (min(numbers), max(numbers)) != (1, steps) and not falling:
            return True
    return any(int(number) != steps for number in re.findall(r"(?<![A-Za-z\\^_{])T\s*=\s*(\d)\b", plain))


def _list_formulas(text: str) -> list[str]:
    """Return the formulas that ⟦F⟧ stands for in the masked text, in order."""
    return [match[0] for match in MATH.finditer(text) if _mask(match[0]) == _F]


def _exchanges_cases(masked: str, formulas: Sequence[str], first: str, last: str) -> bool:
    later = rf"{last}\s*(?:>|\\g[te]q?)\s*{first}|{first}\s*(?:<|\\l[te]q?)\s*{last}"
    lead = r"[\s,(]*(?:(?:for|if|when|where|برای|اگر|وقتی)[\s(]*)?"
    if any(not _NONE.match(masked, m.end()) for m in re.finditer(rf"{_F}{lead}(?:{later})", masked, _FLAGS)):
        return True
    filler = r"(?:(?:we|it|this|get|have|obtain|gives?|is|becomes|the|gradient|then|also|داریم|برابر|با)\s+){0,5}"
    opening = r"(?:\bfor|\bif|\bwhen|برای|اگر)[\s(]*"
    for match in re.finditer(rf"{opening}(?:{later})[\s):,]*{filler}{_F}", masked, _FLAGS):
        if not re.search(r"zero|\b0\b|صفر|⟦0⟧", masked[max(0, match.start() - 25) : match.start()]):
            return True
    alone = (
        rf"{_F}{lead}(?:{last}\s*=\s*{first}|{first}\s*=\s*{last})(?P<between>[^⟦]*)(?:otherwise|\belse\b|در غیر|وگرنه)"
    )
    for match in re.finditer(alone, masked, _FLAGS):
        told = formulas[masked[: match.start()].count(_F)]
        right = told.rpartition("=")[2]
        if re.search(rf"(?<![A-Za-z\\]){last}(?![A-Za-z])", right) or _NONE.match(masked, match.end()):
            return True  # it holds for other states as well, or they are said to have none
    return False
