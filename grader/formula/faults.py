"""What can stand in the way of reading or evaluating a formula: always the text's doing, never an accident of ours."""

from __future__ import annotations

MAX_CHARACTERS = 3_000
MAX_PASSAGE = 20_000
MAX_DEPTH = 25
MAX_DIGITS = 9
MAX_EXPONENT = 50
MAX_RANGE = 200
MAX_OPERATIONS = 60_000
MAX_TOTAL_OPERATIONS = 120_000
MAX_TOKENS = 400
MAX_NESTED_SUMS = 5
MAX_VARIANTS = 12
MAX_LINKS = 150


class FormulaFault(Exception):
    """Anything that keeps a formula from having a value; ``str()`` is a sentence for a person."""


class Unread(FormulaFault):
    """Not understood. ``snippet`` quotes the place, ``position`` counts characters of ``text`` from 0."""

    def __init__(self, reason: str, *, text: str = "", position: int | None = None) -> None:
        """Keep the reason and quote the text around the position."""
        self.reason = reason
        self.position = position
        self.snippet = ""
        if position is not None and text:
            start = max(0, position - 15)
            self.snippet = text[start : position + 25].strip()
        place = f" at character {position + 1}, near “{self.snippet}”" if position is not None else ""
        super().__init__(f"{reason}{place}")


class UnknownSymbol(Unread):
    """A name that the question's symbol table does not hold."""


class TooMuch(Unread):
    """A limit on length, depth, numbers or operations: checked before anything large is built."""


class ShapeFault(FormulaFault):
    """Two operands whose shapes do not go together."""

    def __init__(self, operation: str, left: tuple[int, ...], right: tuple[int, ...], where: str = "") -> None:
        """Keep both shapes for the feedback."""
        self.operation, self.left, self.right, self.where = operation, left, right, where
        super().__init__(f"{operation} of {render_shape(left)} and {render_shape(right)}")


class NoValue(FormulaFault):
    """A name that is understood but is no matrix: ∂h_t/∂W_hh, say, left standing in a chain rule."""


def render_shape(shape: tuple[int, ...]) -> str:
    """Return "4×1" for (4, 1) and "a number" for ()."""
    return "×".join(str(size) for size in shape) if shape else "a number"
