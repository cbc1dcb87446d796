"""Frozen records: what flows from one stage of the grader to the next. No I/O, standard library only."""

from grader.model.answer import Answer, Location, State
from grader.model.checked import Checked
from grader.model.decision import SUBMITTED_AT, Decision
from grader.model.evidence import DECIDED, Audience, Evidence, Finding, Json, Review, Verdict
from grader.model.execution import CellRun, Execution, NetworkLook, ProbeReply, ProbeRequest
from grader.model.judgement import Judgement, PointResult
from grader.model.marks import Deduction, Mark, Marksheet, Status
from grader.model.submission import Artifact, Media, Submission, TimeSource

__all__ = [
    "DECIDED",
    "SUBMITTED_AT",
    "Answer",
    "Artifact",
    "Audience",
    "CellRun",
    "Checked",
    "Decision",
    "Deduction",
    "Evidence",
    "Execution",
    "Finding",
    "Json",
    "Judgement",
    "Location",
    "Mark",
    "Marksheet",
    "Media",
    "NetworkLook",
    "PointResult",
    "ProbeReply",
    "ProbeRequest",
    "Review",
    "State",
    "Status",
    "Submission",
    "TimeSource",
    "Verdict",
]
