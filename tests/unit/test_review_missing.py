"""``grade review`` where its extra is not installed."""

import subprocess
import sys

import pytest

from tests.unit.batch_cases import ROOT

RUN = """
import sys
sys.modules[{name!r}] = None  # an import of it fails, as where it is not installed
from grader.cli.entry import main
main()
"""


@pytest.mark.parametrize("name", ["starlette", "uvicorn"])
def test_the_browser_needs_an_extra_and_says_how_to_have_it(tmp_path, name):
    command = [sys.executable, "-c", RUN.format(name=name), "review", str(tmp_path), "--no-browser"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 4, run.stdout + run.stderr
    said = " ".join(run.stderr.split())
    assert "pip install -e '.[review]'" in said and name in said and "Traceback" not in said
