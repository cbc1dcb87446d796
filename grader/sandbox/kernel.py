"""The notebook's process: how it is started, asked, interrupted and stopped. Knows nothing of cells or marks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from queue import Empty
from typing import Any, Protocol

from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from grader.sandbox.layout import Layout
from grader.sandbox.manager import LOG, OwnKernelManager
from grader.sandbox.provisioner import RoomProvisioner
from grader.sandbox.room_handle import Room
from grader.sandbox.settings import NotebookSettings
from grader.sandbox.texts import find_output_text
from grader.sandbox.watch import watch

START_SECONDS = 120
INTERRUPT_SECONDS = 5
_LAST_WORDS_SECONDS = 0.3
_GRACE_SECONDS = 0.05  # after the keeper's end its rooms end first
_FLOOD = 8  # times the notebook's limit, which the kernel itself keeps to unless it was tampered with
_MESSAGE_BYTES = 2**20  # besides a value's, for all that stands around it


class Lodging(Protocol):
    """Where kernels live: ``Rooms``, or ``Unsafe`` without a room."""

    @property
    def layout(self) -> Layout:
        """The folders that a kernel knows."""

    @property
    def environment(self) -> dict[str, str]:
        """The kernel's whole environment."""

    def is_sound(self, seconds: float = 0.0) -> bool:
        """Return whether all is well on our side."""

    def build_manager(self) -> OwnKernelManager:
        """Return a manager that starts one kernel there."""


class KernelDiedError(Exception):
    """The notebook's process is no longer there.

    ``after_limit`` when we had to kill it because time was up; ``cause`` is ``memory``, ``processor`` or ``output``
    when it went beyond that limit, else empty.
    """

    def __init__(self, *, after_limit: bool = False, cause: str = "") -> None:
        super().__init__(f"the notebook's process ended{f' ({cause})' if cause else ''}")
        self.after_limit = after_limit
        self.cause = cause


class KernelSilentError(Exception):
    """The notebook's process did not answer in time, and was interrupted."""


class KernelStartError(Exception):
    """The process did not come up, or was lost with its keeper: our fault, never the student's."""


class Listener(NotebookClient):
    """nbclient that keeps the words of a cell's output up to a limit, and nothing else: memory stays flat."""

    def __init__(self, notebook: NotebookNode, limit: int, **options: Any) -> None:
        super().__init__(notebook, **options)
        self.limit = limit
        self.comm_open_handlers = {}
        self.begin_cell()

    def begin_cell(self) -> None:
        """Forget the cell before."""
        self.texts: list[str] = []
        self.bytes = 0
        self.reply: dict[str, Any] = {}

    @property
    def overflowed(self) -> bool:
        """Whether the cell wrote more than the limit."""
        return self.bytes > self.limit

    def output(self, outs: Any, msg: dict[str, Any], display_id: Any, cell_index: int) -> None:
        """Take an output message of the cell that runs."""
        text = find_output_text(msg["msg_type"], msg["content"])
        if not self.overflowed:
            self.texts.append(text[: self.limit])
        self.bytes += len(text.encode("utf-8", errors="replace"))

    def clear_output(self, outs: Any, msg: dict[str, Any], cell_index: int) -> None:
        """Take a message that the notebook clears its output: what it wrote before counts no more."""
        self.texts.clear()

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        """Ignore updates of earlier outputs: nothing of these is kept."""


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class LiveKernel:
    """One kernel process and the conversation with it. Use ``start`` first and ``stop`` always."""

    def __init__(self, lodging: Lodging, settings: NotebookSettings, notebook: NotebookNode | None = None) -> None:
        self._lodging = lodging
        self._settings = settings
        self._cause = ""
        self._watch: asyncio.Task[None] | None = None
        self.manager = lodging.build_manager()
        self.client = Listener(
            notebook or NotebookNode(cells=[]),  # type: ignore[no-untyped-call]
            settings.output_bytes_per_cell,
            km=self.manager,
            timeout=None,
            startup_timeout=START_SECONDS,
            allow_errors=True,
            coalesce_streams=False,
            record_timing=False,
            log=LOG,
        )
        self.client.on_cell_executed = self._keep_reply

    def _keep_reply(self, execute_reply: dict[str, Any], **ignored: Any) -> None:
        self.client.reply = execute_reply["content"]

    @property
    def room(self) -> Room | None:
        """The kernel's room, if it lives in one."""
        provisioner = self.manager.provisioner
        return provisioner.room if isinstance(provisioner, RoomProvisioner) else None

    @property
    def _connection(self) -> Any:
        """The client that holds the channels (there from ``start`` to ``stop``)."""
        return self.client.kc

    async def start(self) -> None:
        """Start the process and wait until it answers; raises KernelStartError."""
        try:
            await self._start()
        except Exception as error:
            raise KernelStartError(
                f"the notebook's kernel did not start: {error}\n{self._read_log()}".strip()
            ) from error
        if (room := self.room) is not None:
            channel = self._connection.iopub_channel
            channel.limit = _FLOOD * self._settings.output_bytes_per_notebook + _MESSAGE_BYTES
            channel.on_flood = lambda: self._close("output")
            self._watch = asyncio.create_task(watch(room, self._settings, self._close))

    async def _start(self) -> None:
        options: dict[str, Any] = {}
        with contextlib.ExitStack() as stack:
            if not isinstance(self.manager.provisioner, RoomProvisioner):
                layout = self._lodging.layout
                log = stack.enter_context((layout.run / "kernel.log").open("wb"))
                options = {"cwd": str(layout.work), "env": self._lodging.environment, "stderr": log}
                options["stdout"] = subprocess.DEVNULL
            await self.client.async_start_new_kernel(**options)
        kept: Any = self.manager.client()
        kept.longest = 2 * self._settings.value_bytes + _MESSAGE_BYTES
        self.client.kc = kept
        if self.room is None:
            await self._wait_for_sockets(kept)
        kept.start_channels()
        await kept.wait_for_ready(timeout=START_SECONDS)

    async def _wait_for_sockets(self, client: Any) -> None:
        """Wait until the kernel listens (the provisioner of rooms has done that). Raises RuntimeError."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not (client.shell_channel.is_answered() and client.iopub_channel.is_answered()):
            if not await self.manager.is_alive() or asyncio.get_running_loop().time() > deadline:
                raise RuntimeError("it ended before it listened")
            await asyncio.sleep(0.02)

    def _read_log(self) -> str:
        if (room := self.room) is not None:
            return room.read_log()
        with contextlib.suppress(OSError):
            return (self._lodging.layout.run / "kernel.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        return ""

    def _close(self, cause: str) -> None:
        """End the room because of a limit."""
        if (room := self.room) is not None and not room.closed:
            self._cause = cause
            room.kill()

    async def stop(self) -> None:
        """Kill the process, at once, and close the channels."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self.client.kc is not None:
            self.client.kc.stop_channels()
            self.client.kc = None
        await self._kill()
        await self.manager.cleanup_resources()

    def _died(self, *, after_limit: bool = False) -> KernelDiedError | KernelStartError:
        """Return what to raise for a kernel that is gone: the student's doing, unless whoever keeps it is gone too."""
        if not self._cause and not self._lodging.is_sound(_GRACE_SECONDS):
            return KernelStartError("the keeper of the rooms ended, and the notebook's room with it")
        room = self.room
        if not self._cause and room is not None and room.group.ran_out_of_memory():
            self._cause = "memory"
        return KernelDiedError(after_limit=after_limit, cause=self._cause)

    async def run_cell(self, cell: NotebookNode, index: int, seconds: float) -> bool:
        """Run a cell and return whether it ended in time; it is interrupted when it does not.

        Raises KernelDiedError when the process ended, or had to be killed because it ignored the interrupts.
        """
        self.client.begin_cell()
        in_time = True
        task: asyncio.Future[Any] = asyncio.ensure_future(self.client.async_execute_cell(cell, index))
        try:
            with self._death() as death:
                ended, _ = await asyncio.wait({task, death}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                in_time = bool(ended)
                if not in_time:
                    await self._interrupt_until(task)
                elif death in ended:  # what it printed last is still on its way
                    await asyncio.wait({task}, timeout=_LAST_WORDS_SECONDS)
                    if not task.done():
                        raise self._died()
            await task
            return in_time
        except DeadKernelError:
            raise self._died(after_limit=not in_time) from None
        finally:  # also when the grader itself is interrupted: the task must not outlive this call
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @contextlib.contextmanager
    def _death(self) -> Iterator[asyncio.Future[None]]:
        """Give a future that is done when the room's kernel has ended (never without a room: nbclient asks then)."""
        loop = asyncio.get_running_loop()
        death = loop.create_future()
        room = self.room
        if room is None or room.closed:
            yield death
            return
        handle = os.dup(room.kernel_handle)  # the room may be closed, and its handle used anew, while we wait
        loop.add_reader(handle, _settle, death)
        try:
            yield death
        finally:
            loop.remove_reader(handle)
            os.close(handle)
            death.cancel()

    async def _interrupt_until(self, task: asyncio.Future[Any]) -> None:
        for _ in range(3):  # a loop may swallow one KeyboardInterrupt
            await self.manager.interrupt_kernel()
            done, _ = await asyncio.wait({task}, timeout=INTERRUPT_SECONDS / 3)
            if done:
                return
        await self._kill()

    async def _kill(self) -> None:
        if (room := self.room) is not None:
            room.kill()
        elif self.manager.has_kernel:
            await self.manager.shutdown_kernel(now=True)

    async def ask(self, kind: str, content: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send one of our own messages (see ``room/kernel.py``) and return the content of its reply.

        Raises KernelSilentError after ``seconds`` (the process goes on), KernelDiedError when there is no process.
        """
        message = self._connection.session.msg(kind, content)
        self._connection.shell_channel.send(message)
        wanted = message["header"]["msg_id"]
        reply = await self._find_reply(wanted, seconds)
        if reply is None:
            for _ in range(3):
                await self._check_alive()
                await self.manager.interrupt_kernel()
                if await self._find_reply(wanted, INTERRUPT_SECONDS / 3) is not None:
                    raise KernelSilentError
            await self._kill()
            raise self._died(after_limit=True)
        return reply

    async def _find_reply(self, wanted: str, seconds: float) -> dict[str, Any] | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (left := deadline - loop.time()) > 0:
            try:
                message = await self._connection.shell_channel.get_msg(timeout=min(left, 0.5))
            except Empty:
                await self._check_alive()
                continue
            if message["parent_header"].get("msg_id") == wanted:
                content: dict[str, Any] = message["content"]
                return content
        return None

    async def _check_alive(self) -> None:
        if not (self.manager.has_kernel and await self.manager.is_alive()):
            raise self._died()
