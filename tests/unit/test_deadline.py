"""The last limit: an answer over which the grader works too long goes to a person, whatever else is wrong with it."""

import re
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader import pipeline
from grader.course import load_course
from grader.deadline import OutOfTimeError, limit_seconds
from grader.kinds import KINDS, Context
from grader.model import Answer

ROOT = Path(__file__).resolve().parents[2]


def work() -> None:
    while True:
        try:
            re.fullmatch("(a|a)*b", "a" * 24)
        except Exception:  # what swallows every fault must not swallow this one
            pass


def test_work_ends_and_everything_is_as_before() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with pytest.raises(OutOfTimeError), limit_seconds(0.05):
        work()
    assert signal.getsignal(signal.SIGPROF) is before and signal.getitimer(signal.ITIMER_PROF)[0] == 0


def test_waiting_is_no_work() -> None:
    with limit_seconds(0.05):
        time.sleep(0.2)


def test_another_thread_has_no_limit() -> None:
    seen = []

    def run() -> None:
        with limit_seconds(0.01):
            seen.append(sum(range(3_000_000)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen


def test_an_answer_that_takes_too_long_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_CHECK_SECONDS", 0.05)
    monkeypatch.setitem(KINDS, "choice", replace(KINDS["choice"], check=lambda *_: work()))
    course = load_course([], root=ROOT, rubric=None, class_folder=None)
    criterion = next(item for item in course.rubric.criteria if item.question.kind == "choice")
    answer = Answer(question=criterion.id, state="given", text="2 and 3")
    evidence = pipeline.check(criterion, answer, Context(seed=b""))
    assert (evidence.verdict, evidence.credit) == ("unreadable", None)
    assert evidence.review is not None and "gave up" in evidence.review.reason
