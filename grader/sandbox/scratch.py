"""The folder in which one notebook runs: its files, its home, its packages and its stand-in commands. Gone afterwards.

A sealed room (bubblewrap) would show the same folders to the kernel, and nothing else of the machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.packages import build_site
from grader.sandbox.settings import NotebookSettings

_ROOM_SOURCES = Path(__file__).with_name("room")
_COMMANDS = "pip pip3 conda apt apt-get wget curl gdown kaggle unzip".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """``work`` is where the notebook runs; ``root`` holds everything and is removed at the end."""

    root: Path
    seed: int
    device: str

    @property
    def work(self) -> Path:
        """The notebook's own folder, with the course's data in it."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """The home folder; its path in a process's environment shows that it belongs to this room."""
        return self.root / "home"


@contextlib.contextmanager
def open_scratch(settings: NotebookSettings, data: Path, seed: int, device: str) -> Iterator[Scratch]:
    """Lay out a fresh folder, and at the end stop what still runs in it and remove it."""
    root = Path(tempfile.mkdtemp(prefix="grader-room-")).resolve()
    scratch = Scratch(root=root, seed=seed, device=device)
    try:
        _lay_out(scratch, settings, data)
        yield scratch
    finally:
        stop_processes(scratch)
        shutil.rmtree(root, ignore_errors=True)


def _lay_out(scratch: Scratch, settings: NotebookSettings, data: Path) -> None:
    for name in ("work", "home", "tmp", "bin", "run", "site"):
        (scratch.root / name).mkdir(mode=0o700)
    shutil.copytree(_ROOM_SOURCES, scratch.root / "room", ignore=shutil.ignore_patterns("__pycache__"))
    (scratch.root / "room/nltk_data/tokenizers/punkt").mkdir()  # older notebooks look for this one
    build_site(scratch.root / "site", settings.packages)
    names = _copy_data(data, scratch.work) if settings.data else []
    if "glove" in settings.stand_ins:
        _put_vectors_in_place(scratch.work)
    _write_commands(scratch, with_stand_ins="shell" in settings.stand_ins)
    facts = {
        "work": str(scratch.work),
        "seed": scratch.seed,
        "device": scratch.device,
        "output_bytes": settings.output_bytes_per_cell,
        "stand_ins": [name for name in settings.stand_ins if (_ROOM_SOURCES / f"standins/{name}.py").is_file()],
        "data": names,
    }
    (scratch.root / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _copy_data(data: Path, work: Path) -> list[str]:
    """Copy the course's files beside the notebook (a notebook may write to them), and return their names."""
    shutil.copytree(data, work, dirs_exist_ok=True)
    return sorted(path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file())


def _put_vectors_in_place(work: Path) -> None:
    """Let torchtext find word vectors where it keeps downloads: then it fetches nothing."""
    for vectors in sorted(work.glob("glove.*.txt")):
        (work / ".vector_cache").mkdir(exist_ok=True)
        os.link(vectors, work / ".vector_cache" / vectors.name)


def _write_commands(scratch: Scratch, *, with_stand_ins: bool) -> None:
    """Write the commands that a notebook's shell finds first: ``python`` as the kernel has it, and offline answers."""
    python, site = shlex.quote(sys.executable), shlex.quote(str(scratch.root / "site"))
    answer = f"exec {python} -I -S {shlex.quote(str(scratch.root / 'room/commands.py'))}"
    work = shlex.quote(str(scratch.work))
    offline = f'case "$1 $2" in "-m pip"|"-m nltk.downloader"|"-m spacy") {answer} pip {work} "$@";; esac\n'
    script = f'{offline if with_stand_ins else ""}PYTHONPATH={site} exec {python} -S -s "$@"\n'
    commands = {"python": script, "python3": script}
    if with_stand_ins:
        commands |= {name: f'{answer} {name} {work} "$@"\n' for name in _COMMANDS}
    for name, text in commands.items():
        path = scratch.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        path.chmod(0o755)


def stop_processes(scratch: Scratch) -> None:
    """Kill every process that was started in this room, also one that left the kernel's process group (Linux)."""
    for _ in range(5):
        found = find_processes(scratch)
        if not found:
            return
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def find_processes(scratch: Scratch) -> list[int]:
    """Return the processes whose environment names this room's home (none where there is no /proc)."""
    mark = b"HOME=" + os.fsencode(scratch.home) + b"\0"
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environment.read_bytes():
                found.append(int(environment.parent.name))
    return found
