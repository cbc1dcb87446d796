"""The notebook's process: how it is started, asked, interrupted and stopped. Knows nothing of cells or marks."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from queue import Empty
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from grader.sandbox.scratch import Scratch
from grader.sandbox.texts import find_output_text

START_SECONDS = 120
INTERRUPT_SECONDS = 5
_LONGEST_SOCKET_FOLDER = 95  # a socket's path has room for 104 bytes at least
_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[2]); from room.launcher import main; main(*sys.argv[1:3])"

LOG = logging.getLogger("grader.sandbox")
LOG.addHandler(logging.NullHandler())


class KernelDiedError(Exception):
    """The notebook's process is no longer there; ``after_limit`` when we had to kill it because time was up."""

    def __init__(self, *, after_limit: bool = False) -> None:
        super().__init__("the notebook's process ended")
        self.after_limit = after_limit


class KernelSilentError(Exception):
    """The notebook's process did not answer in time, and was interrupted."""


class KernelStartError(Exception):
    """The process did not come up: our fault, never the student's."""


def build_kernel(scratch: Scratch) -> tuple[KernelSpec, dict[str, str]]:
    """Return how the kernel is started: its command line and its whole environment.

    This is the place to put the process into a sealed room: another command line, or the name of another provisioner
    in the spec's ``metadata``. The notebook's own kernelspec is never looked at.
    """
    # -S: no site-packages, no .pth file. -s, -P: no user packages, no current folder before the standard library.
    argv = [sys.executable, "-S", "-s", "-P", "-c", _BOOTSTRAP, "{connection_file}", str(scratch.root)]
    spec = KernelSpec(argv=argv, display_name="homework", language="python", interrupt_mode="signal")
    return spec, build_environment(scratch)


def build_environment(scratch: Scratch) -> dict[str, str]:
    """Return the environment of a kernel: nothing of the grader's own but what the loader of libraries needs."""
    threads = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
    home = str(scratch.home)
    environment = {
        "HOME": home,
        "PATH": f"{scratch.root / 'bin'}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": str(scratch.root / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MPLBACKEND": "agg",
        "IPYTHONDIR": f"{home}/.ipython",
        "NLTK_DATA": str(scratch.root / "room/nltk_data"),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        **{f"{name}_NUM_THREADS": "1" for name in threads},
    }
    if scratch.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    kept = ("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES") if scratch.device != "cpu" else ("LD_LIBRARY_PATH",)
    return environment | {name: os.environ[name] for name in kept if name in os.environ}


class OwnKernelManager(AsyncKernelManager):
    """A manager with a kernelspec of our own making, registered nowhere."""

    own_spec: KernelSpec

    @property
    def kernel_spec(self) -> KernelSpec:
        """The spec, whatever kernels are installed on the machine."""
        return self.own_spec


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


class LiveKernel:
    """One kernel process and the conversation with it. Use ``start`` first and ``stop`` always."""

    def __init__(self, scratch: Scratch, notebook: NotebookNode, output_bytes: int) -> None:
        run = scratch.root / "run"
        self._spec, self._environment = build_kernel(scratch)
        self._scratch = scratch
        self._log = run / "kernel.log"
        self.manager = OwnKernelManager(connection_file=str(run / "kernel.json"), log=LOG)
        if os.name == "posix" and len(str(run)) < _LONGEST_SOCKET_FOLDER:
            self.manager.transport = "ipc"  # no port that another process could take first
            self.manager.ip = str(run / "k")  # sockets k-1 to k-5; jupyter's own names collide between kernels
        self.manager.own_spec = self._spec
        self.client = Listener(
            notebook,
            output_bytes,
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
    def _connection(self) -> Any:
        """The client that holds the channels (there from ``start`` to ``stop``)."""
        return self.client.kc

    async def start(self) -> None:
        """Start the process and wait until it answers; raises KernelStartError."""
        with self._log.open("wb") as log:
            try:
                await self.client.async_start_new_kernel(
                    cwd=str(self._scratch.work), env=self._environment, stdout=subprocess.DEVNULL, stderr=log
                )
                await self.client.async_start_new_kernel_client()
            except Exception as error:
                last = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise KernelStartError(f"the notebook's kernel did not start: {error}\n{last}".strip()) from error

    async def stop(self) -> None:
        """Kill the process, at once, and close the channels."""
        if self.client.kc is not None:
            self.client.kc.stop_channels()
            self.client.kc = None
        if self.manager.has_kernel:
            await self.manager.shutdown_kernel(now=True)
        await self.manager.cleanup_resources()

    async def run_cell(self, cell: NotebookNode, index: int, seconds: float) -> bool:
        """Run a cell and return whether it ended in time; it is interrupted when it does not.

        Raises KernelDiedError when the process ended, or had to be killed because it ignored the interrupts.
        """
        self.client.begin_cell()
        in_time: set[Any] = set()
        task = asyncio.ensure_future(self.client.async_execute_cell(cell, index))
        try:
            in_time, _ = await asyncio.wait({task}, timeout=seconds)
            if not in_time:
                await self._interrupt_until(task)
            await task
            return bool(in_time)
        except DeadKernelError:
            raise KernelDiedError(after_limit=not in_time) from None
        finally:  # also when the grader itself is interrupted: the task must not outlive this call
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _interrupt_until(self, task: asyncio.Future[Any]) -> None:
        for _ in range(3):  # a loop may swallow one KeyboardInterrupt
            await self.manager.interrupt_kernel()
            done, _ = await asyncio.wait({task}, timeout=INTERRUPT_SECONDS / 3)
            if done:
                return
        await self._kill()

    async def _kill(self) -> None:
        if self.manager.has_kernel:
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
            raise KernelDiedError(after_limit=True)
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
            raise KernelDiedError
