"""One worker: what it is stopped for, and that the class can go on."""

from pathlib import Path

import pytest

from grader.batch import worker as module
from grader.batch.events import Job
from grader.batch.worker import WorkerProcess
from tests.class_maker import make_reports

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    make_reports(tmp_path / "class", 2)
    return Job(
        course=str(ROOT),
        rubric=str(ROOT / "rubrics/hw5.yaml"),
        class_folder=str(tmp_path / "class"),
        out=str(tmp_path / "out"),
        device="cpu",
    )


def test_a_worker_that_takes_too_much_memory_is_stopped_and_the_next_hand_in_graded(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = WorkerProcess(job, "1", die_with_parent=True)
    try:
        monkeypatch.setattr(module, "MOST_BYTES", 30 * 2**20)
        *_, last = worker.grade(f"{job.class_folder}/s0001")
        assert last.kind == "failed" and "more than 30 MiB of memory" in last.text and not last.fatal
        monkeypatch.undo()
        *_, last = worker.grade(f"{job.class_folder}/s0002")
        assert last.kind == "finished"
    finally:
        worker.kill()
