"""The pictures of pages beside a marksheet: ``graded/<id>/pages/``, for staff."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from grader.batch.store import Store
from grader.model import Evidence, Submission
from grader.pages import FOLDER, draw_named_pages


def show_pages(store: Store, submission: Submission, evidence: Sequence[Evidence], *, anew: bool) -> None:
    """Write the pictures that the evidence names, and remove those that it names no more.

    ``anew`` where the evidence was just made; else only what is not there is drawn.
    """
    folder = store.out / submission.student
    named = {shown["picture"] for item in evidence for shown in item.observed.get("pages", ())}
    if named and (anew or not all((folder / name).is_file() for name in named)):
        for name, picture in draw_named_pages(submission, evidence).items():
            store.write_file(f"{submission.student}/{name}", picture)
    for path in (folder / FOLDER).glob("page-*.jpg"):
        if f"{FOLDER}/{path.name}" not in named:
            with contextlib.suppress(OSError):
                path.unlink()
