"""Forged marks, end to end: what a notebook claims beyond what it did earns nothing, unless a person looks."""

import json

import pytest
import yaml

from grader.course import load_course
from grader.pipeline import grade_submission, open_lodgings
from tests.hostile.arena import ROOT
from tests.hostile.conftest import need_bubblewrap

pytestmark = pytest.mark.slow

# What a forger puts before the first cell. ``patch`` changes a reply's value before it is sent.
REPLIES = """
import json, hashlib
kernel = get_ipython().kernel
honest = kernel._probe_request
seen = []

def forge(value, word):
    if isinstance(value, float):
        return int(hashlib.sha256(f"{word}{value}".encode()).hexdigest()[:8], 16) / 2**32
    if isinstance(value, bool):
        return True
    if isinstance(value, list):
        return [forge(item, word) for item in value]
    if isinstance(value, dict):
        return {name: forge(item, word) for name, item in value.items()}
    return value

def answer(stream, ident, parent):
    content = parent["content"]
    try:
        value = json.loads(honest(content)["value"])
    except Exception:
        value = {}
    kernel.session.send(stream, "probe_reply", {"value": json.dumps(PATCH)}, parent=parent, ident=ident)

kernel.shell_handlers["probe_request"] = answer
"""
FORGERIES = {
    "answers made of hashes": REPLIES.replace("PATCH", "forge(value, content['function'])"),
    "honest until it knows the questions": REPLIES.replace(
        "PATCH",
        "value if seen.append(content['function']) or seen.count(content['function']) < 2 else forge(value, 'x')",
    ),
    "cells that are rewritten on their way in": "def rewrite(lines):\n    text = ''.join(lines)\n"
    "    return [\"print('all tests passed', 'F1: 0.99')\\n\"] if 'assert' in text or 'print_f1' in text else lines\n"
    "get_ipython().input_transformers_cleanup.append(rewrite)",
    "results written to files": "import os, json\nfor place in ('.', '/tmp', '/room/home', '/room/run', '/dev/shm'):\n"
    "    os.makedirs(place + '/graded/99', exist_ok=True)\n"
    "    for name in ('marksheet.json', 'graded/99/marksheet.json', 'feedback.html', 'results.json', 'kernel.json'):\n"
    "        open(os.path.join(place, name), 'w').write(json.dumps({'awarded': 45, 'verdict': 'correct'}))\n",
}


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    """The evidence for a weak notebook, by criterion: as it is (""), and with each forgery before it."""
    need_bubblewrap()
    folder = tmp_path_factory.mktemp("forgeries") / "submissions"
    weak = json.loads((ROOT / "reference/hw5/solution.ipynb").read_text())
    weak["cells"] = [item for item in weak["cells"] if "for epoch in range" not in "".join(item["source"])]
    for item in weak["cells"]:
        item["source"] = "".join(item["source"]).replace("optimizer.step()", "pass").replace("word.lower()", "word")
    paths = {}
    for number, (name, source) in enumerate({"": "", **FORGERIES}.items()):
        paths[name] = folder / f"9{number}"
        paths[name].mkdir(parents=True)
        first = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}]
        (paths[name] / "Q4.ipynb").write_text(json.dumps({**weak, "cells": first + weak["cells"]}))
    (folder / "class.yaml").write_text(yaml.safe_dump({"key": "demo"}))
    course = load_course([*paths.values()], root=ROOT, rubric=None, class_folder=folder)
    with open_lodgings(course, device="cpu") as lodgings:
        sheets = {name: grade_submission(course, path, lodgings=lodgings) for name, path in paths.items()}
    return {name: {mark.criterion: mark.evidence for mark in sheet.marks} for name, sheet in sheets.items()}


def test_the_weak_notebook_is_weak(marks):
    credits = {name: item.credit for name, item in marks[""].items() if name.startswith("q4") and not item.review}
    assert credits["q4_data"] == 1
    assert credits["q4_train"] < 1


@pytest.mark.parametrize("name", FORGERIES)
def test_no_forgery_earns_more_than_the_work(marks, name):
    gained = {
        criterion: (item.credit, marks[""][criterion].credit)
        for criterion, item in marks[name].items()
        if item.review is None and (item.credit or 0) > (marks[""][criterion].credit or 0)
    }
    assert gained == {}
