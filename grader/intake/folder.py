"""One hand-in to a Submission: every file listed and digested, none followed out of the hand-in.

A student may hand in anything: links to other people's files, pipes that never end, a file of many gigabytes, archives
made to harm. Each folder and file is opened relative to the folder above it, without following links, and what was
opened is asked what it is, so that nothing can be exchanged between a look and the opening. What is not opened becomes
a finding.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from grader.errors import ConfigError
from grader.intake.listing import Listing
from grader.intake.names import escape_name
from grader.intake.nofollow import opened_root
from grader.intake.refusal import UnopenedError, quote
from grader.model import Artifact, Submission


def open_submission(path: Path, *, assignment: str, machine_read: bool | None = None) -> Submission:
    """Return the hand-in at ``path``: a folder, or a single file that is a hand-in by itself.

    Every regular file becomes an Artifact, also those in archives. What was not opened (a link out of the folder, a
    pipe, a file over MAX_FILE_BYTES, an archive that is no safe one) becomes a finding of the Submission: what it held
    is for a person, never missing. Links are never followed, not even ``path`` itself. Raises ConfigError where
    ``path`` is not there.
    """
    folder = path if path.is_dir() or path.is_symlink() else path.parent
    listing = Listing(folder)
    if path.is_symlink():
        reason = "is a link and not a folder, so it was not opened"
        listing.refuse(UnopenedError("symlink", f"{quote(escape_name(path.name))} {reason}."))
    elif path.is_dir():
        with opened_root(path) as descriptor:
            listing.add_folder(descriptor, "", "", 0)
    elif path.is_file():
        with opened_root(folder) as descriptor:
            listing.add(descriptor, path.name, escape_name(path.name), escape_name(path.name))
    else:
        raise ConfigError(f"{path}: there is no such file or folder")
    artifacts = tuple(sorted(listing.artifacts.values(), key=lambda item: item.path))
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
    name = resolved.name.removesuffix(".gz") if resolved.name.endswith(".tar.gz") else resolved.name
    return escape_name(Path(name).stem if resolved.is_file() else resolved.name)


def build_digest(artifacts: tuple[Artifact, ...]) -> str:
    """Return the sha256 over the sorted (relative path, sha256) of ``artifacts``."""
    digest = hashlib.sha256()
    for name, content in sorted((item.path, item.sha256) for item in artifacts):
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
