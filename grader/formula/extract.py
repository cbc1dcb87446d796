"""A raw passage to the statements in it: what is struck out is dropped, prose is passed over, chains are split.

A statement is a row of links joined by ``=``; an arrow, a new line or a comma begins the next one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lark import Token

from grader.formula.faults import MAX_PASSAGE, TooMuch, Unread
from grader.formula.lexer import Vocabulary, read_tokens
from grader.formula.normalise import normalise
from grader.formula.spoken import split_words

Place = Literal["display", "inline", "prose"]
Join = Literal["", "arrow", "line", "comma"]

_STRUCK = re.compile(r"~~.*?~~|<(del|s|strike)>.*?</\1>", re.DOTALL)
_STRUCK_COMMAND = re.compile(r"\\(?:cancel|bcancel|xcancel|sout|st|cancelto\{[^{}]*\})\s*\{")
_LABEL = re.compile(r"^\s*\(?([a-dA-D1-4]|الف|ب|ج|د|پ|ت)\s*[).:]\s+")
# "(4x4)(4x1) = 4x1" beside a formula says how large its factors are.
_PLAIN_SIZE = r"\d{1,2}\s?(?:x|×|\\times|\bby\b)\s?\d{1,2}(?![\w.^_])"
_SIZES = rf"{_PLAIN_SIZE}(?:\s*[·⋅*,→]\s*{_PLAIN_SIZE})*"
_ONE_SIZE = rf"(?:[(\[]\s*{_PLAIN_SIZE}\s*[)\]]|(?<![\w.^{{_]){_PLAIN_SIZE})"
_SIZE = re.compile(
    rf"(?<=[\s$])[(\[]\s*{_SIZES}\s*[)\]](?:\s*(?:=|->|→|[·*×])?\s*{_ONE_SIZE})*"
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
MATH = re.compile(
    r"```[a-zA-Z]*\n(?P<fence>.*?)```|\$\$(?P<display>.*?)\$\$|\\\[(?P<bracket>.*?)\\\]|\$(?P<inline>[^$]+?)\$"
    r"|\\\((?P<paren>.*?)\\\)|(?P<env>\\begin\{(align|equation|gather|split|multline)(\*?)\}.*?\\end\{\7\8\})|`(?P<tick>[^`\n]+)`",
    re.DOTALL,
)
_GLUE = re.compile(r"[\s=+\-−*×·⊙∘@/→⇒]*[=+\-−*×·⊙∘@/→⇒][\s=+\-−*×·⊙∘@/→⇒]*")
_PYTHON = re.compile(
    r"\bnp\.|\bnumpy\.|\btorch\.|\.T\b|@|\*\*|\.dot\(|\bouter\(|\.transpose\(|\.sum\(|\.t\(\)|\[t\s*[-+\]]|\[:"
)
# Words between two formulas that are a sign: "$a$ minus $b$".
_SAID = {
    "-": re.compile(r"\s*(minus|منهای)\s*", re.IGNORECASE),
    "+": re.compile(r"\s*(plus|به ?علاوه(\s?ی)?)\s*", re.IGNORECASE),
    r"\times": re.compile(r"\s*(times|multiplied by|ضرب ?در)\s*", re.IGNORECASE),
}
# The same words with something else than a formula on the other side.
_SAID_BEFORE = re.compile(
    r"(\b(minus|plus|multiplied by|divided by)( the)?|منهای|به ?علاوه(\s?ی)?|ضرب ?در|تقسیم ?بر)\s*$", re.IGNORECASE
)
_SAID_AFTER = re.compile(
    r"\s*(\(?(minus|plus|multiplied|divided)\b|times (the|its|that|by|[^\w\s])|منهای|به ?علاوه|ضرب ?در|تقسیم ?بر)",
    re.IGNORECASE,
)
_REMARK = re.compile(r"(?<=\s)\([A-Za-z][^()$\\=;]{3,200};[^()$\\=]{0,200}\)")  # its semicolon parts no statements
_COUNT = re.compile(r"\$+[a-zT\d\s()+\-]*\$+")
_WHERE = re.compile(r"(where|with|let|که در آن|در آن|wo|mit)\s*:?\s*$", re.IGNORECASE)


# Words that change the formula beside them: "tr $(A)$", "$A$ with a minus sign".
_OPERATED = re.compile(
    r"(\b(tr|trace|det|norm|(?<!I )mean|average|half|twice|transpose|minus|negative|inverse|log)|منفی|ترانهاده)"
    r"( (of|the))*\s*$",
    re.IGNORECASE,
)
_MODIFIED = re.compile(
    r"\s*,?\s*(\(?(with|but|and) (a|the|an)? ?(minus|negative|opposite|flipped|reversed)"
    r"|transposed\b|با علامت منفی|ترانهاده)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of mathematics. ``before`` is the prose on its left, ``python`` says that it looks like NumPy."""

    text: str
    place: Place
    before: str = ""
    python: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Links joined by ``=``, each a row of tokens; ``source`` is the text that token positions count in."""

    links: tuple[tuple[Token, ...], ...]
    source: str
    place: Place
    join: Join = ""
    before: str = ""
    definition: bool = False


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


def find_spans(text: str) -> list[Span]:
    """Return the mathematics of a passage in order; raises TooMuch for a passage of excessive length."""
    if len(text) > MAX_PASSAGE:
        raise TooMuch(f"a passage of {len(text)} characters is too long to read as a formula")
    text = clean_passage(text)
    spans: list[Span] = []
    end = 0
    for match in MATH.finditer(text):
        before, after = text[end : match.start()], text[match.end() :]
        said = _find_said(before) if spans else ""
        changed = (_OPERATED.search(before) and not said) or _MODIFIED.match(after)
        counted = _COUNT.fullmatch(match[0])  # "$t-i$ times the matrix"
        told = (_SAID_BEFORE.search(before) and not said) or (
            _SAID_AFTER.match(after) and not counted and not _is_said(after)
        )
        if changed or told:
            raise Unread("words beside the formula change it", text=text, position=match.start())
        _add_prose(spans, "" if said else before)
        _add_math(spans, match, said or before)
        end = match.end()
    _add_prose(spans, text[end:])
    if any(span.place != "prose" for span in spans):
        spans = [span for span in spans if span.place != "prose" or looks_like_answer(span.text)]
    return spans


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
    while match := _UNDER.search(text, start):
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


def _find_said(between: str) -> str:
    """Return the sign that the words between two formulas are, "" where they are none."""
    return next((sign for sign, words in _SAID.items() if words.fullmatch(between)), "")


def _is_said(after: str) -> bool:
    """Whether a formula follows on a word that is a sign."""
    following = MATH.search(after)
    return following is not None and bool(_find_said(after[: following.start()]))


def _is_aside(left: str, right: str) -> bool:
    """Whether one of two formulas side by side is a mere index or condition: "$A$ $(i < t)$"."""
    if left.strip() in "+-":
        return False
    return any(re.fullmatch(r"[\s()a-zT\d,<>+\-]*|.*(<|>|\\[lg]e|\\dots|\\in\b).*", side) for side in (left, right))


def looks_like_answer(text: str) -> bool:
    """Whether prose holds what may be a formula."""
    return bool(re.search(r"[=+\-*×⊙·@(]|\^|ᵀ", text)) and bool(re.search(r"[_^\\\u0302ŷₜψ]|\b\w?_?hat\b", text))


def _add_math(spans: list[Span], match: re.Match[str], before: str) -> None:
    group = next(name for name, value in match.groupdict().items() if value is not None)
    body = match[group]
    place: Place = "inline" if group in ("inline", "paren", "tick") else "display"
    glued = before in _SAID or bool(before and _GLUE.fullmatch(before))
    if (
        not glued
        and spans
        and re.fullmatch(r"(\^\{?\\?(T|top)\}?|ᵀ)?[ ]*", before)
        and "=" not in re.sub(r"_\{[^{}]*\}", "", body)
    ):
        glued = not _is_aside(spans[-1].text, body)  # "$A$ $b$", "$A$^T $b$"
    if spans and spans[-1].place == place == "inline" and glued:
        last = spans.pop()
        spans.append(Span(text=f"{last.text} {before} {body}", place=place, before=last.before, python=last.python))
        return
    python = group in ("fence", "tick") or bool(_PYTHON.search(body))
    if python:
        body = re.sub(r"(?<=\s)#.*$", "", body, flags=re.MULTILINE)
    spans.append(Span(text=body, place=place, before=before, python=bool(_PYTHON.search(body))))


def _add_prose(spans: list[Span], text: str) -> None:
    if _GLUE.fullmatch(text):
        return
    for line in re.split(r"\n(?!\s*=)|(?<=[:;])\s|(?<=[^.]\.)\s", text):
        line = re.sub(r"(?<=\s)#\s.*$", "", line)
        if line.strip():
            spans.append(Span(text=line, place="prose", python=bool(_PYTHON.search(line))))


def find_statements(span: Span, vocabulary: Vocabulary) -> list[Statement]:
    """Return the statements of one stretch of mathematics (of a line of prose: of what is not words in it)."""
    source = normalise(span.text)
    if span.place != "prose":
        return _split_statements(read_tokens(source, vocabulary), source, span, bool(_WHERE.search(span.before)))
    statements: list[Statement] = []
    for before, piece in split_words(source, vocabulary):
        tokens = read_tokens(piece, vocabulary)
        statements += _split_statements(tokens, piece, replace(span, before=before), bool(_WHERE.search(before)))
    return statements


def _split_statements(tokens: Sequence[Token], source: str, span: Span, definition: bool) -> list[Statement]:
    statements: list[Statement] = []
    links: list[list[Token]] = [[]]
    join: Join = "line"
    pending, aside = definition, False

    def close(next_join: Join) -> None:
        nonlocal links, join, pending, aside
        kept = tuple(tuple(_trim(link)) for link in links)
        if len(kept) > 1 and not kept[0] and join == "line":
            join = "arrow"  # "= …" goes on with what stands before
        kept = tuple(link for link in kept if link)
        if kept and not aside:
            statements.append(
                Statement(
                    links=kept, source=source, place=span.place, join=join, before=span.before, definition=pending
                )
            )
            pending = False
        links, join, aside = [[]], next_join, False

    depth = 0
    tokens = _drop_conditions(tokens)
    for position, token in enumerate(tokens):
        depth += {"LPAR": 1, "LBRACE": 1, "BEGIN": 1, "RPAR": -1, "RBRACE": -1, "END": -1}.get(token.type, 0)
        if depth > 0:
            if token.type == "SEPARATOR" and token.value == ";":
                links[-1].append(Token("COMMA", ",", start_pos=token.start_pos, end_pos=token.end_pos))
            elif token.type not in ("SEPARATOR", "ARROW"):
                links[-1].append(token)
        elif token.type == "REL" and token.value == "=":
            links.append([])
        elif token.type == "REL" and token.value == "in" and len(links[-1]) > 1:
            close("comma")  # "… ∈ ℝ²" says what kind of thing it is
            aside = True
        elif token.type == "REL" and token.value == "!=" and links[-1]:
            close("comma")  # "… = A ≠ B": what it is not is no answer
            links[-1].append(token)
        elif token.type == "ARROW":
            close("arrow")
        elif token.type == "COMMA":
            close("comma")
        elif token.type == "TEXT":
            close("comma")
            pending = bool(_WHERE.search(str(token.value)))
        elif token.type == "SEPARATOR":
            if not _continues(tokens, position):
                close("line")
        else:
            links[-1].append(token)
    close("line")
    return statements


def _drop_conditions(tokens: Sequence[Token]) -> list[Token]:
    """Drop brackets that end a statement and only say where it holds: "A (i = t), B (i < t)"."""
    kept: list[Token] = []
    position = 0
    while position < len(tokens):
        end = _find_condition(tokens, position) if kept and kept[-1].type not in ("NUMBER", "BIG", "SUB", "SUP") else 0
        if not end or kept[-1].value in ("ones", "I", "\\delta"):
            kept.append(tokens[position])
            position += 1
        else:
            position = end
    return kept


def _find_condition(tokens: Sequence[Token], start: int) -> int:
    """Return where a bracketed condition that begins here ends, 0 if none does."""
    if tokens[start].value != "(":
        return 0
    end = next((n for n in range(start, len(tokens)) if tokens[n].type == "RPAR"), len(tokens))
    inside = tokens[start + 1 : end]
    plain = all(token.type in ("NAME", "NUMBER", "REL", "SIGN", "COMMA", "DOTS") for token in inside)
    after = [token for token in tokens[end + 1 : end + 3] if token.type != "OTHER" or token.value not in ".!"]
    last = not after or after[0].type in ("COMMA", "SEPARATOR", "TEXT", "ARROW")
    return end + 1 if plain and last and any(token.type == "REL" for token in inside) else 0


def _continues(tokens: Sequence[Token], position: int) -> bool:
    """Whether the line after this separator goes on with the formula before it."""
    after = next((token for token in tokens[position + 1 :] if token.type != "SEPARATOR"), None)
    before = next((token for token in reversed(tokens[:position]) if token.type != "SEPARATOR"), None)
    if after is None or before is None:
        return True
    if before.type in ("OP", "SIGN", "BIG", "SUB", "SUP", "REL") or after.type in ("OP", "SIGN", "SUB", "SUP"):
        return True
    return after.type == "REL" and after.value == "="


def _trim(link: Sequence[Token]) -> list[Token]:
    """Drop full stops, stray marks and equation numbers at both ends."""
    tokens = list(link)
    while tokens and (
        (tokens[-1].type in ("OTHER", "SEPARATOR") and tokens[-1].value in ".,;:!?✓□■\n*") or _blank(tokens[-1])
    ):
        tokens.pop()
    while tokens and (
        (tokens[0].type in ("OTHER", "SEPARATOR") and tokens[0].value in ".,;:•-*>\n#") or _blank(tokens[0])
    ):
        tokens.pop(0)
    return tokens


def _blank(token: Token) -> bool:
    return token.type in ("SEPARATOR",)
