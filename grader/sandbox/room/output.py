"""What a cell may send out: words up to a limit, no pictures, no endless error messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_LONGEST_ERROR = 20_000  # characters


def limit_output(shell: Any, session: Any, cell_limit: int, notebook_limit: int) -> None:
    """Drop what goes beyond the limits in characters (twice that, so that the grader sees that it was more).

    A convenience for honest notebooks, which go on; the grader counts for itself and closes a room that floods it.
    """
    printed, warned = (_Allowance(2 * cell_limit, 2 * notebook_limit) for _ in range(2))

    def renew(info: Any) -> None:
        printed.renew()
        warned.renew()

    sys.stdout.write = _limited(sys.stdout.write, printed.take)  # type: ignore[method-assign]
    sys.stderr.write = _limited(sys.stderr.write, warned.take)  # type: ignore[method-assign]  # warnings never count
    shell.events.register("pre_run_cell", renew)
    session.send = _reduced(session.send, printed.take)


class _Allowance:
    """How many characters may still go out: of this cell, and of the notebook."""

    def __init__(self, cell: int, notebook: int) -> None:
        self._whole = self._cell = cell
        self._notebook = notebook

    def renew(self) -> None:
        """Begin a new cell."""
        self._cell = self._whole

    def take(self, size: int) -> int:
        """Return how many of ``size`` characters may still go out."""
        allowed = max(0, min(size, self._cell, self._notebook))
        self._cell -= allowed
        self._notebook -= allowed  # what is dropped costs the cells after it nothing
        return allowed


def _limited(write: Callable[[str], Any], take: Callable[[int], int]) -> Callable[[str], int]:
    def capped(text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if allowed := take(len(text)):
            write(text[:allowed])
        return len(text)

    return capped


def _reduced(send: Callable[..., Any], take: Callable[[int], int]) -> Callable[..., Any]:
    """Wrap the session's ``send``: of everything shown only plain text is kept, and of errors their beginning."""

    def reduce(content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        if isinstance(data := content.get("data"), dict):
            text = data.get("text/plain", "")
            text = text if isinstance(text, str) else ""
            return {**content, "data": {"text/plain": text[: take(len(text))]}, "metadata": {}}
        if "evalue" in content:
            return {**content, "evalue": str(content["evalue"])[:_LONGEST_ERROR], "traceback": [], "payload": []}
        if "user_expressions" in content:
            return {**content, "payload": [], "user_expressions": {}}
        return content

    def call(stream: Any, message: Any, content: Any = None, *arguments: Any, **named: Any) -> Any:
        if isinstance(message, dict) and "content" in message:
            message = {**message, "content": reduce(message["content"])}
        return send(stream, message, reduce(content), *arguments, **named)

    return call
