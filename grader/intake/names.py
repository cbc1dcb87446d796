"""File names that may be shown anywhere: escaped so that none can break a line, hide or turn text around."""

from __future__ import annotations

import re
import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Part of ordinary Persian and Indic spelling, and harmless.
_HARMLESS = frozenset("\u200c\u200d")
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_IGNORED = frozenset({"__MACOSX", "__pycache__", "node_modules", "Thumbs.db", "desktop.ini"})


def escape_name(name: str) -> str:
    r"""Return ``name`` with control, format and undecodable characters and the backslash as ``\xNN`` or ``\uNNNN``.

    Two different names never become the same text: ``unescape_name`` gives the name back.
    """
    return "".join(_escape(letter) for letter in name)


def _escape(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    if letter in _HARMLESS or unicodedata.category(letter) not in _UNSAFE_CATEGORIES:
        return letter
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unescape_name(shown: str) -> str:
    """Return the file name that ``escape_name`` made ``shown`` of."""

    def original(match: re.Match[str]) -> str:
        digits = match[1] or match[2] or match[3]
        return chr(int(digits, 16)) if digits else "\\"

    return _ESCAPE.sub(original, shown)


def is_ignored(name: str) -> bool:
    """Tell whether a file or folder is left by a system or an editor and never part of a hand-in."""
    return name.startswith((".", "~$")) or name in _IGNORED


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts "student-2" before "student-10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]
