"""LaTeX (and what looks like it) to tokens with positions, for the grammar.

Layout is dropped here: spacing, sizes of brackets, fonts, numbering, alignment. Runs of letters stay together only when
the question's symbol table knows them (``yhat``, ``hh``, ``diag``); otherwise every letter is a name of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lark import Token
from lark.lexer import Lexer

from grader.formula.faults import MAX_CHARACTERS, MAX_DEPTH, MAX_DIGITS, TooMuch, Unread

_OPERATORS = {
    r"\cdot": "dot", r"\cdotp": "dot", r"\times": "times", "*": "star", r"\ast": "star", "@": "matmul",
    r"\odot": "odot", r"\circ": "odot", r"\bullet": "dot", r"\otimes": "outer", "/": "over", r"\star": "star",
    r"\bigodot": "odot", r"\bigcirc": "odot", r"\oslash": "over", ".*": "odot", "./": "over",
}  # fmt: skip
_ARROWS = {
    r"\Rightarrow", r"\Longrightarrow", r"\implies", r"\leadsto", r"\rightarrow", r"\longrightarrow", r"\to",
    r"\therefore", r"\rightsquigarrow", r"\mapsto", r"\iff", r"\Leftrightarrow", "=>", "->", "-->", "==>", "~>",
}  # fmt: skip
_RELATIONS = {
    "=": "=", ":=": "=", "==": "=", r"\equiv": "=", r"\coloneqq": "=", r"\triangleq": "=",
    r"\leftarrow": "=", r"\gets": "=", r"\approx": "=", r"\simeq": "=",
    r"\le": "<=", r"\leq": "<=", r"\leqslant": "<=", "<=": "<=", "<": "<", r"\lt": "<", r"\ge": ">=", r"\geq": ">=",
    r"\geqslant": ">=", ">=": ">=", ">": ">", r"\gt": ">", r"\ne": "!=", r"\neq": "!=", "!=": "!=", r"\in": "in",
}  # fmt: skip
_ACCENTS = {
    r"\hat": "hat", r"\widehat": "hat", r"\bar": "bar", r"\overline": "bar", r"\tilde": "tilde", r"\widetilde": "tilde",
    r"\dot": "dot", r"\check": "check", r"\acute": "acute",
}  # fmt: skip
_DROPPED = {
    r"\left", r"\right", r"\big", r"\Big", r"\bigg", r"\Bigg", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\biggl",
    r"\biggr", r"\Biggl", r"\Biggr", r"\bigm", r"\Bigm", r"\biggm", r"\Biggm",
    r"\displaystyle", r"\textstyle", r"\limits", r"\nolimits", r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>",
    r"\quad", r"\qquad", r"\mathbf", r"\boldsymbol", r"\bm", r"\bf", r"\mathrm", r"\rm", r"\mathit", r"\it", r"\mathsf",
    r"\sf", r"\mathcal", r"\mathtt", r"\vec", r"\boxed", r"\fbox", r"\pmb", r"\operatorname*", r"\operatorname",
    r"\noindent", r"\nonumber", r"\notag", r"\phantom", r"\hspace", r"\bold", r"\unicode", r"\underline", r"\hfill",
    r"\mathstrut", r"\strut", r"\mathop", r"\mathbin", r"\mathord", r"\hline", r"\displaylimits", r"\middle",
}  # fmt: skip
_BRACKETS = {
    "(": "LPAR", "[": "LPAR", r"\{": "LPAR", r"\lbrace": "LPAR", r"\langle": "LPAR", r"\lbrack": "LPAR", ")": "RPAR",
    "]": "RPAR", r"\}": "RPAR", r"\rbrace": "RPAR", r"\rangle": "RPAR", r"\rbrack": "RPAR", "{": "LBRACE",
    "}": "RBRACE", "_": "SUB", "^": "SUP", "'": "PRIME", r"\prime": "PRIME", ",": "COMMA",
    r"\frac": "FRAC", r"\dfrac": "FRAC", r"\tfrac": "FRAC", r"\cfrac": "FRAC", r"\sum": "BIG", r"\prod": "BIG",
    r"\partial": "PARTIAL", "+": "SIGN", "-": "SIGN", r"\nabla": "NAME",
}  # fmt: skip
_MATRICES = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array", "cases", "dcases"}
_WORDS_COMMANDS = (r"\text", r"\textbf", r"\textrm", r"\textit", r"\mbox", r"\textnormal", r"\textsf")

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v]+|~|\\[,;:!> ]|\$)
    |(?P<environment>\\(?P<edge>begin|end)\s*\{(?P<which>[A-Za-z]+)\*?\}(?:\{[lcr| ]*\})?)
    |(?P<words>\\(?:text(?:bf|rm|it|normal|sf)?|mbox|tag|label|color|textcolor)\*?\s*\{(?P<inside>[^{}]*)\})
    |(?P<one>\\mathbb\s*\{\s*[1I]\s*\}|\\mathds\s*\{\s*1\s*\}|\\mathbf\s*\{\s*1\s*\}|\\boldsymbol\s*\{\s*1\s*\})
    |(?P<font>\\(?:operatorname\*?|math(?:rm|bf|it|sf|cal|tt)|boldsymbol|bm|bold|pmb|rm|bf)\s*\{\s*(?P<run>[A-Za-z]+)\s*\})
    |(?P<dotted>\.[*/](?!\*))
    |(?P<dots>\.{3}|\.\s\.\s\.)
    |(?P<separator>\\\\(?:\s*\[[^\]]*\])?|\n)
    |(?P<command>\\(?:operatorname\*|[A-Za-z]+|[{}|.]))
    |(?P<arrow>={1,2}>|-{1,2}>|~>)
    |(?P<relation>:=|==|<=|>=|!=|=|<|>)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<letters>[A-Za-z]+)
    |(?P<other>[^\W\d_]+|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Runs of letters that are one name, the spellings of functions, and what a differential d may stand before."""

    words: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    differentials: frozenset[str] = frozenset()


@dataclass(slots=True)
class _State:
    text: str
    vocabulary: Vocabulary
    matrices: int = 0
    brackets: list[str] = field(default_factory=list)


class TokenStream(Lexer):
    """Lark's lexer interface over tokens that were made before."""

    def __init__(self, conf: object) -> None:
        """Take lark's configuration, of which nothing is needed."""

    def lex(self, data: list[Token]) -> Iterator[Token]:  # type: ignore[override]
        """Hand on the tokens."""
        yield from data


def read_tokens(text: str, vocabulary: Vocabulary) -> list[Token]:
    """Return the tokens of ``text``; types beyond the grammar's are ARROW, SEPARATOR, TEXT and DOTS.

    Raises Unread for a character that belongs to no formula, TooMuch beyond the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise TooMuch(f"a formula of {len(text)} characters is too long to read")
    state = _State(text, vocabulary)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        for kind, value in _read_match(match, state):
            _watch_depth(kind, state, match.start())
            tokens.append(Token(kind, value, start_pos=match.start(), end_pos=match.end()))
    return tokens


def _watch_depth(kind: str, state: _State, position: int) -> None:
    if kind in ("LPAR", "LBRACE", "BEGIN"):
        state.brackets.append(kind)
        if len(state.brackets) > MAX_DEPTH:
            raise TooMuch(f"brackets nested deeper than {MAX_DEPTH}", text=state.text, position=position)
    elif kind in ("RPAR", "RBRACE", "END") and state.brackets:
        state.brackets.pop()


def _read_match(match: re.Match[str], state: _State) -> list[tuple[str, str]]:
    kind, value = match.lastgroup, match[0]
    if match["environment"]:
        return _read_environment(match, state)
    if match["words"]:
        return _read_words(match, state)
    if match["one"]:
        return [("NAME", "ones" if "1" in value else "I")]
    if match["font"]:
        return _read_font(match["run"], state.vocabulary)
    if kind == "space":
        return []
    if kind == "separator":
        return (
            [("ROWSEP", value)]
            if state.matrices and value != "\n"
            else []
            if state.matrices
            else [("SEPARATOR", value)]
        )
    if kind == "dotted":
        return [("OP", _OPERATORS[value])]
    if kind == "dots":
        return [("DOTS", value)]
    if kind == "arrow":
        return [("ARROW", value)]
    if kind == "relation":
        return [("REL", _RELATIONS[value])]
    if kind == "number":
        if len(value) > 1 and value.isdigit() and re.search(r"\\[dtc]?frac\s*$", state.text[: match.start()]):
            return [("NUMBER", value[0]), ("NUMBER", value[1:])]  # \frac takes one sign: \frac13 is a third
        if len(value) > MAX_DIGITS:
            raise TooMuch("a number with too many digits", text=state.text, position=match.start())
        return [("NUMBER", value)]
    if kind == "letters":
        return _split_letters(value, state.vocabulary)
    return _read_sign(match, state)


def _read_environment(match: re.Match[str], state: _State) -> list[tuple[str, str]]:
    if match["which"] not in _MATRICES:
        return [("SEPARATOR", match[0])]
    state.matrices += 1 if match["edge"] == "begin" else -1
    return [("BEGIN" if match["edge"] == "begin" else "END", match["which"])]


def _read_words(match: re.Match[str], state: _State) -> list[tuple[str, str]]:
    inside = match["inside"].strip()
    if (match[0].startswith(r"\text") and not match[0].startswith(r"\textcolor")) or match[0].startswith(r"\mbox"):
        if inside in state.vocabulary.functions:
            return [("FUNC", inside)]
        if inside in state.vocabulary.words or (len(inside) == 1 and inside.isalpha()):
            return [("NAME", inside)]
        return [("TEXT", inside)] if inside else []
    return []


def _read_font(run: str, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    tokens = _split_letters(run, vocabulary)
    return tokens if len(tokens) == 1 else [("LBRACE", "{"), *tokens, ("RBRACE", "}")]


def _split_letters(run: str, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    if run in vocabulary.functions:
        return [("FUNC", run)]
    if run in ("sum", "prod"):
        return [("BIG", run)]
    if run in vocabulary.words:
        return [("NAME", run)]
    if run[0] == "d" and run[1:] in vocabulary.differentials:
        return [("PARTIAL", "d"), ("NAME", run[1:])]
    return [("NAME", letter) for letter in run]


def _read_sign(match: re.Match[str], state: _State) -> list[tuple[str, str]]:
    value = match[0]
    if value in _DROPPED or value == r"\.":
        return []
    if value in _BRACKETS:
        return [(_BRACKETS[value], value)]
    if value in _OPERATORS:
        return [("OP", _OPERATORS[value])]
    if value in _ARROWS:
        return [("ARROW", value)]
    if value in _RELATIONS:
        return [("REL", _RELATIONS[value])]
    if value in _ACCENTS:
        return [("ACCENT", _ACCENTS[value])]
    if value == "&":
        return [("AMP", value)] if state.matrices else []
    if value == ";":
        return [("SEPARATOR", value)]
    if value in (r"\dots", r"\cdots", r"\ldots", r"\vdots", r"\ddots", r"\dotsc", r"\dotsb"):
        return [("DOTS", value)]
    if value in (r"\intercal", r"\mathsf T", r"\tr", r"\transpose"):
        return [("NAME", r"\top")]
    if value.startswith("\\"):
        return _read_command(value, state.vocabulary)
    return [("OTHER", value)]


def _read_command(value: str, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    if value in (r"\Sigma", r"\Pi"):
        return [("BIG", r"\sum" if value == r"\Sigma" else r"\prod")]
    if value in vocabulary.functions:
        return [("FUNC", value)]
    if value[1:] in vocabulary.functions:
        return [("FUNC", value[1:])]
    return [("NAME", value)]


__all__ = ["TokenStream", "Unread", "Vocabulary", "read_tokens"]
