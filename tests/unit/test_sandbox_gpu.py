"""A GPU in the room: only where there is one that torch can use. Elsewhere skipped, with the reason."""

import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from grader.sandbox import NotebookSettings, find_device, open_lodging, run_notebook

NO_GPU = "no GPU that torch can use is here" if find_device("auto", version("torch")) == "cpu" else ""
SETTINGS = NotebookSettings(packages={name: version(name) for name in ("numpy", "torch")}, preload=("numpy", "torch"))
CELLS = (
    "import torch\nprint(torch.cuda.is_available(), torch.cuda.device_count())",
    "x = torch.arange(6.0, device='cuda').reshape(2, 3)\nprint((x @ x.T).cpu().tolist(), x.device)",
    "layer = torch.nn.GRU(3, 4).cuda()\nprint(layer(x[None])[0].is_cuda)",
)


@pytest.mark.gpu
@pytest.mark.notebook
@pytest.mark.skipif(bool(NO_GPU), reason=NO_GPU)
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_room_has_one_gpu(warm: bool) -> None:
    cells = [{"cell_type": "code", "source": cell} for cell in CELLS]
    with open_lodging(SETTINGS, Path("unused"), seed=13, device="cuda", warm=warm) as rooms:
        execution = run_notebook(json.dumps({"cells": cells}).encode(), rooms)
    assert execution.device == "cuda"
    assert [cell.text for cell in execution.cells] == [
        "True 1\n",
        "[[5.0, 14.0], [14.0, 50.0]] cuda:0\n",
        "True\n",
    ]


def test_without_the_device_file_no_gpu_is_taken() -> None:
    if not os.path.exists("/dev/nvidia0"):
        assert find_device("auto", "2.13.0+cu130") == "cpu"
    assert find_device("auto", "2.13.0+cpu") == "cpu"
