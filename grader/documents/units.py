"""Blocks to units: the pieces of a document that a label may begin (a line, a displayed formula, a table row)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.documents.blocks import Block, Document, Line
from grader.documents.labels import Label, find_label, find_last_label
from grader.documents.noise import cut_form_words, is_form_line
from grader.documents.tables import find_cells, names_columns, split_row
from grader.model import Location

_FENCE = re.compile(r"\s*(?:```|~~~)\s*(\w*)")
_RULE = re.compile(r"[\s|:\-]*")  # between a table's titles and its rows
_WRAPPERS = re.compile(r"\\(?:begin|end)\{(?:aligned|align|gathered|gather|split|array|cases)\*?\}(?:\{[lcr| ]*\})?")
_NEW_LINE = re.compile(r"\\\\\s*(?=(?:&\s*)?(?:\\(?:text|mathrm|mathbf)\s*\{\s*)?\(?[a-h]\s*\))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One piece of a document with the label it begins with, if any. ``joint`` is what parts it from the one before."""

    document: int
    text: str
    location: Location
    joint: str
    label: Label | None = None
    heading: bool = False
    quoted: bool = False
    code_cell: bool = False

    @property
    def rest(self) -> str:
        """The text behind the label."""
        return self.label.rest if self.label else self.text


def build_units(index: int, document: Document) -> list[Unit]:
    """Return the units of a document in order; empty fields of a printed form are left out."""
    units: list[Unit] = []
    for block in document.blocks:
        first = True
        for unit in _read_block(index, block):
            units.append(replace(unit, joint="\n\n" if first else "\n"))
            first = False
    return units


def _read_block(index: int, block: Block) -> Iterator[Unit]:
    if block.kind == "code":
        yield from _read_code(index, block)
        return
    if block.kind == "table" and (cells := list(find_cells(block.lines))):
        for line, cell in cells:
            location = replace(block.location, line=line.number, end_line=line.number)
            yield Unit(document=index, text=cell.rest, location=location, joint="", label=cell)
        return
    strikes = _Strikes(block.text.count("~~") % 2 == 0)
    for group in _group(block.lines):
        location = _place(block, group)
        for text in _split_formula(strikes.close("\n".join(line.text for line in group))):
            if is_form_line(text) or (block.kind == "table" and (_RULE.fullmatch(text) or names_columns(text))):
                continue
            quoted = text.lstrip().startswith(">")
            unit = Unit(document=index, text=text, location=location, joint="", quoted=quoted)
            label = _find_row_label(text) if block.kind == "table" else _find_label(text)
            yield replace(unit, label=label, heading=block.kind == "heading")


def _read_code(index: int, block: Block) -> Iterator[Unit]:
    """Yield a code block's lines; labels count only where no language says that it is a program."""
    if not block.lines:
        yield Unit(document=index, text="", location=block.location, joint="", code_cell=True)
        return
    fence = _FENCE.match(block.lines[0].text)
    program = bool(fence and fence[1] and fence[1] not in ("text", "txt", "markdown", "md", "latex", "math"))
    for line in block.lines:
        if _FENCE.match(line.text) and line in (block.lines[0], block.lines[-1]) and not program:
            continue
        location = _place(block, [line])
        label = None if program else _find_label(line.text)
        yield Unit(document=index, text=line.text, location=location, joint="", label=label)


def _place(block: Block, lines: Sequence[Line]) -> Location:
    """Return the place of some of a block's lines; a PDF or a Word file has pages or nothing, and no lines."""
    if block.location.line is None:
        return block.location
    return replace(block.location, line=lines[0].number, end_line=lines[-1].number)


def _group(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the lines one by one, those of one displayed formula together."""
    group: list[Line] = []
    marks = depth = 0
    for line in lines:
        group.append(line)
        depth += line.text.count("\\[") - line.text.count("\\]")
        marks += line.text.count("$$")
        if marks % 2 == 0 and depth <= 0:
            yield group
            group, marks, depth = [], 0, 0
    for line in group:  # a formula that nobody closed: line by line again
        yield [line]


@dataclass(slots=True)
class _Strikes:
    """Closes a strike that goes over several lines in each of them, so that every line can be read by itself."""

    balanced: bool
    open: bool = False

    def close(self, text: str) -> str:
        if not self.balanced:
            return text
        begun = f"~~{text}" if self.open and text.strip() else text
        self.open ^= text.count("~~") % 2 == 1
        return f"{begun}~~" if self.open and text.strip() else begun


def _split_formula(text: str) -> list[str]:
    """Return ``text``, cut before every line of its displayed formula that begins with a part's label."""
    stripped = text.strip()
    if not (stripped.startswith("$$") and stripped.endswith("$$") and len(stripped) > 4):
        return [text]
    inner = _NEW_LINE.sub("\n", stripped[2:-2])
    pieces: list[list[str]] = [[]]
    for line in inner.split("\n"):
        bare = _WRAPPERS.sub("", line)
        label = find_label(f"$$ {bare} $$") if bare.strip() else None
        if label and label.part and any(item.strip() for item in map(_unwrap, pieces[-1])):
            pieces.append([])
        pieces[-1].append(line)
    if len(pieces) == 1:
        return [text]
    return [f"$$ {_trim(_unwrap(chr(10).join(piece)))} $$" for piece in pieces]


def _unwrap(text: str) -> str:
    return _WRAPPERS.sub("", text)


def _trim(text: str) -> str:
    """Return a formula's line without the line break at its end."""
    return re.sub(r"(?:\\\\|\s)+\Z", "", text.strip())


def _find_label(text: str) -> Label | None:
    flat = re.sub(r"\A(\s*(?:\$\$|\\\[))\s+", r"\1 ", text)
    label = find_last_label(flat) or find_last_label(cut_form_words(flat))
    if label is None or not flat.lstrip(" >#*-~").startswith(("$", "\\[", "\\(")):
        return label
    # Inside a formula only a closing bracket makes a label ("$$a]"): "$a: b$" and "$$ 1. $$" are mathematics.
    before = flat[: len(flat) - len(label.rest.lstrip("$~*\\[( "))]
    closed = ")" in before or re.search(r"[a-h]\s*~*\]", before)
    return label if closed and (label.part or label.word) else None


def _find_row_label(text: str) -> Label | None:
    """Return the label of a table row: "| Q1a | 2, 3 |", "| b | 3 |", "| 1 / a | 2, 3 |", "| 1 | a | 2, 3 |"."""
    cells = split_row(text)
    if len(cells) > 1 and not any(cells[1:]):  # a title over the whole table
        title = find_label(cells[0].strip("*_ "))
        return title if title and title.question and title.alone and title.sure else None
    for count in (2, 1):
        if len(cells) <= count:
            continue
        named = " ".join(cells[:count]).strip("*_ ")
        label = find_label(named if count == 1 or not named[:1].isdecimal() else f"Q{named}") or find_label(f"{named})")
        if label and label.alone and (label.sure or label.full) and (label.part or label.question):
            return replace(label, rest=" | ".join(cells[count:]))
    return None
