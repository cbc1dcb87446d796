"""Start the notebook's kernel: modules on the path, limits, seeds, stand-ins, then ipykernel with our messages."""

from __future__ import annotations

import builtins
import importlib
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from .facts import Facts, load_facts
from .hooks import after_import


def main(folder: str) -> None:
    """Run the kernel of the room in ``folder`` until it is told to stop."""
    facts = load_facts(folder)
    prepare_python(facts)
    run_kernel(facts)


def prepare_python(facts: Facts) -> None:
    """Mend what ``python -S`` leaves out, and put the allowed packages on the path in place of our own folder."""
    import _sitebuiltins

    builtins.help = _sitebuiltins._Helper()
    sys.path[:] = [entry for entry in sys.path if entry not in (facts.root, *facts.site)] + facts.site
    # Subprocesses of a notebook ("sys.executable -m pip ...") get the same packages and the same offline answers.
    sys.executable = os.path.join(facts.root, "bin", "python")
    sys.argv[:] = ["ipykernel_launcher"]
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel does without, and starts faster


def run_kernel(facts: Facts) -> None:
    """Fill the notebook's folder and run the kernel, in a process that does nothing else."""
    _fill(Path(facts.work), facts)
    os.chdir(facts.work)
    for name, limit in facts.limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (limit, limit))
    facts.reseed()
    if "numpy" not in sys.modules:
        after_import("numpy", lambda numpy: facts.reseed())
    after_import("torch", lambda torch: _prepare_torch(torch, facts))
    for name in facts.stand_ins:
        module = importlib.import_module(f".standins.{name}", __package__)
        module.install(facts)
    _start_kernel(os.path.join(facts.root, "run", "kernel.json"), facts)


def _fill(work: Path, facts: Facts) -> None:
    """Copy the course's files beside the notebook (which may write to them), and nltk's data into the home.

    nltk reads no data that belongs to another account or that others may write, as a clone's files may be.
    """
    models, home = Path(facts.root, "nltk_data"), Path(facts.root, "home", "nltk_data")
    if models.is_dir():
        shutil.copytree(models, home, copy_function=shutil.copyfile)
        for folder, _, _ in os.walk(home):
            os.chmod(folder, 0o755)  # noqa: S103  # of the notebook's own home
    if not facts.source:
        return
    shutil.copytree(facts.source, work, dirs_exist_ok=True)
    if facts.glove:  # torchtext keeps its downloads there, and then fetches nothing
        for vectors in sorted(work.glob("glove.*.txt")):
            (work / ".vector_cache").mkdir(exist_ok=True)
            os.link(vectors, work / ".vector_cache" / vectors.name)


def _prepare_torch(torch: Any, facts: Facts) -> None:
    torch.set_num_threads(1)  # with more, results depend on how busy the machine is
    facts.reseed()


def _start_kernel(connection_file: str, facts: Facts) -> None:
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    from .kernel import build_kernel_class

    class App(IPKernelApp):
        """ipykernel's application without command line and configuration files, which take a fifth of its start."""

        def parse_command_line(self, argv: Any = None) -> None:
            pass

        def load_config_file(self, *arguments: Any, **options: Any) -> None:
            pass

    app: Any = App.instance(
        kernel_class=build_kernel_class(facts),
        connection_file=connection_file,
        log_level=50,
        config=Config({"HistoryManager": {"enabled": False}}),
    )
    app.initialize([])
    app.start()
