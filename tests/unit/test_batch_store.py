"""The store: what is written is whole, what is torn counts as never made, and nothing is lost without a trace."""

import json
import multiprocessing
from pathlib import Path

import pytest

from grader.batch.store import BusyError, Record, Store
from grader.errors import InfrastructureError


def make_record(store: Store, student: str, sheet: bytes = b"{}", **more) -> Record:
    objects = {"marksheet": store.put(sheet), "page": store.put(b"page")}
    return Record(student=student, keys={"whole": "k"}, objects=objects, summary={}, **more)


def test_an_object_comes_back_by_its_digest(tmp_path):
    store = Store(tmp_path)
    name = store.put(b"values")
    assert store.get(name) == b"values"
    assert store.put(b"values") == name
    assert store.get("0" * 64) is None
    assert store.get(None) is None


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_a_torn_object_counts_as_never_made_and_is_made_again(tmp_path, damage):
    store = Store(tmp_path)
    name = store.put(b"values" * 100)
    path = next((tmp_path / ".store" / "objects").rglob("*/*"))
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    assert store.get(name) is None
    assert store.put(b"values" * 100) == name
    assert store.get(name) == b"values" * 100


@pytest.mark.parametrize("student", ["a", "پارسا", "a b'\"$(x)", "n" * 300, ".hidden", "..", "%2e%2e", "_" + "0" * 64])
def test_records_of_any_id_stay_apart(tmp_path, student):
    store = Store(tmp_path / "out")
    store.write_record(make_record(store, student))
    store.write_record(make_record(store, "other", b"[]"))
    assert store.find_record(student) == make_record(store, student)
    assert list(store.list_marksheets()) == sorted([student, "other"])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other"}', '{"schema": "grader/record/1"}', "\x00"])
def test_a_record_that_cannot_be_read_counts_as_none(tmp_path, text):
    store = Store(tmp_path)
    store.write_record(make_record(store, "a"))
    (tmp_path / ".store" / "records" / "a.json").write_text(text)
    assert store.find_record("a") is None
    assert store.list_marksheets() == {}


def test_what_lies_there_and_we_did_not_write_is_kept_as_history(tmp_path):
    store = Store(tmp_path)
    record = make_record(store, "a", b'{"new": 1}')
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "marksheet.json").write_bytes(b"by hand")
    record = store.show(record)
    assert (tmp_path / "a" / "marksheet.json").read_bytes() == b'{"new": 1}'
    (entry,) = record.history
    assert store.get(entry["marksheet"]) == b"by hand"
    assert store.find_record("a") == record
    assert store.is_shown(record) and store.is_whole(record)


def test_success_clears_an_earlier_failure(tmp_path):
    store = Store(tmp_path)
    store.write_failure("a", "no room")
    assert store.find_failure("a") == "no room"
    store.write_record(make_record(store, "a"))
    assert store.find_failure("a") is None


def test_runs_are_numbered_and_kept(tmp_path):
    store = Store(tmp_path)
    assert store.list_runs() == []
    assert [store.write_run({"n": n}) for n in range(3)] == [1, 2, 3]
    assert store.find_run(2) == {"n": 1}
    assert store.find_run(9) is None


def _hold(out, shared, ready, leave):
    with Store(Path(out)).held(shared=shared):
        ready.set()
        leave.wait(30)


@pytest.mark.parametrize(("first", "second", "refused"), [
    (False, False, True), (False, True, True), (True, False, True), (True, True, False)])  # fmt: skip
def test_a_second_grader_says_so_and_stops(tmp_path, first, second, refused):
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), first, ready, leave))
    other.start()
    try:
        assert ready.wait(30)
        if refused:
            with pytest.raises(BusyError, match="at work here already"), Store(tmp_path).held(shared=second):
                pass
        else:
            with Store(tmp_path).held(shared=second):
                pass
    finally:
        leave.set()
        other.join()
    with Store(tmp_path).held():
        pass  # the lock went with its holder


def test_what_a_killed_grader_was_about_to_write_is_swept(tmp_path):
    store = Store(tmp_path)
    store.put(b"x")
    (tmp_path / ".store" / "tmp" / "tmpabc").write_bytes(b"half")
    with store.held():
        assert list((tmp_path / ".store" / "tmp").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InfrastructureError, match="cannot make"), Store(tmp_path / "out").held():
        pass


def test_records_are_json_that_people_can_read(tmp_path):
    store = Store(tmp_path)
    store.write_record(make_record(store, "a"))
    data = json.loads((tmp_path / ".store" / "records" / "a.json").read_text())
    assert data["schema"] == "grader/record/1" and data["student"] == "a"
