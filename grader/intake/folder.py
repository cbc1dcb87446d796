"""One hand-in's folder to a Submission: every file listed and digested, none followed out of the folder.

A student may hand in anything: links to other people's files, pipes that never end, a file of many gigabytes. Each
folder and file is opened relative to the folder above it, without following links, and what was opened is asked what
it is, so that nothing can be exchanged between a look and the opening. What is not opened becomes a finding.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import ConfigError
from grader.intake.media import find_media, is_archive
from grader.intake.names import escape_name, is_ignored, unescape_name
from grader.model import Artifact, Finding, Submission

MAX_FILE_BYTES = 50_000_000
MAX_FILES = 2_000
MAX_DEPTH = 16
_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 512
_ADVICE = "A person will look at it."


class _UnopenedError(Exception):
    """One file of a hand-in stays closed; carries the finding that says so."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(code=f"intake.{code}", message=f"{message} {_ADVICE}")


def open_submission(path: Path, *, assignment: str, machine_read: bool | None = None) -> Submission:
    """Return the hand-in at ``path``: a folder, or a single file that is a hand-in by itself.

    Every regular file becomes an Artifact. What was not opened (a link out of the folder, a pipe, a file over
    MAX_FILE_BYTES, an archive) becomes a finding of the Submission: what it held is for a person, never missing.
    Links are never followed, not even ``path`` itself. Raises ConfigError where ``path`` is not there.
    """
    listing = _Listing()
    if path.is_symlink():
        reason = f"“{escape_name(path.name)}” is a link and not a folder, so it was not opened."
        listing.findings.append(_UnopenedError("symlink", reason).finding)
        folder = path
    elif path.is_dir():
        folder = path
        with _opened_folder(path) as descriptor:
            listing.add_folder(descriptor, path, "", 0)
    elif path.is_file():
        folder = path.parent
        with _opened_folder(folder) as descriptor:
            listing.add(descriptor, path.parent, path.name, "", 0)
    else:
        raise ConfigError(f"{path}: there is no such file or folder")
    artifacts = tuple(sorted(listing.artifacts, key=lambda item: item.path))
    return Submission(
        student=student_id(path),
        assignment=assignment,
        folder=str(folder),
        artifacts=artifacts,
        digest=build_digest(artifacts),
        machine_read=bool(machine_read),
        findings=tuple(listing.findings),
    )


def student_id(path: Path) -> str:
    """Return the id that a hand-in is listed under: its folder's name, or its file's name without the ending."""
    resolved = path if path.name not in ("", "..") else path.resolve()
    return escape_name(resolved.stem if resolved.is_file() else resolved.name)


def build_digest(artifacts: tuple[Artifact, ...]) -> str:
    """Return the sha256 over the sorted (relative path, sha256) of ``artifacts``."""
    digest = hashlib.sha256()
    for name, content in sorted((item.path, item.sha256) for item in artifacts):
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def read_artifact(submission: Submission, artifact: Artifact) -> bytes:
    """Return an artifact's bytes, at most MAX_FILE_BYTES, links not followed.

    Raises ConfigError where the file is gone or has changed since it was listed.
    """
    gone = ConfigError(f"{submission.folder}/{artifact.path}: the file has changed while it was being graded")
    *folders, name = [unescape_name(part) for part in artifact.path.split("/")]
    try:
        with _opened_folder(Path(submission.folder)) as root:
            descriptor = os.dup(root)
            try:
                for folder in folders:
                    descriptor, above = _open_folder(folder, descriptor), descriptor
                    os.close(above)
                with _opened_file(descriptor, name) as opened, os.fdopen(os.dup(opened), "rb") as stream:
                    data = stream.read(MAX_FILE_BYTES + 1)
            finally:
                os.close(descriptor)
    except (OSError, _UnopenedError):
        raise gone from None
    if hashlib.sha256(data).hexdigest() != artifact.sha256:
        raise gone
    return data


@dataclass(slots=True)
class _Listing:
    """The files found so far, and what was not opened."""

    artifacts: list[Artifact] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    full: bool = False

    def add_folder(self, descriptor: int, root: Path, prefix: str, depth: int) -> None:
        for name in sorted(os.listdir(descriptor)):
            if not is_ignored(name):
                self.add(descriptor, root, name, prefix, depth)

    def add(self, descriptor: int, root: Path, name: str, prefix: str, depth: int) -> None:
        """Add the file or folder ``name`` of the opened folder ``descriptor``."""
        shown = prefix + escape_name(name)
        try:
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                self._refuse_link(root, shown)
            elif stat.S_ISDIR(mode):
                self._enter(descriptor, root, name, shown, depth)
            elif len(self.artifacts) < MAX_FILES:
                self.artifacts.append(_read_entry(descriptor, name, shown))
            elif not self.full:
                self.full = True
                raise _UnopenedError("too_many", f"There are more than {MAX_FILES} files; the others were not opened.")
        except _UnopenedError as error:
            self.findings.append(error.finding)
        except OSError as error:
            reason = f"“{shown}” could not be opened ({error.strerror})."
            self.findings.append(_UnopenedError("unopened", reason).finding)

    def _enter(self, descriptor: int, root: Path, name: str, shown: str, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise _UnopenedError("too_deep", f"The folder “{shown}” lies too deep and was not opened.")
        inner = _open_folder(name, descriptor)
        try:
            self.add_folder(inner, root, f"{shown}/", depth + 1)
        finally:
            os.close(inner)

    @staticmethod
    def _refuse_link(root: Path, shown: str) -> None:
        """Pass over a link to another file of the same hand-in, which is listed by itself; refuse any other."""
        real_root, target = os.path.realpath(root), os.path.realpath(root / unescape_name(shown))
        inside = target.startswith(real_root + os.sep) and os.path.exists(target)
        hidden = any(is_ignored(part) for part in os.path.relpath(target, real_root).split(os.sep)) if inside else True
        if hidden:
            raise _UnopenedError(
                "symlink", f"“{shown}” is a link that leads out of your folder or nowhere, so it was not opened."
            )


def _read_entry(descriptor: int, name: str, shown: str) -> Artifact:
    """Return the regular file ``name`` as an Artifact, digested in pieces. Raises _UnopenedError."""
    with _opened_file(descriptor, name, shown) as opened:
        digest, size, head = hashlib.sha256(), 0, b""
        while piece := os.read(opened, _CHUNK_BYTES):
            head = head or piece[:_HEAD_BYTES]
            size += len(piece)
            if size > MAX_FILE_BYTES:  # it grows while it is being read
                raise _too_large(shown, size)
            digest.update(piece)
    if is_archive(shown, head):
        raise _UnopenedError("archive", f"“{shown}” is an archive; it was not unpacked.")
    return Artifact(path=shown, media=find_media(shown, head), size_bytes=size, sha256=digest.hexdigest())


def _too_large(shown: str, size: int) -> _UnopenedError:
    limit = MAX_FILE_BYTES // 1_000_000
    return _UnopenedError("too_large", f"“{shown}” is larger than {limit} MB ({size // 1_000_000} MB), not opened.")


@contextmanager
def _opened_file(descriptor: int, name: str, shown: str = "") -> Iterator[int]:
    """Open a regular file of at most MAX_FILE_BYTES; raises _UnopenedError for anything else."""
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise _UnopenedError("not_a_file", f"“{shown}” is no ordinary file, so it was not opened.")
        if status.st_size > MAX_FILE_BYTES:
            raise _too_large(shown, status.st_size)
        yield opened
    finally:
        os.close(opened)


def _open_folder(name: str, descriptor: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)


@contextmanager
def _opened_folder(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"{path}: the folder cannot be opened ({error.strerror})") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
