"""Pandoc's tree of a document to Markdown as the grader's reader takes it: raw text, nothing escaped.

Pandoc's own Markdown escapes brackets and underscores, which students' vectors and formulas are full of. A list keeps
the labels that the word processor counted ("a)"), mathematics is LaTeX between ``$``, what is struck out stands
between ``~~``, and a table of answers keeps its rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

Node = dict[str, Any]
_PERSIAN: Final = ("الف", "ب", "ج", "د", "ه", "و", "ز", "ح")
_ROMAN: Final = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
_WRAPS: Final = {
    "Strikeout": ("~~", "~~"),
    "Strong": ("**", "**"),
    "Superscript": ("^{", "}"),
    "Subscript": ("_{", "}"),
}
# OpenDocument's function names stand in braces alone.
_NAMED: Final = re.compile(r"(?<![\\A-Za-z_^])\{([a-z]{3,8})\}")
_EMPTY_SCRIPT: Final = re.compile(r"[_^]\{\s*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a format means by its marks.

    ``quotes``: whether a block quotation quotes (Word's are paragraphs that somebody indented). ``persian``: whether
    lists without a known numbering are lettered in Persian. ``hidden`` tells by an element's attributes that nobody
    sees it.
    """

    quotes: bool = True
    persian: bool = False
    hidden: Callable[[Any], bool] = lambda _: False


def render_tree(blocks: Sequence[Node], dialect: Dialect) -> str:
    """Return the Markdown of ``blocks``."""
    return "\n".join(_render_blocks(blocks, dialect))


def _render_blocks(blocks: Sequence[Node], dialect: Dialect) -> Iterator[str]:
    """Yield lines; an empty one parts a block from the next."""
    for block in blocks:
        render = _BLOCKS.get(block["t"])
        if render is None:
            continue
        yield from render(block.get("c"), dialect)
        yield ""


def _render_text(content: Any, dialect: Dialect) -> Iterator[str]:
    yield from render_inlines(content, dialect).split("\n")


def _render_heading(content: Any, dialect: Dialect) -> Iterator[str]:
    level, _, inlines = content
    yield "#" * level + " " + render_inlines(inlines, dialect).replace("\n", " ")


def _render_lines(content: Any, dialect: Dialect) -> Iterator[str]:
    for line in content:
        yield render_inlines(line, dialect)


def _render_code(content: Any, _: Dialect) -> Iterator[str]:
    (_, classes, _), text = content
    yield "```" + (classes[0] if classes else "")
    yield from str(text).split("\n")
    yield "```"


def _render_quote(content: Any, dialect: Dialect) -> Iterator[str]:
    mark = "> " if dialect.quotes else ""
    for line in _drop_last(list(_render_blocks(content, dialect))):
        yield mark + line


def _render_bullets(content: Any, dialect: Dialect) -> Iterator[str]:
    for item in content:
        yield from _render_item("-", item, dialect)


def _render_numbers(content: Any, dialect: Dialect) -> Iterator[str]:
    (start, style, delimiter), items = content
    for number, item in enumerate(items, start):
        yield from _render_item(_label(number, style["t"], delimiter["t"], dialect), item, dialect)


def _label(number: int, style: str, delimiter: str, dialect: Dialect) -> str:
    """Return a list item's label as it stood on the page."""
    name = str(number)
    if style in ("LowerAlpha", "UpperAlpha") and 1 <= number <= 26:
        name = chr(ord("a" if style == "LowerAlpha" else "A") + number - 1)
    elif style in ("LowerRoman", "UpperRoman") and 1 <= number < len(_ROMAN):
        name = _ROMAN[number] if style == "LowerRoman" else _ROMAN[number].upper()
    elif style == "DefaultStyle" and dialect.persian and 1 <= number <= len(_PERSIAN):
        name = _PERSIAN[number - 1]
    return {"OneParen": f"{name})", "TwoParens": f"({name})"}.get(delimiter, f"{name}.")


def _render_item(label: str, item: Sequence[Node], dialect: Dialect) -> Iterator[str]:
    """Yield an item's lines: its label before the first, the others indented under it."""
    lines = _drop_last(list(_render_blocks(item, dialect))) or [""]
    yield f"{label} {lines[0]}"
    for line in lines[1:]:
        yield f"   {line}" if line else ""


def _drop_last(lines: list[str]) -> list[str]:
    return lines[:-1] if lines and not lines[-1] else lines


def _render_terms(content: Any, dialect: Dialect) -> Iterator[str]:
    for term, definitions in content:
        yield render_inlines(term, dialect)
        for blocks in definitions:
            yield from _render_blocks(blocks, dialect)


def _render_table(content: Any, dialect: Dialect) -> Iterator[str]:
    """Yield a table's rows; a table whose cells hold several paragraphs is layout, and gives these one by one."""
    _, _, _, head, bodies, foot = content
    rows = [*head[1], *(row for body in bodies for row in (*body[2], *body[3])), *foot[1]]
    cells = [[cell[4] for cell in row[1]] for row in rows]
    if any(len(blocks) > 1 for row in cells for blocks in row):
        for row in cells:
            for blocks in row:
                yield from _render_blocks(blocks, dialect)
        return
    titles = len(head[1])
    columns = max(map(len, cells), default=0)
    # A cell over several columns stands in the first of them: Markdown wants as many in every row.
    texts = [[_flatten(blocks, dialect) for blocks in row] + [""] * (columns - len(row)) for row in cells]
    lines = ["| " + " | ".join(row) + " |" for row in texts]
    yield from lines[:titles] or ["|" + " |" * columns]
    yield "|" + " --- |" * columns
    yield from lines[titles:]


def _flatten(blocks: Sequence[Node], dialect: Dialect) -> str:
    return " ".join(line.strip() for line in _render_blocks(blocks, dialect) if line.strip()).replace("|", "\\|")


def _render_group(content: Any, dialect: Dialect) -> Iterator[str]:
    attributes, blocks = content
    if not dialect.hidden(attributes):
        yield from _drop_last(list(_render_blocks(blocks, dialect)))


def _render_figure(content: Any, dialect: Dialect) -> Iterator[str]:
    _, (_, caption), blocks = content
    yield from _render_blocks([*blocks, *caption], dialect)


_BLOCKS: Final[dict[str, Callable[[Any, Dialect], Iterator[str]]]] = {
    "Plain": _render_text,
    "Para": _render_text,
    "Header": _render_heading,
    "LineBlock": _render_lines,
    "CodeBlock": _render_code,
    "BlockQuote": _render_quote,
    "BulletList": _render_bullets,
    "OrderedList": _render_numbers,
    "DefinitionList": _render_terms,
    "Table": _render_table,
    "Div": _render_group,
    "Figure": _render_figure,
}


def render_inlines(inlines: Sequence[Node], dialect: Dialect) -> str:
    """Return the text of ``inlines``; a line break is a new line."""
    return "".join(_render_inline(node, dialect) for node in inlines)


def _render_inline(node: Node, dialect: Dialect) -> str:
    kind: str = node["t"]
    content: Any = node.get("c")
    if kind == "Str":
        return str(content)
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return "\n" if kind == "LineBreak" else " "
    if kind == "Math":
        return _render_math(content)
    if kind in _WRAPS:
        return _wrap(render_inlines(content, dialect), *_WRAPS[kind])
    if kind in ("Emph", "Underline", "SmallCaps"):
        return render_inlines(content, dialect)
    return _render_dressed(kind, content, dialect)


def _render_dressed(kind: str, content: Any, dialect: Dialect) -> str:
    """Return the text of an inline that has attributes or parts besides its text; "" for what nobody sees."""
    if kind in ("Span", "Link"):
        return "" if dialect.hidden(content[0]) else render_inlines(content[1], dialect)
    if kind == "Quoted":
        mark = '"' if content[0]["t"] == "DoubleQuote" else "'"
        return mark + render_inlines(content[1], dialect) + mark
    if kind == "Cite":
        return render_inlines(content[1], dialect)
    if kind == "Code":
        return f"`{content[1]}`"
    if kind == "Image":
        return f"![{render_inlines(content[1], dialect)}]({content[2][0][:200]})"
    if kind == "Note":
        return " (" + " ".join(line for line in _render_blocks(content, dialect) if line) + ")"
    return ""


def _wrap(text: str, before: str, after: str) -> str:
    """Put marks around a text, inside its spaces and each of its lines: "~~ a~~" would strike nothing."""
    lines = []
    for line in text.split("\n"):
        inner = line.strip()
        start = len(line) - len(line.lstrip())
        lines.append(line[:start] + before + inner + after + line[start + len(inner) :] if inner else line)
    return "\n".join(lines)


def _render_math(content: Any) -> str:
    display = content[0]["t"] == "DisplayMath"
    # Word's sums carry an empty upper limit, and its brackets a name of their own.
    text = _EMPTY_SCRIPT.sub("", " ".join(str(content[1]).split()))
    text = _NAMED.sub(r"\\operatorname{\1}", text.replace(r"\lbrack", "[").replace(r"\rbrack", "]")).strip()
    if not text:
        return ""
    return f"$$ {text} $$" if display else f"${text}$"
