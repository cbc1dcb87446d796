"""The house rules that a machine can hold us to."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from grader.codec import build_json_schema
from grader.kinds import KINDS
from grader.rubric import Rubric

ROOT = Path(__file__).resolve().parents[2]


def test_imports_run_downwards_only() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_wheel_lists_every_package() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "grader").rglob("__init__.py")}
    assert found | {"grader.templates"} == listed


def test_the_kernel_packages_of_the_rubric_are_those_that_the_readme_installs() -> None:
    packages = yaml.safe_load((ROOT / "rubrics" / "hw5.yaml").read_text())["notebook"]["packages"]
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pinned = dict(item.split("==") for item in dependencies if "==" in item)
    assert {name: pinned.get(name) for name in packages} == packages


def test_the_schema_for_editors_is_that_of_the_loader() -> None:
    stored = (ROOT / "rubrics" / "rubric.schema.json").read_text()
    assert stored == build_json_schema(Rubric), "python -m grader.rubric > rubrics/rubric.schema.json"


def test_every_kind_has_a_case_table_of_at_least_twelve_rows() -> None:
    for kind in KINDS:
        assert len(yaml.safe_load((ROOT / "tests" / "cases" / f"{kind}.yaml").read_text())) >= 12, kind


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / target).exists(), target


def test_no_module_of_the_grader_evaluates_text_or_unpickles() -> None:
    forbidden = {"eval", "exec", "compile", "sympify", "loads_pickle"}
    for path in (ROOT / "grader").rglob("*.py"):
        if "room" in path.parts:  # these run in the student's kernel
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, f"{path}:{node.lineno}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not {alias.name for alias in node.names} & {"pickle", "cloudpickle", "dill"}, path
