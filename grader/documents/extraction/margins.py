"""What a printer or a template adds to every page and no student wrote: dates, addresses, page numbers, titles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PRINTED: Final = re.compile(
    r"(?:\d{1,2}/\d{1,2}/\d{2,4}|\d{4}-\d\d-\d\d),? \d{1,2}:\d\d(?: ?[AP]M)?(?: .{0,120})?"
    r"|(?:file|https?):/\S{0,300}(?: +\d+ ?/ ?\d+)?|[Pp]age \d{1,3}(?: ?(?:/|of) ?\d{1,3})?"
)
_NUMBER: Final = re.compile(r"[-–—|\s]*(\d{1,3})(?: ?(?:/|of) ?(\d{1,3}))?[-–—|\s]*")


def drop_margins(pages: Sequence[str]) -> list[str]:
    """Return the texts of a file's pages without what is no part of them."""
    lines = [text.split("\n") for text in pages]
    for end in (0, -1):
        for _ in range(2):
            lines = [_drop_printed(page, end) for page in lines]
            lines = _drop_numbers(lines, end)
            lines = _drop_repeated(lines, end)
    return ["\n".join(page) for page in lines]


def _drop_printed(lines: list[str], end: int) -> list[str]:
    kept = list(lines)
    while kept and (not kept[end].strip() or _PRINTED.fullmatch(kept[end].strip())):
        kept.pop(end)
    return kept


def _drop_numbers(pages: list[list[str]], end: int) -> list[list[str]]:
    """Drop page numbers: what counts up from page to page. A lone "3" under a label is an answer."""
    found = [_NUMBER.fullmatch(page[end]) if page else None for page in pages]
    numbers = [int(match[1]) for match in found if match]
    counts_up = len(pages) > 1 and numbers == list(
        range(numbers[0] if numbers else 0, len(pages) + (numbers or [0])[0])
    )
    of_all = all(match is not None and match[2] == str(len(pages)) for match in found)
    return [_drop(page, end) for page in pages] if counts_up or (of_all and numbers == [1]) else pages


def _drop_repeated(pages: list[list[str]], end: int) -> list[list[str]]:
    """Drop a running title or foot: the same line on every page; the first page keeps it."""
    ends = {page[end].strip() for page in pages if page}
    if len(pages) < 2 or len(ends) != 1 or not all(pages):
        return pages
    return [pages[0], *(_drop(page, end) for page in pages[1:])]


def _drop(page: list[str], end: int) -> list[str]:
    return page[1:] if end == 0 else page[:-1]
