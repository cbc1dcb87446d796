"""jupyter_client's manager and client, told to start at once and to connect by channels of our own."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

from grader.sandbox.channels import Channel

LOG = logging.getLogger("grader.sandbox")
LOG.addHandler(logging.NullHandler())

_READY_SECONDS = 0.5


class OwnClient(AsyncKernelClient):
    """A client without a heartbeat, which reopens its socket (a pidfd tells better), ready as soon as the kernel is."""

    _unread: Sequence[Channel] = ()
    longest = 2**20
    """The longest message that is taken, in bytes."""

    def start_channels(self, *arguments: Any, **options: Any) -> None:
        """Connect all five, once: a path in a room is the student's to replace, and nothing is opened there later.

        Only shell and iopub are read. Of the others nothing is wanted: input is refused, interrupts are signals, and a
        pidfd tells that a kernel has ended.
        """
        super().start_channels(stdin=False, hb=False, control=False)
        self._unread = [
            Channel(self._make_url(name), kind, self.session, self.longest)
            for name, kind in (("stdin", "DEALER"), ("control", "DEALER"), ("hb", "REQ"))
        ]
        for channel in self._unread:
            channel.start()

    def stop_channels(self) -> None:
        """Close them."""
        for channel in (self.shell_channel, self.iopub_channel, *self._unread):
            channel.stop()

    @functools.cached_property
    def shell_channel(self) -> Channel:
        """Requests and replies."""
        return Channel(self._make_url("shell"), "DEALER", self.session, self.longest)

    @functools.cached_property
    def iopub_channel(self) -> Channel:
        """Outputs."""
        return Channel(self._make_url("iopub"), "SUB", self.session, self.longest)

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and its outputs arrive here. Raises RuntimeError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or 60)
        while loop.time() < deadline:
            self.kernel_info()
            if await _receive(self.shell_channel, _READY_SECONDS) and await _receive(self.iopub_channel, 0.2):
                await self._drain()
                return
            if not await self._async_is_alive():
                raise RuntimeError("it ended before it answered")
        raise RuntimeError(f"it did not answer within {timeout} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _drain(self) -> None:
        """Take what the questions above still bring, so that it is not taken for a cell's."""
        while await _receive(self.shell_channel, 0):
            pass


async def _receive(channel: Any, seconds: float) -> bool:
    try:
        await channel.get_msg(timeout=seconds)
    except Empty:
        return False
    return True


class OwnKernelManager(AsyncKernelManager):
    """A manager with a kernelspec of our own making, registered nowhere, that leaves no file behind."""

    client_factory = Type(OwnClient, AsyncKernelClient)
    own_spec: KernelSpec = KernelSpec(display_name="homework", language="python", interrupt_mode="signal")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The spec, whatever kernels are installed on the machine."""
        return self.own_spec

    def _connect_control_socket(self) -> None:
        """Open no second control channel: kernels are not asked to end, they are ended."""


class RoomKernelManager(OwnKernelManager):
    """A manager that writes no connection file: a room is told by its keeper."""

    def write_connection_file(self, **options: Any) -> None:
        """Write nothing."""

    def cleanup_connection_file(self) -> None:
        """Remove nothing."""

    def cleanup_ipc_files(self) -> None:
        """Remove nothing: the sockets went with the room."""
