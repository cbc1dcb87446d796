"""Strict reading of YAML, and marksheets that survive a round trip."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.codec import (
    build_marksheet,
    find_non_json,
    load_record,
    read_marksheet,
    read_record,
    read_yaml,
    render_json,
    write_text,
)
from grader.errors import ConfigError, InfrastructureError
from grader.model import Deduction, Evidence, Finding, Mark, Marksheet, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
    kind: Literal["inner"]
    marks: Decimal
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
    name: str
    items: tuple[Inner, ...]
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_record(Outer, text, "r.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("No", "No"),
        ("yes", "yes"),
        ("true", True),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-.5", -0.5),
        ("12:30:45", "12:30:45"),
        ("2026-11-23", "2026-11-23"),
        ("~", None),
        ("''", ""),
        ("1_000", "1_000"),
        ("+7", 7),
    ],
)
def test_scalars_are_read_as_yaml_1_2_says(text: str, value: object) -> None:
    data, _, _ = read_yaml(f"a: {text}", "f")
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


def test_three_mistakes_are_reported_at_once_with_lines() -> None:
    found = problems(
        "name: x\nitems:\n  - kind: inner\n    marks: 5\n    sise: 2\n  - kind: inner\n    marks: five\nname: y\n"
    )
    assert found == [
        "r.yaml:8: name: key stands already in line 1",
        "r.yaml:5: items[0].sise: unknown key 'sise' (misspelt, or in the wrong place?)",
        "r.yaml:7: items[1].marks: input should be a valid decimal, not 'five'",
    ]


def test_a_missing_key_names_the_place_that_lacks_it() -> None:
    assert problems("name: x\nitems:\n  - kind: inner\n") == ["r.yaml:3: items[0]: needs the key 'marks'"]


def test_a_number_is_no_string_and_a_string_no_number() -> None:
    found = problems("name: 3\nitems: []\nnotes: {a: true}\n")
    assert found[0].startswith("r.yaml:1: name: input should be a valid string, not 3")
    assert found[1].startswith("r.yaml:3: notes.a: input should be a valid string, not True")


def test_broken_yaml_has_its_line() -> None:
    (problem,) = problems("name: x\nitems: [1,\n")
    assert problem.startswith("r.yaml:3: ") and problem.endswith(" (not valid YAML)")


def test_python_tags_are_refused() -> None:
    assert "could not determine a constructor" in problems("name: !!python/object/apply:os.system [ls]\nitems: []\n")[0]


def test_a_value_that_json_cannot_hold_is_refused() -> None:
    assert "no JSON" in problems("name: .nan\nitems: []\n")[0]


def test_decimals_do_not_pass_through_binary() -> None:
    record, lines = read_record(Outer, "name: x\nitems: [{kind: inner, marks: 0.1}]\n", "f")
    assert record.items[0].marks == Decimal("0.1")
    assert lines[("items", 0, "marks")] == 2


def test_files_that_cannot_be_read_are_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_record(Outer, tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_record(Outer, tmp_path / "latin.yaml")


def sheet(**changes: Any) -> Marksheet:
    evidence = Evidence(
        criterion="q1a",
        verdict="partial",
        credit=Decimal("0.35"),
        reading="scalar",
        observed={"text": "سلام \ud800", "value": [1, 2.5, None, True]},
        findings=(Finding(code="a.b", message="m", audience="staff"),),
        review=Review(reason="look", suggested_verdict="correct", suggested_credit=Decimal(1)),
    )
    mark = Mark(criterion="q1a", title="t", available=Decimal(5), awarded=None, evidence=evidence)
    fields: dict[str, Any] = {
        "submission": "s",
        "assignment": "hw5",
        "title": "T",
        "status": "needs_review",
        "awarded": None,
        "available": Decimal(100),
        "awarded_so_far": Decimal("4.50"),
        "marks": (mark,),
        "deductions": (Deduction(code="late", reason="1 day late", marks=Decimal("0.50")),),
        "review": Review(reason="look at the whole"),
        "submitted_at": "2026-12-01T23:59:00+03:30",
        "timing": {"seconds": 1.25},
    }
    return Marksheet(**{**fields, **changes})


def test_a_marksheet_survives_the_round_trip_byte_for_byte() -> None:
    text = render_json(build_marksheet(sheet()))
    again = read_marksheet(text)
    assert render_json(build_marksheet(again)) == text
    assert again.marks[0].evidence.review == sheet().marks[0].evidence.review
    assert (again.deductions, again.review, again.submitted_at) == (
        sheet().deductions,
        sheet().review,
        sheet().submitted_at,
    )
    assert json.loads(text)["awarded_so_far"] == 4.5
    text.encode()


def test_a_marksheet_from_before_there_were_deadlines_is_read() -> None:
    data = {
        key: value
        for key, value in build_marksheet(sheet()).items()
        if key not in ("submitted_at", "deductions", "review")
    }
    again = read_marksheet(render_json(data))
    assert (again.submitted_at, again.deductions, again.review) == (None, (), None)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "nonsense", '{"schema": "grader/marksheet/2"}', '{"schema": "grader/marksheet/1"}']
)
def test_what_is_no_marksheet_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_marksheet(text)


@given(st.decimals(min_value=0, max_value=1000, places=2))
def test_marks_are_json_numbers_that_come_back_equal(marks: Decimal) -> None:
    again = read_marksheet(render_json(build_marksheet(sheet(awarded_so_far=marks))))
    assert again.awarded_so_far == marks


def test_what_is_no_plain_json_is_found() -> None:
    assert find_non_json({"a": [1, "x", None, 2.0]}) is None
    assert find_non_json({"a": [1, (2,)]}) == ".a[1] (tuple)"
    assert find_non_json({"a": float("nan")}) == ".a"


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    target = tmp_path / "a" / "b.txt"
    write_text(target, "first")
    assert target.read_text() == "first"
    assert target.stat().st_mode & 0o777 == 0o600

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(InfrastructureError, match="No space left"):
        write_text(target, "second")
    assert target.read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["b.txt"]
