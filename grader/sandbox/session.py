"""One run of one notebook in one kernel: cells in order, a look after each, then the probes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import nbformat

from grader.model import CellRun, Finding, ProbeReply, ProbeRequest
from grader.sandbox import findings
from grader.sandbox.kernel import KernelDiedError, KernelSilentError, LiveKernel, Lodging
from grader.sandbox.notebooks import SourceCell
from grader.sandbox.replies import parse_looks, parse_value
from grader.sandbox.settings import NotebookSettings
from grader.sandbox.texts import clean_text, cut_text

Progress = Callable[[str], None]

LOOK_SECONDS = 60
MESSAGE_BYTES = 1000
_MOST_REPLIES = 8  # times the longest, for all probes together


class Session:
    """What has been seen so far stands in ``cells``, ``replies`` and ``findings``, whatever happens next."""

    def __init__(
        self, lodging: Lodging, settings: NotebookSettings, source: Sequence[SourceCell], progress: Progress
    ) -> None:
        self._settings = settings
        self._source = [cell for cell in source if cell.kind == "code"]
        self._progress = progress
        self._hidden = lodging.layout.hidden
        self._look_seconds = min(LOOK_SECONDS, settings.probe_timeout_seconds)
        notebook = build_notebook(source)
        self._nodes = notebook.cells
        self._kernel = LiveKernel(lodging, settings, notebook)
        self._reply_bytes = 0
        self._output_left = settings.output_bytes_per_notebook
        self._alive = True
        self._notes: dict[str, list[str]] = {}
        self._found: list[Finding] = []
        self.cells: list[CellRun] = []
        self.replies: dict[str, ProbeReply] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to tell the student about the run as a whole."""
        return (*self._found, *(findings.build_for_notes(code, details) for code, details in self._notes.items()))

    async def run(self, requests: Sequence[ProbeRequest], probes_source: str) -> None:
        """Run all cells, then ask all probes; the kernel is gone afterwards. Raises KernelStartError."""
        try:
            await self._kernel.start()
            await self._run_cells()
            if requests:
                await self._ask_probes(requests, probes_source)
        finally:
            await self._kernel.stop()

    async def _run_cells(self) -> None:
        total = self._settings.total_timeout_seconds
        deadline = time.monotonic() + total
        for position, cell in enumerate(self._source, start=1):
            left = deadline - time.monotonic()
            if not self._alive or left <= 0:
                if self._alive and not any(finding.code == "notebook.out_of_time" for finding in self._found):
                    self._found.append(findings.out_of_time(cell.index, total))
                rest = self._source[position - 1 :]
                self.cells += [CellRun(index=cell.index, source=cell.source, outcome="not run") for cell in rest]
                return
            self._progress(f"cell {position} of {len(self._source)}")
            self.cells.append(await self._run_cell(cell, left))

    async def _run_cell(self, cell: SourceCell, left: float) -> CellRun:
        in_time, cause = True, ""
        limit = self._settings.cell_timeout_seconds
        try:
            in_time = await self._kernel.run_cell(self._nodes[cell.index], cell.index, min(limit, left))
        except KernelDiedError as died:
            self._alive, in_time, cause = False, not died.after_limit, died.cause
        run = self._with_output(CellRun(index=cell.index, source=cell.source, outcome="finished"))
        if not in_time:
            run = replace(run, outcome="timed out")
            self._found.append(
                findings.timed_out(cell.index, limit, alive=self._alive)
                if limit < left
                else findings.out_of_time(cell.index, self._settings.total_timeout_seconds)
            )
        elif not self._alive:
            run = replace(run, outcome="killed")
            self._found.append(findings.kernel_died(cell.index, cause, self._settings))
        elif beyond := findings.find_limit(run, self._settings):
            self._found.append(beyond)
        return await self._with_look(run) if self._alive else run

    def _with_output(self, run: CellRun) -> CellRun:
        """Return ``run`` with what the cell printed and the error that it raised."""
        client = self._kernel.client
        limit = self._settings.output_bytes_per_cell
        if client.overflowed:
            self._found.append(findings.output_cut(run.index, limit))
        text = cut_text(clean_text("".join(client.texts), self._hidden), limit)
        if len(text.encode()) > self._output_left:
            text = cut_text(text, self._output_left)
            if not any(finding.code == "notebook.all_output_cut" for finding in self._found):
                self._found.append(findings.all_output_cut(run.index, self._settings.output_bytes_per_notebook))
        self._output_left -= len(text.encode())
        if client.reply.get("status") != "error":
            return replace(run, text=text)
        return replace(
            run,
            outcome="raised",
            text=text,
            error_name=cut_text(clean_text(str(client.reply.get("ename", ""))), 100),
            error_message=self._message(str(client.reply.get("evalue", ""))),
        )

    async def _with_look(self, run: CellRun) -> CellRun:
        """Return ``run`` with the networks that live after it."""
        try:
            reply = await self._kernel.ask("look_request", {}, self._look_seconds)
        except KernelSilentError:
            return run
        except KernelDiedError as died:
            self._alive = False
            self._found.append(findings.kernel_died(run.index, died.cause, self._settings))
            return replace(run, outcome="killed")
        self._take_notes(reply.get("notes"))
        line = reply.get("error_line")
        at_line = line if run.error_name and type(line) is int and line > 0 else None
        return replace(run, networks=parse_looks(reply.get("networks")), error_line=at_line)

    def _take_notes(self, notes: Any) -> None:
        """Keep what the stand-ins noted, each once."""
        for note in notes if isinstance(notes, list) else ():
            if isinstance(note, list) and len(note) == 2 and all(isinstance(text, str) for text in note):
                code, detail = note[0], self._message(note[1])
                if code in findings.NOTES and detail not in self._notes.setdefault(code, []):
                    self._notes[code].append(detail)

    async def _ask_probes(self, requests: Sequence[ProbeRequest], probes_source: str) -> None:
        failed = await self._load_probes(probes_source)
        for position, request in enumerate(requests, start=1):
            self._progress(f"probe {position} of {len(requests)}")
            started = time.monotonic()
            reply = ProbeReply(error=failed) if failed else await self._ask_probe(request)
            self.replies[request.name] = replace(reply, seconds=time.monotonic() - started)

    async def _load_probes(self, source: str) -> str:
        """Load the probes file in the kernel and return why that failed ("" when it did not)."""
        if not self._alive:
            return ""
        try:
            reply = await self._kernel.ask("load_probes_request", {"source": source}, self._look_seconds)
        except KernelSilentError:
            return f"the probes file took longer than {self._look_seconds:g} seconds to load"
        except KernelDiedError:
            self._alive = False
            return ""
        return self._message(str(reply["error"])) if "error" in reply else ""

    async def _ask_probe(self, request: ProbeRequest) -> ProbeReply:
        if not self._alive:
            return ProbeReply(error="The notebook's process had ended before this could be asked.")
        limit = min(request.timeout_seconds, self._settings.probe_timeout_seconds)
        content = {
            "name": request.token or request.name,
            "function": request.function,
            "arguments": json.dumps(dict(request.arguments)),
            "value_bytes": self._settings.value_bytes,
        }
        try:
            reply = await self._kernel.ask("probe_request", content, limit)
        except KernelSilentError:
            return ProbeReply(error=f"TimeoutError: took longer than {limit:g} seconds and was stopped")
        except KernelDiedError as died:
            self._alive = False
            cause = f"ran longer than {limit:g} seconds and could not be stopped" if died.after_limit else "ended"
            return ProbeReply(error=f"The notebook's process {cause} while this was asked.")
        if "error" in reply:
            return ProbeReply(error=self._message(str(reply["error"])))
        value = reply.get("value")
        self._reply_bytes += len(value) if isinstance(value, str) else 0
        if self._reply_bytes > _MOST_REPLIES * self._settings.value_bytes:
            return ProbeReply(error="ValueError: all replies together are too large")
        return parse_value(value, self._settings.value_bytes)

    def _message(self, text: str) -> str:
        return cut_text(clean_text(text, self._hidden), MESSAGE_BYTES)


def build_notebook(source: Sequence[SourceCell]) -> nbformat.NotebookNode:
    """Return a clean notebook of nbformat 4 with the same cells at the same places."""
    form: Any = nbformat.v4
    return form.new_notebook(cells=[form.new_code_cell(cell.source) for cell in source])  # type: ignore[no-any-return]
