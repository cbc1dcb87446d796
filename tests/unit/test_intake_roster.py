"""Rosters as learning platforms and spreadsheets write them, and what is said of broken ones."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from grader.errors import ConfigError
from grader.intake.roster import load_roster, normalise_id

CANVAS = 'Student,SIS User ID,Section\n"Doe, Jane",s1,A\n"Roe, Al",s2,B\n'


def load(folder: Path, data: str | bytes) -> tuple[str, ...]:
    path = folder / "roster.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return load_roster(path).ids


def fail(folder: Path, data: str | bytes) -> list[tuple[int | None, str]]:
    """Return (line, message) of what is said of a broken roster, each with the file's name before it."""
    with pytest.raises(ConfigError) as caught:
        load(folder, data)
    path = str(folder / "roster.csv")
    assert all(problem.file == path for problem in caught.value.problems)
    for problem in caught.value.problems:
        assert str(problem).startswith(f"{path}:{problem.line}: " if problem.line else f"{path}: ")
    return [(problem.line, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "data",
    [
        "id\ns1\ns2\n",
        "s1\ns2\n",
        "s1\r\ns2",
        "id\rs1\rs2\r",
        "\n\nStudent ID\n\n  s1 \n,,\ns2\n\n",
        "Name,ID number\nA,s1\nB,s2\n",
        "Name;Username;Mail\nA;s1;x,y\nB;s2;\n",
        "Name\tstudent_number\nA, B\ts1\nC\ts2\n",
        CANVAS,
        "Student,ID,SIS User ID\nA,1,s1\nB,2,s2\n",
        '\n\n"Last, first, more";id\nA;s1\nB;s2\n',
        'Name,id\n"A\nB",s1\nC,s2\n',
        "نام,شماره دانشجویی\nعلی,s1\nسارا,s2\n",
        "name,ID,mail\nA,\u200es1\u200f,\nB,\ufeffs2,\n",
        codecs.BOM_UTF8 + b"id\ns1\ns2\n",
        codecs.BOM_UTF16_LE + "id\tname\ns1\tالف\ns2\tب\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "name;id\nالف;s1\nب;s2\n".encode("utf-16-be"),
    ],
)
def test_the_ids_of_a_roster_are_found(tmp_path: Path, data: str | bytes) -> None:
    assert load(tmp_path, data) == ("s1", "s2")


def test_the_order_is_the_files_and_the_first_known_column_is_taken(tmp_path: Path) -> None:
    assert load(tmp_path, "username,student id\nalice,9\nbob,10\ncarol,1\n") == ("9", "10", "1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("۹۸۱۲۳۰", "981230"),
        ("٠١٢", "012"),
        ("s۱", "s1"),
        (" 007 ", "007"),
        ("\u202a98\u202c", "98"),
        ("x²", "x²"),
        ("علی‌رضا", "علی‌رضا"),
        (" \u200cعلی\u200c ", "علی"),
        ("\u200c", ""),
    ],
)
def test_ids_are_written_as_folders_are(tmp_path: Path, text: str, expected: str) -> None:
    assert normalise_id(text) == expected
    if expected:
        assert load(tmp_path, f"id,name\n{text},x\n") == (expected,)


def test_every_missing_and_doubled_id_is_named_with_its_line(tmp_path: Path) -> None:
    data = 'name,id\n"A\nB",1\nC,\n\nD\nE,1\nF,۱\nG,2\n'
    assert fail(tmp_path, data) == [
        (4, "has no id in this line"),
        (6, "has no id in this line"),
        (7, "the id stands in line 2 too"),
        (8, "the id stands in line 2 too"),
    ]


def test_several_columns_without_a_name_for_the_ids_are_refused(tmp_path: Path) -> None:
    assert fail(tmp_path, "\nname,mail\nA,B\n") == [(2, "no column holds the students' ids")]


@pytest.mark.parametrize("data", ["", "\n\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, " , ,\n"])
def test_an_empty_roster_is_refused(tmp_path: Path, data: str | bytes) -> None:
    assert fail(tmp_path, data) == [(None, "holds no student")]


def test_a_head_line_alone_is_refused_since_no_roster_at_all_would_mean_everybody(tmp_path: Path) -> None:
    assert fail(tmp_path, "\nname,id\n\n") == [(2, "holds no student below this line")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04\x14\x00\x08\xff\xd8" + bytes(range(256)), "is not UTF-8 at byte 7"),
        (b"id\n\xe9t\xe9\n", "is not UTF-8 at byte 3"),
        (codecs.BOM_UTF16_LE + b"i\x00d\x00\n", "is not UTF-8 at byte 6"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    assert fail(tmp_path, data) == [(None, message)]


def test_a_quote_that_is_never_closed_swallows_no_student(tmp_path: Path) -> None:
    ((line, message),) = fail(tmp_path, 'id,name\n1,A\n2,"B\n3,C\n4,D\n')
    assert line == 3 and message.startswith("is no CSV")


def test_a_roster_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            load_roster(path)
        assert caught.value.problems[0].file == str(path)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.intake.roster._MOST_BYTES", 10)
    assert load(tmp_path, "id\n1\n2\n3\n4") == ("1", "2", "3", "4")
    assert fail(tmp_path, "id\n1\n2\n3\n44") == [(None, "is larger than 10 bytes")]
