"""Text without labels cut into the pieces that may each be an answer: paragraphs, items of a list, lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from grader.documents.clues import Place, find_suited
from grader.documents.noise import CHOOSES, drop_struck, is_header, is_question_text, is_quoted_question
from grader.documents.units import Unit

_BULLET = re.compile(r"\s*[-*+•●▪‣–][ \t]+\S")
# A formula below such words goes on with the sentence.
_LEADS_ON = re.compile(
    r"(?:[:,=]|\b(?:so|thus|hence|therefore|is|are|get|have|where|by|that|with|as|است|پس|داریم))\s*\Z", re.I
)
_LEADING_WORD = re.compile(
    r"\s*(?:so|thus|hence|therefore|where|which|because|and|since|that|i\.e|پس|که|زیرا)\b", re.IGNORECASE
)
_ENDS = re.compile(r"[.!?؟)\]}$\d]\W*\Z")
_FORMULA = re.compile(r"\s*(?:\$\$|\\\[)")
_JOINED = re.compile(r"\w+-\w[\w-]*")
_TITLE_WORDS = 8

Piece = list[int]


def find_cuts(units: Sequence[Unit], indices: Sequence[int]) -> Iterator[list[Piece]]:
    """Yield the ways to cut the units at ``indices`` into pieces: by paragraphs, by items of a list, by lines."""
    told = [index for index in indices if units[index].text.strip() or units[index].code_cell]
    if any(units[index].text.lstrip().startswith("|") for index in told):
        return
    yield _cut(units, told, lambda unit: unit.joint == "\n\n")
    if any(_BULLET.match(units[index].text) for index in told):
        yield _cut(units, told, lambda unit: bool(_BULLET.match(unit.text)))
    if all(_ENDS.search(units[index].text) for index in told[:-1] if not is_title(units[index])):
        yield _cut(units, told, lambda unit: True)


def is_title(unit: Unit) -> bool:
    """Tell whether a unit is a heading that chooses and counts nothing ("Many-to-one tasks")."""
    return (
        unit.heading and len(unit.text.split()) <= _TITLE_WORDS + 1 and not CHOOSES.search(_JOINED.sub("", unit.rest))
    )


def find_header_end(units: Sequence[Unit]) -> int:
    """Return how many units at a report's beginning only say whose it is."""
    end = 0
    while end < len(units) and (not units[end].text.strip() or is_header([units[end].text])):
        if units[end].text.strip() and len(units[end].text.split()) > _TITLE_WORDS:
            break
        end += 1
    return end


def piece_text(units: Sequence[Unit], piece: Piece) -> str:
    """Return the text of a piece."""
    return "".join(units[index].joint + units[index].text for index in piece).strip()


def find_suited_by(units: Sequence[Unit], piece: Piece, places: Sequence[Place]) -> frozenset[Place]:
    """Return the places whose clues stand in a piece; its title counts only where the rest says nothing."""
    body = [index for index in piece if not is_title(units[index])]
    return find_suited(piece_text(units, body), places) or find_suited(piece_text(units, piece), places)


def _cut(units: Sequence[Unit], indices: Sequence[int], begins: Callable[[Unit], bool]) -> list[Piece]:
    pieces: list[Piece] = []
    for index in indices:
        if pieces and (units[index].code_cell or not begins(units[index])):
            pieces[-1].append(index)
        else:
            pieces.append([index])
    return _glue(units, pieces)


def _glue(units: Sequence[Unit], pieces: Sequence[Piece]) -> list[Piece]:
    """Join titles, questions and what is struck out to what follows, and a formula to the sentence that leads to it."""
    glued: list[Piece] = []
    waits = False
    for piece in pieces:
        if glued and (waits or goes_on(piece_text(units, glued[-1]), piece_text(units, piece))):
            glued[-1] = [*glued[-1], *piece]
        else:
            glued.append(list(piece))
        waits = _waits(units, piece)
    return glued


def _waits(units: Sequence[Unit], piece: Piece) -> bool:
    """Tell whether a piece is no answer by itself, but belongs to the one that follows."""
    text = piece_text(units, piece)
    return (
        all(units[index].heading for index in piece)
        or (all(units[index].quoted for index in piece) and is_quoted_question(text))
        or not drop_struck(text).strip()
        or is_question_text(text)
    )


def goes_on(before: str, text: str) -> bool:
    """Tell whether a paragraph goes on with the one before: a formula led to, or a sentence that ends a formula."""
    if _FORMULA.match(text):
        return _LEADS_ON.search(before) is not None
    return _LEADING_WORD.match(text) is not None and _FORMULA.match(before.rsplit("\n\n", 1)[-1]) is not None
