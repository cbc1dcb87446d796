"""notebook: the way through a real kernel, with a small notebook that makes one network learn and leaves one still."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.model import Execution
from grader.sandbox import Lodgings, run_notebook
from reference.hw5.checks import list_requests
from reference.hw5.checks.cells import find_stale_cells
from tests.unit.notebook_cases import judge, load_solution
from tests.unit.room_cases import with_settings

ROOT = Path(__file__).resolve().parents[2]
BATCHES = "train_iter = [(torch.randint(0, 9, (4, 3)), torch.tensor([0.0, 1.0, 0.0])) for _ in range(2)]"
TRAIN = "train_network(network, train_iter, optimizer, torch.nn.BCEWithLogitsLoss(), 1)"
ENDLESS = "def evaluate_network(network, val_test_iter, optimizer, loss_fn):\n    while True:\n        pass"


@pytest.fixture(scope="module")
def execution(lodgings: Lodgings) -> Execution:
    solution = load_solution()
    cells = [
        "import torch\nfrom tqdm import tqdm",
        next(source for source in solution if "class Network" in source),
        next(source for source in solution if "def train_network" in source),
        ENDLESS,
        BATCHES,
        "network = Network(9)\noptimizer = torch.optim.Adam(network.parameters())",
        TRAIN,
        "network = Network(9, m_type='gru')",
        TRAIN,
        "network = Network(9, m_type='lstm')\n" + TRAIN,
    ]
    notebook = {
        "cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in cells],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    wanted = ("network", "train", "own_networks", "evaluate")
    return run_notebook(
        json.dumps(notebook).encode(),
        with_settings(lodgings, probe_timeout_seconds=4.0),
        requests=[request for request in list_requests(5) if request.name in wanted],
        probes_source=(ROOT / lodgings.settings.probes).read_text(encoding="utf-8"),
    )


@pytest.mark.thorough
@pytest.mark.notebook
def test_the_verdicts_are_those_of_a_run_without_a_kernel(execution: Execution) -> None:
    assert not execution.fault
    assert judge("q4_network", execution).verdict == "correct"
    assert judge("q4_train", execution).verdict == "partial"  # the cells that leave networks still are its own


@pytest.mark.notebook
def test_still_networks_are_seen_by_their_movement(execution: Execution) -> None:
    """Cell 8 by the looks around it; cell 9 makes and trains its network, which a copy is trained for."""
    assert [(item.cell.index, item.seen) for item in find_stale_cells(execution)] == [(8, True), (9, True)]


@pytest.mark.notebook
def test_a_function_that_never_ends_is_the_students(execution: Execution) -> None:
    evidence = judge("q4_evaluate", execution)
    assert evidence.verdict == "wrong"
    assert [finding.code for finding in evidence.findings] == ["notebook.no_reply"]
