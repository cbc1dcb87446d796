"""Tokens to a syntax tree, with lark's LALR parser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import LarkError, UnexpectedToken

from grader.formula.faults import MAX_TOKENS, TooMuch, Unread
from grader.formula.lexer import TokenStream

Syntax = Tree[Token]


@cache
def _build_parser() -> Lark:
    return Lark.open("grammar.lark", rel_to=__file__, parser="lalr", lexer=TokenStream)


def parse_tokens(tokens: Sequence[Token], source: str) -> Syntax:
    """Return the tree of one formula; raises Unread with the place that does not fit."""
    if len(tokens) > MAX_TOKENS:
        raise TooMuch(f"a formula of {len(tokens)} signs is too long to read")
    for token in tokens:
        if token.type in ("OTHER", "TEXT", "ARROW") and not _inside_matrix(tokens, token):
            raise Unread(f"“{token.value}” belongs to no formula", text=source, position=token.start_pos)
    kept = [token for token in tokens if token.type != "SEPARATOR"]
    parser: Any = _build_parser()
    try:
        tree: Syntax = parser.parse(kept)
        return tree
    except UnexpectedToken as error:
        found: Any = error.token
        if found.type == "$END":
            raise Unread("the formula ends too early", text=source, position=kept[-1].end_pos if kept else 0) from None
        raise Unread(f"“{found.value}” is not expected here", text=source, position=found.start_pos) from None
    except LarkError as error:
        raise Unread(f"not a formula ({type(error).__name__})", text=source, position=0) from None


def _inside_matrix(tokens: Sequence[Token], token: Token) -> bool:
    return token.type == "TEXT" and any(other.type == "BEGIN" for other in tokens)
