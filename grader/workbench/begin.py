"""A new course, or a further assignment of one: files to begin from, each a working example (``grade init``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from grader.errors import ConfigError

STARTER = Path(__file__).parent / "starter"
# Where each file of starter/ goes; "@NAME@" stands for the assignment, also inside the files.
PLACES: Mapping[str, str] = {
    "rubric.yaml": "rubrics/@NAME@.yaml",
    "mutants.yaml": "rubrics/mutants/@NAME@.yaml",
    "probes.py": "reference/@NAME@/probes.py",
    "checks.py": "reference/@NAME@/checks.py",
    "solution.ipynb": "reference/@NAME@/solution.ipynb",
    "class.yaml": "submissions/class.yaml",
    "report.md": "submissions/example/report.md",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_TEMPLATES = "A file here replaces the page's or the mail's of the same name; see the grader's own templates/.\n"


def plan_files(name: str, title: str) -> dict[str, str]:
    """Return (path from the course's root: text) of everything that is written. Raises ConfigError for a bad name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of an assignment: small letters, digits and _, as hw7")
    title = " ".join(title.replace('"', "'").split()) or name
    planned = {}
    for file, place in PLACES.items():
        text = (STARTER / file).read_text(encoding="utf-8")
        planned[place.replace("@NAME@", name)] = text.replace("@NAME@", name).replace("@TITLE@", title)
    planned["submissions/example/notebook.ipynb"] = planned[f"reference/{name}/solution.ipynb"]
    planned["reference/__init__.py"] = ""
    planned[f"reference/{name}/__init__.py"] = f'"""The reference of {name}."""\n'
    planned["templates/README"] = _TEMPLATES
    return dict(sorted(planned.items()))


def begin_course(root: Path, name: str, title: str = "") -> list[str]:
    """Write the files that are not there yet, and return their paths from ``root``.

    Nothing that exists is written over: a rubric of that name is an error, other files are left as they are. Raises
    ConfigError, or OSError where nothing can be written.
    """
    planned = plan_files(name, title)
    if (root / "rubrics" / f"{name}.yaml").exists():
        raise ConfigError(f"{root / 'rubrics' / f'{name}.yaml'} is there already: nothing was written")
    written = []
    for place, text in planned.items():
        path = root / place
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(place)
    return written
