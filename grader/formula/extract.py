"""A raw passage to the statements in it: what is struck out is dropped, prose is passed over, chains are split.

A statement is a row of links joined by ``=``; an arrow, a new line or a comma begins the next one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lark import Token

from grader.formula.faults import MAX_PASSAGE, TooMuch, Unread
from grader.formula.lexer import Vocabulary, read_tokens
from grader.formula.normalise import normalise
from grader.formula.passage import clean_passage
from grader.formula.spoken import split_words

Place = Literal["display", "inline", "prose"]
Join = Literal["", "arrow", "line", "comma"]

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
