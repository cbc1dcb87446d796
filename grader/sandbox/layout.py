"""What lies where around a kernel, its environment and its stand-in commands: the same in a room and without one."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import ONE_THREAD
from grader.sandbox.settings import NotebookSettings

ROOM_SOURCES = Path(__file__).with_name("room")
# The interpreter itself and not a virtual environment's link to it: packages come from ``site`` alone.
PYTHON = os.path.realpath(sys.executable)
_COMMANDS = "pip pip3 conda apt apt-get wget curl gdown kaggle unzip".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folders that a kernel knows. ``site`` are the folders from which it imports packages."""

    root: Path
    site: tuple[str, ...]

    @property
    def work(self) -> Path:
        """The notebook's own folder, with the course's data in it."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """The home folder; without a room its path in a process's environment shows whose process it is."""
        return self.root / "home"

    @property
    def run(self) -> Path:
        """Where the kernel's sockets, its connection file and its log are."""
        return self.root / "run"

    @property
    def hidden(self) -> tuple[str, ...]:
        """Names of folders that students need not see in messages, the longest first."""
        return tuple(sorted((str(self.work), *self.site, str(self.root)), key=len, reverse=True))


def build_environment(layout: Layout, device: str, temporary: Path) -> dict[str, str]:
    """Return the whole environment of a kernel: nothing of the grader's own but what the loader of libraries needs."""
    environment = {
        "HOME": str(layout.home),
        "USER": "student",
        "PATH": f"{layout.root / 'bin'}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MPLBACKEND": "agg",
        "IPYTHONDIR": f"{layout.home}/.ipython",
        "NLTK_DATA": str(layout.home / "nltk_data"),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        **ONE_THREAD,
    }
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    kept = ("LD_LIBRARY_PATH",) if device == "cpu" else ("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
    return environment | {name: os.environ[name] for name in kept if name in os.environ}


def build_facts(
    layout: Layout, settings: NotebookSettings, *, seed: int, device: str, data: Path, source: str, limited: bool
) -> str:
    """Return what the kernel's launcher is told, as JSON text; ``source`` is the data folder as the kernel sees it.

    Raises OSError where the course's data cannot be read.
    """
    limits = {
        "core": 0,  # a crash must wake no handler of the machine's
        "nproc": settings.processes,
        "nofile": settings.open_files,
        "fsize": settings.file_bytes,
        "cpu": int(settings.cpu_seconds) + 1,
    }
    if device == "cpu":  # CUDA reserves far more addresses than it uses
        limits["data"] = settings.memory_bytes
    names = list_data(data) if settings.data else []
    facts = {
        "root": str(layout.root),
        "site": list(layout.site),
        "source": source if settings.data else "",
        "seed": seed,
        "device": device,
        "output_bytes": settings.output_bytes_per_cell,
        "notebook_bytes": settings.output_bytes_per_notebook,
        "stand_ins": [name for name in settings.stand_ins if (ROOM_SOURCES / f"standins/{name}.py").is_file()],
        "glove": "glove" in settings.stand_ins,
        "data": names,
        "limits": limits if limited else {},
    }
    return json.dumps(facts)


def list_data(data: Path) -> list[str]:
    """Return the names of the course's files beside the notebook. Raises OSError."""
    if not data.is_dir():
        raise FileNotFoundError(f"the course's data folder {data} is not there")
    return sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file())


def build_commands(layout: Layout, stand_ins: Sequence[str]) -> Mapping[str, str]:
    """Return the commands that a notebook's shell finds first: ``python`` as the kernel has it, and offline answers."""
    python, site = shlex.quote(PYTHON), shlex.quote(os.pathsep.join(layout.site))
    answer = f"exec {python} -I -S {shlex.quote(str(layout.root / 'room/commands.py'))}"
    work = shlex.quote(str(layout.work))
    offline = f'case "$1 $2" in "-m pip"|"-m nltk.downloader"|"-m spacy") {answer} pip {work} "$@";; esac\n'
    script = f'{offline if "shell" in stand_ins else ""}PYTHONPATH={site} exec {python} -S -s "$@"\n'
    commands = {"python": script, "python3": script}
    if "shell" in stand_ins:
        commands |= {name: f'{answer} {name} {work} "$@"\n' for name in _COMMANDS}
    return {name: f"#!/bin/sh\n{text}" for name, text in commands.items()}
