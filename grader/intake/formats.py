"""Which kind of archive it is: by its bytes, and by its name only where they do not say."""

from __future__ import annotations

from typing import IO

from grader.intake.archive import Archive
from grader.intake.refusal import UnopenedError, quote
from grader.intake.tars import GZIP, open_tar
from grader.intake.zips import MAX_LIST_BYTES, open_zip

MAX_ARCHIVE_BYTES = 200_000_000
CLASS_LIST_BYTES = 100_000_000  # the list of a whole class's archive, which staff have made
HEAD_BYTES = 512
_OTHERS = {b"Rar!": "a RAR archive", b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"BZh": "compressed by bzip2",
           b"\xfd7zXZ": "compressed by xz"}  # fmt: skip


def open_archive(stream: IO[bytes], shown: str, *, list_bytes: int = MAX_LIST_BYTES) -> Archive:
    """Return the archive that ``stream`` holds; its bytes say of which kind it is.

    ``shown`` is its path in the hand-in, ``list_bytes`` how long its list of members may be. Raises UnopenedError, the
    stream closed, where it is not opened.
    """
    try:
        return _open(stream, shown, list_bytes)
    except UnopenedError:
        stream.close()
        raise


def _open(stream: IO[bytes], shown: str, list_bytes: int) -> Archive:
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            reason = f"is {kind}, which is not opened here: hand in a .zip, or the files themselves"
            raise UnopenedError("archive", f"{quote(shown)} {reason}.")
    if not head:
        raise UnopenedError("damaged_archive", f"{quote(shown)} is empty.")
    if head.startswith(GZIP) or head[257:262] == b"ustar" or (head[:2] != b"PK" and shown.lower().endswith(".tar")):
        return open_tar(stream, shown)
    return open_zip(stream, shown, list_bytes=list_bytes)
