"""Where a command prints: plain where nobody watches, and never a command to a runner of GitHub's."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from grader.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console


def die(message: str, code: Exit) -> None:
    """Print an error and end the program."""
    Defused(sys.stderr).write(f"grade: {message}\n")
    sys.exit(code)


def make_console(*, stderr: bool) -> Console:
    """Return a console; where nobody watches (a pipe, CI) lines are plain and 110 wide."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 110
    file: Any = Defused(stream)
    return Console(file=file, stderr=stderr, width=width, highlight=False, emoji=False, markup=False)


class Defused:
    """A stream without commands for GitHub's runners: names of files and words of notebooks are printed as well."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text`` with its commands taken apart."""
        return self._stream.write(re.sub(r"(?m)^(\s*:)(?=:)|(##)(?=\[)", r"\g<0> ", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
