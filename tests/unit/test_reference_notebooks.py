"""The blank notebook and the two that fill it in: what is given must stay, what is blank must be filled."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "reference" / "hw5" / "template.ipynb"
SOLUTION = ROOT / "reference" / "hw5" / "solution.ipynb"
EXAMPLE = ROOT / "submissions" / "99521082" / "Q4.ipynb"
NOTEBOOKS = [pytest.param(path, id=path.parent.name + "/" + path.name) for path in (TEMPLATE, SOLUTION, EXAMPLE)]
BLANK = re.compile(r"^( *)# -+ start of your code -+\n(.*?)^ *# -+ end of your code -+$", re.MULTILINE | re.DOTALL)


def read_code(path):
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def empty(source):
    return BLANK.sub("[blank]", source)


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_are_valid_python(path):
    nbformat.validate(nbformat.read(path, 4))
    for source in read_code(path):
        ast.parse(re.sub(r"^[%!].*", "", source, flags=re.MULTILINE))


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_twenty_four_blanks_in_eleven_cells(path):
    counts = [len(BLANK.findall(source)) for source in read_code(path)]
    assert (sum(counts), sum(map(bool, counts))) == (24, 11)


def test_blanks_of_the_template_hold_no_answer():
    for source in read_code(TEMPLATE):
        for _, body in BLANK.findall(source):
            assert [line.strip() for line in body.splitlines() if line.strip()[:1] != "#"] in ([], ["pass"])


@pytest.mark.parametrize("path", [SOLUTION, EXAMPLE], ids=["solution", "example"])
def test_every_blank_is_filled_and_its_cell_kept(path):
    given = [empty(source) for source in read_code(TEMPLATE) if BLANK.search(source)]
    filled = [source for source in read_code(path) if BLANK.search(source)]
    assert [empty(source) for source in filled] == given
    for source in filled:
        for _, body in BLANK.findall(source):
            assert [line for line in body.splitlines() if line.strip() and line.strip()[0] != "#"], source


def test_the_example_keeps_every_given_cell():
    cells = iter([empty(source) for source in read_code(EXAMPLE)])
    lost = [source for source in read_code(TEMPLATE) if empty(source) not in cells]  # looks on from the last one found
    assert not lost


def test_the_template_makes_one_optimizer_and_the_solution_one_for_each_network():
    made = {path: sum(source.count("optim.Adam(") for source in read_code(path)) for path in (TEMPLATE, SOLUTION)}
    assert made == {TEMPLATE: 1, SOLUTION: 5}
    networks = re.compile(r"^network = \w*Network\(", re.MULTILINE)
    for source in read_code(SOLUTION):
        assert len(networks.findall(source)) == source.count("optim.Adam(")


def test_the_example_was_saved_on_another_machine():
    saved = nbformat.read(EXAMPLE, 4)
    assert saved.metadata.kernelspec.name != "python3"
    sources = read_code(EXAMPLE)
    places = [
        next(i for i, s in enumerate(sources) if part in s) for part in ("%cd /content", "import drive", "read_csv")
    ]
    assert places == sorted(places)
    assert any("!pip install" in source for source in sources)
    assert any("nltk.download('punkt')" in source for source in sources)
    assert any(cell.get("outputs") for cell in saved.cells)


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_cell_ids_differ(path):
    ids = [cell["id"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    assert len(set(ids)) == len(ids)
