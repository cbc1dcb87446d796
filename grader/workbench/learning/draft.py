"""What a rubric and its tables of cases would gain from what people decided, each addition tried first."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.course import Course, load_course
from grader.errors import ConfigError
from grader.model import Evidence
from grader.workbench.learning.decided import DecidedGroup, fold_words, is_addressed
from grader.workbench.learning.edits import Edit, read_exactly, write_edits
from grader.workbench.learning.insertion import Addition, insert, render_flow
from grader.workbench.learning.ways import MOST_CHARACTERS, Way, find_ways
from grader.workbench.proofs import prove_formulas
from grader.workbench.trial import Case, check_text, load_cases

_TABLES = ("tests/cases/{kind}.yaml", "cases/{kind}.yaml")
_QUOTE = "'"  # LaTeX is full of backslashes, which double quotes would take for signs of their own
_HEAD = "# Answers to {criterion} and others, with what they are worth: grade try {criterion} --cases {file}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What came of one group: ``learned`` is the addition to the rubric, ``why`` why there is none; ``rows`` of cases.

    ``choices`` are the ways that would all do, of which a person must take one.
    """

    group: DecidedGroup
    learned: str = ""
    why: str = ""
    rows: int = 0
    choices: tuple[str, ...] = ()

    def describe(self) -> list[str]:
        """Return lines for the terminal."""
        group = self.group
        what = f"{group.label}: {group.students} × {group.verdict} ({group.credit:f})"
        lines = [f"{what}: {self.learned or self.why}"]
        lines += [f"    {number}. {text}" for number, text in enumerate(self.choices, 1)]
        return lines


@dataclass(slots=True)
class Draft:
    """Additions to one course's files, one on top of the other; nothing is written before ``apply``."""

    course: Course
    _edits: dict[Path, Edit] = field(default_factory=dict)
    _decided: list[DecidedGroup] = field(default_factory=list)

    def learn(self, group: DecidedGroup, take: int | None = None) -> Lesson:
        """Return what can be learned from a group, and keep it in the draft. ``take`` is which of several ways."""
        try:
            _refuse(group)
            rows = self._list_new(group)
        except LookupError as error:
            return Lesson(group=group, why=str(error))
        if all(_agrees(check_text(self.course, item), group) for item in group.answers):
            return self._keep_rows(Lesson(group=group, why="is decided so already"), rows, decided=True)
        try:
            found = self._find(group)
        except LookupError as error:
            return self._keep_rows(Lesson(group=group, why=str(error)), rows, decided=False)
        if take is None and len(found) > 1 and len([way for way, _, _ in found if way.certain]) != 1:
            told = tuple(way.text for way, _, _ in found)
            why = f"{len(found)} ways would do: say which with --take {group.label} NUMBER"
            return self._keep_rows(Lesson(group=group, why=why, choices=told), rows, decided=False)
        if take is not None and not 1 <= take <= len(found):
            raise ConfigError(f"--take {group.label} {take}: there are {len(found)} ways")
        sure = next((item for item in found if item[0].certain), found[0])
        way, text, course = sure if take is None else found[take - 1]
        self._put(self.course.rubric_path, text)
        self.course = course
        return self._keep_rows(Lesson(group=group, learned=way.text), rows, decided=True)

    @property
    def edits(self) -> list[Edit]:
        """What would change, file by file."""
        return [edit for _, edit in sorted(self._edits.items()) if edit.before != edit.after]

    def apply(self) -> list[Edit]:
        """Write every file whole. Raises InfrastructureError where one has changed meanwhile: then none is written."""
        edits = self.edits
        write_edits(edits, mode=self.course.rubric_path.stat().st_mode & 0o777)
        return edits

    # --- the rubric ---

    def _find(self, group: DecidedGroup) -> list[tuple[Way, str, Course]]:
        """Return the ways that do, with the rubric's text and course. Raises LookupError with why there is none."""
        place, question = self._find_question(group.criterion)
        evidence = check_text(self.course, group.answers[0])
        world = self.course.rubric.worlds.get(getattr(question, "world", ""))
        oracles = tuple(dict.fromkeys(rule.oracle for rule in getattr(question, "readings", {}).values()))
        ways = list(find_ways(question, group, evidence, oracles if world is not None and world.oracles else ()))
        useful = [way for way in ways if self._decides(self._with_question(place, way.question), group)]
        if not useful:
            raise LookupError("no addition to the rubric would decide these answers as the person did")
        found, reasons = [], []
        for way in useful:
            try:
                found.append((way, *self._verify(place, way, group)))
            except LookupError as error:
                reasons.append(str(error))
        if not found:
            raise LookupError(reasons[0])
        return found

    def _find_question(self, criterion: str) -> tuple[int, Any]:
        for place, item in enumerate(self.course.rubric.criteria):
            if item.id == criterion:
                return place, item.question
        raise LookupError(f"the rubric has no criterion {criterion} any more")

    def _with_question(self, place: int, question: Any) -> Course:
        criteria = list(self.course.rubric.criteria)
        criteria[place] = replace(criteria[place], question=question)
        return replace(self.course, rubric=replace(self.course.rubric, criteria=tuple(criteria)))

    def _decides(self, course: Course, group: DecidedGroup) -> bool:
        return all(_agrees(check_text(course, item), group) for item in group.answers)

    def _verify(self, place: int, way: Way, group: DecidedGroup) -> tuple[str, Course]:
        """Return the rubric with the addition, loaded strictly. Raises LookupError with what speaks against it."""
        path = self.course.rubric_path
        addition = replace(way.addition, path=("criteria", place, "question", *way.addition.path))
        try:
            text = insert(self._text(path), addition)
            course = self._load(text)
        except (ValueError, ConfigError) as error:
            raise LookupError(f"the rubric would be in no order: {error}") from None
        if not self._decides(course, group):
            raise LookupError("as text in the rubric it would not decide these answers")
        changed = [case.answer for case in self._load_rows(group.criterion) if self._moves(case, course)]
        if changed:
            raise LookupError(f"{len(changed)} known answers would be decided otherwise, as “{changed[0][:60]}”")
        for other in self._decided:
            if other.criterion == group.criterion and not self._decides(course, other):
                raise LookupError(f"it would undo what is learned from {other.label}")
        if way.proof:
            proofs = [item for item in prove_formulas(course) if item.reading == way.proof]
            if not proofs or any(item.wrong for item in proofs):
                raise LookupError("the reference's own differentiation gives something else: it is not right")
        return text, course

    def _moves(self, case: Case, course: Course) -> bool:
        """Return whether a known answer would be decided otherwise, unless it is as its row wants it."""
        before, after = check_text(self.course, case), check_text(course, case)
        if after.decided and after.verdict in case.expected:
            return False
        return (before.verdict, before.credit, before.decided) != (after.verdict, after.credit, after.decided)

    def _load(self, text: str) -> Course:
        with tempfile.TemporaryDirectory(prefix="grade-learn-") as folder:
            path = Path(folder) / self.course.rubric_path.name
            path.write_text(text, encoding="utf-8", newline="")
            loaded = load_course([], root=self.course.root, rubric=path, class_folder=None, again=True)
        return replace(loaded, rubric_path=self.course.rubric_path, secret=self.course.secret)

    # --- the tables ---

    def _find_table(self, criterion: str) -> Path:
        kind = self._find_question(criterion)[1].kind
        places = [self.course.root / name.format(kind=kind) for name in _TABLES]
        return next((path for path in places if path.exists() or path in self._edits), places[-1])

    def _load_rows(self, criterion: str) -> list[Case]:
        path = self._find_table(criterion)
        if not path.exists():
            return []
        try:
            return [case for case in load_cases(path, criterion, self.course) if case.criterion == criterion]
        except ConfigError as error:
            raise LookupError(f"the table of cases is in no order: {error.problems[0]}") from None

    def _list_new(self, group: DecidedGroup) -> list[Case]:
        """Return the group's answers that no row of the table has and that are short, each way of writing once."""
        known = {fold_words(case.answer) for case in self._load_rows(group.criterion)}
        fresh = {fold_words(item.answer): item for item in reversed(group.answers)}
        new = [item for words, item in reversed(fresh.items()) if words not in known]
        return [item for item in new if len(item.answer) <= MOST_CHARACTERS]

    def _keep_rows(self, lesson: Lesson, rows: Sequence[Case], *, decided: bool) -> Lesson:
        """Add the rows to the draft; what is not decided by itself may as well wait for a person."""
        group = lesson.group
        if decided:
            self._decided.append(group)
        verdict = group.verdict if decided else f"{group.verdict}|unreadable"
        path = self._find_table(group.criterion)
        for item in rows:
            row: dict[str, Any] = {"criterion": group.criterion, "answer": item.answer, "verdict": verdict}
            row |= {"credit": group.credit} if decided and group.verdict == "partial" else {}
            row["why"] = "decided by a person"
            text = self._text(path)
            try:
                if text:
                    self._put(path, insert(text, Addition(path=(), value=row), quote=_QUOTE))
                else:
                    head = _HEAD.format(criterion=group.criterion, file=_name(path, self.course.root))
                    self._put(path, f"{head}- {render_flow(row, _QUOTE)}\n")
            except ValueError as error:
                return replace(lesson, why=f"{lesson.why or lesson.learned}; no row: {error}")
        return replace(lesson, rows=len(rows))

    # --- texts ---

    def _text(self, path: Path) -> str:
        if path not in self._edits:
            mark, text = read_exactly(path)
            name = _name(path, self.course.root)
            self._edits[path] = Edit(path=path, name=name, before=text, after=text, mark=mark)
        return self._edits[path].after

    def _put(self, path: Path, text: str) -> None:
        self._text(path)
        self._edits[path] = replace(self._edits[path], after=text)


def _refuse(group: DecidedGroup) -> None:
    """Raise LookupError where neither the rubric nor a table may learn anything from a group."""
    if group.problem:
        raise LookupError(group.problem)
    if any(item.machine_read for item in group.answers):
        raise LookupError("a machine read the handwriting: its misreadings are no words of other students")
    if any(map(is_addressed, group.answers)):
        raise LookupError("a text that speaks to the grader is learned in no way")
    if any(group.find_name(item.answer) for item in group.answers):
        raise LookupError("the answer names somebody; write its row by hand")


def _agrees(evidence: Evidence, group: DecidedGroup) -> bool:
    return evidence.decided and evidence.credit == group.credit and (evidence.verdict == group.verdict)


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
