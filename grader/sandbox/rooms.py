"""The sealed rooms of one course: the keeper that builds them, the inspection that decides, and each room's handle."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import port_names

from grader.sandbox import cgroups
from grader.sandbox.keeper import messages
from grader.sandbox.layout import (
    PYTHON,
    ROOM_SOURCES,
    Layout,
    build_commands,
    build_environment,
    build_facts,
    list_data,
)
from grader.sandbox.manager import LOG, RoomKernelManager
from grader.sandbox.packages import find_entries
from grader.sandbox.provisioner import RoomProvisioner
from grader.sandbox.remedy import NoRoomError
from grader.sandbox.room_handle import Room, RoomError
from grader.sandbox.seccomp import NoFilterError, build_filter
from grader.sandbox.settings import NotebookSettings
from grader.sandbox.walls import DATA, ROOM_ROOT, NoBubblewrapError, build_inner, build_outer, build_tree, find_sites

_BOOTSTRAP = "import sys; sys.path.insert(0, '/room'); from keeper.main import main; main(int(sys.argv[1]))"
_COLD = "import sys; sys.path.insert(0, '/room'); from room.launcher import main; main('/room')"
_PYTHON = (PYTHON, "-S", "-s", "-P", "-c")  # no site-packages, no .pth file, no current folder
_START_SECONDS = 180
_FIRST_UID, _UIDS = 60_000, 4_000


class Rooms:
    """Builds rooms for one course's settings. Use as a context manager; ``start`` is called when first needed.

    Threads may share it. Everything that it starts ends with it, also when this process is killed.
    """

    def __init__(
        self,
        settings: NotebookSettings,
        data: Path,
        *,
        seed: int,
        device: str = "cpu",
        warm: bool = True,
        hidden: Sequence[Path] = (),
    ) -> None:
        self.settings = settings
        self.device = device
        self.hidden = [str(path) for path in hidden]
        self._data, self._seed = data, seed
        self._warm_wanted, self.warm = warm, False
        self.broken = False
        self.notes: list[str] = []
        self._lock = threading.RLock()  # an inspection opens a room while it is held
        self._keeper: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._words = -1
        self._count = itertools.count(1)
        entries = find_entries(settings.packages)
        self._entries = entries
        self.layout = Layout(root=ROOM_ROOT, site=find_sites(map(str, entries)))
        self.environment = build_environment(self.layout, device, Path("/tmp"))  # noqa: S108  # the room's own

    @property
    def isolation(self) -> str:
        """What marksheets say of how notebooks were run."""
        return f"bubblewrap room, {'warm' if self.warm else 'cold'} kernel"

    @property
    def is_prepared(self) -> bool:
        """Whether ``start`` has built and inspected rooms already."""
        return self._keeper is not None

    def __enter__(self) -> Rooms:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the keeper, unless it runs, and inspect a room of the kind that will be used. Raises NoRoomError."""
        with self._lock:
            if self.is_sound():
                return
            self.close()
            cgroups.remove_left_groups()
            try:
                report = self._start_keeper()
            except (NoBubblewrapError, NoFilterError) as error:
                raise NoRoomError(str(error)) from None
            self.warm = bool(report["warm"])
            self.notes = [f"{name} is not preloaded: {why}" for name, why in report.get("left_out", {}).items()]
            if self._warm_wanted and not self.warm:
                self.notes.append(f"warm kernels are not used: {report.get('why', '')}")
            self._inspect()

    def _inspect(self) -> None:
        from grader.sandbox.inspection import inspect  # it opens a kernel through us

        faults = inspect(self)
        if faults and self.warm:
            self.notes.append(f"warm kernels are not used: {'; '.join(faults)}")
            self.warm = False
            faults = inspect(self)
        if faults:
            self.close()
            raise NoRoomError("; ".join(faults))

    def is_sound(self, seconds: float = 0.0) -> bool:
        """Return whether the keeper is there, and for ``seconds`` to come: else, what ended did not end by itself."""
        channel = self._channel
        if channel is None or self.broken:
            return False
        # It never speaks unasked, so what can be read is the end.
        return not select.select([channel], [], [], seconds)[0]

    def take(self) -> contextlib.AbstractContextManager[Rooms]:
        """Return what opens a room for one notebook: ourselves."""
        return contextlib.nullcontext(self)

    def close(self) -> None:
        """End the keeper, and with it every room."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
                self._channel = None
            if self._keeper is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._keeper.wait(10)
                self._keeper = None
            if self._words >= 0:
                os.close(self._words)
                self._words = -1
            self.broken = False

    def _start_keeper(self) -> dict[str, Any]:
        gpu = self.device == "cuda"
        argv, descriptors = build_outer(self._build_tree(), [*_PYTHON, _BOOTSTRAP], gpu=gpu)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The room's environment; bwrap's own is cleared, and Python needs none of the grader's.
        at = argv.index("--")
        argv[at:at] = [item for name, value in self.environment.items() for item in ("--setenv", name, value)]
        self._words = os.memfd_create("keeper")
        self._keeper = subprocess.Popen(  # noqa: S603  # our own command line
            [*argv, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
            pass_fds=(theirs.fileno(), *descriptors),
            start_new_session=True,  # Ctrl-C at the terminal is for the grader, which then ends the keeper
            cwd="/",
            env={},
        )
        theirs.close()
        for descriptor in descriptors:
            os.close(descriptor)
        disk = self.settings.disk_bytes + sum(path.stat().st_size for path in self._data.rglob("*") if path.is_file())
        settings = {
            "warm": self._warm_wanted,
            "preload": list(self.settings.preload),
            "inner": build_inner(disk if self.settings.data else self.settings.disk_bytes, self.environment, gpu=gpu),
            "cold": [*_PYTHON, _COLD],
            "environment": {},
        }
        try:
            messages.send(ours, settings)
            ours.settimeout(_START_SECONDS)
            received = messages.receive(ours)
            ours.settimeout(None)
        except OSError:
            received = None
        if received is None:
            ours.close()
            self._keeper.kill()
            self._keeper.wait()
            raise NoRoomError(self.read_words() or "bubblewrap ended without a word")
        self._channel = ours
        return received[0]

    def read_words(self) -> str:
        """Return the end of what bubblewrap, the keeper or the zygote said (nothing of a student's is in it)."""
        if self._words < 0:
            return ""
        start = max(0, os.fstat(self._words).st_size - 2000)
        return os.pread(self._words, 2000, start).decode(errors="replace").strip()

    def _build_tree(self) -> Any:
        here = Path(__file__).parent
        sources = {f"{ROOM_ROOT}/room": str(ROOM_SOURCES), f"{ROOM_ROOT}/keeper": str(here / "keeper")}
        punkt = "tokenizers/punkt_tab"
        sources[f"{ROOM_ROOT}/nltk_data/{punkt}"] = str(ROOM_SOURCES / "nltk_data" / punkt)
        if self.settings.data:
            list_data(self._data)
            sources[DATA] = str(self._data.resolve())
        facts = build_facts(
            self.layout,
            self.settings,
            seed=self._seed,
            device=self.device,
            data=self._data,
            source=DATA,
            limited=True,
        )
        texts = {"/room/facts.json": facts.encode(), "/room/seccomp.bpf": build_filter()}
        for name, text in build_commands(self.layout, self.settings.stand_ins).items():
            texts[f"{ROOM_ROOT}/bin/{name}"] = text.encode()
        return build_tree([str(entry) for entry in self._entries], sources, texts, gpu=self.device == "cuda")

    def build_manager(self) -> RoomKernelManager:
        """Return a manager whose kernel is started in a room of ours."""
        manager = RoomKernelManager(connection_file="/nonexistent/room", transport="ipc", ip="room", log=LOG)
        for number, name in enumerate(port_names, start=1):
            setattr(manager, name, number)
        manager.provisioner = RoomProvisioner(parent=manager, kernel_id="room", opener=self.open)
        return manager

    async def open(self, connection: dict[str, Any]) -> Room:
        """Open a room with a kernel in it. Raises RoomError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        guard, uid = take_uid() if os.getuid() == 0 else (None, 0)
        request = {"uid": uid, "warm": self.warm, "connection": json.dumps(connection)}
        room: Room | None = None
        try:
            with self._lock:
                if self._channel is None:
                    raise RoomError("the keeper of the rooms is not running")
                messages.send(self._channel, request, [theirs.fileno()])
            theirs.close()
            first, (init_handle,) = await _receive(ours)
            name = f"{next(self._count)}"
            group = cgroups.open_group(name, self.settings.memory_bytes, self.settings.processes)
            room = Room(channel=ours, init=first["init"], init_handle=init_handle, group=group, guard=guard)
            second, (room.kernel_handle,) = await _receive(ours)
            room.kernel = second["kernel"]
            # Moving a process takes milliseconds in the kernel: meanwhile ipykernel starts.
            room.moving = asyncio.get_running_loop().run_in_executor(None, group.add, [room.kernel])
            # Whoever waits for it hears of a failure; where the room has ended meanwhile, nobody needs to.
            room.moving.add_done_callback(lambda moved: moved.cancelled() or moved.exception())
            return room
        except BaseException as error:
            if room is not None:
                room.kill()
            elif guard is not None:
                guard.close()
            ours.close()
            if isinstance(error, OSError | ValueError):
                raise RoomError(f"no room could be opened: {error} {self.read_words()}".strip()) from error
            raise
        finally:
            theirs.close()


async def _receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the next message about a room. Raises RoomError."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(channel, arrived.set)
    try:
        await asyncio.wait_for(arrived.wait(), 60)
    except TimeoutError:
        raise RoomError("the keeper of the rooms did not answer within 60 seconds") from None
    finally:
        loop.remove_reader(channel)
    received = messages.receive(channel)
    if received is None or "error" in received[0]:
        raise RoomError(received[0]["error"] if received else "the keeper of the rooms ended")
    return received


def take_uid() -> tuple[socket.socket, int]:
    """Return a host user id that no other room uses now, and the lock on it (gone with this process).

    The lock is a name among the machine's abstract sockets: nothing that could be left behind. Raises RoomError.
    """
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    start = (os.getpid() * 37 + time.monotonic_ns() // 1000) % _UIDS
    for step in range(_UIDS):
        uid = _FIRST_UID + (start + step) % _UIDS
        try:
            lock.bind(f"\0grader-room-{uid}")
        except OSError:
            continue
        return lock, uid
    raise RoomError("every user id for rooms is in use")
