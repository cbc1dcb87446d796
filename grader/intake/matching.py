"""Whose each hand-in is: by the roster where there is one, and everything that does not fit at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.errors import ConfigError, Problem
from grader.intake.handin import HandIn
from grader.intake.layouts import Found, Person, clean_id
from grader.intake.names import escape_name
from grader.intake.roster import Roster

_STRANGER = "add the student to the roster, or grade strangers as well with --allow-strangers"


def assign_students(found: Sequence[Found], roster: Roster | None, *, allow_strangers: bool = False) -> list[HandIn]:
    """Return the hand-ins under the ids that the roster has for their students.

    Raises ConfigError, with all of them, for hand-ins of people who are not on the roster (unless ``allow_strangers``)
    and for students with two hand-ins.
    """
    problems: list[Problem] = []
    hand_ins = []
    for item in found:
        strangers = [person for person in item.persons if roster and not _is_known(roster, person)]
        if strangers and not allow_strangers:
            shown = "; ".join(_show(person) for person in strangers)
            message = f"nobody on the roster {roster.file if roster else ''} is {shown}"
            problems.append(Problem(file=_place(item.hand_in), message=message, hint=_STRANGER))
        hand_ins.append(_assign(item, roster))
    problems += _list_doubles(hand_ins)
    if problems:
        raise ConfigError(problems)
    return hand_ins


def _assign(item: Found, roster: Roster | None) -> HandIn:
    if len(item.persons) > 1:
        return replace(item.hand_in, members=tuple(_identify(person, roster) for person in item.persons))
    person = item.persons[0]
    student = _find_student(roster, person)
    if student is not None:
        return replace(item.hand_in, student=clean_id(student))
    group = _find_group(roster, person)
    if roster is not None and group is not None:
        return replace(item.hand_in, student=clean_id(group), members=roster.groups[group])
    return item.hand_in


def _identify(person: Person, roster: Roster | None) -> str:
    return _find_student(roster, person) or clean_id(person[0][1])


def _is_known(roster: Roster, person: Person) -> bool:
    return _find_student(roster, person) is not None or _find_group(roster, person) is not None


def _find_student(roster: Roster | None, person: Person) -> str | None:
    if roster is None:
        return None
    return next((found for column, value in person if (found := roster.find(column, value))), None)


def _find_group(roster: Roster | None, person: Person) -> str | None:
    if roster is None:
        return None
    return next((found for _, value in person if (found := roster.find_group(value))), None)


def _list_doubles(hand_ins: Sequence[HandIn]) -> Iterator[Problem]:
    """Yield every hand-in of somebody who has another one, alone or in a group."""
    seen: dict[str, HandIn] = {}
    for hand_in in hand_ins:
        for student in dict.fromkeys((hand_in.student, *hand_in.members)):
            earlier = seen.setdefault(student, hand_in)
            if earlier is not hand_in:
                message = f"is a second hand-in of {student}; the other one is {_place(earlier)}"
                hint = "leave out the one that does not count, or grade them with two --out folders"
                yield Problem(file=_place(hand_in), message=message, hint=hint)


def _place(hand_in: HandIn) -> str:
    inside = hand_in.parts[0].inside if hand_in.parts else ""
    return escape_name(str(hand_in.path)) + (f"/{inside}" if inside else "")


def _show(person: Person) -> str:
    return " or ".join(f"{column or 'known as'} {value}" for column, value in person)
