"""The arena, once for each kind of kernel in each file, and a look for traces after every single test."""

import tempfile

import pytest

from grader.sandbox.rooms import NoRoomError
from grader.sandbox.walls import NoBubblewrapError, find_bwrap
from tests.hostile.arena import SETTINGS as arena_settings
from tests.hostile.arena import Arena


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/hostile" in item.path.as_posix():
            item.add_marker(pytest.mark.notebook)


def need_bubblewrap() -> None:
    """Skip where there is no bubblewrap (which is a failure where everything is to be tested)."""
    try:
        find_bwrap()
    except NoBubblewrapError as error:
        pytest.skip(f"nothing can be attacked: {NoRoomError(str(error))}")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    folder.chmod(0o755)
    (folder / "course.csv").write_text("id,text\n1,hello\n")
    return folder


@pytest.fixture(scope="module", params=["warm", "cold"])
def arena(request, data, tmp_path_factory):
    need_bubblewrap()
    temporary = tmp_path_factory.mktemp("temporary")
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(temporary))
    settings = getattr(request.module, "SETTINGS", arena_settings)
    made = Arena(data, temporary, warm=request.param == "warm", settings=settings)
    with made.rooms:
        yield made
    patch.undo()
    assert made.processes() == {}


@pytest.fixture(autouse=True)
def no_trace(request):
    """Count after every test, before anything is put away."""
    yield
    if "arena" in request.fixturenames:
        request.getfixturevalue("arena").check_traces()
