"""Which networks live under which global names, and whether their parameters moved."""

from __future__ import annotations

import hashlib
import re
import sys
import weakref
from collections.abc import Iterator
from typing import Any

# IPython keeps results under _, __, _5, In, Out and the like: these are no names of the student's.
_IPYTHON_NAME = re.compile(r"_{1,3}|_\d+|_i+\d*|_oh|_dh|_ih|In|Out")
_LONGEST_CONTAINER = 32


class Looks:
    """Numbers every network once, in the order of appearance, without keeping any of them alive."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._count = 0

    def look(self, namespace: dict[str, Any]) -> list[dict[str, Any]]:
        """Return name, identity, class, digest, parameter count and size of every module under a global name.

        Networks in a short list, tuple or dict count as well, as ``networks[0]`` or ``networks['gru']``.
        """
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "nn"):
            return []
        digests: dict[int, tuple[str, int, float]] = {}
        found = []
        for name, network in _find_networks(namespace, torch.nn.Module):
            if id(network) not in digests:
                digests[id(network)] = _digest(network)
            digest, count, size = digests[id(network)]
            found.append(
                {
                    "name": name,
                    "identity": self._number(network),
                    "kind": type(network).__name__,
                    "digest": digest,
                    "parameters": count,
                    "size": size,
                }
            )
        return found

    def _number(self, network: Any) -> int:
        """Return the network's number; an address that was used again by a new object gets a new one."""
        reference, number = self._known.get(id(network), (None, 0))
        if reference is None or reference() is not network:
            self._count += 1
            number = self._count
            self._known[id(network)] = (weakref.ref(network), number)
        return number


def _find_networks(namespace: dict[str, Any], module: type) -> Iterator[tuple[str, Any]]:
    for name, value in list(namespace.items()):
        if not isinstance(name, str) or _IPYTHON_NAME.fullmatch(name):
            continue
        if issubclass(type(value), module):
            yield name, value
        elif type(value) in (list, tuple, dict) and len(value) <= _LONGEST_CONTAINER:
            items = value.items() if type(value) is dict else enumerate(value)
            for key, item in list(items):
                if issubclass(type(item), module):
                    yield f"{name}[{key!r:.40}]", item


def _digest(network: Any) -> tuple[str, int, float]:
    """Return sha256 over names, types, shapes and bytes of all tensors, and number and norm of the parameters."""
    torch = sys.modules["torch"]
    digest = hashlib.sha256()
    count, square = 0, 0.0
    try:
        for group in (network.named_parameters(), network.named_buffers()):
            for name, tensor in group:
                data = tensor.detach().cpu().contiguous()
                digest.update(f"{name} {data.dtype} {tuple(data.shape)};".encode())
                digest.update(data.reshape(-1).view(torch.uint8).numpy())
                if isinstance(tensor, torch.nn.Parameter):
                    count += tensor.numel()
                    square += float(data.double().pow(2).sum())
    except Exception:  # lazy parameters without a shape, a student's own named_parameters: no digest
        return "", count, 0.0
    return digest.hexdigest(), count, square**0.5


def find_error_line(shell: Any) -> int | None:
    """Return the innermost line of the last cell at which it failed, or None when it did not fail."""
    result: Any = getattr(shell, "last_execution_result", None)
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    if isinstance(error, SyntaxError) and error.lineno is not None and result.error_in_exec in (None, error):
        return int(error.lineno)
    trace = getattr(error, "__traceback__", None)
    line, file = None, None
    while trace is not None:
        code = trace.tb_frame.f_code
        if file is None and code.co_name == "<module>" and trace.tb_frame.f_globals is shell.user_ns:
            file = code.co_filename  # the cell itself; functions of other cells have other files
        if file is not None and code.co_filename == file:
            line = int(trace.tb_lineno)
        trace = trace.tb_next
    return line
