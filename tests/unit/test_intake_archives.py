"""Archives that are handed in: read where they lie, or refused with the reason, quickly and in little memory."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest

from grader.course import load_course
from grader.intake import archive as intake_archive
from grader.intake import listing as intake_listing
from grader.intake import open_submission, read_artifact
from grader.model import Submission
from grader.pipeline import grade_submission
from tests.benchmarks.fuzz_archives import mutate, try_archive
from tests.class_maker import make_quick_course
from tests.unit.archive_cases import ATTACKS, REPORT, encrypt, make_tar, make_zip, unmarked, zip_link

ROOT = Path(__file__).parents[2]


def open_with(folder: Path, name: str, data: bytes) -> Submission:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return open_submission(folder, assignment="hw5")


def codes(submission: Submission) -> list[str]:
    return [finding.code.partition(".")[2] for finding in submission.findings]


def read(submission: Submission) -> dict[str, bytes]:
    return {item.path: read_artifact(submission, item) for item in submission.artifacts}


@pytest.mark.parametrize("name", ["hand-in.zip", "hand-in.tar", "hand-in.tar.gz", "hand-in.TGZ", "handin"])
def test_an_archive_is_read_where_it_lies(tmp_path: Path, name: str) -> None:
    files = {"report.md": REPORT, "HW5/Q4.ipynb": b"{}", "HW5/empty.md": b""}
    mode = "w:gz" if name.lower().endswith("gz") else "w"
    data = (
        make_tar(*files.items(), mode=mode) if "t" in name.rpartition(".")[2][:1].lower() else make_zip(*files.items())
    )
    submission = open_with(tmp_path / "s-001", name, data)
    assert submission.findings == ()
    assert read(submission) == {f"{name}/{inner}": content for inner, content in files.items()}
    assert [path.name for path in (tmp_path / "s-001").iterdir()] == [name]
    media = {item.path.rpartition("/")[2]: item.media for item in submission.artifacts}
    assert media == {"report.md": "markdown", "Q4.ipynb": "notebook", "empty.md": "markdown"}


def test_an_archive_alone_is_a_hand_in(tmp_path: Path) -> None:
    (tmp_path / "s-001.zip").write_bytes(make_zip(("report.md", REPORT)))
    submission = open_submission(tmp_path / "s-001.zip", assignment="hw5")
    assert submission.student == "s-001" and read(submission) == {"s-001.zip/report.md": REPORT}


def test_archives_in_archives_are_read_to_a_depth_of_two(tmp_path: Path) -> None:
    inner = make_zip(("a.md", b"A"), ("b.md", b"B"))
    data = make_zip(("inner.zip", inner), ("old.tar", make_tar(("c.md", b"C"))), ("d.md", b"D"))
    submission = open_with(tmp_path, "x.zip", data)
    assert submission.findings == ()
    expected = {
        "x.zip/d.md": b"D",
        "x.zip/inner.zip/a.md": b"A",
        "x.zip/inner.zip/b.md": b"B",
        "x.zip/old.tar/c.md": b"C",
    }
    assert read(submission) == expected
    paths = random.Random(1).sample(submission.artifacts, 4)
    assert {item.path: read_artifact(submission, item) for item in paths} == expected


def test_what_systems_leave_behind_in_an_archive_is_ignored(tmp_path: Path) -> None:
    names = ("report.md", "__MACOSX/._report.md", ".DS_Store", "a/.ipynb_checkpoints/x.ipynb", "__MACOSX/x")
    submission = open_with(
        tmp_path, "x.zip", make_zip(*((name, b"x") for name in names), zip_link(".venv/python", "/usr"))
    )
    assert list(read(submission)) == ["x.zip/report.md"] and submission.findings == ()


@pytest.mark.parametrize("name", ["گزارش.md", "پاسخ‌ها/سوال ۴.ipynb"])
def test_persian_names(tmp_path: Path, name: str) -> None:
    marked, plain = make_zip((name, b"x")), unmarked(name, b"x")
    assert marked != plain and zipfile.ZipInfo(name).orig_filename == name
    for data in (marked, plain, make_zip((unicodedata.normalize("NFD", name), b"x"))):
        assert read(open_with(tmp_path, "x.zip", data)) == {f"x.zip/{unicodedata.normalize('NFC', name)}": b"x"}


def test_windows_folders(tmp_path: Path) -> None:
    data = make_zip(("HW5\\", b""), ("HW5\\report.md", REPORT)).replace(b"HW5/", b"HW5\\")
    submission = open_with(tmp_path, "x.zip", data)
    assert read(submission) == {"x.zip/HW5/report.md": REPORT} and submission.findings == ()


def test_odd_names_are_escaped(tmp_path: Path) -> None:
    submission = open_with(tmp_path, "x.zip", make_zip(("a\nb.md", b"1"), ("a\u202edm.md", b"2"), ("../\u202ex", b"3")))
    assert read(submission) == {"x.zip/a\\x0ab.md": b"1", "x.zip/a\\u202edm.md": b"2"}
    assert submission.findings[0].message.startswith("“x.zip/../\\u202ex” has a name that leads out of the archive")


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_named_and_nothing_else_suffers(tmp_path: Path, name: str) -> None:
    file, make, code = ATTACKS[name]
    (tmp_path / "report.md").write_bytes(REPORT)
    data = make()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    submission = open_with(tmp_path, file, data)
    assert codes(submission) == [code]
    assert all(finding.audience == "student" and file in finding.message for finding in submission.findings) or (
        code == "too_many"
    )
    assert read(submission)["report.md"] == REPORT
    assert time.process_time() - started < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512_000  # kB


def test_one_bad_member_leaves_the_others(tmp_path: Path) -> None:
    data = make_zip(("../a.md", b"x"), ("report.md", REPORT), zip_link("b.md", "/etc/passwd"))
    submission = open_with(tmp_path, "x.zip", data)
    assert read(submission) == {"x.zip/report.md": REPORT} and codes(submission) == ["zip_slip", "symlink"]


def test_bounds_hold_for_all_archives_of_a_hand_in_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_listing, "MAX_TOTAL_BYTES", 25)
    monkeypatch.setattr(intake_listing, "MAX_MEMBERS", 4)
    for number in range(4):
        submission = open_with(tmp_path, f"{number}.zip", make_zip(("a.md", b"x" * 10), ("b.md", b"")))
    assert [item.path for item in submission.artifacts] == ["0.zip/a.md", "0.zip/b.md", "1.zip/a.md", "1.zip/b.md"]
    assert codes(submission) == ["too_many"]
    monkeypatch.setattr(intake_listing, "MAX_MEMBERS", 40)
    submission = open_submission(tmp_path, assignment="hw5")
    assert "too_large" in codes(submission) and len(submission.artifacts) == 6


def test_a_thousand_refused_members_are_told_in_a_few_lines(tmp_path: Path) -> None:
    submission = open_with(tmp_path, "x.zip", make_zip(*((f"../{number}.md", b"") for number in range(1_000))))
    assert len(submission.findings) == 6 and submission.findings[-1].message.startswith("995 more")


def test_the_same_name_with_the_same_content_is_one_file(tmp_path: Path) -> None:
    submission = open_with(tmp_path, "x.tar", make_tar(("a.md", b"1"), ("a.md", b"1")))
    assert read(submission) == {"x.tar/a.md": b"1"} and submission.findings == ()


def test_of_two_with_a_name_the_later_is_read(tmp_path: Path) -> None:
    submission = open_with(tmp_path, "x.tar", make_tar(("a.md", b"1"), ("a.md", b"2")))
    assert read(submission) == {"x.tar/a.md": b"2"} and codes(submission) == ["two_of_a_name"]


def test_an_archive_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    submission = open_with(tmp_path, "x.zip", make_zip(("a.md", b"1"), ("b.md", b"2")))
    assert read_artifact(submission, submission.artifacts[0]) == b"1"
    for data in (make_zip(("a.md", b"1"), ("b.md", b"3")), make_zip(("a.md", b"1")), b"PK"):
        (tmp_path / "x.zip").write_bytes(data)
        with pytest.raises(Exception, match="has changed"):
            read_artifact(submission, submission.artifacts[1])


def test_a_headerless_lie_about_the_size_is_noticed(tmp_path: Path) -> None:
    data = make_zip(("a.md", b"x" * 100))
    size = (100).to_bytes(4, "little")
    for lie in (50, 1_000_000):
        submission = open_with(tmp_path, "x.zip", data.replace(size, lie.to_bytes(4, "little")))
        assert codes(submission) == ["damaged_archive"] and submission.artifacts == ()


def test_the_largest_hand_in_that_is_read_takes_little_memory(tmp_path: Path) -> None:
    noise = random.Random(2).randbytes(1_000_000) * 48
    files = [(f"data{number}.csv", noise) for number in range(4)]
    (tmp_path / "x.tar").write_bytes(make_tar(*files, ("report.md", REPORT)))
    program = (
        "import re, sys, time; from pathlib import Path\n"
        "from grader.intake import open_submission, read_artifact\n"
        "started = time.monotonic(); found = open_submission(Path(sys.argv[1]), assignment='hw5')\n"
        "assert len(found.artifacts) == 5 and not found.findings, found\n"
        "read_artifact(found, found.artifacts[-1])\n"
        # not ru_maxrss, which begins with what the tests' own process had
        "peak = int(re.search('VmHWM:\\\\s+([0-9]+)', Path('/proc/self/status').read_text())[1])\n"
        "print(peak < 512_000, time.monotonic() - started < 10)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["True", "True"], run.stdout + run.stderr


@pytest.mark.parametrize("name", ["x.zip", "x.rar"])
def test_an_archive_that_stays_closed_may_hold_the_answers_that_are_missing(tmp_path: Path, name: str) -> None:
    course = make_quick_course(tmp_path / "course", preload=[])
    verdicts = []
    for data in (make_zip(("notes.md", b"")), encrypt(make_zip(("report.md", REPORT))), b"Rar!\x1a\x07"):
        hand_in = course / "submissions" / f"s-00{len(verdicts)}"
        hand_in.mkdir(parents=True)
        (hand_in / "report.md").write_bytes(REPORT)
        (hand_in / name).write_bytes(data)
        loaded = load_course([hand_in], root=None, rubric=None, class_folder=hand_in.parent)
        sheet = grade_submission(loaded, hand_in, lodgings=None)
        verdicts.append({mark.evidence.verdict for mark in sheet.marks[1:]})
        assert sheet.marks[0].evidence.verdict == "correct"
    assert verdicts == [{"missing"}, {"unreadable"}, {"unreadable"}]


def test_mutated_archives_never_raise(tmp_path: Path) -> None:
    for seed in range(300):
        name, data = mutate(seed)
        outcome = try_archive(tmp_path, name, data)
        assert outcome.seconds < 10, (seed, name)


def test_the_limits_of_the_requirement() -> None:
    assert (intake_archive.MAX_MEMBERS, intake_archive.MAX_TOTAL_BYTES) == (2_000, 200_000_000)
