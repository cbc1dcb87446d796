"""A class from the command line: what is done once is not done again, and however it is done it comes out the same."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.class_maker import (
    build_cells,
    build_notebook,
    change_rubric,
    make_endless,
    make_quick_course,
    make_reports,
    make_small_class,
    move_marks,
)
from tests.unit.batch_cases import (
    find_left,
    list_below,
    list_names,
    read_result,
    read_sheets,
    run_grade,
    stamp_records,
    start_grade,
)
from tests.unit.room_cases import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path):
    """A course with six reports and no notebook."""
    folder = make_quick_course(tmp_path / "course", preload=[])
    make_reports(folder / "submissions", 6)
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def grade(course, out, *arguments):
    run = run_grade(course / "submissions", "--out", out, "--jobs", 1, *arguments)
    assert run.returncode in (0, 3), run.stdout + run.stderr
    return run


def works(out: Path) -> dict[str, str]:
    records = (json.loads(path.read_text()) for path in (out / ".store" / "records").glob("*.json"))
    return {record["student"]: record["summary"]["work"] for record in records}


@pytest.mark.thorough
def test_a_class_is_graded_whole_and_a_second_run_changes_nothing(course, out):
    grade(course, out)
    names = {name for number in range(1, 7) for name in (f"s000{number}/feedback.html", f"s000{number}/marksheet.json")}
    assert set(list_names(out)) == names | {"gradebook.csv", "class.html", "class-for-students.html"}
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.rglob("*") if path.is_file()}
    run = grade(course, out)
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.rglob("*") if path.is_file()}
    lock = out / ".store" / "lock"
    assert {**before, lock: 0} == {**after, lock: 0}
    assert "unchanged" in run.stdout


def test_a_changed_mark_is_marked_again_from_stored_evidence(course, out):
    grade(course, out)
    before = read_sheets(out)
    change_rubric(course, move_marks)
    grade(course, out)
    assert set(works(out).values()) == {"marked again"}
    after = read_sheets(out)
    assert {data["criteria"][0]["available"] for data in after.values()} == {
        data["criteria"][0]["available"] + 1 for data in before.values()
    }
    for record in (json.loads(path.read_text()) for path in (out / ".store" / "records").glob("*.json")):
        assert len(record["history"]) == 1


@pytest.mark.thorough
def test_marks_that_come_again_from_the_store_are_those_of_a_fresh_run(course, out, tmp_path):
    grade(course, out)
    change_rubric(course, move_marks)
    grade(course, out)
    grade(course, tmp_path / "fresh")
    assert read_result(out) == read_result(tmp_path / "fresh")


@pytest.mark.thorough
def test_a_changed_hand_in_is_graded_again_alone(course, out):
    grade(course, out)
    before = stamp_records(out)
    (course / "submissions" / "s0003" / "report.md").write_text("# Q1\na) 2 and 3\n")
    grade(course, out)
    after = stamp_records(out)
    assert {name for name in after if after[name] != before[name]} == {"s0003.json"}


@pytest.mark.thorough
def test_only_one_of_the_class_and_the_gradebook_has_all(course, out):
    grade(course, out, "--only", "s0002")
    assert [path.name for path in out.glob("s*")] == ["s0002"]
    grade(course, out)
    before = stamp_records(out)
    grade(course, out, "--only", "s0002", "--fresh")
    after = stamp_records(out)
    assert {name for name in after if after[name] != before[name]} <= {"s0002.json"}
    rows = list(csv.DictReader((out / "gradebook.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["student"] for row in rows] == [f"s000{number}" for number in range(1, 7)]
    run = run_grade(course / "submissions", "--out", out, "--only", "nobody")
    assert run.returncode == 2
    assert "nobody" in run.stderr


@pytest.mark.thorough
def test_a_page_that_was_lost_or_changed_is_there_again(course, out):
    grade(course, out)
    expected = read_result(out)
    (out / "s0001" / "feedback.html").unlink()
    (out / "s0002" / "feedback.html").write_text("scribbled")
    shutil.rmtree(out / "s0003")
    grade(course, out)
    assert read_result(out) == expected
    assert set(works(out).values()) == {"graded"}


@pytest.mark.thorough
def test_a_store_that_was_damaged_is_made_good(course, out):
    grade(course, out)
    expected = {name: data["criteria"] for name, data in read_sheets(out).items()}
    for path in (out / ".store" / "objects").rglob("*/*"):
        path.write_bytes(b"torn")
    (out / ".store" / "records" / "s0001.json").write_text("{")
    grade(course, out)
    change_rubric(course, move_marks)
    grade(course, out)
    change_rubric(course, lambda rubric: move_marks(rubric, -1))
    grade(course, out)
    assert {name: data["criteria"] for name, data in read_sheets(out).items()} == expected


@pytest.mark.thorough
def test_an_earlier_marksheet_that_no_store_knows_is_kept(course, out):
    (out / "s0001").mkdir(parents=True)
    (out / "s0001" / "marksheet.json").write_text("by hand")
    grade(course, out)
    record = json.loads((out / ".store" / "records" / "s0001.json").read_text())
    assert record["history"][0]["reason"] == "was not written by this store"


@pytest.mark.thorough
def test_status_and_diff_tell_where_the_class_stands(course, out):
    run = run_grade("status", course / "submissions", "--out", out)
    assert run.returncode == 0 and "6 not graded" in run.stdout, run.stderr
    run = run_grade("diff", "--out", out)
    assert run.returncode == 2 and "two are needed" in run.stderr
    grade(course, out)
    run = run_grade("status", course / "submissions", "--out", out)
    assert "not graded" not in run.stdout and "out of date" not in run.stdout
    change_rubric(course, move_marks)
    assert "6 out of date" in run_grade("status", course / "submissions", "--out", out).stdout
    grade(course, out)
    run = run_grade("diff", "--out", out)
    assert run.returncode == 0, run.stderr
    assert "Run 1" in run.stdout and "to run 2" in run.stdout
    assert "changed: the rubric" in run.stdout
    assert "q1a: 5 of 5 (correct) -> 6 of 6 (correct)" in run.stdout


def test_two_graders_on_one_folder_the_second_says_so(course, out):
    from grader.batch.store import Store

    with Store(out).held():
        run = run_grade(course / "submissions", "--out", out)
    assert run.returncode == 4
    assert f"a grader is at work here already (process {os.getpid()}" in run.stderr
    assert list_names(out) == []
    grade(course, out)


def test_one_bad_hand_in_never_stops_the_class(course, out):
    (course / "submissions" / "s0002" / "report.md").chmod(0)
    (course / "submissions" / "s0003" / "report.md").write_bytes(b"\xff\x00" * 5000)
    (course / "submissions" / "s0004" / "report.md").unlink()
    (course / "submissions" / "s0004" / "report.md").symlink_to("/etc/passwd")
    shutil.rmtree(course / "submissions" / "s0005")
    (course / "submissions" / "s0005").symlink_to("/")
    (course / "submissions" / "s0006" / ("long" * 50)).mkdir()
    run = run_grade(course / "submissions", "--out", out)
    assert run.returncode in (0, 3), run.stderr
    assert len(read_sheets(out)) == 6


@pytest.mark.thorough
def test_killed_in_the_middle_the_next_run_completes_the_class(course, out, tmp_path):
    """Fifty kills at random moments, with notebooks, are in test_batch_crash.py."""
    for _ in range(2):
        process = start_grade(course / "submissions", "--out", out, "--jobs", 1)
        done = len(stamp_records(out))
        assert wait_until(lambda done=done: len(stamp_records(out)) > done, seconds=60)
        below = list_below(process.pid)
        process.kill()
        process.wait()
        assert wait_until(lambda below=below: not find_left(below))
    before = stamp_records(out)
    assert 2 <= len(before) < 6
    grade(course, out)
    after = stamp_records(out)
    assert {name: after[name] for name in before} == before
    grade(course, tmp_path / "undisturbed")
    assert read_result(out) == read_result(tmp_path / "undisturbed")


@pytest.mark.thorough
def test_a_full_disk_stops_with_a_sentence_and_the_next_run_completes(course, out, tmp_path):
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        pytest.skip("needs bubblewrap, for a small disk")
    grade(course, out)
    kept = tmp_path / "kept"
    kept.mkdir()
    command = f"{sys.executable} -m grader {course / 'submissions'} --out /small/out --jobs 2"
    script = (
        f"head -c 1350000 /dev/zero >/small/filler; {command}; echo first=$? >&2; rm /small/filler; {command}; "
        f"echo second=$? >&2; cp -r /small/out {kept}"
    )
    room = [bwrap, "--dev-bind", "/", "/", "--size", "1500000", "--tmpfs", "/small", "--chdir", str(ROOT)]
    (Path("/small")).mkdir(exist_ok=True)
    small = subprocess.run([*room, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert "first=4" in small.stderr, small.stderr
    assert "No space left on device" in small.stderr
    assert "Traceback" not in small.stderr
    assert "second=0" in small.stderr or "second=3" in small.stderr, small.stderr
    assert read_result(kept / "out") == read_result(out)


@pytest.mark.notebook
@pytest.mark.thorough
def test_without_a_room_a_class_is_refused_once(course, out, tmp_path):
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        pytest.skip("needs bubblewrap, to take it away")
    for number in (1, 2, 3):
        (course / "submissions" / f"s000{number}" / "Q4.ipynb").write_bytes(build_notebook("print(1)"))
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    room = [bwrap, "--dev-bind", "/", "/", "--ro-bind", str(broken), bwrap, "--chdir", str(ROOT)]
    command = [sys.executable, "-m", "grader", course / "submissions", "--out", out]
    run = subprocess.run([*room, *command], capture_output=True, text=True, check=False)
    assert run.returncode == 4
    assert run.stderr.count("no sealed room for notebooks") == run.stderr.count("apt install bubblewrap") == 1
    assert "Traceback" not in run.stderr
    assert not list(out.rglob("marksheet.json"))


# --- with notebooks ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A course with eight hand-ins, most of them with a tiny notebook, and what they come to."""
    folder = make_quick_course(tmp_path_factory.mktemp("small"))
    make_small_class(folder / "submissions", 8)
    out = tmp_path_factory.mktemp("one") / "out"
    grade(folder, out)
    return folder, out


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("jobs", [2, 8])
def test_any_number_of_jobs_comes_out_the_same(small, out, jobs):
    course, one = small
    names = [f"s000{number}" for number in (5, 2, 8, 1, 7, 3, 6, 4)]  # another order
    run = run_grade(*(course / "submissions" / name for name in names), "--out", out, "--jobs", jobs)
    assert run.returncode in (0, 3), run.stderr
    assert read_result(out) == read_result(one)


@pytest.mark.notebook
@pytest.mark.thorough
def test_a_changed_rubric_starts_no_kernel_and_a_changed_probe_runs_notebooks_only(small, tmp_path):
    course = tmp_path / "course"
    shutil.copytree(small[0], course, symlinks=True)
    out = tmp_path / "out"
    shutil.copytree(small[1], out)
    submissions = course / "submissions"
    change_rubric(course, move_marks)
    missing = {"PATH": "/nonexistent", "HOME": str(tmp_path)}  # no bubblewrap: no kernel could be started
    run = run_grade(submissions, "--out", out, "--json", tmp_path / "all.json", env={**os.environ, **missing})
    assert run.returncode in (0, 3), run.stderr
    assert set(works(out).values()) == {"marked again"}
    (course / "reference/hw5/probes.py").write_text((course / "reference/hw5/probes.py").read_text() + "\n# more\n")
    run = run_grade(submissions, "--out", out)
    assert run.returncode in (0, 3), run.stderr
    done = works(out)
    without = {path.name for path in submissions.iterdir() if path.is_dir() and not list(path.glob("*.ipynb"))}
    assert without and {name for name, work in done.items() if work == "checked again"} == without
    assert {work for name, work in done.items() if name not in without} == {"graded"}


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.thorough
def test_a_verdict_that_moves_is_found_and_waits_for_a_person(small, tmp_path):
    """Each of five functions is there in half of the runs: that none of them moves in four has a chance of 3e-5."""
    names = ("Network", "train_network", "evaluate_network", "DeepNetwork", "find_analogy")
    lottery = f"import os\nfor name in {names}:\n    if os.urandom(1)[0] & 1:\n        del globals()[name]\n"
    cells = next(cells for seed in range(9) if "find_analogy" in "".join(cells := build_cells(Random(seed))))
    for name, last in (("moving", lottery), ("steady", "print('as ever')")):
        folder = tmp_path / "class" / name
        folder.mkdir(parents=True)
        (folder / "Q4.ipynb").write_bytes(build_notebook(*cells, last))
    run = run_grade(tmp_path / "class", "--course", small[0], "--out", tmp_path / "out", "--repeat", 4)
    assert run.returncode in (0, 3), run.stderr
    moved = {}
    for name, data in read_sheets(tmp_path / "out").items():
        record = json.loads((tmp_path / "out" / ".store" / "records" / f"{name}.json").read_text())
        assert record["repeat"] == 4
        moved[name] = [
            item
            for item in data["criteria"]
            if any(finding["code"] == "notebook.not_reproducible" for finding in item["findings"])
        ]
    assert moved["steady"] == []
    assert moved["moving"]
    assert all(item["review"] and item["awarded"] is None for item in moved["moving"])


@pytest.mark.notebook
@pytest.mark.thorough
def test_who_runs_is_shown_and_what_hangs_is_stopped(tmp_path):
    course = make_quick_course(tmp_path / "course", preload=[], cell_timeout_seconds=1.0)
    make_endless(course / "submissions")
    make_reports(course / "submissions", 2)
    run = run_grade(course / "submissions", "--out", tmp_path / "out")
    assert run.returncode in (0, 3), run.stderr
    codes = {finding["code"] for finding in read_sheets(tmp_path / "out")["s9999"]["findings"]}
    assert "notebook.timed_out" in codes or "notebook.cell_timed_out" in codes, codes
