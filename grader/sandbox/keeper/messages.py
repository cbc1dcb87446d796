"""JSON messages with descriptors over SOCK_SEQPACKET sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

LONGEST = 1 << 20
MOST_DESCRIPTORS = 8


def send(channel: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message. Raises OSError when nobody listens any more."""
    socket.send_fds(channel, [json.dumps(message).encode()], list(descriptors))


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next message and its descriptors, or None at the end."""
    data, descriptors, _, _ = socket.recv_fds(channel, LONGEST, MOST_DESCRIPTORS)
    return (json.loads(data), descriptors) if data else None
