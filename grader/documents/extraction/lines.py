"""Characters with places to lines: scripts, hats and the limits of sums belong to the line that they stand at."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from grader.documents.extraction.glyphs import Glyph
from grader.documents.extraction.order import is_persian

SMALL: Final = 0.85  # a script is written in smaller letters than its line
SHIFT: Final = 0.08  # and on another base line, in sizes of the line's letters
_NEAR: Final = 6  # lines before and after a piece among which its line is looked for
_LARGE: Final = frozenset("∑∏∫⋃⋂⨁")


@dataclass(slots=True)
class Line:
    """Characters on one base line, with their scripts."""

    glyphs: list[Glyph] = field(default_factory=list)
    base: float = 0.0
    size: float = 0.0
    stray: bool = False  # put back to its place

    @property
    def left(self) -> float:
        """The left edge."""
        return min(glyph.left for glyph in self.glyphs)

    @property
    def right(self) -> float:
        """The right edge."""
        return max(glyph.right for glyph in self.glyphs)

    def takes(self, glyph: Glyph) -> bool:
        """Tell whether a character goes on with this line: on its base line, or as a script beside its last one."""
        if not self.glyphs:
            return True
        if _is_accent(glyph, self.glyphs[-1]) or _is_limit(glyph, self.glyphs) or _is_limit(self.glyphs[-1], [glyph]):
            return True
        size = max(self.size, glyph.size)
        shift = abs(glyph.base - self.base) / size
        if shift < SHIFT:
            return True
        # An index and an exponent stand one above the other, both beside the letter that they belong to.
        letter = next((item for item in reversed(self.glyphs) if item.size > SMALL * self.size), self.glyphs[-1])
        beside = any(-0.5 < (glyph.left - item.right) / size < 1.0 for item in (self.glyphs[-1], letter))
        smaller = min(self.size, glyph.size) / size < SMALL
        # What is raised beside a tall bracket is raised by half its height.
        most = max(0.75, 0.1 + 0.5 * letter.height / size)
        return shift < most and beside and (smaller or shift < 0.4)

    def goes_on(self, other: Line) -> bool:
        """Tell whether another line stands right behind this one, on the same base line."""
        gap = other.left - self.right
        return abs(other.base - self.base) < SHIFT * self.size and -0.3 < gap / self.size < 1.5

    def lacks(self, other: Line) -> bool:
        """Tell whether another line stands in a gap of this one, which is Persian: on its base line or as scripts."""
        if not any(is_persian(item.text) for item in self.glyphs):
            return False
        within = self.left - self.size < other.left and other.right < self.right + self.size
        gap = not any(other.left < (item.left + item.right) / 2 < other.right for item in self.glyphs)
        level = all(
            abs(item.base - self.base) < (0.75 if item.size < SMALL * self.size else SHIFT) * self.size
            for item in other.glyphs
        )
        return within and gap and level

    def take(self, other: Line) -> None:
        """Add all characters of another line."""
        for glyph in other.glyphs:
            self.add(glyph)

    def add(self, glyph: Glyph) -> None:
        """Add a character; the larger letters make the line."""
        if glyph.size > self.size * 1.05 and not is_combining(glyph):
            self.base, self.size = glyph.base, glyph.size
        behind: list[Glyph] = []
        # A sum's upper limit is drawn before the sum.
        while self.glyphs and self.glyphs[-1].base > glyph.base and _is_limit(self.glyphs[-1], [glyph]):
            behind.insert(0, self.glyphs.pop())
        self.glyphs += [glyph, *behind]


def _is_accent(glyph: Glyph, letter: Glyph) -> bool:
    """Tell whether a character is a hat or bar over the letter before it."""
    return is_combining(glyph) and abs(glyph.base - letter.base) < letter.size


def is_combining(glyph: Glyph) -> bool:
    """Tell whether a character is drawn over the one before it."""
    return len(glyph.text) == 1 and unicodedata.combining(glyph.text) > 0


def _is_limit(glyph: Glyph, before: Sequence[Glyph]) -> bool:
    """Tell whether a small character stands over or under the last large sign (a sum, a product)."""
    sign = next((item for item in reversed(before) if item.size > glyph.size / SMALL), None)
    if sign is None or sign.text not in _LARGE:
        return False
    middle = (glyph.left + glyph.right) / 2
    return sign.left - sign.size < middle < sign.right + sign.size and abs(glyph.base - sign.base) < 1.8 * sign.size


def gather(glyphs: Iterable[Glyph]) -> Iterator[Line]:
    """Yield lines in the file's order, in which columns stay apart; a line that a sum's limit broke is one again.

    Pieces of a Persian line may stand apart in the file; its characters are put in order by their places.
    """
    lines: list[Line] = []
    for line in _cut(glyphs):
        if lines and lines[-1].goes_on(line):
            lines[-1].take(line)
        else:
            lines.append(line)
    for index, line in enumerate(lines):
        near = lines[max(0, index - _NEAR) : index + _NEAR + 1]
        home = next((other for other in near if other is not line and other.glyphs and other.lacks(line)), None)
        if home is not None:
            home.take(line)
            line.glyphs = []
    yield from (line for line in lines if line.glyphs)


def _cut(glyphs: Iterable[Glyph]) -> Iterator[Line]:
    line = Line()
    for glyph in glyphs:
        if glyph.text.isspace() and not line.glyphs:
            continue
        if not line.takes(glyph):
            yield line
            line = Line()
        line.add(glyph)
    if line.glyphs:
        yield line
