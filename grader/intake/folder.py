"""One hand-in to a Submission: every file listed and digested, none followed out of the hand-in.

A student may hand in anything: links to other people's files, pipes that never end, a file of many gigabytes, archives
made to harm. Each folder and file is opened relative to the folder above it, without following links, and what was
opened is asked what it is, so that nothing can be exchanged between a look and the opening. What is not opened becomes
a finding.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from grader.errors import ConfigError
from grader.intake.handin import HandIn, Part, plain_hand_in
from grader.intake.listing import Listing
from grader.intake.names import escape_name, unescape_name
from grader.intake.nofollow import open_folder, opened_above, opened_file, opened_root
from grader.intake.reading import open_class_archive
from grader.intake.refusal import UnopenedError, quote
from grader.model import Artifact, Submission


def open_submission(hand_in: HandIn | Path, *, assignment: str, machine_read: bool | None = None) -> Submission:
    """Return what was handed in; a path is a hand-in by itself, named after it.

    Every regular file becomes an Artifact, also those in archives. What was not opened (a link out of the folder, a
    pipe, a file over MAX_FILE_BYTES, an archive that is no safe one) becomes a finding of the Submission: what it held
    is for a person, never missing. Links are never followed, not even the hand-in's own. Raises ConfigError where it
    is not there.
    """
    if isinstance(hand_in, Path):
        hand_in = plain_hand_in(hand_in)
    listing = Listing(Path(hand_in.folder))
    if hand_in.parts:
        _list_parts(listing, hand_in)
    else:
        _list_whole(listing, Path(hand_in.folder))
    artifacts = tuple(sorted(listing.artifacts.values(), key=lambda item: item.path))
    return Submission(
        student=hand_in.student,
        assignment=assignment,
        folder=hand_in.folder,
        artifacts=artifacts,
        digest=build_digest(artifacts),
        submitted_at=hand_in.submitted_at,
        late_flag=hand_in.late_flag,
        members=hand_in.members,
        machine_read=bool(machine_read),
        findings=(*hand_in.findings, *listing.findings),
    )


def _list_whole(listing: Listing, folder: Path) -> None:
    if folder.is_symlink():
        reason = "is a link and not a folder, so it was not opened"
        listing.refuse(UnopenedError("symlink", f"{quote(escape_name(folder.name))} {reason}."))
    elif not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such file or folder")
    else:
        with opened_root(folder) as descriptor:
            listing.add_folder(descriptor, "", "", 0)


def _list_parts(listing: Listing, hand_in: HandIn) -> None:
    with opened_root(Path(hand_in.folder)) as root:
        for part in hand_in.parts:
            try:
                with opened_above(root, part.place) as (above, name):
                    _list_part(listing, above, name, part)
            except FileNotFoundError:
                raise ConfigError(f"{hand_in.path}: there is no such file or folder") from None
            except OSError as error:
                reason = f"{quote(part.shown or part.place)} could not be opened ({error.strerror})."
                listing.refuse(UnopenedError("unopened", reason))


def _list_part(listing: Listing, above: int, name: str, part: Part) -> None:
    listing.inside = Path(unescape_name(part.place))
    mode = os.stat(name, dir_fd=above, follow_symlinks=False).st_mode
    if part.inside:
        with opened_file(above, name, part.place) as opened:
            listing.add_members(open_class_archive(opened, part.place), part.place, part.inside, part.shown)
    elif stat.S_ISDIR(mode):
        inner = open_folder(name, above)
        try:
            listing.add_folder(inner, f"{part.place}/", part.shown, 0)
        finally:
            os.close(inner)
    else:
        listing.add(above, name, part.place, part.shown)


def build_digest(artifacts: tuple[Artifact, ...]) -> str:
    """Return the sha256 over the sorted (relative path, sha256) of ``artifacts``."""
    digest = hashlib.sha256()
    for name, content in sorted((item.path, item.sha256) for item in artifacts):
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
