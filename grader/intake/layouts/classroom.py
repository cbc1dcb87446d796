"""Repositories by GitHub login: Classroom 50's `gh teacher download`, and the old `gh classroom clone student-repos`.

``dl-hw5_submissions_2026_11_25_T_10_00_00/dl-hw5-octocat/`` with scores.csv; ``hw5-submissions/hw5-octocat/``.
"""

from __future__ import annotations

import csv
import io
import re

from grader.intake.layouts.found import Found, Sorted, clean_id, find_time
from grader.intake.layouts.tree import Tree

SCORES = "scores.csv"
_DOWNLOAD = re.compile(r"(?P<assignment>.+)_submissions_\d{4}(?:_\d\d){2}_T_\d\d(?:_\d\d){2}")
_OLD = re.compile(r"(?P<assignment>.+)-submissions")


def claims_download(tree: Tree, sure: bool) -> bool:
    """Tell whether it is the download of Classroom 50."""
    del sure  # no other names look like these
    return bool(tree.folders) and (_DOWNLOAD.fullmatch(tree.name) is not None or "submission_tag" in _read_head(tree))


def claims_clone(tree: Tree, sure: bool) -> bool:
    """Tell whether these are repositories that the old `gh classroom` has cloned."""
    del sure  # no other names look like these
    match = _OLD.fullmatch(tree.name)
    return match is not None and bool(tree.folders) and all(n.startswith(f"{match[1]}-") for n in tree.folders)


def sort(tree: Tree) -> Sorted:
    """Return the hand-ins by login, with their time where the list of scores has it."""
    match = _DOWNLOAD.fullmatch(tree.name) or _OLD.fullmatch(tree.name)
    times = _read_times(tree)
    found = []
    for name in tree.folders:
        login = _find_login(name, match["assignment"] if match else "", list(times))
        hand_in = tree.hand_in(clean_id(login), [tree.part(name)], submitted_at=find_time(times.get(login.casefold())))
        found.append(Found(hand_in=hand_in, persons=((("github", login),),)))
    return Sorted(found=tuple(found), left=tuple(name for name in tree.files if name != SCORES))


def _find_login(folder: str, assignment: str, logins: list[str]) -> str:
    """Return whose a repository is: what follows the assignment, else the longest login that its name ends with."""
    if assignment and folder.startswith(f"{assignment}-"):
        return folder.removeprefix(f"{assignment}-")
    ends = [login for login in logins if folder.casefold().endswith(f"-{login}")]
    return folder[-len(max(ends, key=len)) :] if ends else folder


def _read_scores(tree: Tree) -> list[dict[str, str]]:
    if SCORES not in tree.files:
        return []
    text = tree.read(SCORES).decode("utf-8-sig", "replace")
    return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(io.StringIO(text))]


def _read_head(tree: Tree) -> set[str]:
    return {key for row in _read_scores(tree)[:1] for key in row}


def _read_times(tree: Tree) -> dict[str, str]:
    """Return by login, in small letters, when the hand-in came."""
    return {row["username"].casefold(): row.get("datetime", "") for row in _read_scores(tree) if row.get("username")}
