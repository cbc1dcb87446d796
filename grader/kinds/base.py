"""What every question kind shares: its row in the KINDS table and what a check may look at.

Keys of ``Evidence.observed`` and ``Evidence.expected`` that the feedback renders (all optional, JSON values):

- ``text``: one short line in words ("options 2 and 3", "output [6, 1, 2]").
- ``answer``: the student's own words, raw. ``location``: where they stand, as a string.
- ``latex``: a formula as re-rendered LaTeX, or a list of them.
- ``repairs``: a list of sentences, each one machine-reading repair that the reading rests on.
- ``table``: ``{"columns": [...], "rows": [[...], ...]}``.
- ``plot``: ``{"title", "x_label", "y_label", "series": [{"name", "x": [...], "y": [...]}]}`` or, with
  ``"kind": "bars"``, ``{"categories": [...], "series": [{"name", "values": [...]}]}``.
- ``cells``: a list of ``{"index", "outcome", "error", "source"}`` worth showing.
- ``movement``: a table like ``table``: parameters before and after cells that should have moved them.
- ``next``: what to do next, one or two sentences to the student.
- ``pages``: a list of ``{"picture", "file", "page"}``, pages that a person must look at; ``picture`` is a file beside
  the marksheet. For staff.
- ``highlight``: sentences that a person should look at, for staff.
- any other key: kept as data for staff and exports, not rendered.

``expected`` also carries ``visibility`` (``visible``, ``after_due``, ``staff``): the pipeline sets it from the rubric,
``visible`` where the due date has passed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.model import Answer, Evidence, Execution

STRICT = {"extra": "forbid", "strict": True}
"""Pydantic settings that every rubric record carries as ``__pydantic_config__`` (a stdlib dataclass is lax without)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a check may look at besides its own question and answer.

    ``seed`` is HMAC(course secret, assignment, submission digest). ``answers`` and ``questions`` hold every criterion
    of the submission by id, for marking on (follow-through) and for readings that belong to a whole question.
    ``worlds`` are the rubric's shared formula worlds by name. ``resolve`` turns ``reference.hw5.checks:network`` into
    the course's function. ``execution`` is the notebook's run, None where there is no notebook; ``signs`` names the
    course's function that looks for signs of tampering in it ("" for none).
    """

    seed: bytes
    answers: Mapping[str, Answer] = field(default_factory=dict)
    questions: Mapping[str, Any] = field(default_factory=dict)
    worlds: Mapping[str, Any] = field(default_factory=dict)
    resolve: Callable[[str], Any] | None = None
    execution: Execution | None = None
    signs: str = ""

    def number(self, *names: str) -> int:
        """Return a 63-bit seed that depends on this submission and on ``names`` and on nothing else."""
        message = "\x00".join(names).encode()
        return int.from_bytes(hmac.digest(self.seed, message, hashlib.sha256)[:8], "big") >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A question kind: the rubric fields it takes (a strict dataclass) and how it checks one answer.

    ``check(criterion id, question, answer, context)`` returns Evidence whatever the student wrote; it raises only
    where we are at fault. ``mathematics``: answers are formulas or numbers in a shape, which a PDF's text
    loses.
    """

    name: str
    question: type
    check: Callable[[str, Any, Answer, Context], Evidence]
    mathematics: bool = False
