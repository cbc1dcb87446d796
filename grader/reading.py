"""What a hand-in's files say: documents read, within bounds, and an answer for every criterion found in them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from grader.course import Course
from grader.documents import Document, find_passages, find_printed, read_document
from grader.documents.encoding import read_text
from grader.intake import may_hold_answers, read_artifact
from grader.kinds.addressed import find_addressed, leave_out_pleas
from grader.model import Answer, Artifact, Finding, Submission
from grader.rubric import Criterion
from grader.sandbox.notebooks import UnreadableNotebookError, read_notebook

REPORT_MEDIA = frozenset({"markdown", "text", "html", "pdf", "docx", "image", "notebook"})
# A report is a file or a few, takes a tenth of a second each, and is a hundredth as long as this.
_READ_SECONDS, _MOST_FILES, _MOST_CHARACTERS = 20.0, 60, 1_000_000
_TOO_MUCH = "there is more in this hand-in than is read of one"


def read_documents(submission: Submission) -> list[Document]:
    """Return every file of the hand-in that may hold written answers, as read.

    What lies beyond 60 files, a million characters or 20 seconds is unreadable: a hand-in must not hold a class up.
    """
    end, room = time.monotonic() + _READ_SECONDS, _MOST_CHARACTERS
    documents: list[Document] = []
    left = [item for item in submission.artifacts if item.media in REPORT_MEDIA]
    while left and len(documents) < _MOST_FILES and room > 0 and time.monotonic() < end:
        artifact = left.pop(0)
        documents.append(read_document(artifact.path, artifact.media, read_artifact(submission, artifact)))
        room -= sum(len(line.text) for block in documents[-1].blocks for line in block.lines)
    unread = [Document(file=item.path, unreadable=_TOO_MUCH) for item in left]
    return [*documents, *_tell_unread(unread, len(documents))]


def _tell_unread(documents: list[Document], read: int) -> list[Document]:
    """Say in one finding, which the first carries, that files were not read."""
    if not documents:
        return []
    names = ", ".join(f"“{document.file}”" for document in documents[:3])
    others = f" and {len(documents) - 3} more" if len(documents) > 3 else ""
    message = f"Only {read} files were read: a hand-in is one report, or a few files. Not read: {names}{others}."
    finding = Finding(code="documents.too_much", message=message)
    return [replace(documents[0], findings=(finding,)), *documents[1:]]


def find_all_addressed(submission: Submission, documents: Sequence[Document]) -> list[Finding]:
    """Return where each file speaks to the grader: in what is read as a report, and in what no reader of it sees.

    Files that were not opened, since there are too many, are left to whoever opens them.
    """
    files = {document.file: document for document in documents if document.unreadable != _TOO_MUCH}
    artifacts = [item for item in submission.artifacts if item.path in files]
    found = [find_addressed(item.path, _list_texts(submission, item, files[item.path])) for item in artifacts]
    return [finding for finding in found if finding]


def _list_texts(submission: Submission, artifact: Artifact, document: Document) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of all a file says: a notebook's cells, a text as it stands, else what was read of it."""
    if artifact.media == "notebook":
        with contextlib.suppress(UnreadableNotebookError):
            for cell in read_notebook(read_artifact(submission, artifact)):
                yield f"cell {cell.index}, ", cell.source
    elif artifact.media in ("markdown", "text", "html"):
        decoded = read_text(read_artifact(submission, artifact))
        yield "", decoded.text if decoded else ""
    else:
        for block in document.blocks:
            yield f"{block.location}, ", block.text


def find_answers(course: Course, submission: Submission, documents: Sequence[Document]) -> dict[str, Answer]:
    """Return an answer for every criterion: its passage in the report, or the notebook that was handed in."""
    places = course.rubric.places
    passages = find_passages(documents, list(places.values()))
    machine_read = submission.machine_read
    answers = {}
    for criterion in course.rubric.criteria:
        if criterion.id not in places:
            answers[criterion.id] = _read_notebook_answer(course, submission, criterion, find_printed(documents))
            continue
        passage = passages[places[criterion.id]]
        state, reason = passage.state, passage.reason
        if state == "missing" and (unread := _unread(submission)):
            state, reason = "unreadable", f"nothing was found here, but a file could not be read: {unread}"
        answer = Answer(
            question=criterion.id,
            state=state,
            text=passage.text,
            location=passage.location,
            machine_read=machine_read or passage.machine_read,
            extracted=passage.extracted,
            reason=reason,
            above=passage.above,
        )
        answers[criterion.id] = leave_out_pleas(answer)
    return answers


def _unread(submission: Submission) -> str:
    """Return what was not read: answers may stand there, so nothing counts as missing."""
    told = [item for item in submission.artifacts if item.size_bytes]
    known = any(item.media in REPORT_MEDIA for item in told)
    strange = [item.path for item in told if may_hold_answers(item) or not known]
    told_of = dict.fromkeys(finding.message.partition(". A person ")[0].rstrip(".") for finding in submission.findings)
    return "; ".join([*list(told_of)[:2], *strange[:3]])


def find_notebook(course: Course, submission: Submission) -> Artifact | None:
    """Return the notebook to run: the one that the rubric's pattern names, the largest where several match."""
    pattern = course.rubric.notebook.file if course.rubric.notebook else ""
    found = [item for item in submission.artifacts if item.media == "notebook" and Path(item.path).match(pattern)]
    return max(found, key=lambda item: (item.size_bytes, item.path), default=None)


def _read_notebook_answer(course: Course, submission: Submission, criterion: Criterion, printed: str) -> Answer:
    """Return the notebook, or why there is none to run; ``printed`` names a page or a PDF that shows one."""
    artifact = find_notebook(course, submission)
    if artifact is not None:
        return Answer(question=criterion.id, state="given", text=artifact.path)
    programs = [item.path for item in submission.artifacts if item.path.endswith(".py") and item.size_bytes]
    if unread := _unread(submission) or ", ".join(programs[:3]):
        return Answer(question=criterion.id, state="unreadable", reason=f"no notebook could be opened: {unread}")
    if printed:
        reason = f"{printed} shows a notebook, which cannot be run from there"
        return Answer(question=criterion.id, state="unreadable", reason=reason)
    return Answer(question=criterion.id, state="missing")
