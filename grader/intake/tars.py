"""Tar archives, also those compressed by gzip: decompressed in memory, within bounds."""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import IO

from grader.intake.archive import BROKEN, CHUNK_BYTES, MAX_MEMBERS, MAX_TOTAL_BYTES, Archive, Member, clean_name
from grader.intake.refusal import UnopenedError, quote

GZIP = b"\x1f\x8b"
_BLOCK_BYTES = 512
_MAX_HEADERS = 2 * MAX_MEMBERS  # folders among them; damaged headers can lead back to themselves
# tarfile searches each extended header with a pattern that takes time by the square of its length.
_MAX_SQUARES = 500_000_000


class _Headers:
    """A file whose headers together are no more work than honest ones."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._squares, self.listing = stream, 0, True
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close

    def read(self, size: int = -1) -> bytes:
        if self.listing and size > _BLOCK_BYTES:
            self._squares += size * size
            if self._squares > _MAX_SQUARES:
                raise tarfile.ReadError("its headers are too long")
        return self._stream.read(size)


def open_tar(stream: IO[bytes], shown: str) -> Archive:
    """Return the tar, or compressed tar, that ``stream`` holds. Raises UnopenedError where it cannot be read."""
    start = stream.tell()
    head = stream.read(len(GZIP))
    stream.seek(start)
    if head == GZIP:
        compressed, stream = stream, io.BytesIO(_decompress(stream, shown))
        compressed.close()
    infos: list[tarfile.TarInfo] = []
    try:
        headers = _Headers(stream)
        opened = tarfile.TarFile(fileobj=headers, mode="r", errors="surrogateescape")  # type: ignore[arg-type]
        while (info := opened.next()) is not None:
            infos.append(info)
            if len(infos) > _MAX_HEADERS:
                raise UnopenedError("too_many", f"{quote(shown)} holds far too many files, so it was not opened.")
        members = [_describe(info) for info in infos]
        complete = _ends_well(stream, opened.offset)
        headers.listing = False
    except BROKEN:
        reason = "is damaged or no tar archive, so it was not opened"
        raise UnopenedError("damaged_archive", f"{quote(shown)} {reason}.") from None

    def open_member(number: int) -> IO[bytes]:
        found = opened.extractfile(infos[number])
        if found is None:
            raise ValueError("no file")
        return found

    def close() -> None:
        opened.close()
        stream.close()

    return Archive(shown=shown, members=members, open_member=open_member, close=close, complete=complete)


def _decompress(stream: IO[bytes], shown: str) -> bytes:
    """Return what gzip compressed, one or several pieces. Raises UnopenedError."""
    found, inflater = bytearray(), zlib.decompressobj(31)
    data = b""
    try:
        while data or (data := stream.read(CHUNK_BYTES)):
            if inflater.eof:
                inflater = zlib.decompressobj(31)
            found += inflater.decompress(data, CHUNK_BYTES)
            data = inflater.unconsumed_tail or inflater.unused_data
            if len(found) > MAX_TOTAL_BYTES:
                reason = f"would grow to more than {MAX_TOTAL_BYTES // 1_000_000} MB"
                raise UnopenedError("bomb", f"{quote(shown)} {reason}, so it was not opened.")
        if not inflater.eof:
            raise EOFError
    except BROKEN:
        raise UnopenedError("damaged_archive", f"{quote(shown)} is damaged, so it was not opened.") from None
    return bytes(found)


def _describe(info: tarfile.TarInfo) -> Member:
    name, refused = clean_name(info.name)
    size = info.size if info.isreg() else 0
    return Member(name=name, size_bytes=size, is_folder=info.isdir(), refused=refused or _find_reason(info))


def _find_reason(info: tarfile.TarInfo) -> tuple[str, str] | None:
    if info.issym() or info.islnk():
        return "symlink", "is a link and no file"
    if info.issparse() or not (info.isreg() or info.isdir()) or info.size < 0:
        return "not_a_file", "is no ordinary file"
    return None


def _ends_well(stream: IO[bytes], offset: int) -> bool:
    """Tell whether the list ends as a list does: tarfile takes a broken header for the end as well."""
    stream.seek(offset)
    return not stream.read(_BLOCK_BYTES).strip(b"\0")
