"""Notebooks without a room, for one's own: ``--unsafe-no-sandbox``. A folder for each, gone afterwards.

The kernel sees the same folders as in a room, under a folder of its own, and everything else of the machine besides.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec

from grader.sandbox.layout import PYTHON, ROOM_SOURCES, Layout, build_commands, build_environment, build_facts
from grader.sandbox.manager import LOG, OwnKernelManager
from grader.sandbox.packages import build_site
from grader.sandbox.settings import NotebookSettings

_LONGEST_SOCKET_FOLDER = 95  # a socket's path has room for 104 bytes at least
_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from room.launcher import main; main(sys.argv[1])"
# Before anything of the student's runs: the connection file becomes the other user's, and so do we.
_AS_USER = (
    "import os, sys; user = int(sys.argv[2]); os.chown(sys.argv[1] + '/run/kernel.json', user, user); "
    "os.setgroups([]); os.setgid(user); os.setuid(user); "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """A kernel's folders on the open machine."""

    layout: Layout
    environment: dict[str, str]
    user: int | None = None

    def is_sound(self, seconds: float = 0.0) -> bool:
        """Return True: nobody but the kernel itself could be gone."""
        return True

    def build_manager(self) -> OwnKernelManager:
        """Return a manager whose kernel is a process like any other."""
        argv = [PYTHON, "-S", "-s", "-P", "-c", _BOOTSTRAP, str(self.layout.root)]
        if self.user is not None:
            argv = [PYTHON, "-S", "-s", "-P", "-c", _AS_USER + _BOOTSTRAP, str(self.layout.root), str(self.user)]
        run = self.layout.run
        manager = OwnKernelManager(connection_file=str(run / "kernel.json"), log=LOG)
        manager.own_spec = KernelSpec(argv=argv, display_name="homework", language="python", interrupt_mode="signal")
        if len(str(run)) < _LONGEST_SOCKET_FOLDER:
            manager.transport = "ipc"  # no port that another process could take first
            manager.ip = str(run / "k")  # sockets k-1 to k-5; jupyter's own names collide between kernels
        return manager


class UnsafeLodgings:
    """What ``Rooms`` is, without rooms.

    ``user`` is the number of another user, whose the notebook's process is then (for root alone; the account must be
    there for nothing else, since all its processes are ended with the notebook). ``data`` must be theirs to read.
    """

    isolation = "none (--unsafe-no-sandbox)"

    def __init__(
        self, settings: NotebookSettings, data: Path, *, seed: int, device: str = "cpu", user: int | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.notes: list[str] = []
        self.broken = False
        self._data, self._seed, self._user = data, seed, user

    is_prepared = True

    def start(self) -> None:
        """Do nothing: there is nothing to prepare."""

    def close(self) -> None:
        """Do nothing: nothing is left."""

    def take(self) -> contextlib.AbstractContextManager[Unsafe]:
        """Return a folder for one notebook."""
        return open_unsafe(self.settings, self._data, self._seed, self.device, self._user)


@contextlib.contextmanager
def open_unsafe(
    settings: NotebookSettings, data: Path, seed: int, device: str, user: int | None = None
) -> Iterator[Unsafe]:
    """Lay out a fresh folder, and at the end stop what still runs in it and remove it."""
    root = Path(tempfile.mkdtemp(prefix="grader-unsafe-")).resolve()
    layout = Layout(root=root, site=(str(root / "site"),))
    try:
        _lay_out(layout, settings, data, seed, device)
        if user is not None:
            _give_away(root, user)
        yield Unsafe(layout=layout, environment=build_environment(layout, device, root / "tmp"), user=user)
    finally:
        stop_processes(layout, user)
        shutil.rmtree(root, ignore_errors=True)


def _lay_out(layout: Layout, settings: NotebookSettings, data: Path, seed: int, device: str) -> None:
    for name in ("work", "home", "tmp", "bin", "run", "site"):
        (layout.root / name).mkdir(mode=0o700)
    shutil.copytree(ROOM_SOURCES, layout.root / "room", ignore=shutil.ignore_patterns("__pycache__"))
    (layout.root / "nltk_data").symlink_to(layout.root / "room/nltk_data")
    (layout.root / "room/nltk_data/tokenizers/punkt").mkdir()  # older notebooks look for this one
    build_site(layout.root / "site", settings.packages)
    for name, text in build_commands(layout, settings.stand_ins).items():
        path = layout.root / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    facts = build_facts(layout, settings, seed=seed, device=device, data=data, source=str(data), limited=False)
    (layout.root / "facts.json").write_text(facts, encoding="utf-8")


def _give_away(root: Path, user: int) -> None:
    """Make everything under ``root`` the user's."""
    for folder, folders, files in os.walk(root):
        for name in (".", *folders, *files):
            os.lchown(os.path.join(folder, name), user, user)


def stop_processes(layout: Layout, user: int | None = None) -> None:
    """Kill every process that was started from this folder, also one that left the kernel's process group (Linux).

    With ``user``, every process of that user.
    """
    for _ in range(50 if user is not None else 5):
        found = find_processes(layout) if user is None else find_user_processes(user)
        if not found:
            return
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def find_user_processes(user: int) -> list[int]:
    """Return the processes of a user that are alive (Linux)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if lines["Uid"].split()[0] == str(user) and not lines["State"].strip().startswith("Z"):
                found.append(int(status.parent.name))
    return found


def find_processes(layout: Layout) -> list[int]:
    """Return the processes whose environment names this folder's home (none where there is no /proc)."""
    mark = b"HOME=" + os.fsencode(layout.home) + b"\0"
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environment.read_bytes():
                found.append(int(environment.parent.name))
    return found
