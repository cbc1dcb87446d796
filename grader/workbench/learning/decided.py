"""What people decided in a graded folder, grouped by like answers, with the answers as they were read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from grader.batch.classes import GradedClass, load_classes
from grader.batch.moderation import Moderation
from grader.batch.store import Store
from grader.batch.unit import load_job_course
from grader.batch.waiting import find_likeness
from grader.codec import read_marksheet
from grader.course import Course
from grader.intake import HandIn, load_roster
from grader.kinds.addressed import leave_out_pleas
from grader.marking import digest_evidence
from grader.model import Answer, Decision, Mark
from grader.pipeline import open_hand_in
from grader.reading import find_answers, read_documents
from grader.workbench.trial import Case

MOST_ANSWERS = 20
"""Of a group's differently written answers so many are looked at."""
_LEAST_NAME = 3
_NAMING = ("name", "email", "github")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedGroup:
    """Like answers to one criterion on which people decided the same; ``students`` is how many.

    ``credit`` is between 0 and 1. ``comment`` is what the students were told. ``answers`` are the answers, each as it
    was written once. ``names`` are ids and names that must stand in no rubric, in lower case. ``problem`` says why
    nothing can be learned from the group, "" where something may be.
    """

    id: str
    criterion: str
    verdict: str
    credit: Decimal
    comment: str
    students: int
    answers: tuple[Case, ...]
    names: frozenset[str]
    problem: str = ""

    @property
    def label(self) -> str:
        """What the group is called on the command line."""
        return f"{self.criterion}-{self.id}"

    def find_name(self, text: str) -> str:
        """Return an id or a name that stands in a text, "" for none."""
        return _find_name(text, self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    student: str
    mark: Mark
    decision: Decision
    handed_in: str
    likeness: str


def list_decided(out: Path, criterion: str | None = None) -> tuple[Course, tuple[DecidedGroup, ...]]:
    """Return the course and every group of decisions that count, those on most students first.

    Raises NothingFoundError where nothing was graded, ConfigError where the course is in no order.
    """
    store, moderation = Store(out), Moderation(out)
    classes = load_classes(store)
    found: dict[tuple[str, str], list[_Decided]] = {}
    for item in _find_decided(store, moderation):
        if criterion in (None, item.decision.criterion):
            found.setdefault((item.decision.criterion, item.likeness), []).append(item)
    desk = _Desk(classes)
    groups = [desk.build(key[1][:12], items) for key, items in found.items()]
    return desk.course, tuple(sorted(groups, key=lambda group: (-group.students, group.criterion, group.id)))


def _find_decided(store: Store, moderation: Moderation) -> Iterator[_Decided]:
    for student, name in store.list_marksheets().items():
        data = store.get(name)
        if data is None or not (decisions := moderation.find(student)):
            continue
        sheet = read_marksheet(data.decode("utf-8", "surrogateescape"))
        handed_in = sheet.digests["submission"]
        for mark in sheet.marks:
            decision = decisions.get(mark.criterion)
            if decision is not None and decision.seen == digest_evidence(mark.evidence, handed_in):
                likeness = find_likeness(mark.evidence, student)
                yield _Decided(student=student, mark=mark, decision=decision, handed_in=handed_in, likeness=likeness)


class _Desk:
    """The courses of a graded folder's classes, their hand-ins, and who is in them."""

    def __init__(self, classes: Iterable[GradedClass]) -> None:
        self._hand_ins: dict[str, tuple[Course, HandIn]] = {}
        self._names: dict[str, set[str]] = {}
        self._full: dict[str, str] = {}
        self._answers: dict[str, tuple[str, Mapping[str, Answer]]] = {}
        courses = []
        for item in classes:
            course = load_job_course(item.job)
            courses.append(course)
            self._hand_ins |= {hand_in.student: (course, hand_in) for hand_in in item.hand_ins}
            for student in load_roster(Path(item.roster)).students if item.roster else ():
                self._names[student.student_id] = {student.fields.get(name, "") for name in _NAMING}
                self._full[student.student_id] = student.fields.get("name", "")
        self.course = courses[0]

    def build(self, name: str, items: list[_Decided]) -> DecidedGroup:
        first = items[0]
        names = self._find_names([item.student for item in items])
        group = DecidedGroup(
            id=name,
            criterion=first.decision.criterion,
            verdict=str(first.decision.verdict),
            credit=_find_credit(first),
            comment=choose_comment([item.decision for item in items], names),
            students=len(items),
            answers=(),
            names=names,
        )
        said = {(item.decision.verdict, _find_credit(item)) for item in items}
        if len(said) > 1:
            return replace(group, problem="people decided differently on like answers")
        if (group.verdict, group.credit) not in _agreeing(group):
            return replace(group, problem=f"the verdict {group.verdict} does not go with credit {group.credit}")
        try:
            answers = tuple(self._read(items))
        except LookupError as error:
            return replace(group, problem=str(error))
        return replace(group, answers=answers)

    def _read(self, items: list[_Decided]) -> Iterator[Case]:
        """Yield each answer as it was written once. Raises LookupError where one cannot be had again."""
        written = {str(item.mark.evidence.observed.get("answer", "")): item for item in reversed(items)}
        for item in [*written.values()][:MOST_ANSWERS]:
            if item.mark.evidence.observed.get("pages"):
                raise LookupError("the answer, or a part of it, is in a picture")
            answers = self._open(item)
            answer = answers.get(item.mark.criterion)
            if answer is None or answer.state != "given" or not answer.text.strip():
                raise LookupError("no text was read, so that there is nothing to know another answer by")
            others = {name: other.shown for name, other in answers.items() if other.state == "given"}
            del others[item.mark.criterion]
            yield Case(
                criterion=item.mark.criterion,
                answer=answer.shown,
                machine_read=answer.machine_read,
                answers=others,
            )

    def _open(self, item: _Decided) -> Mapping[str, Answer]:
        if item.student not in self._hand_ins:
            raise LookupError("the hand-in is not there any more")
        course, hand_in = self._hand_ins[item.student]
        if item.student not in self._answers:
            submission = open_hand_in(course, hand_in)
            found = find_answers(course, submission, read_documents(submission))
            self._answers[item.student] = submission.digest, found
        digest, answers = self._answers[item.student]
        if digest != item.handed_in:
            raise LookupError("was handed in anew since: grade first")
        return answers

    def _find_names(self, students: list[str]) -> frozenset[str]:
        """Return everybody's id and whole name, and of these students each part of the name as well."""
        names = {fold_words(name) for name in self._hand_ins}
        names |= {fold_words(name) for known in self._names.values() for name in known}
        names |= {part for student in students for part in fold_words(self._full.get(student, "")).split()}
        return frozenset(name for name in names if len(name) >= _LEAST_NAME)


def choose_comment(decisions: Sequence[Decision], names: frozenset[str]) -> str:
    """Return the comment of all the decisions, "" where they differ or it names a student or who decided.

    A rubric shows it to every later student. The name of who decided counts in parts, as it is signed.
    """
    comments = {item.comment for item in decisions}
    staff = {part for item in decisions for part in fold_words(item.who).split() if len(part) >= _LEAST_NAME}
    comment = comments.pop() if len(comments) == 1 else ""
    return "" if _find_name(comment, names | staff) else comment


def _find_name(text: str, names: frozenset[str]) -> str:
    plain = f" {fold_words(text)} "
    return next((name for name in sorted(names) if f" {name} " in plain), "")


def fold_words(text: str) -> str:
    """Return the words and numbers of a text, in lower case and Latin digits, with single spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(str(unicodedata.decimal(char, char)) for char in plain if unicodedata.category(char) != "Cf")
    return " ".join(re.findall(r"\w+", plain.replace("_", " ")))


def _find_credit(item: _Decided) -> Decimal:
    decision = item.decision
    credit = decision.credit if decision.marks is None else decision.marks / item.mark.available
    return min(credit or Decimal(0), Decimal(1)).quantize(Decimal("0.0001")).normalize() + 0


def _agreeing(group: DecidedGroup) -> set[tuple[str, Decimal]]:
    """Return the verdict that the grader itself would give to this credit."""
    verdict = "correct" if group.credit == 1 else "partial" if group.credit else "wrong"
    return {(verdict, group.credit), ("missing", Decimal(0))}


def is_addressed(case: Case) -> bool:
    """Return whether an answer speaks to the grader."""
    answer = Answer(question=case.criterion, state="given", text=case.answer)
    return bool(leave_out_pleas(answer).written)
