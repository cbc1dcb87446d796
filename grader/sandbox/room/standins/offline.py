"""No network: other machines cannot be reached, at once; a URL that ends in a file of the course reads that file."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..facts import Facts
from ..hooks import after_import

_HERE = ("localhost", "127.0.0.1", "::1", "", "0.0.0.0", None)  # noqa: S104  # compared with, not bound to


def install(facts: Facts) -> None:
    """Refuse names and addresses of other machines (a convenience: the room itself is what keeps code in)."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if (host.decode() if isinstance(host, bytes) else host) not in _HERE:
            facts.note("network", str(host))
            raise socket.gaierror(socket.EAI_NONAME, "no network while homework is graded")
        return look_up(host, *args, **kwargs)

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _HERE:
            facts.note("network", str(address[0]))
            raise OSError("no network while homework is graded")
        connect(self, address)

    socket.getaddrinfo = getaddrinfo
    socket.socket.connect = connect_here  # type: ignore[method-assign,assignment]
    after_import("urllib.request", lambda request: _read_course_files(request, facts))


def _read_course_files(request: Any, facts: Facts) -> None:
    original = request.urlopen

    def urlopen(url: Any, *args: Any, **kwargs: Any) -> Any:
        address = url if isinstance(url, str) else url.full_url
        name = urlsplit(address).path.rpartition("/")[2]
        if urlsplit(address).scheme in ("http", "https", "ftp") and name in facts.data:
            return original((Path(facts.work) / name).as_uri())
        return original(url, *args, **kwargs)

    request.urlopen = urlopen
