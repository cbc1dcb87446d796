"""How the hand-ins of a class may lie in a folder or an archive: one file a layout, one row each in LAYOUTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from grader.intake.layouts import canvas, classroom, gradescope, moodle, pattern, plain
from grader.intake.layouts.found import Found, Person, Sorted, clean_id
from grader.intake.layouts.tree import Tree, enter_only_folder, list_archive, list_folder

__all__ = [
    "LAYOUTS",
    "Found",
    "Layout",
    "Person",
    "Sorted",
    "Tree",
    "clean_id",
    "enter_only_folder",
    "find_layout",
    "list_archive",
    "list_folder",
    "pattern",
    "plain",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way: ``title`` is its name, ``claims`` tells whether a tree has it, ``sort`` finds the hand-ins."""

    title: str
    claims: Callable[[Tree, bool], bool]
    sort: Callable[[Tree], Sorted]


LAYOUTS: Final[Mapping[str, Layout]] = {
    "gradescope": Layout(title="Gradescope's export", claims=gradescope.claims, sort=gradescope.sort),
    "moodle": Layout(title="Moodle's download", claims=moodle.claims, sort=moodle.sort),
    "classroom50": Layout(title="Classroom 50's download", claims=classroom.claims_download, sort=classroom.sort),
    "gh-classroom": Layout(title="gh classroom's clones", claims=classroom.claims_clone, sort=classroom.sort),
    "canvas": Layout(title="Canvas's download", claims=canvas.claims, sort=canvas.sort),
    "plain": Layout(title="a folder for each student", claims=lambda _tree, sure: sure, sort=plain.sort),
}


def find_layout(tree: Tree, *, sure: bool) -> Layout | None:
    """Return the first layout that claims the tree; ``sure`` where it is known to be a class."""
    return next((layout for layout in LAYOUTS.values() if layout.claims(tree, sure)), None)
