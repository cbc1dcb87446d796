"""One hand-in checked in CI against a bundle: nothing here is secret, and students read all that is written."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from grader.course import SECRET_VARIABLE, Course, load_course
from grader.errors import ConfigError, Exit, NothingFoundError
from grader.intake import plain_hand_in
from grader.model import Finding, Marksheet
from grader.pipeline import grade_submission, open_hand_in, open_lodgings
from grader.reading import find_notebook
from grader.rubric import Rubric
from grader.sandbox import Lodgings, NoRoomError

Tell = Callable[[str], None]

FORMATIVE = Finding(
    code="ci.formative",
    message="These points say that your hand-in is complete and can be read, and that your notebook runs. They are not "
    "your grade: what your answers are worth is decided after the deadline, by a run of the course's own.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What CI found: the marksheet by the bundle's rubric, and the exit code.

    That parts wait for a person is no failure here. ``scale`` makes whole numbers of all marks that the bundle's rubric
    can give, the same for every student.
    """

    marksheet: Marksheet
    code: Exit
    scale: int


def check_hand_in(
    path: Path,
    bundle: Path,
    *,
    user: str = "",
    room: bool = True,
    tell: Tell = lambda _: None,
    early: Callable[[Marksheet], None] | None = None,
) -> Check:
    """Return what the bundle's course makes of the hand-in at ``path``.

    The notebook runs in a sealed room, where none can be built (or not ``room``) on the open machine, as ``user`` if
    that is given (a name or a number; root alone can do that). ``early`` is given what is known before the notebook
    runs. Raises ConfigError for a bundle in no order, NothingFoundError where nothing was handed in.
    """
    with _own_secret():
        course = load_course([], root=bundle, rubric=None, class_folder=None)
        hand_in = plain_hand_in(path.resolve())
        submission = open_hand_in(course, hand_in)
        if not any(item.size_bytes for item in submission.artifacts):
            raise NothingFoundError(f"nothing was handed in: {path.name} holds no file that could be graded")
        notebook = find_notebook(course, submission) is not None
        if early is not None and notebook:
            early(_finish(grade_submission(course, hand_in, lodgings=None)))
        with _open(course, user, room, tell) if notebook else contextlib.nullcontext() as lodgings:
            sheet = grade_submission(course, hand_in, lodgings=lodgings, progress=tell)
    ungraded = [mark.evidence for mark in sheet.marks if mark.evidence.verdict == "ungraded"]
    for evidence in ungraded:
        tell(f"{evidence.criterion} could not be graded: {evidence.review.reason if evidence.review else ''}")
    code = Exit.INFRASTRUCTURE if ungraded else Exit.GRADED
    return Check(marksheet=_finish(sheet), code=code, scale=find_scale(course.rubric))


def find_scale(rubric: Rubric) -> int:
    """Return 1 where every mark that the rubric can give is a whole number, else 100."""
    parts = (item.available * credit for item in rubric.criteria for credit in _list_credits(item.question))
    return 1 if all(part % 1 == 0 for part in parts) else 100


def _list_credits(question: Any) -> Sequence[Decimal]:
    """Return the parts of its credit that a question gives; a hundredth for one that may give any."""
    if question.kind == "presence":
        return (Decimal(1),)
    return [point.credit for point in question.points] if question.kind == "notebook" else (Decimal("0.01"),)


def _finish(sheet: Marksheet) -> Marksheet:
    return replace(sheet, findings=(FORMATIVE, *sheet.findings))


@contextlib.contextmanager
def _own_secret() -> Iterator[None]:
    """Grade with a secret that nobody has or will have: nothing hidden is asked here."""
    before = os.environ.get(SECRET_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="grade-ci-") as folder:
        os.environ[SECRET_VARIABLE] = str(Path(folder) / "secret")
        try:
            yield
        finally:
            os.environ.pop(SECRET_VARIABLE)
            if before is not None:
                os.environ[SECRET_VARIABLE] = before


@contextlib.contextmanager
def _open(course: Course, user: str, room: bool, tell: Tell) -> Iterator[Lodgings]:
    """Give a place for the notebook: the best that there is."""
    rooms = open_lodgings(course, warm=False) if room else None
    if rooms is not None:
        with contextlib.closing(rooms):
            try:
                rooms.start()
            except NoRoomError as error:
                tell(f"{str(error).splitlines()[0]}; the notebook runs on the open machine")
            else:
                yield rooms
                return
    with _open_unsafe(course, user) as lodgings:
        yield lodgings


@contextlib.contextmanager
def _open_unsafe(course: Course, user: str) -> Iterator[Lodgings]:
    from grader.sandbox.unsafe import UnsafeLodgings

    settings = course.rubric.notebook
    assert settings is not None  # noqa: S101 (as above)
    number = find_user(user) if user else None
    with tempfile.TemporaryDirectory(prefix="grade-ci-data-") as folder:
        # A copy: the bundle itself may be closed to that user.
        data = Path(folder) / "data"
        if settings.data:
            shutil.copytree(course.root / settings.data, data)
        for item in (Path(folder), *Path(folder).rglob("*")):
            item.chmod(0o755 if item.is_dir() else 0o644)
        yield UnsafeLodgings(settings, data, seed=settings.seed, user=number)


def find_user(user: str) -> int:
    """Return a user's number. Raises ConfigError where there is none, for root, and where we may not become them."""
    try:
        number = int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ConfigError(f"--notebook-user {user}: there is no such user") from None
    if number == 0 or os.geteuid() != 0:
        raise ConfigError(f"--notebook-user {user}: only root can run a notebook as another user, who is not root")
    return number


def write_files(out: Path, files: Sequence[tuple[str, str]]) -> None:
    """Write each file whole, in place of whatever stood under its name, a link too."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files:
        handle, temporary = tempfile.mkstemp(dir=out, prefix=".grade-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, out / name)
