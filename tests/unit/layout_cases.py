"""Classes as learning platforms hand them out, in small: paths and what stands in the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.unit.archive_cases import make_zip

GRADESCOPE = """\
submission_11:
  :submitters:
  - :name: Jane Doe
    :sid: s-001
    :email: jane@uni.example
  :created_at: 2026-11-20 18:45:10.123456000 Z
  :score: !ruby/object:BigDecimal 27:0.95e1
  :results: {}
  :history: []
submission_9:
  :submitters:
  - :name: Al Roe
    :sid: ''
    :email: al@uni.example
  - :name: Bo Poe
    :sid: 99521082
    :email: bo@uni.example
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-11-21 00:00:00.000000000 Z
    zone: &1 !ruby/object:ActiveSupport::TimeZone {name: Etc/UTC}
    time: 2026-11-21 03:30:00.000000000 Z
submission_12:
  :created_at: yesterday
"""
SCORES = """\
username,score,max_score,datetime,submission_tag,submitted_by,review_url,late,override
octocat,71,100,2026-11-20T10:00:00Z,submit/1,octocat,,false,
Mona-Lisa,0,100,,,,,true,
"""
CANVAS = {
    "doejane_4321_98765_hw5-2.ipynb": "{}",
    "doejane_4321_98764_report.md": "A",
    "roeal_LATE_77_98766_my_report_12_34_v2-1.md": "B",
    "_78_98767_plot-1.png": "x",
    "_78_98768_plot-2.png": "y",
    "poebo_79_text.html": "<p>C</p>",
    "zoe_80_link.html": "<a href='https://x.example'>x</a>",
    "anon_x7Yz2_98769_report.md": "D",
    "anon_aB3dE_LATE_98770_report.md": "E",
}
MOODLE = {
    "Sara N_101_assignsubmission_file/HW5/report.md": "A",
    "Sara N_101_assignsubmission_onlinetext/onlinetext.html": "<p>B</p>",
    "گروه ۲_102_assignsubmission_file_/report.md": "C",
    "Participant_103_assignsubmission_onlinetext_/onlinetext.html": "D",
    "A_1_b_104_assignsubmission_file/empty.md": "",
}
MOODLE_FLAT = {
    "Sara N_101_assignsubmission_file_report_2.md": "A",
    "Sara N_101_assignsubmission_onlinetext_onlinetext.html": "B",
    "Al Roe_102_assignsubmission_file_Q4.ipynb": "{}",
}
CLASSES: dict[str, tuple[str, str, Mapping[str, str]]] = {
    "canvas": ("submissions", "Canvas's download", CANVAS),
    "moodle": ("HW5-1234", "Moodle's download", {**MOODLE, "grades.csv": ""}),
    "moodle flat": ("HW5-1234", "Moodle's download", MOODLE_FLAT),
    "gradescope": (
        "assignment_5_export",
        "Gradescope's export",
        {"submission_metadata.yml": GRADESCOPE, "submission_9/report.md": "A", "submission_11/a/report.md": "B",
         "submission_12/report.md": "C", "submission_13/report.md": "D"},
    ),
    "classroom50": (
        "dl-hw5_submissions_2026_11_25_T_10_00_00",
        "Classroom 50's download",
        {"scores.csv": SCORES, "dl-hw5-octocat/report.md": "A", "dl-hw5-octocat/result.json": "{}",
         "dl-hw5-mona-lisa/report.md": "B", "dl-hw5-team-7/report.md": "C"},
    ),
    "classroom50 renamed": (
        "hw5",
        "Classroom 50's download",
        {"scores.csv": SCORES, "dl-hw5-octocat/report.md": "A", "dl-hw5-mona-lisa/report.md": "B"},
    ),
    "gh-classroom": (
        "hw5-submissions",
        "gh classroom's clones",
        {"hw5-octocat/report.md": "A", "hw5-octocat/.git/HEAD": "x", "hw5-mona-lisa/Q4.ipynb": "{}"},
    ),
}  # fmt: skip
# Of each: student, members, time, late, and the paths that its files are shown by.
EXPECTED: dict[str, set[tuple[str, tuple[str, ...], str | None, bool, tuple[str, ...]]]] = {
    "canvas": {
        ("4321", (), None, False, ("hw5.ipynb", "report.md")),
        ("77", (), None, True, ("my_report_12_34_v2.md",)),
        ("78", (), None, False, ("plot-1.png", "plot-2.png")),
        ("79", (), None, False, ("text.html",)),
        ("80", (), None, False, ("link.html",)),
        ("x7Yz2", (), None, False, ("report.md",)),
        ("aB3dE", (), None, True, ("report.md",)),
    },
    "moodle": {
        ("101", (), None, False, ("HW5/report.md", "onlinetext.html")),
        ("102", (), None, False, ("report.md",)),
        ("103", (), None, False, ("onlinetext.html",)),
        ("104", (), None, False, ("empty.md",)),
    },
    "moodle flat": {
        ("101", (), None, False, ("onlinetext.html", "report_2.md")),
        ("102", (), None, False, ("Q4.ipynb",)),
    },
    "gradescope": {
        ("s-001", (), "2026-11-20T18:45:10+00:00", False, ("a/report.md",)),
        ("submission_9", ("al@uni.example", "99521082"), "2026-11-21T00:00:00+00:00", False, ("report.md",)),
        ("submission_12", (), None, False, ("report.md",)),
        ("submission_13", (), None, False, ("report.md",)),
    },
    "classroom50": {
        ("octocat", (), "2026-11-20T10:00:00+00:00", False, ("report.md", "result.json")),
        ("mona-lisa", (), None, False, ("report.md",)),
        ("team-7", (), None, False, ("report.md",)),
    },
    "classroom50 renamed": {
        ("octocat", (), "2026-11-20T10:00:00+00:00", False, ("report.md",)),
        ("mona-lisa", (), None, False, ("report.md",)),
    },
    "gh-classroom": {
        ("octocat", (), None, False, ("report.md",)),
        ("mona-lisa", (), None, False, ("Q4.ipynb",)),
    },
}


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def write_class(root: Path, name: str) -> Path:
    """Return a class, unpacked, under ``root``."""
    folder, _, files = CLASSES[name]
    return write_files(root / folder, files)


def pack_class(root: Path, name: str, *, inside: bool) -> Path:
    """Return a class as the archive that it comes in, with one folder in it around everything where ``inside``."""
    folder, _, files = CLASSES[name]
    prefix = f"{folder}/" if inside else ""
    path = root / f"{folder}.zip"
    path.write_bytes(make_zip(*((prefix + file, text.encode()) for file, text in files.items())))
    return path
