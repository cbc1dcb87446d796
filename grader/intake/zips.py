"""Zip archives: their list of members, and what in it is not to be trusted."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Sequence
from typing import IO

from grader.intake.archive import BROKEN, Archive, Member, clean_name
from grader.intake.refusal import UnopenedError, quote

MAX_RATIO, RATIO_FROM_BYTES = 100, 1_000_000
# The list of a few thousand members; a list of millions would fill the memory before one of them is looked at.
MAX_LIST_BYTES = 2_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED, _UTF8, _HEADER_BYTES = 0x41, 0x800, 30


class _Guarded:
    """A file that is never read in larger pieces than ``most`` bytes: zipfile reads the list of members in one."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size if 0 <= size <= self._most else self._most + 1)
        if len(data) > self._most:
            raise zipfile.BadZipFile("its list of members is too long")
        return data


def open_zip(stream: IO[bytes], shown: str, *, list_bytes: int) -> Archive:
    """Return the zip that ``stream`` holds. Raises UnopenedError where it is none, or an attack as a whole."""
    guarded: IO[bytes] = _Guarded(stream, list_bytes)  # type: ignore[assignment]  # all that zipfile asks of a file
    try:
        opened = zipfile.ZipFile(guarded)
        infos = opened.infolist()
        members = [_describe(info) for info in infos]
    except BROKEN as error:
        many = "too long" in str(error)
        reason = "holds far too many files" if many else "is damaged or no zip archive"
        code = "too_many" if many else "damaged_archive"
        raise UnopenedError(code, f"{quote(shown)} {reason}, so it was not opened.") from None
    if _overlap(infos):
        reason = "holds files that lie over one another, as only an attack does"
        raise UnopenedError("overlapping", f"{quote(shown)} {reason}; it was not opened.")

    def close() -> None:
        opened.close()
        stream.close()

    return Archive(shown=shown, members=members, open_member=lambda number: opened.open(infos[number]), close=close)


def _describe(info: zipfile.ZipInfo) -> Member:
    name, refused = clean_name(_read_name(info))
    folder = info.is_dir() or info.orig_filename.endswith("\\")
    refused = refused or (None if folder else _find_reason(info))
    return Member(name=name, size_bytes=info.file_size, is_folder=folder, refused=refused)


def _read_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name: UTF-8 also where the archive does not say so, as a Mac and many programs write it."""
    name = info.orig_filename
    if info.flag_bits & _UTF8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _find_reason(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "symlink", "is a link and no file"
    if kind not in (0, stat.S_IFREG):
        return "not_a_file", "is no ordinary file"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted", "is encrypted: hand it in again without a password"
    if info.compress_type not in _METHODS:
        return "compression", "is compressed in a way that is not read here (make an ordinary zip)"
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return "bomb", f"would grow from {info.compress_size:,} to {info.file_size:,} bytes"
    return None


def _overlap(infos: Sequence[zipfile.ZipInfo]) -> bool:
    """Tell whether one stretch of the file stands for two members: so a small file holds a huge one many times."""
    end = 0
    for info in sorted(infos, key=lambda item: item.header_offset):
        if info.header_offset < end:
            return True
        name = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437", "replace")
        end = info.header_offset + _HEADER_BYTES + len(name) + info.compress_size
    return False
