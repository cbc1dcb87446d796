"""Lines of prose with formulas in them: words that are signs become signs, other words part the formulas."""

from __future__ import annotations

import re

from grader.formula.faults import Unread
from grader.formula.lexer import Vocabulary

_SPOKEN = {
    r"\bminus\b|منهای": " - ",
    r"\bplus\b|به ?علاوه": " + ",
    r"\btimes\b": r" \\times ",
    r"\bsum over (?:all )?([a-z]) of\b": r" \\sum_\1 ",
    r"\bequals\b": " = ",
}
# "sum of g_1, g_2 and g_3"
_LISTED_ONE = r"((?:[^\s,{}]|\{[^{}]{0,20}\})+(?:,\d)?)"
_LISTED = re.compile(rf"\bsum of (?:the )?{_LISTED_ONE}, {_LISTED_ONE},? and {_LISTED_ONE}(?=\s|[.;]|$)")
_SUBTRACTED = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,})\s+(?:minus|plus|times|منهای)\b", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(transposed?|multiplied|divided|squared|outer|inner|elementwise|hadamard)\b|ترانهاده|ضرب", re.IGNORECASE
)
_EXPLAINED = re.compile(  # "where * is the elementwise product"
    r"(\b(where|with|here)\s+)?(the\s+)?(\.\*|\*|@|\\odot|\\otimes|\\circ|\bouter)\s*"
    r"(is|are|means|denotes|stands for|=|:)\s*"
    r"(the\s+|an?\s+)?(element-?\s?wise|entry-?\s?wise|point-?\s?wise|hadamard|outer|matrix)"
    r"(\s+(product|multiplication|multiply))?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}|\bI\b|(?<!\S)an?(?=\s+[^\W\d_]{2,})|[^\x00-\u024f\u0370-\u03ff\u2000-\u2bff]+")


def _is_known(word: str, vocabulary: Vocabulary) -> bool:
    return word in vocabulary.words or word in vocabulary.functions or word in ("sum", "prod")


def _translate_words(source: str, vocabulary: Vocabulary) -> str:
    """Turn "minus" into a sign, and drop brackets with prose in them. Raises Unread for a formula told in words."""

    def drop(match: re.Match[str]) -> str:
        plain = re.sub(r"\\[A-Za-z]+", " ", match[0])
        strange = [word for word in _WORD.findall(plain) if not _is_known(word, vocabulary)]
        words = [word for word in strange if word[0] != "d"]
        formula = re.search(r"[-+*/^_]", match[0]) and all(len(word) < 3 for word in strange)  # "(yhat_t - yt)"
        return " ; " if words and not formula else match[0]

    source = _EXPLAINED.sub(" ; ", re.sub(r"(?<=\s)\([^()]*\)", drop, source))
    for match in _SUBTRACTED.finditer(source):
        if not _is_known(match[1], vocabulary):
            raise Unread("a formula told in words", text=source, position=match.start())
    source = _LISTED.sub(r"\1 + \2 + \3", source)
    for pattern, sign in _SPOKEN.items():
        source = re.sub(pattern, sign, source, flags=re.IGNORECASE)
    spoken = _TOLD.search(source)
    if spoken and re.search(r"[_^\\=]|hat", source):
        raise Unread("a formula told in words", text=source, position=spoken.start())
    return source


def split_words(source: str, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Return (words before, formula) pairs of a line of prose: words that are no names separate formulas."""
    source = _translate_words(source, vocabulary)
    pieces, before, start = [], "", 0
    for match in _WORD.finditer(source):
        word = match[0]
        known = _is_known(word, vocabulary)
        attached = match.start() > 0 and source[match.start() - 1] in "_\\^{"
        if known or attached or (word[0] == "d" and word[1:] in vocabulary.differentials):
            continue
        piece = source[start : match.start()]
        if piece.strip(" .,:;"):
            pieces.append((before, piece))
            before = ""
        before, start = f"{before} {word}".strip(), match.end()
    if source[start:].strip(" .,:;"):
        pieces.append((before, source[start:]))
    return pieces
