"""What tests of a class run share: a small class, `grade` as a process, and what came of it without the time taken."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from grader.sandbox.watch import find_processes

ROOT = Path(__file__).resolve().parents[2]


def run_grade(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def start_grade(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_sheets(out: Path) -> dict[str, dict]:
    """Return the marksheets of a results folder, without the time taken."""
    found = {}
    for path in sorted(out.glob("*/marksheet.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        assert set(data.pop("timing")) == {"seconds", "notebook_seconds"}
        found[path.parent.name] = data
    return found


def read_result(out: Path) -> dict[str, str]:
    """Return what a class comes to, byte for byte, apart from the time taken."""
    found = {name: json.dumps(data, sort_keys=True) for name, data in read_sheets(out).items()}
    pages = {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in out.glob("*/feedback.html")}
    books = {path.name: path.read_text(encoding="utf-8") for path in out.glob("*.csv")}
    return {**found, **pages, **books}


def list_names(out: Path) -> list[str]:
    """Return every file that people see in a results folder."""
    files = (path for path in out.rglob("*") if path.is_file() and ".store" not in path.parts)
    return sorted(str(path.relative_to(out)) for path in files)


def stamp_records(out: Path) -> dict[str, tuple[int, str]]:
    """Return when each stored record was written, and what is in it."""
    stamps = {}
    for path in (out / ".store" / "records").glob("*.json"):
        stamps[path.name] = (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
    return stamps


def list_below(process: int) -> set[tuple[int, str]]:
    """Return a process and all below it, each with the time that it started at (process ids come again)."""
    return {(number, started) for number in find_processes(process) if (started := _read_start(number))}


def find_left(processes: set[tuple[int, str]]) -> list[int]:
    """Return those that still run (not those that only wait for their parent to take notice)."""
    return [number for number, started in processes if _read_start(number) == started]


def _read_start(process: int) -> str:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def is_root() -> bool:
    return os.getuid() == 0
