"""Moodle's "Download all submissions" (moodle/moodle, mod/assign/classes/downloader.php).

``Full Name_101_assignsubmission_file/...``, with a "_" at its end before 4.1, and ``_onlinetext`` for what was typed
in; without folders ``Full Name_101_assignsubmission_file_report.md``. Groups: ``Team 7_12_...``; blind:
``Participant_101_...``.
"""

from __future__ import annotations

import re

from grader.intake.handin import Part
from grader.intake.layouts.found import Found, Person, Sorted, clean_id
from grader.intake.layouts.tree import Tree, show

_FOLDER = re.compile(r"(?P<name>.*)_(?P<id>\d+)_assignsubmission_(?P<plugin>[a-z]+)_?", re.DOTALL)
_FILE = re.compile(r"(?P<name>.*)_(?P<id>\d+)_assignsubmission_(?P<plugin>[a-z]+?)_(?P<file>.+)", re.DOTALL)


def claims(tree: Tree, sure: bool) -> bool:
    """Tell whether the folders are Moodle's; without folders, whether the files are."""
    del sure  # no other names look like these
    if tree.folders:
        return all(_FOLDER.fullmatch(show(name)) for name in tree.folders)
    return any(_FILE.fullmatch(show(name)) for name in tree.files)


def sort(tree: Tree) -> Sorted:
    """Return the hand-ins: what one person handed in as files and as text is one."""
    parts: dict[str, list[Part]] = {}
    persons: dict[str, Person] = {}
    left: list[str] = []
    for name in (*tree.folders, *tree.files):
        match = (_FOLDER if name in tree.folders else _FILE).fullmatch(show(name))
        if match is None:
            left.append(name)
            continue
        parts.setdefault(match["id"], []).append(tree.part(name, match.groupdict().get("file") or ""))
        persons[match["id"]] = (("moodle_id", match["id"]), ("name", match["name"].replace("_", " ")))
    found = [
        Found(hand_in=tree.hand_in(clean_id(number), own), persons=(persons[number],)) for number, own in parts.items()
    ]
    return Sorted(found=tuple(found), left=tuple(left))
