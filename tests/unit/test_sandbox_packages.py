"""What a notebook may import, and what the rubric says about running it."""

import os
from importlib.metadata import version

import pytest
from pydantic import TypeAdapter, ValidationError

from grader.sandbox import NotebookSettings, build_pip_line, missing_packages
from grader.sandbox.packages import build_site, find_device, find_versions


def test_the_site_holds_the_packages_and_what_they_need_and_nothing_else(tmp_path):
    build_site(tmp_path, {"pandas": version("pandas"), "nltk": version("nltk")})
    entries = set(os.listdir(tmp_path))
    assert {"pandas", "numpy", "nltk", "regex", "ipykernel", "IPython", "ipykernel_launcher.py"} <= entries
    assert not entries & {"grader", "reference", "rubrics", "pydantic", "pytest", "nbclient", "torch", "yaml"}
    assert not [name for name in entries if name.endswith(".pth")]
    assert all(os.path.exists(tmp_path / name) for name in entries)


def test_a_missing_package_and_another_version_are_found_with_the_line_that_mends_them():
    pins = {"numpy": version("numpy"), "pandas": "0.1", "no-such-package-here": "1.0"}
    gaps = missing_packages(NotebookSettings(packages=pins))
    assert [(gap.name, gap.found) for gap in gaps] == [("pandas", version("pandas")), ("no-such-package-here", None)]
    assert build_pip_line(gaps) == "pip install pandas==0.1 no-such-package-here==1.0"


def test_a_build_for_cpu_is_the_same_release():
    assert missing_packages(NotebookSettings(packages={"torch": version("torch").partition("+")[0]})) == ()


def test_versions_are_those_installed():
    found = find_versions({"numpy": "0", "no-such-package-here": "1.0"})
    assert found["numpy"] == version("numpy")
    assert set(found) == {"python", "numpy"}


@pytest.mark.parametrize(
    "text",
    [
        '{"cell_timeout_seconds": 0}',
        '{"cell_timeout_seconds": "60"}',
        '{"value_bytes": -1}',
        '{"stand_ins": ["google_drive"]}',
        '{"cell_timeout": 60}',
    ],
)
def test_a_mistake_in_the_rubric_is_refused(text):
    with pytest.raises(ValidationError):
        TypeAdapter(NotebookSettings).validate_json(text)


def test_settings_are_read_from_the_rubric():
    text = '{"packages": {"numpy": "2.4.6"}, "cell_timeout_seconds": 60, "stand_ins": ["tqdm", "cuda"]}'
    settings = TypeAdapter(NotebookSettings).validate_json(text)
    assert settings.stand_ins == ("tqdm", "cuda")
    assert settings.cell_timeout_seconds == 60


def test_a_build_without_cuda_takes_no_gpu():
    assert find_device("auto", "2.13.0+cpu") == "cpu"
    assert find_device("cpu", "2.13.0") == "cpu"
    assert find_device("cuda", "2.13.0") == "cuda"
