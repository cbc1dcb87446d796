"""What `grade ci init` writes: nothing hidden in it, no teacher's file overwritten, each as its schema wants."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from grader.cli.ci import PLATFORMS as PLATFORM_NAMES
from grader.cli.ci import TARGETS as TARGET_NAMES
from grader.cli.ci import ci
from grader.course import load_course
from grader.delivery.ci.bundle import build_bundle
from grader.delivery.ci.platforms import PLATFORMS
from grader.delivery.ci.run import check_hand_in
from grader.delivery.ci.setup import Setup, write_setup
from grader.delivery.ci.targets import TARGETS, Names, build_classroom50
from grader.errors import ConfigError
from grader.feedback import student_view
from tests.unit.ci_cases import ROOT, load_homework, write_hand_in

NAMES = Names(org="dl-course", classroom="dl")


@pytest.fixture(scope="module")
def bundle() -> dict[str, bytes]:
    return build_bundle(load_homework())


def open_all(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return files with those of every zip among them opened, however deep."""
    found = {}
    for name, data in files.items():
        found[name] = data
        if data[:2] == b"PK":
            archive = zipfile.ZipFile(io.BytesIO(data))
            found |= {f"{name}!{inner}": body for inner, body in
                      open_all({item: archive.read(item) for item in archive.namelist()}).items()}  # fmt: skip
    return found


@functools.cache
def list_hidden() -> set[bytes]:
    """Return texts of which none may reach a student: all that the rubric marks by, and the reference's lines."""
    rubric = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text())
    public = (
        " ".join(item["title"] for item in rubric["criteria"]) + (ROOT / "reference/hw5/template.ipynb").read_text()
    )
    public += "".join(path.read_text() for path in (ROOT / "reference/hw5/data").iterdir())

    def walk(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.items() for part in item for text in walk(part)]
        return [text for part in value for text in walk(part)] if isinstance(value, list) else [str(value)]

    texts = {text for item in rubric["criteria"] for key in ("question", "place") for text in walk(item.get(key, {}))}
    texts |= {text for text in walk(rubric["worlds"])}
    for path in (ROOT / "reference").rglob("*.py"):
        texts |= {line.strip() for line in path.read_text().splitlines()}
    for cell in json.loads((ROOT / "reference/hw5/solution.ipynb").read_text())["cells"]:
        texts |= {line.strip() for line in cell["source"]}
    grader = " ".join(path.read_text() for path in (ROOT / "grader").rglob("*.py"))
    return {text.encode() for text in texts if len(text) > 23 and text not in public and text not in grader}


def test_no_key_no_reference_and_no_secret_is_in_what_students_get(bundle: dict[str, bytes]) -> None:
    course = load_homework()
    hidden = list_hidden()
    assert len(hidden) > 1500
    weights = [path.read_bytes() for path in (ROOT / "reference/hw5/weights").iterdir()]
    assert weights
    built = [bundle, *(TARGETS[name](course, NAMES).files for name in TARGET_NAMES if name != "staff")]
    given = {data: name for files in built for name, data in open_all(dict(files)).items()}
    assert len(given) > 200
    # 1 MB of what students have, and the grader itself, in which none of these texts stands (see list_hidden).
    known = {path.read_bytes() for path in (ROOT / "reference/hw5/data").iterdir()}
    known |= {path.read_bytes() for folder in ("grader", "templates") for path in (ROOT / folder).rglob("*.*")
              if path.is_file()}  # fmt: skip
    strange = {name for data, name in given.items() if ".whl!" in name and data not in known}
    assert {name.rpartition("/")[2] for name in strange} <= {"METADATA", "RECORD", "WHEEL", "entry_points.txt"}
    for data, name in given.items():
        if data in known or data[:2] == b"PK":  # zips are opened above
            continue
        assert course.secret not in data, name
        assert not [text for text in hidden if text in data], name
        assert not [weight for weight in weights if weight[64:128] in data], name


def test_the_grep_would_find_a_key() -> None:
    """The test above is worth something: the rubric itself is full of what it looks for."""
    data = (ROOT / "rubrics/hw5.yaml").read_bytes()
    assert sum(text in data for text in list_hidden()) > 200


def test_the_bundle_is_what_is_listed_here_and_a_course_in_order(bundle: dict[str, bytes], tmp_path: Path) -> None:
    wheel = next(name for name in bundle if name.endswith(".whl"))
    assert set(bundle) - {wheel} == {
        "rubrics/hw5.yaml", "reference/__init__.py", "reference/hw5/__init__.py", "reference/hw5/public.py",
        "reference/hw5/probes.py", "reference/hw5/template.ipynb", "data/data.csv", "data/glove.6B.100d.txt",
    }  # fmt: skip
    list(write_setup(tmp_path / "b", Setup(files=bundle)))
    course = load_course([], root=tmp_path / "b", rubric=None, class_folder=None)
    assert [item.id for item in course.rubric.criteria][-1] == "notebook_runs"
    assert {item.question.kind for item in course.rubric.criteria} == {"presence", "notebook"}
    told = bundle["rubrics/hw5.yaml"].decode()
    for word in (
        "key:",
        "readings",
        "formula",
        "hat{y}",
        "options",
        "clues",
        "credit: 0.4",
        "worlds",
        "full_at",
        "0.92",
    ):
        assert word not in told, word
    load_course([], root=ROOT, rubric=None, class_folder=None).resolve("reference.hw5.worlds:build_worlds")


def change_rubric(tmp_path: Path, **changes: dict[str, str]) -> Path:
    """Write homework 5 with other fields of some criteria, beside links to its reference."""
    rubric = yaml.safe_load((ROOT / "rubrics/hw5.yaml").read_text())
    for item in rubric["criteria"]:
        item |= changes.get(item["id"], {})
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "reference").symlink_to(ROOT / "reference")
    (tmp_path / "rubrics/hw5.yaml").write_text(yaml.safe_dump(rubric, allow_unicode=True, sort_keys=False))
    return tmp_path


def test_a_marked_criterion_brings_its_question_and_a_hidden_one_nothing(tmp_path: Path) -> None:
    root = change_rubric(tmp_path, q1a={"student_ci": "marked"}, q1b={"student_ci": "hidden"})
    course = load_course([], root=root, rubric=None, class_folder=None)
    given = {item["id"]: item for item in yaml.safe_load(build_bundle(course)["rubrics/hw5.yaml"])["criteria"]}
    assert given["q1a"]["question"]["key"] == [2, 3]
    assert given["q1a"]["available"] == 5
    assert "clues" not in given["q1a"]["place"]
    list(write_setup(tmp_path / "b", Setup(files=build_bundle(course))))
    check = check_hand_in(write_hand_in(tmp_path / "hand-in"), tmp_path / "b")
    seen = {item.label: (item.verdict, item.word, item.awarded) for group in student_view(check.marksheet).groups
            for item in group.criteria}  # fmt: skip
    assert seen["1a"] == ("correct", "", 5)
    assert seen["1c"] == ("correct", "found", 1)
    assert "1b" not in seen
    assert check.scale == 100  # a choice may give a part of its marks; without it all are whole numbers
    assert "q1b" not in given
    assert set(given["q1c"]["question"]) == {"kind", "next"}


@pytest.mark.parametrize(
    ("criterion", "fields", "words"),
    [
        ("q2a", {"student_ci": "marked"}, "formula question is marked by the reference"),
        ("q4_data", {"student_ci": "marked"}, "notebook question is marked by the reference"),
        ("q1a", {"student_ci": "marked", "expected_visibility": "staff"}, "shows its key to students"),
    ],
)
def test_what_cannot_be_marked_in_the_open_is_refused(
    criterion: str, fields: dict[str, str], words: str, tmp_path: Path
) -> None:
    root = change_rubric(tmp_path, **{criterion: fields})
    with pytest.raises(ConfigError, match=words):
        load_course([], root=root, rubric=None, class_folder=None)


def test_the_command_line_names_the_targets_that_there_are() -> None:
    assert set(TARGET_NAMES) == set(TARGETS)
    assert set(PLATFORM_NAMES) == set(PLATFORMS)


def test_everything_is_written_the_same_twice(tmp_path: Path) -> None:
    for target in TARGET_NAMES:
        setup = TARGETS[target](load_homework(), NAMES)
        assert TARGETS[target](load_homework(), NAMES).files == setup.files
        lines = list(write_setup(tmp_path / target, setup))
        assert all(line.startswith("wrote ") for line in lines)
        assert len(lines) == len(setup.files)
        assert all(line.startswith("unchanged ") for line in write_setup(tmp_path / target, setup))
        assert setup.steps


def test_what_was_changed_by_hand_is_left_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = ["init", "--target", "staff", "--out", str(out), "--course", str(ROOT)]
    assert CliRunner().invoke(ci, run).exit_code == 0
    workflow = out / ".github/workflows/grade-class.yml"
    ours = workflow.read_text()
    workflow.write_text("mine\n")
    with pytest.raises(ConfigError, match="was changed by hand"):
        CliRunner().invoke(ci, run, catch_exceptions=False)
    assert workflow.read_text() == "mine\n"
    done = CliRunner().invoke(ci, [*run, "--force"])
    assert f"updated {workflow}" in done.output
    assert workflow.read_text() == ours


def test_an_older_file_of_ours_is_brought_up_to_date_and_one_that_is_no_more_removed(tmp_path: Path) -> None:
    list(write_setup(tmp_path, Setup(files={"a": b"1", "grader-1.whl": b"1"}, closed=("",))))
    lines = list(write_setup(tmp_path, Setup(files={"a": b"2", "grader-2.whl": b"2"}, closed=("",))))
    assert [line.split()[0] for line in lines] == ["updated", "wrote", "removed"]
    assert not (tmp_path / "grader-1.whl").exists()


def test_a_strange_file_in_what_students_can_read_stops_it_also_with_force(tmp_path: Path) -> None:
    setup = build_classroom50(load_homework(), NAMES)
    list(write_setup(tmp_path, setup))
    (tmp_path / "dl/autograders/hw5/solution.ipynb").write_text("{}")
    for force in (False, True):
        with pytest.raises(ConfigError, match=r"solution\.ipynb: is none of the files that students may have"):
            list(write_setup(tmp_path, setup, force=force))


def test_classroom50_takes_no_more_than_ten_mebibytes(tmp_path: Path) -> None:
    root = tmp_path / "course"
    root.mkdir()
    change_rubric(root)
    (root / "reference").unlink()
    subprocess.run(["cp", "-r", ROOT / "reference", root / "reference"], check=True)
    noise = b"".join(hashlib.sha512(str(number).encode()).digest() for number in range(180_000))
    (root / "reference/hw5/data/data.csv").write_bytes(noise)
    course = load_course([], root=root, rubric=None, class_folder=None)
    with pytest.raises(ConfigError, match=r"MiB packed.*data/data\.csv"):
        build_classroom50(course, NAMES)
    load_homework().resolve("reference.hw5.worlds:build_worlds")


def test_handed_out_data_are_plain_files_of_their_folder() -> None:
    course = load_homework()
    assert course.rubric.notebook is not None
    for name in ("../weights", "nothing.csv", "."):
        notebook = replace(course.rubric.notebook, handed_out=(name,))
        with pytest.raises(ConfigError, match="is no file in"):
            build_bundle(replace(course, rubric=replace(course.rubric, notebook=notebook)))


def test_names_cannot_bring_yaml_along() -> None:
    for name in ("a\nb", "a: b", "../x", "", "-x", "a b"):
        with pytest.raises(ConfigError, match="letters, digits"):
            Names(org=name)


WORKFLOWS = [("actions", "grade.yml"), ("actions", "student.yml"), ("classroom-reporter", "classroom.yml"),
             ("staff", "grade-class.yml")]  # fmt: skip


def list_yaml() -> list[tuple[str, bytes]]:
    found = {}
    for target in TARGET_NAMES:
        for name, data in TARGETS[target](load_homework(), NAMES).files.items():
            if name.endswith(".yml"):
                found[f"{target}/{name}"] = data
    return sorted(found.items())


def test_workflows_and_actions_are_what_githubs_schemas_want(tmp_path: Path) -> None:
    files = list_yaml()
    assert len(files) == 6
    for schema, wanted in (("vendor.github-workflows", False), ("vendor.github-actions", True)):
        paths = []
        for number, (name, data) in enumerate(files):
            if name.endswith("action.yml") is wanted:
                paths.append(tmp_path / f"{number}.yml")
                paths[-1].write_bytes(data)
        run = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_ask_for_little_and_pin_what_they_use() -> None:
    for name, data in list_yaml():
        text = data.decode()
        document = yaml.safe_load(text)
        assert "pull_request_target" not in text, name
        assert "secrets: inherit" not in text, name
        assert not re.findall(r"@[A-Z_]+@", text), name
        for used in re.findall(r"uses: (\S+)", text):
            action, _, version = used.partition("@")
            ours = action.startswith("dl-course/course-ci")
            assert version == "v1" if ours else re.fullmatch(r"[0-9a-f]{40}", version), used
        if "runs" in document:
            steps = document["runs"]["steps"]
        else:
            assert document["permissions"] in ({}, {"contents": "read"}), name
            steps = [step for job in document["jobs"].values() for step in job.get("steps", [])]
            assert all("timeout-minutes" in job or "uses" in job for job in document["jobs"].values()), name
        for step in steps:
            assert "${{" not in step.get("run", ""), f"{name}: an expression in a script can be injected into"


def test_only_the_jobs_that_run_no_students_code_have_secrets() -> None:
    setup = TARGETS["staff"](load_homework(), NAMES)
    jobs = yaml.safe_load(setup.files[".github/workflows/grade-class.yml"])["jobs"]
    assert list(jobs) == ["fetch", "grade", "report"]
    assert "secrets." not in json.dumps(jobs["grade"])
    assert jobs["grade"]["permissions"] == {}
    assert "checkout" not in json.dumps(jobs["grade"])
    assert "no-sandbox" not in json.dumps(jobs)
    assert "pip install" not in json.dumps([jobs["fetch"], jobs["report"]])


def test_the_projects_own_workflow_is_in_order() -> None:
    path = ROOT / ".github/workflows/ci.yml"
    run = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 0
    assert "pull_request_target" not in path.read_text()
