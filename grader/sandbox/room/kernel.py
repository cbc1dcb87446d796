"""The kernel: ipykernel's own, with messages to look at networks and to call probes.

These messages are handled beside the student's cells, in the same process: no code is run in the student's namespace,
nothing enters the history, and no random number is drawn.
"""

from __future__ import annotations

import contextlib
import io
import json
import types
from typing import Any

from ipykernel.ipkernel import IPythonKernel

from .facts import Facts
from .inspection import inspect_room
from .looks import Looks, find_error_line
from .output import limit_output
from .values import check_plain


def build_kernel_class(facts: Facts) -> type[IPythonKernel]:
    """Return the kernel's class, bound to this room's facts (ipykernel makes the instance itself)."""

    class NotebookKernel(IPythonKernel):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)  # type: ignore[no-untyped-call]
            self._looks = Looks()
            self._probes: dict[str, Any] = {}
            for name in ("inspect_request", "look_request", "load_probes_request", "probe_request"):
                self.shell_handlers[name] = self._answer
            limit_output(self.shell, self.session, facts.output_bytes, facts.notebook_bytes)

        @property
        def _namespace(self) -> dict[str, Any]:
            shell: Any = self.shell
            return shell.user_ns  # type: ignore[no-any-return]

        def _answer(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
            kind = parent["header"]["msg_type"]
            content: dict[str, Any]
            try:
                with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
                    content = getattr(self, f"_{kind}")(parent["content"])
            except BaseException as error:  # whatever a student's function raises, SystemExit too, is an answer
                content = {"error": describe(error)}
            session: Any = self.session
            session.send(stream, kind.replace("request", "reply"), content, parent=parent, ident=ident)

        def _inspect_request(self, content: dict[str, Any]) -> dict[str, Any]:
            return inspect_room(content["modules"], content["paths"])

        def _look_request(self, content: dict[str, Any]) -> dict[str, Any]:
            notes = list(facts.notes)
            facts.notes.clear()
            line = find_error_line(self.shell)
            return {"networks": self._looks.look(self._namespace), "error_line": line, "notes": notes}

        def _load_probes_request(self, content: dict[str, Any]) -> dict[str, Any]:
            module = types.ModuleType("probes")
            exec(compile(content["source"], "<probes>", "exec"), module.__dict__)  # noqa: S102  # the course's own file
            self._probes = module.__dict__
            return {}

        def _probe_request(self, content: dict[str, Any]) -> dict[str, Any]:
            facts.reseed(content["name"])
            function = self._probes[content["function"]]
            value = function(self._namespace, **json.loads(content["arguments"]))
            check_plain(value)
            text = json.dumps(value)
            if len(text) > content["value_bytes"]:
                raise ValueError(f"the reply is larger than {content['value_bytes']} bytes")
            return {"value": text}

    return NotebookKernel


def describe(error: BaseException) -> str:
    """Return ``TypeError: what it said``, short."""
    try:
        text = str(error)
    except Exception:  # an exception class of the student's whose __str__ fails
        text = ""
    return f"{type(error).__name__}: {text}"[:1000].rstrip(": ")


class _Nowhere(io.TextIOBase):
    """Where prints of a student's function go while a probe calls it."""

    def write(self, text: str) -> int:
        return len(text)
