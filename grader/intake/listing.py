"""Every file below one hand-in, in folders and in archives: listed and digested, and what stays closed."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from grader.intake.archive import CHUNK_BYTES, MAX_MEMBERS, MAX_TOTAL_BYTES, Archive, Member
from grader.intake.formats import HEAD_BYTES, MAX_ARCHIVE_BYTES, open_archive
from grader.intake.media import find_media, is_archive
from grader.intake.names import escape_name, is_ignored, unescape_name
from grader.intake.nofollow import open_folder, opened_file
from grader.intake.refusal import UnopenedError, quote
from grader.model import Artifact, Finding

MAX_FILE_BYTES = 50_000_000
MAX_FILES = MAX_MEMBERS
MAX_DEPTH = 16
MAX_NESTED = 2
_MOST_ALIKE = 5


@dataclass(slots=True)
class Listing:
    """The files found so far below the folder ``root``, and what was not opened; links may lead about ``inside`` it.

    Paths are escaped, with forward slashes. A file's place is where it lies below ``root``, then its numbers in the
    archives that hold it.
    """

    root: Path
    inside: Path = Path()
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    refused: list[Finding] = field(default_factory=list)
    _alike: Counter[str] = field(default_factory=Counter)
    _bytes: int = 0
    _members: int = 0

    @property
    def findings(self) -> Iterator[Finding]:
        """What was not opened: of each kind a few, and how many more there are."""
        yield from self.refused
        for code, count in self._alike.items():
            if count > _MOST_ALIKE and code != "too_many":
                yield UnopenedError(code, f"{count - _MOST_ALIKE} more were not opened for the same reason.").finding

    def refuse(self, error: UnopenedError) -> None:
        """Take note of what was not opened."""
        code = error.finding.code.partition(".")[2]
        self._alike[code] += 1
        if self._alike[code] <= (1 if code == "too_many" else _MOST_ALIKE):
            self.refused.append(error.finding)

    # --- folders ---

    def add_folder(self, descriptor: int, place: str, shown: str, depth: int) -> None:
        """Add everything in an opened folder that lies at ``place`` and is shown as ``shown`` ("" or with a "/")."""
        for name in sorted(os.listdir(descriptor)):
            if not is_ignored(name):
                part = escape_name(name)
                self.add(descriptor, name, place + part, shown + part, depth)

    def add(self, descriptor: int, name: str, place: str, shown: str, depth: int = 0) -> None:
        """Add the file or folder ``name`` of the opened folder ``descriptor``."""
        try:
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                self._refuse_link(place, shown)
            elif stat.S_ISDIR(mode):
                self._enter(descriptor, name, place, shown, depth)
            else:
                self._add_file(descriptor, name, place, shown)
        except UnopenedError as error:
            self.refuse(error)
        except OSError as error:
            self.refuse(UnopenedError("unopened", f"{quote(shown)} could not be opened ({error.strerror})."))

    def _enter(self, descriptor: int, name: str, place: str, shown: str, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise UnopenedError("too_deep", f"The folder {quote(shown)} lies too deep and was not opened.")
        inner = open_folder(name, descriptor)
        try:
            self.add_folder(inner, f"{place}/", f"{shown}/", depth + 1)
        finally:
            os.close(inner)

    def _refuse_link(self, place: str, shown: str) -> None:
        """Pass over a link to another file of the same hand-in, which is listed by itself; refuse any other."""
        real_root, target = (
            os.path.realpath(self.root / self.inside),
            os.path.realpath(self.root / unescape_name(place)),
        )
        inside = target.startswith(real_root + os.sep) and os.path.exists(target)
        hidden = any(is_ignored(part) for part in os.path.relpath(target, real_root).split(os.sep)) if inside else True
        if hidden:
            reason = "is a link that leads out of your folder or nowhere, so it was not opened"
            raise UnopenedError("symlink", f"{quote(shown)} {reason}.")

    def _add_file(self, descriptor: int, name: str, place: str, shown: str) -> None:
        with opened_file(descriptor, name, shown) as opened:
            size = os.fstat(opened).st_size
            archive = is_archive(shown, os.pread(opened, HEAD_BYTES, 0))
            _check_size(shown, size, MAX_ARCHIVE_BYTES if archive else MAX_FILE_BYTES)
            if archive:
                stream = os.fdopen(os.dup(opened), "rb")
                self._add_archive(open_archive(stream, shown), (place,), shown, 1)
            else:
                self._keep(iter(lambda: os.read(opened, CHUNK_BYTES), b""), (place,), shown)

    # --- archives ---

    def add_members(self, archive: Archive, place: str, prefix: str, shown: str) -> None:
        """Add the members of a class's archive below ``prefix`` (or that one member), as files of one hand-in."""
        for number, member in enumerate(archive.members):
            if member.name == prefix or member.name.startswith(f"{prefix}/"):
                name = shown + member.name.removeprefix(prefix).lstrip("/")
                self._try_member(archive, number, (place, str(number)), name, 0)

    def _add_archive(self, archive: Archive, place: tuple[str, ...], shown: str, depth: int) -> None:
        with closing(archive):
            for number, member in enumerate(archive.members):
                self._try_member(archive, number, (*place, str(number)), f"{shown}/{member.name}", depth)
            if not archive.complete:
                raise UnopenedError("damaged_archive", f"{quote(shown)} is damaged: its end could not be read.")

    def _try_member(self, archive: Archive, number: int, place: tuple[str, ...], shown: str, depth: int) -> None:
        member = archive.members[number]
        if member.is_folder or member.is_ignored:
            return
        try:
            self._check_member(member, shown)
            self._add_member(archive, number, place, shown, depth)
        except UnopenedError as error:
            self.refuse(error)

    def _check_member(self, member: Member, shown: str) -> None:
        if member.refused:
            code, reason = member.refused
            raise UnopenedError(code, f"{quote(shown)} {reason}; it was not opened.")
        _check_size(shown, member.size_bytes, MAX_FILE_BYTES)
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _too_many()
        if self._bytes + member.size_bytes > MAX_TOTAL_BYTES:
            limit = f"What your archives hold is more than {MAX_TOTAL_BYTES // 1_000_000} MB"
            raise UnopenedError("too_large", f"{limit}: {quote(shown)} was not opened.")
        self._bytes += member.size_bytes

    def _add_member(self, archive: Archive, number: int, place: tuple[str, ...], shown: str, depth: int) -> None:
        pieces = archive.read(number)
        first = next(pieces, b"")
        if not is_archive(shown, first[:HEAD_BYTES]):
            self._keep(_chain(first, pieces), place, shown)
            return
        if depth >= MAX_NESTED:
            raise UnopenedError("nested", f"{quote(shown)} is an archive in an archive in an archive; not opened.")
        inner = io.BytesIO(b"".join([first, *pieces]))
        self._add_archive(open_archive(inner, shown), place, shown, depth + 1)

    # --- files ---

    def _keep(self, pieces: Iterator[bytes], place: tuple[str, ...], shown: str) -> None:
        """Add one regular file, digested in pieces; of two with one path the later, as unpacking would leave it."""
        if len(self.artifacts) >= MAX_FILES:
            raise _too_many()
        digest, size, head = hashlib.sha256(), 0, b""
        for piece in pieces:
            head = head or piece[:HEAD_BYTES]
            size += len(piece)
            _check_size(shown, size, MAX_FILE_BYTES)  # a file on the disk may grow while it is being read
            digest.update(piece)
        earlier = self.artifacts.get(shown)
        found = Artifact(
            path=shown,
            media=find_media(shown, head),
            size_bytes=size,
            sha256=digest.hexdigest(),
            place=() if place == (shown,) else place,
        )
        self.artifacts[shown] = found
        if earlier is not None and earlier.sha256 != found.sha256:
            raise UnopenedError("two_of_a_name", f"There are two files {quote(shown)}; the later one was read.")


def _chain(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _too_many() -> UnopenedError:
    return UnopenedError("too_many", f"There are more than {MAX_FILES} files; the others were not opened.")


def _check_size(shown: str, size: int, limit: int) -> None:
    if size > limit:
        sizes = f"is larger than {limit // 1_000_000} MB ({size // 1_000_000} MB)"
        raise UnopenedError("too_large", f"{quote(shown)} {sizes}, so it was not opened.")
