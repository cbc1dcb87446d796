"""What waits for a person, in memory: read once, then kept in step with the moderation file.

No request reads the class's marksheets. Every change of ours or of somebody else's reaches the queue in the same way,
as a line of the moderation file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.batch.moderation import Conflict, Moderation, new_decision
from grader.batch.remark import find_unmarked, is_unmarked
from grader.batch.store import Store
from grader.batch.waiting import Group, Item, list_items
from grader.codec import read_marksheet
from grader.model import Decision, Marksheet
from grader.review.choice import Choice

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the class is: answers and hand-ins that wait, and answers that were decided since this began."""

    waiting: int
    groups: int
    students: int
    decided: int


class Queue:
    """The waiting answers of one graded folder. Not safe for threads: whoever shares it holds a lock."""

    def __init__(self, out: Path, tell: Callable[[str], None] = lambda _: None) -> None:
        """Read every marksheet. Raises InfrastructureError where the folder or the moderation file cannot be read."""
        self.out, self.store, self.moderation = out, Store(out), Moderation(out)
        self.decided = 0
        self._of: dict[str, set[str]] = {}  # student: criteria
        self._items: dict[Key, Item] = {}  # decided ones too, until their hand-in is marked again: an undo needs them
        self._open: dict[tuple[str, str], dict[str, Item]] = {}
        self.moderation.take_changes()
        found = self.store.list_marksheets()
        self.students = sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest())
        self._numbers = {name: number for number, name in enumerate(self.students, 1)}
        for number, student in enumerate(found, 1):
            if number % 100 == 0:
                tell(f"reading {number} of {len(found)} marksheets")
            self._take(student)
        self._unmarked = find_unmarked(self.store, self.moderation)

    def number(self, student: str) -> int:
        """Return what a hand-in is called where nobody is to be named: the same number each time."""
        return self._numbers[student]

    def find_sheet(self, student: str) -> Marksheet | None:
        """Return the stored marksheet of a student, None where there is none."""
        record = self.store.find_record(student) if student in self._numbers else None
        data = self.store.get(record.objects.get("marksheet")) if record else None
        return None if data is None else read_marksheet(data.decode("utf-8", "surrogateescape"))

    def groups(self) -> tuple[Group, ...]:
        """Return what waits, like answers together, most students first."""
        self.follow()
        found = [
            Group(id=name_group(key), criterion=key[0], items=tuple(items.values()))
            for key, items in self._open.items()
        ]
        return tuple(sorted(found, key=lambda group: (-len(group.items), group.criterion, group.id)))

    def progress(self) -> Progress:
        """Return how far the class is."""
        names = {student for items in self._open.values() for student in items}
        waiting = sum(map(len, self._open.values()))
        return Progress(waiting=waiting, groups=len(self._open), students=len(names), decided=self.decided)

    def decide(
        self, who: str, items: Sequence[Item], choice: Choice, group: str
    ) -> tuple[list[Decision], list[Conflict]]:
        """Write a decision on each item as it was seen; return those that were written, and the conflicts.

        Raises InfrastructureError where nothing can be written, ValueError for what is no decision.
        """
        return self._append([choice.decide(who, item, group) for item in items])

    def take_back(self, who: str, decisions: Sequence[Decision]) -> tuple[list[Decision], list[Conflict]]:
        """Write an undo of each decision, unless somebody decided on top of it. Raises InfrastructureError."""
        return self._append(
            [new_decision(who, item.student, item.criterion, replaces=item.id, undo=True) for item in decisions]
        )

    def _append(self, wanted: Sequence[Decision]) -> tuple[list[Decision], list[Conflict]]:
        conflicts = self.moderation.append(wanted)
        self.follow()
        refused = {item.wanted.id for item in conflicts}
        written = [item for item in wanted if item.id not in refused]
        self.decided += sum(-1 if item.undo else 1 for item in written)
        return written, conflicts

    def follow(self) -> None:
        """Take in what was added to the moderation file, by whomever."""
        for key in sorted(self.moderation.take_changes()):  # what is taken back comes again in the same order
            self._unmarked.add(key[0])
            item = self._items.get(key)
            if item is not None:
                head = self.moderation.find_head(*key)
                self._put(replace(item, head=head.id if head else ""), decided=self._counts(item))

    def take_unmarked(self) -> set[str]:
        """Return the hand-ins that were decided on and must be marked again, once."""
        found, self._unmarked = self._unmarked, set()
        return found

    def find_left(self, students: Collection[str]) -> set[str]:
        """Return whose marks are older than what was decided, of ``students`` who were to be marked again.

        Who was decided on once more meanwhile is none of them: they are marked again at the next turn.
        """
        self.follow()
        return {
            name for name in students if name not in self._unmarked and is_unmarked(self.store, self.moderation, name)
        }

    def put_back(self, students: set[str]) -> None:
        """Say that these could not be marked again yet."""
        self._unmarked |= students

    def reload(self, students: set[str]) -> None:
        """Read the marksheets of ``students`` anew: they were marked again."""
        for student in students & self._numbers.keys():
            self._take(student)

    def _take(self, student: str) -> None:
        sheet = self.find_sheet(student)
        fresh = {} if sheet is None else {item.criterion: item for item in list_items(sheet, student, self.moderation)}
        for criterion in self._of.get(student, set()) - fresh.keys():
            if not self._counts(self._items[student, criterion]):
                self._remove(self._items.pop((student, criterion)))
                self._of[student].discard(criterion)
        for item in fresh.values():
            self._put(item, decided=False)

    def _counts(self, item: Item) -> bool:
        decision = self.moderation.find(item.student).get(item.criterion)
        return decision is not None and decision.seen == item.seen

    def _put(self, item: Item, *, decided: bool) -> None:
        before = self._items.get((item.student, item.criterion))
        if before is not None and (decided or before.likeness != item.likeness):  # else it keeps its place
            self._remove(before)
        self._items[item.student, item.criterion] = item
        self._of.setdefault(item.student, set()).add(item.criterion)
        if not decided:
            self._open.setdefault((item.criterion, item.likeness), {})[item.student] = item

    def _remove(self, item: Item) -> None:
        items = self._open.get((item.criterion, item.likeness), {})
        items.pop(item.student, None)
        if not items:
            self._open.pop((item.criterion, item.likeness), None)


def name_group(key: tuple[str, str]) -> str:
    """Return a group's name in addresses: its criterion and the start of what its answers share."""
    return f"{key[0]}-{key[1][:16]}"


def iterate_history(moderation: Moderation, student: str, criteria: Sequence[str]) -> Iterator[Decision]:
    """Yield every line on a student, newest first."""
    lines = [line for name in criteria for line in moderation.find_history(student, name)]
    yield from sorted(lines, key=lambda line: line.at, reverse=True)
