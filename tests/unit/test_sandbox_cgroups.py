"""Control groups: limits are set, rooms put in, and what a killed grader left is removed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from grader.sandbox import cgroups


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A file tree that behaves like control groups: a group's files go with it."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    real = Path.rmdir
    monkeypatch.setattr(Path, "rmdir", lambda path: shutil.rmtree(path) if cgroups.PREFIX in path.name else real(path))
    return tmp_path


def make_v2(root: Path, monkeypatch, enabled: str = "cpu memory pids") -> Path:
    """Make a unified tree in which our own group may have groups below it."""
    own = root / "user.slice" / "grader.scope"
    own.mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    (own / "cgroup.subtree_control").write_text(f"{enabled}\n")
    real = Path.read_text

    def read(path, *arguments, **options):
        return (
            "0::/user.slice/grader.scope\n" if str(path) == "/proc/self/cgroup" else real(path, *arguments, **options)
        )

    monkeypatch.setattr(Path, "read_text", read)
    return own


def test_a_delegated_group_of_version_2_holds_memory_and_processes(groups, monkeypatch):
    own = make_v2(groups, monkeypatch)
    group = cgroups.open_group("7", 1000, 20)
    (folder,) = own.glob("grader-*")
    assert folder.name == f"grader-{os.getpid()}-7"
    assert (folder / "memory.max").read_text() == "1000"
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "20"
    assert group.holds_memory
    group.add([os.getpid()])
    assert (folder / "cgroup.procs").read_text() == str(os.getpid())
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 0\n")
    assert not group.ran_out_of_memory()
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 2\n")
    assert group.ran_out_of_memory()
    group.remove()
    assert not list(own.glob("grader-*"))


def test_a_group_that_is_not_delegated_is_left_alone(groups, monkeypatch):
    own = make_v2(groups, monkeypatch, enabled="cpu")
    group = cgroups.open_group("7", 1000, 20)
    assert not list(own.glob("grader-*"))
    assert (group.folders, group.holds_memory, group.ran_out_of_memory()) == ({}, False, False)
    group.add([os.getpid()])
    group.remove()


def test_version_1_has_a_group_for_each_controller(groups):
    for controller in ("memory", "pids"):
        (groups / controller).mkdir()
    group = cgroups.open_group("7", 1000, 20)
    name = f"grader-{os.getpid()}-7"
    assert (groups / "memory" / name / "memory.limit_in_bytes").read_text() == "1000"
    assert (groups / "pids" / name / "pids.max").read_text() == "20"
    (groups / "memory" / name / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert group.ran_out_of_memory()
    group.remove()
    assert not list(groups.glob("*/grader-*"))


def test_a_machine_without_control_groups_has_none(groups):
    assert cgroups.open_group("7", 1000, 20).folders == {}
    assert cgroups.remove_left_groups() == 0


def test_groups_of_killed_graders_are_removed_and_those_of_living_ones_are_not(groups):
    ended = subprocess.Popen(["true"])
    ended.wait()
    names = [f"grader-{ended.pid}-1", f"grader-{ended.pid}-2", f"grader-{os.getpid()}-1", "grader-x-1", "systemd"]
    for name in names:
        (groups / "memory" / name).mkdir(parents=True)
    assert cgroups.remove_left_groups() == 2
    assert sorted(path.name for path in (groups / "memory").iterdir()) == sorted(names[2:])


def test_the_groups_of_this_machine_hold_what_is_put_in_them():
    """With this machine's own control groups, if it lets us have one (else there is nothing to hold)."""
    group = cgroups.open_group("test", 2**28, 50)
    try:
        for controller, folder in group.folders.items():
            names = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max",)}[controller]
            (limit,) = [path.read_text().strip() for path in map(folder.joinpath, names) if path.exists()]
            assert limit == {"memory": str(2**28), "pids": "50"}[controller]
        with subprocess.Popen(["sleep", "9"]) as child:
            group.add([child.pid])
            for folder in group.folders.values():
                assert (folder / "cgroup.procs").read_text().split() == [str(child.pid)]
            child.kill()
        assert not group.ran_out_of_memory()
    finally:
        group.remove()
    assert not [folder for folder in group.folders.values() if folder.exists()]
