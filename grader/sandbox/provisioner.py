"""A Jupyter kernel provisioner whose kernels live in sealed rooms; jupyter_client and nbclient stay as they are."""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo, port_names
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Any as AnyTrait

from grader.sandbox.room_handle import Room, RoomError
from grader.sandbox.walls import ROOM_ROOT

_SOCKET_SECONDS = 60
_POLL_SECONDS = 0.002


class RoomProvisioner(KernelProvisionerBase):
    """Opens a room for the kernel, and closes it; ``opener`` is ``Rooms.open``."""

    opener: Any = AnyTrait()  # Rooms.open: (connection) -> Awaitable[Room]
    room: Room | None = None

    @property
    def has_process(self) -> bool:
        """Whether there is a room."""
        return self.room is not None

    async def poll(self) -> int | None:
        """Return None while the kernel runs."""
        return None if self.room is not None and self.room.is_alive() else 1

    async def wait(self) -> int | None:
        """Return at once: a room that was killed is gone."""
        return await self.poll()

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel."""
        if self.room is not None:
            self.room.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        """End the room with all its processes."""
        if self.room is not None:
            self.room.kill()

    async def terminate(self, restart: bool = False) -> None:
        """End the room: what a notebook would still like to do does not matter."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """End the room also where the kernel had died by itself."""
        await self.kill(restart)

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """Take nothing of this process's environment along."""
        return {**options, "cmd": []}

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Open a room and return where its kernel listens, as seen from outside. Raises RoomError."""
        manager: Any = self.parent
        connection: Any = manager.get_connection_info()
        inside = {**connection, "key": connection["key"].decode(), "ip": f"{ROOM_ROOT}/run/k"}
        self.room = await self.opener(inside)
        await self._wait_for_sockets([connection[name] for name in port_names])
        if self.room.moving is not None:  # into its control group, before anything of the student's can run
            await self.room.moving
        # 24 bytes and no more: a socket's path must fit into 108.
        self.connection_info = cast(KernelConnectionInfo, {**connection, "ip": f"{self.room.folder}/k"})
        return self.connection_info

    async def _wait_for_sockets(self, ports: list[int]) -> None:
        """Wait until the kernel has bound its sockets: connecting before costs ZeroMQ's wait for another try."""
        assert self.room is not None  # noqa: S101  # launch_kernel has just opened it
        paths = [f"{self.room.folder}/k-{port}" for port in ports]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SOCKET_SECONDS
        while not all(map(os.path.exists, paths)):
            if not self.room.is_alive() or loop.time() > deadline:
                raise RoomError(f"the kernel did not start\n{self.room.read_log()}".strip())
            await asyncio.sleep(_POLL_SECONDS)
