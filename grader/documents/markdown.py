"""Markdown and plain text to blocks. The lines stay raw; markdown-it only says where blocks begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from grader.documents.blocks import Block, BlockKind, Line
from grader.documents.labels import find_label
from grader.documents.markup import read_lines
from grader.model import Location

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# The longest text that is cut into blocks by Markdown's rules; anything longer is no written answer.
MAX_CHARACTERS = 1_000_000
# No formula is longer: a mark that nobody closed must not be searched for to the end of the file again and again.
_INLINE = re.compile(r"\$(?!\s)(?:[^$\n]|\n(?![ \t]*\n)){0,2000}?(?<!\s)\$")
_OPENER = re.compile(r"\$\$|\\\[|\$")
_CLOSERS = {"$$": "$$", "\\[": "\\]"}
_FORMULA_CHARACTERS = 5_000
_NEW_LINE_TWICE = re.compile(r"\n[ \t]*\n")
_NEW_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*(?=\S)")
_DISPLAY = re.compile(r"\s*(?:\$\$.*\$\$|\\\[.*\\\])[\s.,;]*\Z", re.DOTALL)
_IMAGE_ONLY = re.compile(r"\s*(?:!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)\s*)+\Z")
_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "paragraph_open": "text",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
}


def read_markdown(text: str, file: str, *, cell: int | None = None) -> tuple[Block, ...]:
    """Return the blocks of a Markdown text; ``file`` and ``cell`` go into their locations."""
    lines = read_lines(text)
    masked = "\n".join(_mask(line) for line in _mask_formulas("\n".join(line.text for line in lines)).split("\n"))
    return tuple(_build_blocks(lines, _find_ranges(masked, len(lines)), file, cell))


def read_plain(text: str, file: str) -> tuple[Block, ...]:
    """Return the blocks of a plain text: what empty lines separate."""
    lines = [Line(text=line.rstrip(), number=number) for number, line in enumerate(text.split("\n"), 1)]
    masked = _mask_formulas(text).split("\n")
    ranges: list[tuple[BlockKind, int, int]] = []
    start: int | None = None
    for index, line in enumerate([*masked, ""]):
        if line.strip() and start is None:
            start = index
        elif not line.strip() and start is not None:
            ranges.append(("text", start, index))
            start = None
    return tuple(_build_blocks(lines, ranges, file, None))


def _mask_formulas(text: str) -> str:
    """Return ``text`` with every character of a formula as "x", so that no formula looks like a list or a heading."""
    pieces: list[str] = []
    position = 0
    while opener := _OPENER.search(text, position):
        end = _find_formula_end(text, opener)
        pieces.append(text[position : opener.start()])
        formula = text[opener.start() : end]
        pieces.append("\n".join("x" * max(len(line), 1) for line in formula.split("\n")))
        position = end
    return "".join([*pieces, text[position:]])


def _find_formula_end(text: str, opener: re.Match[str]) -> int:
    """Return where a formula ends; the end of the opening mark where nobody closed it before the next answer."""
    if opener[0] == "$":
        inline = _INLINE.match(text, opener.start())
        return inline.end() if inline else opener.end()
    closer = _CLOSERS[opener[0]]
    end = text.find(closer, opener.end(), opener.end() + _FORMULA_CHARACTERS)
    if end < 0 or _begins_something_else(text[opener.end() : end]):
        return opener.end()
    return end + len(closer)


def _begins_something_else(inside: str) -> bool:
    """Tell whether a heading, a question, or in a new paragraph a part begins between two marks of a formula."""
    lines = inside.split("\n")[1:]
    if any(re.match(r" {0,3}#{1,6} ", line) or _is_question(line) for line in lines):
        return True
    for found in _NEW_PARAGRAPH.finditer(inside):
        # A label may be the first thing in a formula; then the formula itself goes on without a new paragraph.
        above, below = inside[: found.end()], inside[found.end() :]
        if find_label(below[:200]) and (above.strip() or _NEW_LINE_TWICE.search(below)):
            return True
    return False


def _is_question(line: str) -> bool:
    label = find_label(line) if line[:40].strip() else None
    return label is not None and label.word and label.sure


def _mask(line: str) -> str:
    """Keep indented answers from being taken for code, and a rule under a text for a heading."""
    if re.fullmatch(r"\s*(?:-{3,}|={3,})\s*", line):
        return ""
    if re.match(r"\s*~~~.*~", line):  # a strike with a tilde too many is no fence
        return "x"
    return line if line.lstrip()[:1] in "-*+" else line.lstrip()


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return (
        MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
        .enable("table")
        .disable(["code", "reference", "inline"])
    )


def _find_ranges(masked: str, count: int) -> list[tuple[BlockKind, int, int]]:
    """Return (kind, first line, line after the last) of every outermost block."""
    if len(masked) > MAX_CHARACTERS:
        return [("text", 0, count)]
    return [
        (_KINDS.get(token.type, "text"), token.map[0], token.map[1])
        for token in _parser().parse(masked)
        if token.level == 0 and token.map is not None and token.nesting >= 0 and token.type != "inline"
    ]


def _build_blocks(
    lines: Sequence[Line], ranges: Sequence[tuple[BlockKind, int, int]], file: str, cell: int | None
) -> Iterator[Block]:
    for kind, first, after in ranges:
        kept = list(lines[first:after])
        while kept and not kept[-1].text.strip():
            kept.pop()
        if not kept:
            continue
        location = Location(file=file, line=kept[0].number, end_line=kept[-1].number, cell=cell)
        yield Block(kind=_refine(kind, kept), lines=tuple(kept), location=location)


def _refine(kind: BlockKind, lines: Sequence[Line]) -> BlockKind:
    text = "\n".join(line.text for line in lines)
    if kind == "code" and (len(lines) < 2 or not re.match(r"\s*(?:```|~~~)", lines[-1].text)):
        return "text"  # a fence that nobody closed swallows whatever comes after it
    if kind == "text" and _DISPLAY.match(text):
        return "formula"
    return "image" if kind == "text" and _IMAGE_ONLY.match(text) else kind
