"""A folder, or an archive, for each student."""

from __future__ import annotations

from pathlib import Path

from grader.intake.handin import HandIn, find_stem
from grader.intake.layouts.found import Found, Sorted
from grader.intake.layouts.tree import Tree
from grader.intake.media import is_archive
from grader.intake.names import natural_key


def sort(tree: Tree) -> Sorted:
    """Return the hand-ins: folders and archives. Other loose files belong to none."""
    archives = [name for name in tree.files if is_archive(name, b"")]
    found = [build_plain(tree, name) for name in sorted((*tree.folders, *archives), key=natural_key)]
    return Sorted(found=tuple(found), left=tuple(name for name in tree.files if name not in archives))


def build_plain(tree: Tree, name: str) -> Found:
    """Return the folder or archive ``name`` as a hand-in."""
    if name in tree.folders:
        hand_in = tree.hand_in(name, [tree.part(name)])
    else:
        hand_in = tree.hand_in(find_stem(name), [tree.part(name, name)])
    return build_alone(hand_in)


def build_alone(hand_in: HandIn) -> Found:
    """Return a hand-in that is named by its student, by whatever id."""
    return Found(hand_in=hand_in, persons=((("", Path(hand_in.student).name),),))
