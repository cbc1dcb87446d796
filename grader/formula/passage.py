"""A raw passage made ready for reading: without strikes, boxes, labels and sizes, with the bounds that words give.

Only what stands around mathematics is changed here; what a formula says is read later.
"""

from __future__ import annotations

import html
import re

_STRUCK = re.compile(r"~~.*?~~|<(del|s|strike)>.*?</\1>", re.DOTALL)
_STRUCK_COMMAND = re.compile(r"\\(?:cancel|bcancel|xcancel|sout|st|cancelto\{[^{}]*\})\s*\{")
_LABEL = re.compile(r"^\s*\(?([a-dA-D1-4]|الف|ب|ج|د|پ|ت)\s*[).:]\s+")
# "(4x4)(4x1) = 4x1" beside a formula says how large its factors are.
_PLAIN_SIZE = r"\d{1,2}\s?(?:x|×|\\times|\bby\b)\s?\d{1,2}(?![\w.^_])"
_SIZES = rf"{_PLAIN_SIZE}(?:\s*[·⋅*,→]\s*{_PLAIN_SIZE})*"
_ONE_SIZE = rf"(?:[(\[]\s*{_PLAIN_SIZE}\s*[)\]]|(?<![\w.^{{_]){_PLAIN_SIZE})"
_SIZE = re.compile(
    rf"(?<![\^_{{(\[+\-*/·×])[(\[]\s*{_SIZES}\s*[)\]](?:\s*(?:=|->|→|[·*×])?\s*{_ONE_SIZE})*"
    rf"|(?<=\s\s){_PLAIN_SIZE}(?=\s*(?:[,;.\n]|\s\s|$))"
    rf"|(?<![\w\\])(?:an?|size|shape|dimensions?|اندازه|ابعاد|ماتریس)\s+\$?{_PLAIN_SIZE}\$?"
    r"(?:[ ]?(?:matrix|vector|است))?"
)
# "… \\qquad (2)": the number of an equation.
_NUMBERED = re.compile(
    r"(?:\\q?quad|\\hfill|\\hspace\{[^}]*\}|[ \t][ \t]|\\[ ;])[ \t]*"
    r"[(\[]\s*\d+(?:\.\d+)*[a-z]?\s*[)\]](?=\s*(?:\$|\n|\\\\|\\end|$))"
)
_BARE_SUM = re.compile(r"(?:\\sum\b|[∑Σ])(?![ ]*(?:[_^₀-₉]|\\limits))")
_LATE_BOUNDS = re.compile(
    r"(?P<sign>\\sum\b|[∑Σ])(?![ ]*(?:[_^₀-₉]|\\limits))[^\n;؛]{1,90}?"
    r"(?:که|where|with|for|over|برای|[,(،])\s*\$?(?P<index>[a-z])\$?\s*"
    r"(?:از|=|(?:goes|runs|is|ranges)?\s*from|\\in)\s*\$?(?:\\?\{)?[1۱]\s*"
    r"(?:تا|to|\.{2,3}|…|,\s*(?:2,\s*)?(?:\.{3}|…|\\[lc]?dots)\s*,)\s*\$?(?P<high>[tT3])(?![\w+\-])"
)
# "k = 1..4" behind a formula by components says how many there are.
_COMPONENTS = re.compile(
    r"(?:\\q?quad|\\[,; ]|,|\s)\s*\(?(?:for\s+)?[abj-su-z]\s*(?:=|\\in)\s*(?:\\?\{)?1\s*"
    r"(?:\.{2,3}|…|,\s*(?:\d\s*,\s*)*(?:(?:\.{3}|…|\\[lc]?dots)\s*,)?)\s*\d(?:\\?\})?\)?(?=\s*(?:\$|\n|\\|[.,;)]|$))"
)
_MOST_BRACES = 20
_UNDER = re.compile(r"\\(?:under|over)brace\s*\{")
_UNDER_LABEL = re.compile(r"\s*[_^]\s*(?:\{(?P<inside>(?:[^{}]|\{[^{}]*\})*)\}|(?P<sign>\w))")
_DOTS = re.compile(r"\\[cl]?dots(?:[bc](?![A-Za-z]))?(?![A-Za-z])|\.{3}|[…⋯]")
_SPACE_OF = re.compile(r"\$\s*(?:\\in\s*)?\\mathbb\s*\{?\s*R\s*\}?\s*(?:\^\s*(?:\{[^{}]*\}|\w))?\s*\$")
# "Let $a$ denote $b$", "I write $a$ for $b$".
_LET_HINT = re.compile(r"\b(?:let|writ(?:e|ing)|define|schreib\w*)\b", re.IGNORECASE)
_LET = re.compile(
    r"\b(?:let|writ(?:e|ing)|define|schreib\w*)\s+\$(?P<name>[^$=<>]{1,40})\$\s+(?:denotes?|to\s+be|be|for|für|as)\s+"
    r"(?:the\s+(?:gradient|derivative|quantity|error|vector|matrix)\s+)?\$(?P<what>[^$=<>]{1,120})\$",
    re.IGNORECASE,
)
# "| $g_{o_t}$ | $A$ |": a row of a table with two columns.
_ROW = re.compile(
    r"^[ \t]*\|?[ \t]*\$(?P<name>[^$=|]{1,60})\$[ \t]*\|[ \t]*\$(?P<what>[^$=|]+)\$[ \t]*\|?[ \t]*$", re.MULTILINE
)
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_REMARK = re.compile(r"(?<=\s)\([A-Za-z][^()$\\=;]{3,200};[^()$\\=]{0,200}\)")  # its semicolon parts no statements


def drop_struck(text: str) -> str:
    """Return ``text`` without what its writer struck out."""
    text = _STRUCK.sub(" ", text)
    while match := _STRUCK_COMMAND.search(text):
        text = text[: match.start()] + " " + text[_find_closing(text, match.end()) :]
    return text


def unwrap_boxes(text: str) -> str:
    """Return ``text`` with whole equations taken out of their boxes; a box around a value is dropped by the lexer."""
    start = 0
    while match := _BOX.search(text, start):
        end = _find_closing(text, match.end())
        inside, start = text[match.end() : end - 1], match.end()
        if "=" in inside and text[end - 1 : end] == "}":
            text, start = f"{text[: match.start()]} {inside} {text[end:]}", match.start()
    return text


def _find_closing(text: str, start: int) -> int:
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position + 1
    return len(text)


def clean_passage(text: str) -> str:
    """Return a passage with signs for HTML entities, and without strikes, labels, sizes, comments and numbering."""
    text = html.unescape(drop_struck(text))
    text = _REMARK.sub(lambda match: match[0].replace(";", ","), text)
    # Long empty stretches say nothing, and patterns that look across spaces would take the square of their length.
    text = re.sub(r"(?:\n[^\S\n]*){3,}", "\n\n", re.sub(r"[^\S\n]{4,}", "   ", text)) if len(text) > 300 else text
    text = re.sub(r"(?<![\\\d])%.*$", "", text, flags=re.MULTILINE)
    if _LET_HINT.search(text):
        text = _LET.sub(r"$\g<name> = \g<what>$", text)
    if "|" in text and "---" in text:
        text = _ROW.sub(r"$\g<name> = \g<what>$", text)
    text = _COMPONENTS.sub(" ", _bind_sum(text))
    text = _NUMBERED.sub(" ", unwrap_boxes(text))
    text = _SPACE_OF.sub(" ", _unwrap_braces(text) if "brace" in text else text)
    return _SIZE.sub(" ", _LABEL.sub("", text))


def _bind_sum(text: str) -> str:
    """Return a passage whose only sum has the bounds that stand behind it: "Σ g_i h_i^T for i = 1..t"."""
    signs = _BARE_SUM.findall(text)
    said = _LATE_BOUNDS.search(text) if len(signs) == 1 else None
    if said is None:
        return text
    index, high = said["index"], said["high"]
    return f"{text[: said.start('sign')]}\\sum_{{{index}=1}}^{{{high}}} {text[said.end('sign') :]}"


def _unwrap_braces(text: str) -> str:
    """Return a passage without braces under (or over) formulas; "A ⋯ A" over a count is a power."""
    start = 0
    for _ in range(_MOST_BRACES):
        match = _UNDER.search(text, start)
        if match is None:
            break
        end = _find_closing(text, match.end())
        label = _UNDER_LABEL.match(text, end)
        body, said = text[match.end() : end - 1], (label["inside"] or label["sign"] or "") if label else ""
        count = re.sub(r"\\(?:text|mathrm|mbox)\s*\{\s*(?:times|factors|بار|مرتبه)?\s*\}|\\[ ,;]", "", said).strip()
        parts = [re.sub(r"\\(?:cdot|times|,|;)(?![A-Za-z])|\s+", "", part) for part in _DOTS.split(body)]
        counted = bool(re.fullmatch(r"[a-zT\d\s+\-()]+", count))
        if counted and len(parts) == 2 and parts[1] and parts[0] in (parts[1], parts[1] * 2):
            body = f"({parts[1]})^{{{count}}}"
        elif counted or "times" in said:
            start = match.end()
            continue  # how often it stands is told in a way that is not read
        body = body if body.lstrip().startswith((r"\sum", r"\prod")) else f"{{{body}}}"
        text, start = f"{text[: match.start()]} {body} {text[label.end() if label else end :]}", match.start()
    return text
