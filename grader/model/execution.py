"""What came back from running a notebook: plain data from another process, never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from grader.model.evidence import Finding, Json

CellOutcome = Literal["finished", "raised", "timed out", "killed", "not run"]
Outcome = Literal["finished", "raised", "timed out", "killed", "not started"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLook:
    """One torch module alive under a global name after a cell.

    ``identity`` numbers the object (the same number is the same object in every later look), ``kind`` is its class
    name, ``digest`` changes when any parameter moves, ``size`` is the norm of all parameters, for people to look at.
    """

    name: str
    identity: int
    kind: str
    digest: str
    parameters: int
    size: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """One code cell: ``index`` counts all cells of the notebook from 0."""

    index: int
    source: str
    outcome: CellOutcome
    error_name: str = ""
    error_message: str = ""
    error_line: int | None = None
    text: str = ""
    networks: tuple[NetworkLook, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """One call to make in the kernel after all cells: ``probes.<function>(namespace, **arguments)``.

    ``arguments`` are JSON values, and inputs only: never an expected value, never a hidden label. ``token`` is what the
    kernel sees in place of ``name``, which would tell what is asked for; it also seeds the kernel's generators. Honest
    work cannot be done in less than ``least_seconds``.
    """

    name: str
    function: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    token: str = ""
    least_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReply:
    """What one probe sent back: ``value`` is JSON, or ``error`` says in a sentence why there is none.

    ``seconds`` is how long it took by our clock (0 where nobody looked). It differs from run to run, so that only
    whether it is less than a request's ``least_seconds`` may show in evidence.
    """

    value: Json = None
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A whole run.

    ``fault`` is set when our side failed (no kernel, missing package): then nothing is held against the student.
    ``seconds`` is for the timing object only.
    """

    outcome: Outcome
    device: str = "cpu"
    cells: tuple[CellRun, ...] = ()
    replies: Mapping[str, ProbeReply] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    isolation: str = "process"
    fault: str = ""
    seconds: float = 0.0
