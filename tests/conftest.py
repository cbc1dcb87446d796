"""What tests share: the clone's root, the homework's rooms, and a way to turn skips into failures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import ONE_THREAD

os.environ.update(ONE_THREAD)  # as the command does, and before anything imports NumPy

ROOT = Path(__file__).resolve().parents[1]
EVERYTHING = "GRADER_TEST_EVERYTHING"


@pytest.fixture(scope="session", autouse=True)
def private_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests away from the user's course secret and cache."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ.pop("GRADER_SECRET_FILE", None)


@pytest.fixture(scope="session")
def lodgings(private_configuration: None) -> Iterator[object]:
    """The rooms of homework 5 as ``grade`` opens them: one keeper, whose warm imports take seconds, for all tests."""
    from grader.course import load_course
    from grader.pipeline import open_lodgings

    rooms = open_lodgings(load_course([], root=ROOT, rubric=None, class_folder=None))
    assert rooms is not None
    yield rooms
    rooms.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With everything on, a skip is a failure: CI must not pass by leaving things out."""
    report = yield
    at_hand = item.get_closest_marker("gpu") is None  # a machine without a GPU has everything else
    if report.skipped and at_hand and os.environ.get(EVERYTHING) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although {EVERYTHING} is set: {report.longrepr}"
    return report


def _is_left_to_ci(item: pytest.Item) -> bool:
    attack = item.path.parent.name == "hostile" and item.path.stem != "test_reach"
    return attack or item.get_closest_marker("thorough") is not None


def pytest_collection_modifyitems(config, items):
    """Leave what takes minutes (most attacks, whole classes) to CI and to those who name it: `pytest tests/hostile`."""
    if os.environ.get(EVERYTHING):
        return
    named = " ".join(map(str, config.args))
    left = [item for item in items if _is_left_to_ci(item) and not (item.path.name in named or "hostile" in named)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]
