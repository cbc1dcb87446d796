"""What is kept of a class between runs, under ``graded/.store``.

::

    graded/<id>/marksheet.json, feedback.html   what people look at: copies of what the record names
    graded/<id>/pages/page-1.jpg                pages that a person must look at
    graded/.store/records/<id>.json             one record a hand-in: keys of the work, names of its results, history
    graded/.store/objects/ab/cdef...            results by the sha256 of their bytes, compressed; never changed
    graded/.store/failed/<id>.json              why a hand-in could not be graded the last time
    graded/.store/runs/0001.json                the marksheets as they were after each run that changed any
    graded/.store/lock                          held while a grader works here

A record is written, whole or not at all, after the objects that it names; an object that is torn or gone (its bytes
do not give its name) counts as never made. So a grader may be killed at any moment.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import socket
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.codec import render_json
from grader.errors import InfrastructureError
from grader.intake import escape_name
from grader.model import Json

FOLDER = ".store"
RECORD_SCHEMA = "grader/record/1"
MARKSHEET, PAGE = "marksheet.json", "feedback.html"
_FILES = {"marksheet": MARKSHEET, "page": PAGE}


class BusyError(InfrastructureError):
    """Another grader is at work on the same folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is stored of one hand-in.

    ``keys`` are those of ``grader.batch.keys`` (run, evidence, whole), ``objects`` the names of the results (run,
    evidence, marksheet, page). ``fault`` where our side failed: it is done again the next time. ``history`` holds the
    earlier marksheets, oldest first.
    """

    student: str
    keys: Mapping[str, str]
    objects: Mapping[str, str]
    summary: Mapping[str, Json]
    repeat: int = 1
    fault: bool = False
    history: tuple[Mapping[str, Json], ...] = field(default_factory=tuple)


class Store:
    """The store of one results folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / FOLDER
        self._scratch = self.folder / "tmp"

    # --- one grader at a time ---

    @contextlib.contextmanager
    def held(self, *, shared: bool = False) -> Iterator[None]:
        """Keep other graders away (``shared``: only those that want it for themselves). Raises BusyError."""
        self._make(self.folder)
        with (self.folder / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                owner = lock.read(200).strip() or "another process"
                raise BusyError(
                    f"{self.out}: a grader is at work here already ({owner}). Wait for it, or stop it; or name another "
                    f"--out folder. Nothing was changed."
                ) from None
            if not shared:
                lock.truncate(0)
                lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
                lock.flush()
                self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what a killed grader was about to write."""
        for path in self._scratch.glob("*"):
            path.unlink(missing_ok=True)

    # --- objects ---

    def put(self, data: bytes, *, durable: bool = False) -> str:
        """Keep ``data`` and return its name."""
        name = hashlib.sha256(data).hexdigest()
        path = self._object(name)
        if self.get(name) is None:
            self._write(path, zlib.compress(data, 1), durable=durable)
        return name

    def get(self, name: str | None) -> bytes | None:
        """Return the bytes of that name; None where they are not there or not whole."""
        if not name:
            return None
        with contextlib.suppress(OSError, zlib.error):
            data = zlib.decompress(self._object(name).read_bytes())
            if hashlib.sha256(data).hexdigest() == name:
                return data
        return None

    def get_json(self, name: str | None) -> Any:
        """Return the JSON value of that name, None where there is none."""
        data = self.get(name)
        return None if data is None else json.loads(data)

    def _object(self, name: str) -> Path:
        return self.folder / "objects" / name[:2] / name[2:]

    # --- records ---

    def find_record(self, student: str) -> Record | None:
        """Return what is stored of a hand-in; None where nothing is, or nothing that this version reads."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            data = json.loads(self._record(student).read_text(encoding="utf-8"))
            if data.pop("schema") == RECORD_SCHEMA:
                return Record(**{**data, "history": tuple(data["history"])})
        return None

    def write_record(self, record: Record) -> None:
        """Keep a record: from here on the work is done."""
        text = render_json({"schema": RECORD_SCHEMA, **dataclasses.asdict(record)})
        self._write(self._record(record.student), text.encode(), durable=True)
        self._failure(record.student).unlink(missing_ok=True)

    def list_marksheets(self) -> dict[str, str]:
        """Return the name of everybody's marksheet, sorted by id."""
        found = {}
        for path in self.folder.glob("records/*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                data = json.loads(path.read_text(encoding="utf-8"))
                if data["schema"] == RECORD_SCHEMA:
                    found[str(data["student"])] = str(data["objects"]["marksheet"])
        return dict(sorted(found.items()))

    def _record(self, student: str) -> Path:
        return self.folder / "records" / f"{_file_name(student)}.json"

    # --- what people look at ---

    def show(self, record: Record) -> Record:
        """Write the record's marksheet and page to where people look; return the record, its history complete.

        A marksheet that lies there and that no grader of this store has written is kept as history first.
        """
        for name, file in _FILES.items():
            path = self.out / record.student / file
            with contextlib.suppress(OSError):
                found = path.read_bytes()
                digest = hashlib.sha256(found).hexdigest()
                if digest == record.objects[name]:
                    continue
                if name == "marksheet" and not any(entry["marksheet"] == digest for entry in record.history):
                    entry = {"marksheet": self.put(found, durable=True), "reason": "was not written by this store"}
                    record = dataclasses.replace(record, history=(*record.history, entry))
                    self.write_record(record)
            data = self.get(record.objects[name])
            if data is not None:
                self._write(path, data)
        return record

    def is_whole(self, record: Record) -> bool:
        """Return whether marksheet and page are there, in the store or where people look."""
        return all(self.get(record.objects.get(name)) is not None for name in _FILES)

    def is_shown(self, record: Record) -> bool:
        """Return whether marksheet and page lie where people look, as the record says."""
        for name, file in _FILES.items():
            try:
                found = (self.out / record.student / file).read_bytes()
            except OSError:
                return False
            if hashlib.sha256(found).hexdigest() != record.objects.get(name):
                return False
        return True

    def write_output(self, name: str, text: str) -> None:
        """Write a file of the whole class, such as gradebook.csv."""
        self.write_file(name, text.encode("utf-8", "surrogateescape"))

    def write_file(self, name: str, data: bytes) -> None:
        """Write a file that people look at, such as the picture of a page."""
        self._write(self.out / name, data)

    def find_state(self, name: str) -> Any:
        """Return what ``write_state`` wrote; None where nothing was."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        return None

    def write_state(self, name: str, data: Mapping[str, Json]) -> None:
        """Remember how something of the whole class was made."""
        self._write(self.folder / name, render_json(dict(data)).encode())

    # --- failures and runs ---

    def write_failure(self, student: str, reason: str) -> None:
        """Remember why a hand-in could not be graded."""
        text = render_json({"student": student, "reason": reason})
        self._write(self._failure(student), text.encode())

    def find_failure(self, student: str) -> str | None:
        """Return why a hand-in could not be graded the last time; None where it was, or was never tried."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(self._failure(student).read_text(encoding="utf-8"))["reason"])
        return None

    def _failure(self, student: str) -> Path:
        return self.folder / "failed" / f"{_file_name(student)}.json"

    def list_runs(self) -> list[int]:
        """Return the numbers of the runs that changed a marksheet."""
        return sorted(int(path.stem) for path in self.folder.glob("runs/*.json") if path.stem.isdecimal())

    def find_run(self, number: int) -> dict[str, Any] | None:
        """Return what ``write_run`` wrote; None where there is no such run."""
        with contextlib.suppress(OSError, ValueError):
            data: dict[str, Any] = json.loads((self._run(number)).read_text(encoding="utf-8"))
            return data
        return None

    def write_run(self, data: Mapping[str, Json]) -> int:
        """Keep the state after a run under the next number, and return that."""
        number = max(self.list_runs(), default=0) + 1
        self._write(self._run(number), render_json(dict(data)).encode(), durable=True)
        return number

    def _run(self, number: int) -> Path:
        return self.folder / "runs" / f"{number:04d}.json"

    # --- the disk ---

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InfrastructureError(f"cannot make {folder}: {error.strerror or error}") from None

    def _write(self, path: Path, data: bytes, *, durable: bool = False) -> None:
        """Write a file whole or not at all; ``durable``: on the disk before this returns."""
        self._make(path.parent)
        self._make(self._scratch)
        try:
            descriptor, name = tempfile.mkstemp(dir=self._scratch)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(data)
                    if durable:
                        stream.flush()
                        os.fsync(stream.fileno())
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            if durable:
                _sync_folder(path.parent)
        except OSError as error:
            raise InfrastructureError(f"cannot write {path}: {error.strerror or error}") from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_name(student: str) -> str:
    """Return a name for a file that stands for this id and no other, however long or strange it is."""
    safe = escape_name(student)
    if len(safe.encode()) < 200 and not safe.startswith("."):
        return safe
    return f"_{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()}"
