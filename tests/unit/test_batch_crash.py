"""A grader may be killed at any moment: the next run completes the class, and nobody can tell that it happened."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.class_maker import make_quick_course, make_small_class
from tests.unit.batch_cases import (
    find_left,
    list_below,
    list_names,
    read_result,
    run_grade,
    stamp_records,
    start_grade,
)
from tests.unit.room_cases import wait_until

KILLS = 50 if os.environ.get("GRADER_TEST_EVERYTHING") else 6  # these take two minutes


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = make_quick_course(tmp_path_factory.mktemp("course"))
    for number, hand_in in enumerate(make_small_class(folder / "submissions", 5)):
        if number:  # one notebook is enough to be killed in, and the rest is fast
            (hand_in / "Q4.ipynb").unlink(missing_ok=True)
    return folder


@pytest.fixture(scope="module")
def undisturbed(course, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    run = run_grade(course / "submissions", "--out", out)
    assert run.returncode in (0, 3), run.stderr
    return out, time.monotonic() - started


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.thorough
def test_killed_at_random_moments_the_class_is_complete_and_identical(course, undisturbed, tmp_path):
    chance = random.Random(13)
    complete, seconds = undisturbed
    expected, names = read_result(complete), list_names(complete)
    out, finished = tmp_path / "out-0", 0
    for number in range(KILLS):
        before = stamp_records(out)
        process = start_grade(course / "submissions", "--out", out, "--jobs", 2)
        time.sleep(chance.uniform(0.05, seconds))
        below = list_below(process.pid)
        process.send_signal(signal.SIGKILL)
        ended = process.wait() == -signal.SIGKILL
        assert wait_until(lambda: not find_left(below), seconds=30), find_left(below)  # noqa: B023
        after = stamp_records(out)
        # What was stored has not been made again, neither in this run nor in the one that now completes the class.
        assert all(after.get(name) == stamp for name, stamp in before.items())
        if ended and number % 3:  # let the next one find what this one left
            continue
        run = run_grade(course / "submissions", "--out", out)
        assert run.returncode in (0, 3), run.stderr
        assert all(stamp_records(out)[name] == stamp for name, stamp in after.items())
        assert read_result(out) == expected
        assert list_names(out) == names
        assert list((out / ".store" / "tmp").iterdir()) == []
        finished += 1
        out = tmp_path / f"out-{finished}"
    assert finished


def start_and_find_workers(course: Path, out: Path):
    process = start_grade(course / "submissions", "--out", out, "--jobs", 2)
    assert wait_until(lambda: len(list((out / ".store" / "records").glob("*.json"))) >= 1, seconds=60)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return process, [int(child) for child in children]


@pytest.mark.notebook
@pytest.mark.thorough
def test_a_lost_worker_is_replaced_and_nothing_is_lost(course, undisturbed, tmp_path):
    process, workers = start_and_find_workers(course, tmp_path / "out")
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert process.wait(120) in (0, 3)
    assert read_result(tmp_path / "out") == read_result(undisturbed[0])


@pytest.mark.notebook
@pytest.mark.thorough
def test_ctrl_c_leaves_no_process_and_what_was_finished(course, undisturbed, tmp_path):
    process, workers = start_and_find_workers(course, tmp_path / "out")
    below = list_below(process.pid)
    assert workers
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert wait_until(lambda: not find_left(below), seconds=10)
    before = stamp_records(tmp_path / "out")
    assert run_grade(course / "submissions", "--out", tmp_path / "out").returncode in (0, 3)
    after = stamp_records(tmp_path / "out")
    assert before and all(after[name] == stamp for name, stamp in before.items())
    assert read_result(tmp_path / "out") == read_result(undisturbed[0])
