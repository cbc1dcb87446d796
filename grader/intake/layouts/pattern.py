"""Files sorted by a pattern of the teacher's, with the names that nbgrader's zip_collect has for its groups."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from grader.errors import ConfigError
from grader.intake.layouts.found import Found, Sorted, clean_id, find_time
from grader.intake.layouts.tree import Tree, show

GROUPS = ("student_id", "file_id", "timestamp")


def compile_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern. Raises ConfigError where it is none, or does not name the student."""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ConfigError(f"--name-regex: is no regular expression: {error}") from None
    if "student_id" not in pattern.groupindex:
        hint = "(?P<student_id>...), and perhaps (?P<file_id>...) and (?P<timestamp>...)"
        raise ConfigError(f"--name-regex: has no group student_id (write {hint})")
    return pattern


def sort(tree: Tree, pattern: re.Pattern[str]) -> Sorted:
    """Return the hand-ins of the files below ``tree`` whose path the pattern matches from its beginning.

    A file is shown as its file_id with the file's ending; of two with one name the one with the later timestamp is
    taken. A timestamp without a zone is in UTC, as nbgrader has it.
    """
    files: dict[str, dict[str, tuple[str, str]]] = {}
    left: list[str] = []
    for path in sorted(tree.walk()):
        match = pattern.match(show(path))
        if match is None or not match["student_id"]:
            left.append(path)
            continue
        groups = match.groupdict()
        time = find_time(groups.get("timestamp") or "", utc=True) or ""
        shown = _find_shown(path, groups.get("file_id") or "")
        own = files.setdefault(match["student_id"], {})
        own[shown] = max(own.get(shown, ("", "")), (time, path))
    found = [_build(tree, student, own) for student, own in files.items()]
    return Sorted(found=tuple(found), left=tuple(left))


def _find_shown(path: str, file_id: str) -> str:
    name = PurePosixPath(path)
    if not file_id:
        return name.name
    return file_id if file_id.endswith(name.suffix) else file_id + name.suffix


def _build(tree: Tree, student: str, files: dict[str, tuple[str, str]]) -> Found:
    parts = [tree.part(path, shown) for shown, (_, path) in files.items()]
    last = max(time for time, _ in files.values())
    hand_in = tree.hand_in(clean_id(student), parts, submitted_at=last or None)
    return Found(hand_in=hand_in, persons=((("", student),),))
