"""The grader's ends of a kernel's sockets: ZeroMQ's wire protocol, of which only what is needed is read.

libzmq itself would do, but its queues are a student's to fill: it holds a message of any number of parts, unseen, until
the last has come. Here nothing is read before it is asked for, a message has a greatest length, what arrives is
counted, a socket is opened once, and what is no proper Jupyter message is no message.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from queue import Empty
from typing import Any

_MORE, _LONG, _COMMAND = 1, 2, 4
_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)  # ZMTP 3.0
_READ_BYTES = 2**16
_HELLO_SECONDS = 30
_LISTEN_SECONDS = 2
_MOST_PARTS = 64
_DELIMITER = b"<IDS|MSG>"
_PARTS = ("header", "parent_header", "metadata", "content")

# What may stand in an output message, and as what; all else is dropped.
_OUTPUTS: dict[str, dict[str, type]] = {
    "status": {"execution_state": str},
    "stream": {"name": str, "text": str},
    "execute_result": {"data": dict},
    "display_data": {"data": dict},
    "clear_output": {},
}


class Channel:
    """One connection, as jupyter_client has them: ``kind`` is ``DEALER`` (shell), ``SUB`` (outputs) or ``REQ``.

    Beyond ``limit`` bytes in all, or ``longest`` in one message, ``on_flood`` is called and nothing more is read.
    """

    def __init__(self, address: str, kind: str, session: Any, longest: int) -> None:
        self.session = session
        self.count = 0
        self.limit = float("inf")
        self.on_flood: Callable[[], None] = lambda: None
        self._address, self._kind, self._longest = address, kind, longest
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readable: asyncio.Future[None] | None = None
        self._in, self._out = bytearray(), bytearray()
        self._parts: list[bytes] = []
        self._held = 0

    def start(self) -> None:
        """Connect, once. Raises OSError."""
        self._socket = self._connect_soon()
        self._shake_hands(self._socket)
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        if self._kind == "SUB":
            self._out += b"\x00\x01\x01"  # everything, please
            self._flush()

    def _shake_hands(self, peer: socket.socket) -> None:
        """Say hello and wait for the same (nothing of the student's has run yet). Raises OSError."""
        kind = self._kind.encode()
        ready = b"\x05READY" + b"\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind + b"\x08Identity" + bytes(4)
        peer.settimeout(_HELLO_SECONDS)
        peer.sendall(_GREETING + bytes([_COMMAND, len(ready)]) + ready)
        _read(peer, len(_GREETING))
        flags, size = _read(peer, 2)
        if flags != _COMMAND or not _read(peer, size).startswith(b"\x05READY"):
            raise ConnectionError(f"{self._address} does not speak ZeroMQ's protocol")

    def _connect_soon(self) -> socket.socket:
        """Connect; a kernel opens its sockets one after another (nothing of the student's has run yet)."""
        deadline = time.monotonic() + _LISTEN_SECONDS
        while True:
            try:
                return self._connect()
            except (ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)

    def _connect(self) -> socket.socket:
        transport, _, place = self._address.partition("://")
        if transport != "ipc":
            host, _, port = place.rpartition(":")
            return socket.create_connection((host, int(port)))
        ours = socket.socket(socket.AF_UNIX)
        try:
            ours.connect(place)
        except OSError:
            ours.close()
            raise
        return ours

    def is_answered(self) -> bool:
        """Return whether somebody listens at the other end already."""
        with contextlib.suppress(OSError):
            self._connect().close()
            return True
        return False

    def is_alive(self) -> bool:
        """Return whether there is a connection."""
        return self._socket is not None

    def stop(self) -> None:
        """Close the connection."""
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None

    close = stop

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, as far as the kernel takes it now; the rest follows."""
        *parts, last = self.session.serialize(message)
        for flags, part in (*((_LONG | _MORE, part) for part in parts), (_LONG, last)):
            self._out += bytes([flags]) + len(part).to_bytes(8, "big") + part
        self._flush()

    def _flush(self) -> None:
        if self._socket is None or self._loop is None:
            return
        with contextlib.suppress(BlockingIOError):
            try:
                while self._out:
                    del self._out[: self._socket.send(self._out)]
            except (BrokenPipeError, ConnectionError):  # the student closed it: no reply will come
                self._out.clear()
        if self._out:
            self._loop.add_writer(self._socket, self._flush)
        else:
            self._loop.remove_writer(self._socket)

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message; an empty one stands for what was none. Raises Empty after ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        late = False
        while True:
            if (parts := self._take()) is not None:
                return read_message(parts, outputs=self._kind == "SUB")
            if late:
                raise Empty
            if self._receive():
                late = deadline is not None and loop.time() >= deadline
                await asyncio.sleep(0)  # a flood must not keep the clocks from running
            else:
                await self._wait(None if deadline is None else deadline - loop.time())

    async def _wait(self, seconds: float | None) -> None:
        """Wait until there is something to read. Raises Empty."""
        loop = asyncio.get_running_loop()
        if self._readable is None or self._readable.done():
            readable = self._readable = loop.create_future()
            if (ours := self._socket) is not None:

                def tell() -> None:
                    loop.remove_reader(ours)
                    if not readable.done():
                        readable.set_result(None)

                loop.add_reader(ours, tell)
        # The future outlives this wait where that is cancelled: whoever reads next waits for the same one.
        done, _ = await asyncio.wait({self._readable}, timeout=None if seconds is None else max(0.0, seconds))
        if not done:
            raise Empty

    def _receive(self) -> bool:
        """Read what is there and return whether there was something."""
        if self._socket is None:
            return False
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.stop()
            return False
        self._in += data
        self.count += len(data)
        if self.count > self.limit:
            self._overflow()
        return True

    def _overflow(self) -> None:
        self.stop()
        self._in.clear()
        self._parts.clear()
        self.on_flood()

    def _take(self) -> list[bytes] | None:
        """Return the parts of a message that has arrived whole, or None."""
        while len(self._in) >= 2:
            flags = self._in[0]
            head = 9 if flags & _LONG else 2
            if len(self._in) < head:
                return None
            size = int.from_bytes(self._in[1:head], "big")
            if self._held + size > self._longest or len(self._parts) >= _MOST_PARTS:
                self._overflow()
                return None
            if len(self._in) < head + size:
                return None
            part = bytes(self._in[head : head + size])
            del self._in[: head + size]
            if flags & _COMMAND:
                continue
            self._parts.append(part)
            self._held += size
            if not flags & _MORE:
                parts, self._parts, self._held = self._parts, [], 0
                return parts
        return None


def _read(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += (more := peer.recv(size - len(data)))
        if not more:
            raise ConnectionError("the kernel closed the connection")
    return data


def read_message(parts: list[bytes], *, outputs: bool) -> dict[str, Any]:
    """Return the Jupyter message in ``parts``, or one that answers nothing where it is malformed.

    Signatures are not looked at: the student's code has the key.
    """
    blank: dict[str, Any] = {"header": {}, "msg_id": "", "msg_type": "", "parent_header": {}, "content": {}}
    try:
        start = parts.index(_DELIMITER) + 2
        message = dict(zip(_PARTS, map(json.loads, parts[start : start + len(_PARTS)]), strict=True))
    except (ValueError, RecursionError):
        return blank
    if not all(type(value) is dict for value in message.values()):
        return blank
    kind, parent, content = (
        message["header"].get("msg_type"),
        message["parent_header"].get("msg_id"),
        message["content"],
    )
    if type(kind) is not str or type(parent) is not str:
        return blank
    if outputs:
        wanted = _OUTPUTS.get(kind)
        if wanted is None or any(type(content.get(name)) is not wanted[name] for name in wanted):
            return blank
        content = {name: content[name] for name in wanted}
    elif kind == "execute_reply" and type(content.get("status")) is not str:
        content = {"status": "error", "ename": "", "evalue": ""}
    return {**blank, "msg_type": kind, "parent_header": {"msg_id": parent}, "content": content}
