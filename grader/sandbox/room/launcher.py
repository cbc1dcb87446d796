"""Start the notebook's kernel: modules on the path, seeds, stand-ins, then ipykernel with our extra messages."""

from __future__ import annotations

import builtins
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from .facts import Facts
from .hooks import after_import


def main(connection_file: str, folder: str) -> None:
    """Run the kernel of the room in ``folder`` until it is told to stop."""
    facts = Facts(**json.loads((Path(folder) / "facts.json").read_text(encoding="utf-8")))
    _prepare_python(facts, folder)
    facts.reseed()
    after_import("numpy", lambda numpy: facts.reseed())
    after_import("torch", lambda torch: _prepare_torch(torch, facts))
    for name in facts.stand_ins:
        module = importlib.import_module(f".standins.{name}", __package__)
        module.install(facts)
    _start_kernel(connection_file, facts)


def _prepare_python(facts: Facts, folder: str) -> None:
    """Mend what ``python -S`` leaves out, and put the allowed packages on the path in place of our own folder."""
    import _sitebuiltins

    builtins.help = _sitebuiltins._Helper()
    sys.path[:] = [entry for entry in sys.path if entry != folder] + [str(Path(folder) / "site")]
    # Subprocesses of a notebook ("sys.executable -m pip ...") get the same packages and the same offline answers.
    sys.executable = str(Path(folder) / "bin" / "python")
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel does without, and starts faster


def _prepare_torch(torch: Any, facts: Facts) -> None:
    torch.set_num_threads(1)  # with more, results depend on how busy the machine is
    facts.reseed()


def _start_kernel(connection_file: str, facts: Facts) -> None:
    from ipykernel.kernelapp import IPKernelApp

    from .kernel import build_kernel_class

    app: Any = IPKernelApp.instance(kernel_class=build_kernel_class(facts))
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False", "--log-level=50"])
    app.start()
