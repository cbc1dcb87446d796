"""Archives that were handed in, read where they lie: nothing is unpacked to the disk, and no name leads anywhere.

An archive may be made to harm: names that climb out of it, links, a few bytes that become gigabytes, members that lie
over one another. A member that is not read says why (``refused``); an archive that cannot be told apart from an attack
is refused as a whole.
"""

from __future__ import annotations

import re
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from grader.intake.names import escape_name, is_ignored
from grader.intake.refusal import UnopenedError, quote

MAX_MEMBERS = 2_000
MAX_TOTAL_BYTES = 200_000_000
MAX_NAME_LETTERS = 1_000
CHUNK_BYTES = 1 << 20
_DRIVE = re.compile(r"[A-Za-z]:")
# Whatever the libraries raise for bytes that are no archive of their kind.
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError),
    *(OSError, ValueError, OverflowError, IndexError, KeyError, TypeError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of an archive.

    ``name`` is its path in the archive with forward slashes, escaped; ``size_bytes`` is what the archive says;
    ``is_folder`` where it holds nothing itself; ``refused`` is why it is not opened: a code and words.
    """

    name: str
    size_bytes: int
    is_folder: bool = False
    refused: tuple[str, str] | None = None

    @property
    def is_ignored(self) -> bool:
        """Whether it is left by a system and no part of the hand-in."""
        return any(is_ignored(part) and part != ".." for part in self.name.split("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An opened archive; ``complete`` is False where its end is damaged. A member's place here is its number."""

    shown: str
    members: Sequence[Member]
    open_member: Callable[[int], IO[bytes]]
    close: Callable[[], None]
    complete: bool = True

    def read(self, number: int) -> Iterator[bytes]:
        """Yield a member's bytes in pieces, no more than its size. Raises UnopenedError where it is damaged."""
        member = self.members[number]
        left = member.size_bytes
        try:
            with self.open_member(number) as stream:
                while left > 0 and (piece := stream.read(min(left, CHUNK_BYTES))):
                    left -= len(piece)
                    yield piece
                if left > 0:
                    raise EOFError
                stream.read(1)  # at the end the checksum is looked at
        except BROKEN:
            shown = f"{self.shown}/{member.name}"
            raise UnopenedError("damaged_archive", f"{quote(shown)} is damaged, so it was not opened.") from None


def clean_name(name: str) -> tuple[str, tuple[str, str] | None]:
    """Return a member's name as it is shown, and why the member is not opened (None where it may be).

    Archives made on Windows have backslashes between folders, those made on a Mac letters with their signs apart.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = [part for part in name.split("/") if part not in ("", ".")]
    shown = "/".join(escape_name(part) for part in parts)
    if len(shown) > MAX_NAME_LETTERS:
        return shown[:MAX_NAME_LETTERS], ("long_name", "has a name that is too long")
    if name.startswith("/") or ".." in parts or _DRIVE.match(name):
        return shown, ("zip_slip", "has a name that leads out of the archive")
    return shown, None
