"""Which pages of a report a person must look at, and their pictures.

``name_pages`` writes them into the evidence (``observed["pages"]``), for staff only; ``draw_named_pages`` draws them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from grader.documents import MOST_PAGES, Document, draw_pages
from grader.intake import read_artifact
from grader.model import Answer, Evidence, Submission

FOLDER = "pages"


def name_pages(
    evidence: Sequence[Evidence], answers: Mapping[str, Answer], documents: Sequence[Document]
) -> tuple[Evidence, ...]:
    """Return the evidence, each undecided one with the pages to look at: the answer's own, else every unread one.

    At most MOST_PAGES pictures a hand-in.
    """
    names: dict[tuple[str, int], str] = {}
    done = []
    for item in evidence:
        wanted = [] if item.decided else list(_find_pages(answers[item.criterion], documents))
        for place in wanted:
            if len(names) < MOST_PAGES:
                names.setdefault(place, f"{FOLDER}/page-{len(names) + 1}.jpg")
        shown = [{"picture": names[place], "file": place[0], "page": place[1]} for place in wanted if place in names]
        done.append(replace(item, observed={**item.observed, "pages": shown}) if shown else item)
    return tuple(done)


def _find_pages(answer: Answer, documents: Sequence[Document]) -> Iterator[tuple[str, int]]:
    """Yield (file, page)."""
    place = answer.location
    if place is not None and place.page is not None:
        yield place.file, place.page
        return
    unread = [document for document in documents if document.unreadable or document.partly]
    if place is None or place.file in (document.file for document in unread):
        for document in unread:
            yield from ((document.file, page) for page in range(1, min(document.pages, MOST_PAGES) + 1))


def draw_named_pages(submission: Submission, evidence: Sequence[Evidence]) -> dict[str, bytes]:
    """Return the pictures that the evidence names, by name; one that cannot be drawn is left out."""
    wanted: dict[str, dict[int, str]] = {}
    for item in evidence:
        for shown in item.observed.get("pages", ()):
            wanted.setdefault(shown["file"], {})[shown["page"]] = shown["picture"]
    drawn: dict[str, bytes] = {}
    for artifact in submission.artifacts:
        if artifact.path in wanted:
            pages = sorted(wanted[artifact.path].items())
            pictures = draw_pages(read_artifact(submission, artifact), [page for page, _ in pages])
            drawn |= {name: picture for (_, name), picture in zip(pages, pictures, strict=False)}
    return drawn
