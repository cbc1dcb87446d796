"""``grade export``: a class's marks as the files that another system takes. A row of the table for each format."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.batch.gradebook import Gradebook
from grader.delivery.formats.canvas import CanvasRow, render_canvas
from grader.delivery.formats.classroom50 import build_scores, render_release_body, scale_marks
from grader.delivery.formats.gradescope import render_gradescope
from grader.delivery.formats.junit import render_junit
from grader.delivery.formats.markdown import render_markdown
from grader.delivery.formats.moodle import MoodleEntry, MoodleSheet, render_comment
from grader.delivery.formats.scores import ScoreRow, render_scores
from grader.delivery.ready import Delivery, Ready
from grader.delivery.worksheet import Worksheet
from grader.errors import ConfigError, InfrastructureError, NothingFoundError
from grader.feedback.student_view import StudentView, student_view
from grader.intake import escape_name
from grader.intake.roster import Student
from grader.model import Marksheet

Files = Iterator[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What a format may be told besides the marks."""

    title: str | None = None
    worksheet: Path | None = None
    grade_column: str | None = None
    comment_column: str | None = None
    decimal_comma: bool = False
    scale: int = 100
    skip_unmatched: bool = False


@dataclass(frozen=True, kw_only=True)
class Export:
    """One export: what it is made from, and the notes that come of it."""

    delivery: Delivery
    options: ExportOptions
    notes: list[str] = field(default_factory=list)

    def list_sheets(self) -> Iterator[tuple[str, Ready, Marksheet]]:
        """Yield (student, what is ready, marksheet), a group's for each of its members."""
        for item in self.delivery.ready:
            sheet = self.delivery.load_marksheet(item)
            for student in item.students:
                yield student, item, sheet

    def list_views(self) -> Iterator[tuple[str, StudentView]]:
        """Yield (student, what the student may see)."""
        for student, _, sheet in self.list_sheets():
            yield student, student_view(sheet)

    def list_people(self) -> dict[str, Student]:
        """Return the roster's lines by student."""
        return {item.student_id: item for item in self.delivery.roster.students} if self.delivery.roster else {}

    def find_numbers(self, column: str) -> Mapping[str, str]:
        """Return the platform's number of each ready student: the roster's, else an id that is a number itself.

        Raises ConfigError with everybody who has none, unless they are to be left out.
        """
        people = {name: item.fields.get(column, "") for name, item in self.list_people().items()}
        ids = [student for item in self.delivery.ready for student in item.students]
        found = {
            student: people.get(student) or (student if student.isdecimal() and not people else "") for student in ids
        }
        self.leave_out(
            [student for student, number in found.items() if not number.isdecimal()], f"no {column} in the roster"
        )
        return {student: number for student, number in found.items() if number.isdecimal()}

    def leave_out(self, students: list[str], reason: str) -> None:
        """Note who is left out and why. Raises ConfigError where nobody may be."""
        if not students:
            return
        text = (
            f"{len(students)} without a row: {reason}: {', '.join(students[:20])}{', …' if len(students) > 20 else ''}"
        )
        if not self.options.skip_unmatched:
            raise ConfigError(
                f"{text}. Nothing was written (--skip-unmatched leaves them out; --roster names their numbers)"
            )
        self.notes.append(text)

    def refuse_provisional(self, platform: str) -> None:
        """Raise ConfigError for provisional marks where the format cannot say that they are."""
        names = [item.name for item in self.delivery.ready if item.provisional]
        if names:
            raise ConfigError(
                f"{platform} has no place to say that a mark is provisional, and {len(names)} would be "
                f"({', '.join(names[:10])}): export without --include-provisional"
            )


def _export_canvas(export: Export) -> Files:
    export.refuse_provisional("Canvas")
    numbers = export.find_numbers("canvas_id")
    people = export.list_people()
    rows, available, title = [], None, export.options.title
    for student, _, sheet in export.list_sheets():
        available, title = sheet.available, title or sheet.title
        if student in numbers and sheet.awarded is not None:
            known = people[student].fields if student in people else {}
            name, section = known.get("name") or student, known.get("section") or ""
            rows.append(CanvasRow(number=numbers[student], name=name, section=section, total=sheet.awarded))
    if available is not None and title is not None:
        yield "canvas.csv", render_canvas(title, available, rows).encode("utf-8", "surrogateescape")


def _export_moodle(export: Export) -> Files:
    options = export.options
    if options.worksheet is None:
        raise ConfigError("--format moodle edits the sheet that Moodle gave you: name it with --worksheet FILE")
    worksheet = Worksheet(options.worksheet)
    sheet = MoodleSheet(worksheet, grade_column=options.grade_column, comment_column=options.comment_column)
    if not sheet.takes_comments:
        export.refuse_provisional("A worksheet without a column for comments")
    numbers = export.find_numbers("moodle_id")
    known = {student: number for student, number in numbers.items() if number in sheet.participants}
    export.leave_out([student for student in numbers if student not in known], f"not in {options.worksheet.name}")
    kept: list[str] = []
    unsaid: list[str] = []
    for student, item, marksheet in export.list_sheets():
        if student not in known:
            continue
        number, most = known[student], sheet.find_most(known[student])
        if most is not None and most != marksheet.available:
            raise ConfigError(
                f"{options.worksheet}: the assignment's maximum there is {most}, the rubric's {marksheet.available}: "
                f"Moodle would show other marks. Set the maximum in Moodle and download the worksheet again."
            )
        if sheet.takes_comments and not sheet.may_comment(number):
            (unsaid if item.provisional else kept).append(student)
            if item.provisional:
                continue
        comment = render_comment(student_view(marksheet))
        entry = MoodleEntry(participant=number, total=marksheet.awarded_so_far, comment=comment)
        sheet.fill(entry, decimal_comma=options.decimal_comma)
    if kept:
        export.notes.append(f"{len(kept)} comments that stood in the worksheet were kept: {', '.join(kept[:10])}")
    if unsaid:
        reason = "provisional, and a person's comment stands where that would be said"
        export.notes.append(f"{len(unsaid)} left as they were: {reason}: {', '.join(unsaid[:10])}")
    others = len(sheet.participants) - len(known)
    if others:
        export.notes.append(f"{others} rows of the worksheet are as they were: no mark of theirs is ready")
    yield options.worksheet.name, worksheet.render()


def _export_gradescope(export: Export) -> Files:
    for student, view in export.list_views():
        yield f"{escape_name(student)}/results.json", render_gradescope(view).encode()


def _export_markdown(export: Export) -> Files:
    for student, view in export.list_views():
        yield f"{escape_name(student)}.md", render_markdown(view).encode()


def _export_junit(export: Export) -> Files:
    # A group's marks count once: what is tested is the hand-in.
    views = (student_view(export.delivery.load_marksheet(item)) for item in export.delivery.ready)
    yield "junit.xml", render_junit(views).encode()


def _export_csv(export: Export) -> Files:
    rubric = export.delivery.course.rubric
    groups = {item.name: item.students for item in export.delivery.ready}
    book = Gradebook([item.id for item in rubric.criteria], late=rubric.late is not None, groups=groups)
    for item in export.delivery.ready:
        book.add(export.delivery.load_marksheet(item))
    yield "marks.csv", "".join(book.export()).encode("utf-8", "surrogateescape")


def _export_classroom50(export: Export) -> Files:
    """Yield scores.csv, and for every student what the platform's own run left a name for."""
    rows, unnamed = [], 0
    people = export.list_people()
    hand_ins = {item.student: item for known in export.delivery.classes for item in known.hand_ins}
    for student, item, sheet in export.list_sheets():
        view, scale = student_view(sheet), export.options.scale
        person = people.get(student)
        login = (person.fields.get("github") if person else None) or student
        scores = build_scores(view, scale)
        identity = _find_identity(Path(hand_ins[item.name].folder), login)
        unnamed += not identity
        rows.append(
            ScoreRow(
                username=login,
                fields=person.fields if person else {},
                score=scale_marks(view.earned, scale),
                most=scale_marks(view.available, scale),
                submitted=sheet.submitted_at or identity.get("datetime", ""),
                tag=identity.get("submission", ""),
                review=identity.get("review", ""),
                late=bool(sheet.deductions),
            )
        )
        if identity:
            document = {"schema": "classroom50/result/v1", **identity, **scores}
            yield f"{escape_name(login)}/result.json", (json.dumps(document, indent=1) + "\n").encode()
        yield f"{escape_name(login)}/release-body.md", render_release_body(view, scale).encode()
    if unnamed:
        export.notes.append(
            f"{unnamed} without a result.json: the platform's own, which names the submission, is not there"
        )
    yield "scores.csv", render_scores(rows).encode("utf-8", "surrogateescape")


_IDENTITY = (
    "classroom",
    "assignment",
    "assignment_type",
    "owner",
    "submission",
    "commit",
    "release",
    "review",
    "datetime",
)


def _find_identity(folder: Path, login: str) -> dict[str, str]:
    """Return what names the submission in the result.json that was downloaded with it; {} where none is to be trusted.

    A student can write that file, so nothing but names is taken, and only for the owner of the login itself.
    """
    try:
        with (folder / "result.json").open("rb") as stream:
            data = json.loads(stream.read(1_000_000))
        found = {name: str(data[name])[:300] for name in _IDENTITY}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    named = found["owner"].casefold() == login.casefold() and found["submission"].startswith("submit/")
    return found if named and all(value.isprintable() for value in found.values()) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a class leaves: ``export`` yields (name, bytes); ``single`` where that is one file."""

    export: Callable[[Export], Files]
    single: bool
    help: str


FORMATS: Mapping[str, Format] = {
    "canvas": Format(
        export=_export_canvas, single=True, help="a gradebook CSV to import; needs canvas_id in the roster"
    ),
    "moodle": Format(export=_export_moodle, single=True, help="Moodle's grading worksheet, filled in (--worksheet)"),
    "gradescope": Format(export=_export_gradescope, single=False, help="a results.json for each student"),
    "classroom50": Format(export=_export_classroom50, single=False, help="scores.csv, and a result for each student"),
    "junit": Format(export=_export_junit, single=True, help="one XML file, a suite for each hand-in"),
    "markdown": Format(export=_export_markdown, single=False, help="a page of Markdown for each student"),
    "csv": Format(export=_export_csv, single=True, help="the marks that are ready, with the gradebook's columns"),
}


_MARKER = ".written-by-grade-export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written, where, and what the teacher should know."""

    place: Path
    files: int
    students: int
    notes: tuple[str, ...]


def export_class(delivery: Delivery, form: str, to: Path, options: ExportOptions, *, default: bool = False) -> Written:
    """Write a class in a format: whole, or not at all.

    ``to`` is the file of a format of one file, else the folder; with ``default`` always the folder. A folder is
    written anew, if it is empty or was written by this before. Raises NothingFoundError where no mark is ready,
    ConfigError for what a format cannot take.
    """
    if not delivery.ready:
        raise NothingFoundError("no mark is ready to leave; nothing was written")
    export = Export(delivery=delivery, options=options)
    row = FORMATS[form]
    single = row.single and not default
    folder = to.parent if single else to
    if not single and to.exists() and (not to.is_dir() or (any(to.iterdir()) and not (to / _MARKER).exists())):
        raise ConfigError(f"{to} is there already and was not written by grade export: name another place with --to")
    if single and to.is_dir():
        raise ConfigError(f"{to} is a folder, and {form} is one file: name the file")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as scratch:
            count, last = 0, Path()
            for name, data in row.export(export):
                last = Path(scratch, "new", name)
                last.parent.mkdir(parents=True, exist_ok=True)
                last.write_bytes(data)
                count += 1
            if single:
                folder.mkdir(exist_ok=True)
                os.replace(last, to)
            else:
                Path(scratch, "new", _MARKER).touch()
                if to.exists():
                    to.replace(Path(scratch, "old"))
                Path(scratch, "new").replace(to)
    except OSError as error:
        raise InfrastructureError(f"cannot write {to}: {error.strerror or error}") from None
    students = sum(len(item.students) for item in delivery.ready)
    return Written(place=to, files=count, students=students, notes=tuple(export.notes))
