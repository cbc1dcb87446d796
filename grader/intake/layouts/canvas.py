"""Canvas's "Download submissions": everybody's files in one heap (instructure/canvas-lms, lib/content_zipper.rb).

``doejane_LATE_4321_98765_report.md``: the name, perhaps LATE, the user, the attachment, the file's own name; without
an attachment ``doejane_4321_text.html`` (typed in) or ``_link.html`` (an address). Anonymous: ``anon_x7Yz2_98765_...``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from grader.intake.handin import Part
from grader.intake.layouts.found import Found, Sorted, clean_id
from grader.intake.layouts.tree import Tree, show
from grader.intake.refusal import UnopenedError

_END = r"(?:(?P<attachment>\d+)_(?P<file>.+)|(?P<entry>text|link)\.html?)"
_FILE = re.compile(rf".*?(?P<late>_LATE)?_(?P<user>\d+)_{_END}", re.DOTALL)
_ANONYMOUS = re.compile(rf"anon_(?P<user>[A-Za-z0-9]{{5}})(?P<late>_LATE)?_{_END}", re.DOTALL)
# What Canvas appends where a student has handed in a file of this name before.
_AGAIN = re.compile(r"-\d+(?=\.\w+$)")
_BESIDE = frozenset({".csv", ".xlsx", ".yaml", ".yml"})


def claims(tree: Tree, sure: bool) -> bool:
    """Tell whether the files are a heap of several students' (of one, where it is ``sure`` to be a class)."""
    files = [name for name in tree.files if PurePosixPath(name).suffix.lower() not in _BESIDE or _match(name)]
    found = [_match(name) for name in files]
    students = {match["user"] for match in found if match}
    return not tree.folders and all(found) and len(students) > (0 if sure else 1)


def sort(tree: Tree) -> Sorted:
    """Return the hand-ins by user id."""
    heap: dict[str, list[tuple[str, re.Match[str]]]] = {}
    left = [*tree.folders]
    for name in tree.files:
        match = _match(name)
        if match is None:
            left.append(name)
        else:
            heap.setdefault(match["user"], []).append((name, match))
    return Sorted(found=tuple(_build(tree, user, files) for user, files in heap.items()), left=tuple(left))


def _match(name: str) -> re.Match[str] | None:
    return _ANONYMOUS.fullmatch(show(name)) or _FILE.fullmatch(show(name))


def _build(tree: Tree, user: str, files: Sequence[tuple[str, re.Match[str]]]) -> Found:
    links = any(match["entry"] == "link" for _, match in files)
    address = "An address was handed in; what it leads to was not opened."
    hand_in = tree.hand_in(
        clean_id(user),
        _build_parts(tree, files),
        late_flag=any(match["late"] for _, match in files),
        findings=(UnopenedError("address", address).finding,) if links else (),
    )
    return Found(hand_in=hand_in, persons=((("canvas_id", user),),))


def _build_parts(tree: Tree, files: Sequence[tuple[str, re.Match[str]]]) -> list[Part]:
    """Return the files under their own names, without "-1" where that is no other file's; doubles keep their number."""
    own = [match["file"] or f"{match['entry']}.html" for _, match in files]
    plain = [_AGAIN.sub("", name) for name in own]
    shown = [short if plain.count(short) == 1 else name for short, name in zip(plain, own, strict=True)]
    count = Counter(shown)
    numbers = [match["attachment"] for _, match in files]
    unique = [name if count[name] == 1 else f"{number}_{name}" for name, number in zip(shown, numbers, strict=True)]
    return [tree.part(name, path) for (name, _), path in zip(files, unique, strict=True)]
