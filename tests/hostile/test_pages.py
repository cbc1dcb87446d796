"""What a hand-in can put in front of whoever grades it, and what it can make the grader read or write."""

import html
import json
import os
import re
import zlib
from pathlib import Path

import pytest

from tests.hostile.arena import ROOT, notebook
from tests.hostile.class_room import REPORT, build_course, grade, hand_in
from tests.hostile.conftest import need_bubblewrap

MARKS = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\x1b[31mred\x1b]0;title\x07", "::error::bad",
         "::stop-commands::word", "##[set-output name=x]y", "##[error]worse", "{{ 7 * 7 }}", "\u202egnp"]  # fmt: skip
TEXT = "\n".join(MARKS)
PLACES = ["graded/99/marksheet.json", "graded/99/feedback.html", "marksheet.json", "feedback.html", "rubrics/hw5.yaml",
          "reference/hw5/probes.py", "reference/hw5/checks/__init__.py", "class.yaml", "report.md",
          "Q4.ipynb"]  # fmt: skip
CELLS = [
    f"text = {TEXT!r}\nprint(text)\nimport sys\nsys.stderr.write(text)",
    "text",
    "from IPython.display import display, HTML, Javascript\ndisplay(HTML(text), Javascript(text), text)",
    "raise type(text.replace('\\0', ''), (Exception,), {})(text)",
    "open('/content/drive/MyDrive/' + text.replace('\\n', ' ') + '.csv')",
    "open('C:\\\\Users\\\\##[error]worse ::error::bad \\x1b[31m.csv')",
    "import urllib.request\nurllib.request.urlopen('http://' + '##[error]worse' + '/x')",
    f"for root in ('', '../', '../../', '/', '/tmp/', '/in/', '/room/', {str(ROOT) + '/'!r}):\n"
    f"    for place in {PLACES!r}:\n        try:\n            import os\n"
    "            os.makedirs(os.path.dirname(root + place) or '.', exist_ok=True)\n"
    '            open(root + place, \'w\').write(\'{"awarded": "100", "status": "final"}\')\n'
    "        except OSError: pass\n",
]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One grading of one hand-in that tries all of it."""
    need_bubblewrap()
    course = build_course(tmp_path_factory.mktemp("pages") / "course")
    folder = hand_in(course, "99", *CELLS, report=REPORT + "\n## Q2\n" + TEXT + "\n\n# Q3\n" + TEXT)
    (folder / "Q4.ipynb").rename(folder / "##[error]worse\n::error::bad \x1b[31m<b>.ipynb")
    before = sorted(path for path in ROOT.rglob("*") if ".git" not in path.parts and "__pycache__" not in path.parts)
    code, out, err = grade(course, folder, temporary=tmp_path_factory.mktemp("temporary"))
    after = sorted(path for path in ROOT.rglob("*") if ".git" not in path.parts and "__pycache__" not in path.parts)
    return {"course": course, "code": code, "out": out, "err": err, "new": set(after) - set(before)}


def test_the_hand_in_is_graded(graded):
    assert graded["code"] == 4, graded["err"]  # there is no torch here, and it says so
    assert [path.name for path in sorted((graded["course"] / "graded" / "99").rglob("*"))] == [
        "feedback.html",
        "marksheet.json",
    ]


def test_no_terminal_code_is_printed(graded):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069]", graded["out"] + graded["err"])


def test_no_workflow_command_is_printed(graded):
    lines = [line.strip() for line in (graded["out"] + graded["err"]).splitlines()]
    assert [line for line in lines if line.startswith("::") or "##[" in line] == []


def test_the_page_holds_nothing_but_text(graded):
    page = (graded["course"] / "graded/99/feedback.html").read_text()
    assert "alert(1)" not in html.unescape(page) or "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<script[^>]*>alert|<img[^>]*onerror|<b>\.ipynb|\x1b", page)
    assert re.findall(r"<script", page) == re.findall(r"<script", _clean_page(graded))


def _clean_page(graded):
    return re.sub(r"(?s)<script>alert.*?</script>", "", (graded["course"] / "graded/99/feedback.html").read_text())


def test_result_files_of_the_room_are_not_read(graded):
    sheet = json.loads((graded["course"] / "graded/99/marksheet.json").read_text())
    assert sheet["status"] != "final"
    judged = [mark for mark in sheet["criteria"] if mark["id"].startswith("q4")]
    assert judged
    assert all(mark["awarded"] is None and mark["review"] for mark in judged)
    assert "\x1b" not in json.dumps(sheet, ensure_ascii=False)


def test_nothing_was_written_elsewhere(graded):
    assert {path for path in graded["new"] if path.name in {Path(place).name for place in PLACES}} == set()
    assert sorted(os.listdir(graded["course"])) == ["data", "graded", "hand-ins", "reference", "rubrics", "templates"]
    assert os.listdir(graded["course"] / "hand-ins/99") != []
    assert (graded["course"] / "data/course.csv").read_text() == "id\n1\n"


LINKS = ("passwd", "root", "pipe", "device", "loop", "outside")


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """Hand-ins whose files are something else than files."""
    course = build_course(tmp_path_factory.mktemp("links") / "course")
    word = "word-of-another-hand-in"
    secret = course / "secret.md"
    secret.write_text(f"# Q1\na) 2 and 3 because {word}\n")
    (course / "secret.ipynb").write_bytes(notebook(f"print('{word}')"))
    targets = {"passwd": "/etc/passwd", "root": "/", "device": "/dev/zero", "loop": "report.md", "outside": str(secret)}
    paths = []
    for name in LINKS:
        folder = course / "hand-ins" / name
        folder.mkdir(parents=True)
        paths.append(folder)
        if name == "pipe":
            os.mkfifo(folder / "report.md")
            os.mkfifo(folder / "Q4.ipynb")
        else:
            (folder / "report.md").symlink_to(targets[name])
            (folder / "Q4.ipynb").symlink_to(targets[name].replace(".md", ".ipynb"))
            (folder / "more").symlink_to("/etc" if name == "root" else course)
    results = grade(course, *paths, temporary=tmp_path_factory.mktemp("temporary"))
    return course, word, results


@pytest.mark.parametrize("name", LINKS)
def test_what_is_no_file_is_not_followed(linked, name):
    course, word, (code, out, err) = linked
    assert code in (3, 5)
    assert word not in out + err
    for file in filter(Path.is_file, (course / "graded").rglob("*")):
        data = file.read_bytes()
        data = zlib.decompress(data) if "objects" in file.parts else data
        assert word.encode() not in data
        assert b"root:x:0:0" not in data
