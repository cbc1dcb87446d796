"""The review server: who is let in, what is refused, and that nothing acknowledged is ever lost."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.batch_cases import read_sheets
from tests.unit.review_cases import Client, Server, make_waiting_class

pytest.importorskip("starlette", reason="no Starlette here (pip install -e '.[review]')")
pytest.importorskip("uvicorn", reason="no uvicorn here (pip install -e '.[review]')")

from grader.batch.moderation import Moderation, new_decision
from grader.marking import digest_moment
from grader.model import SUBMITTED_AT
from grader.review.guard import MOST_UNDO, Session
from grader.review.marker import Marker
from grader.review.queue import Queue


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_waiting_class(tmp_path_factory.mktemp("class"), (4, 3, 2, 1), 12)


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "graded"))


@pytest.fixture
def server(out: Path) -> Iterator[Server]:
    with Server(out) as running:
        yield running


def read_lines(out: Path) -> list[dict[str, object]]:
    path = out / "moderation.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_link_opens_once(server: Server) -> None:
    client = Client(server)
    assert client.get("/").status == 200
    stranger = Client(server, "bob")
    stranger.cookie = ""
    token = server.links["ada"].rpartition("/")[2]
    assert stranger.get(f"/enter/{token}").status == 403  # used
    assert stranger.get("/enter/" + "x" * 32).status == 403
    for path in ("/", "/next", "/groups/x", "/students", "/students/s0000", "/cards/x/0/0"):
        assert stranger.get(path).status in (403, 404), path
        assert b"s0000" not in stranger.get(path).body


@pytest.mark.thorough
def test_every_answer_is_guarded(server: Server) -> None:
    client = Client(server)
    for path in ("/", "/next", "/static/review.js", "/static/nothing", "/nowhere", "/students?q=s"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"


def test_another_name_for_this_machine_is_refused(server: Server) -> None:
    client = Client(server)
    for host in ("evil.example", f"evil.example:{server.host.split(':')[1]}", "127.0.0.1", ""):
        assert client.get("/", Host=host).status == 400, host
    assert client.get("/", Host=f"localhost:{server.host.split(':')[1]}").status == 200


def test_a_cross_site_request_decides_nothing(server: Server, out: Path) -> None:
    client = Client(server)
    place, form = client.open_next()
    fields = {**form, "verdict": "correct"}
    path = f"{place}/decide"
    evil = {"Origin": "https://evil.example"}
    assert client.post(path, fields, **evil).status == 403
    assert client.send("POST", path, fields, {}).status == 403  # no origin at all
    assert client.post(path, fields, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert client.post(path, {**fields, "form": "x" * 32}).status == 403  # another session's form
    assert client.post(path, {**fields, "form": ""}).status == 403
    other = Client(server, "bob")
    assert other.post(path, fields).status == 403
    assert client.post(path, {**fields, "comment": "x" * 100_000}).status == 413
    assert read_lines(out) == []
    assert client.post(path, fields).status == 303
    assert len(read_lines(out)) == 4


@pytest.mark.thorough
@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e%2fapp.py", "/students/..%2f..%2fetc%2fpasswd", "/students/..",
     "/cards/../0/0", "/cards/%2e%2e/0/0", "/static/review.css/../../guard.py"],
)  # fmt: skip
def test_a_path_leads_nowhere_else(server: Server, path: str) -> None:
    answer = Client(server).get(path)
    assert answer.status in (303, 404) and b"root:" not in answer.body and b"import" not in answer.body


def test_a_group_is_decided_at_once_and_marked_behind(server: Server, out: Path) -> None:
    client = Client(server)
    place, form = client.open_next()
    assert "q2c" in place
    answer = client.post(
        f"{place}/decide", {**form, "verdict": "partial", "marks": "2,5", "comment": "Say that h0 is 0."}
    )
    assert answer.status == 303 and answer.headers["location"] != place
    lines = read_lines(out)
    assert (
        len(lines) == 4 and {line["who"] for line in lines} == {"ada"} and len({line["group"] for line in lines}) == 1
    )
    said = client.get(answer.headers["location"]).body.decode()
    assert "4 answers: 2.5 marks each." in said and "<strong>6</strong> waiting in 3 groups" in said
    assert "making marks" in server.end()
    sheets = read_sheets(out)
    for line in lines:
        mark = next(item for item in sheets[str(line["student"])]["criteria"] if item["id"] == "q2c")
        assert Decimal(str(mark["awarded"])) == Decimal("2.5")
        assert "Say that h0 is 0." in (out / str(line["student"]) / "feedback.html").read_text()


@pytest.mark.thorough
def test_an_undo_shows_it_again(server: Server, out: Path) -> None:
    client = Client(server)
    place, form = client.open_next()
    client.post(f"{place}/decide", {**form, "verdict": "wrong"})
    answer = client.post("/undo", {"form": form["form"]})
    assert answer.status == 303 and answer.headers["location"] == place
    assert b"<strong>10</strong> waiting in 4 groups" in client.get(place).body
    assert [line["undo"] for line in read_lines(out)[-4:]] == [True] * 4
    again = client.read_form(place)
    assert client.post(f"{place}/decide", {**again, "verdict": "correct"}).status == 303
    server.end()
    assert all(sheet["status"] for sheet in read_sheets(out).values())
    undone = client_after(out)
    assert b"<strong>6</strong> waiting in 3 groups" in undone


def client_after(out: Path) -> bytes:
    server = Server(out)
    page = Client(server).get("/").body
    server.kill()
    return page


def test_two_who_decide_the_same_do_not_overwrite_each_other(server: Server, out: Path) -> None:
    ada, bob = Client(server), Client(server, "bob")
    place, form = ada.open_next()
    theirs = bob.read_form(place)
    assert b"ada is looking at this too" in bob.get(place).body
    assert bob.get("/next").headers["location"] != place
    ada.post(f"{place}/decide", {**form, "verdict": "correct"})
    answer = bob.post(f"{place}/decide", {**theirs, "verdict": "wrong"})
    assert answer.status == 303
    assert b"4 not changed: ada decided meanwhile." in bob.get(answer.headers["location"]).body
    assert {line["verdict"] for line in read_lines(out)} == {"correct"}
    assert b"0 decided" not in bob.get("/").body


@pytest.mark.thorough
def test_two_servers_of_one_class_follow_each_other(server: Server, out: Path) -> None:
    second = Server(out, who=("eve",))
    try:
        eve, ada = Client(second, "eve"), Client(server)
        place, form = eve.open_next()
        ada_form = ada.read_form(place)
        eve.post(f"{place}/decide", {**form, "verdict": "correct"})
        assert b"<strong>6</strong> waiting" in ada.get("/").body
        ada.post(f"{place}/decide", {**ada_form, "verdict": "wrong"})
        assert {line["who"] for line in read_lines(out)} == {"eve"}
    finally:
        second.kill()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fields", "said"),
    [({"verdict": "partial", "marks": "9"}, "There are 5 marks here"),
     ({"verdict": "partial", "marks": "a"}, "how many"),
     ({"verdict": "partial", "marks": "-1"}, "0 or more"), ({"verdict": "partial", "marks": "nan"}, "0 or more"),
     ({"verdict": "ungraded"}, "Choose a verdict"), ({}, "Choose a verdict"),
     ({"verdict": "correct", "card": "old"}, "too old")],
)  # fmt: skip
def test_what_is_no_decision_is_told(server: Server, out: Path, fields: dict[str, str], said: str) -> None:
    client = Client(server)
    place, form = client.open_next()
    answer = client.post(f"{place}/decide", {**form, **fields})
    assert answer.status == 303 and said in client.get(answer.headers["location"]).body.decode()
    assert read_lines(out) == []


def test_what_was_typed_in_vain_is_still_there(server: Server, out: Path) -> None:
    client = Client(server)
    place, _ = client.open_next()
    alone = client.read_form(f"{place}?one=1")
    assert alone["one"] == "1"
    fields = {"verdict": "partial", "marks": "9", "comment": "<b>Say why</b>", "reason": "page 2"}
    back = client.post(f"{place}/decide", {**alone, **fields}).headers["location"]
    assert back == f"{place}?one=1"  # not the whole group, which the next Enter would decide
    page = client.get(back).body.decode()
    assert 'value="9"' in page and "&lt;b&gt;Say why&lt;/b&gt;</textarea>" in page and ">page 2</textarea>" in page
    again = client.get(back).body.decode()
    assert 'value="9"' not in again and "Say why" not in again
    student = "/students/s0011"
    change = {**client.read_form(student, 'class="change"'), **fields}
    assert client.post(f"{student}/q1b", change).headers["location"] == student
    parts = client.get(student).body.decode().split('<section class="card mark"')
    assert [number for number, part in enumerate(parts) if 'value="page 2"' in part] == [2]
    assert read_lines(out) == []


@pytest.mark.thorough
def test_persian_digits_are_marks(server: Server, out: Path) -> None:
    client = Client(server)
    place, form = client.open_next()
    client.post(f"{place}/decide", {**form, "verdict": "partial", "marks": "۲٫۵"})
    assert {line["marks"] for line in read_lines(out)} == {"2.5"}


@pytest.mark.parametrize(
    ("marks", "verdict", "credit", "told"), [("5", "correct", "1", ">correct<"), ("0", "wrong", "0", ">not correct<")]
)
def test_all_marks_or_none_are_no_part(
    server: Server, out: Path, marks: str, verdict: str, credit: str, told: str
) -> None:
    client = Client(server)
    place, form = client.open_next()
    client.post(f"{place}/decide", {**form, "verdict": "partial", "marks": marks})
    lines = read_lines(out)
    assert {(line["verdict"], line["credit"], line.get("marks")) for line in lines} == {(verdict, credit, None)}
    server.end()
    page = (out / str(lines[0]["student"]) / "feedback.html").read_text()
    part = re.sub(r"<svg.*?</svg>", "", page[page.index('id="part-q2c"') :].split("</article>")[0], flags=re.DOTALL)
    assert told in part and "partly correct" not in part


def test_what_is_out_of_date_is_told_and_not_tried_for_ever(made: Path, out: Path) -> None:
    server = Server(out)
    client = Client(server)
    place, form = client.open_next()
    report = next((made.parent / "course/submissions/s0000").rglob("*.md"))
    before = report.read_text()
    try:
        report.write_text(before + "\nHanded in anew.\n")
        client.post(f"{place}/decide", {**form, "verdict": "correct"})
        end = time.monotonic() + 60
        while "out of date" not in (page := client.get("/").body.decode()) and time.monotonic() < end:
            time.sleep(0.2)
        assert "1 hand-in is out of date" in page and "Grade the class again" in page
        marked = {name for name, sheet in read_sheets(out).items() if any("decision" in m for m in sheet["criteria"])}
        assert marked == {"s0001", "s0002", "s0003"}
        said = server.end()
        assert "1 hand-in is out of date" in said

        queue, lock = Queue(out), threading.Lock()  # the next start: once, and told again
        marker = Marker(queue, lock)
        marker.start()
        marker.stop()
        assert "1 hand-in is out of date" in marker.trouble and queue.take_unmarked() == set()
    finally:
        server.kill()
        report.write_text(before)
    marker = Marker(queue, lock)  # as it was handed in: what was decided counts
    queue.put_back({"s0000"})
    marker.start()
    marker.stop()
    assert marker.trouble == ""
    assert any("decision" in mark for mark in read_sheets(out)["s0000"]["criteria"])


def test_a_kill_loses_nothing_that_was_acknowledged(out: Path) -> None:
    acknowledged = 0
    for _ in range(3):
        server = Server(out)
        client = Client(server)
        place, form = client.open_next()
        before = len(read_lines(out))
        if client.post(f"{place}/decide", {**form, "verdict": "correct"}).status == 303:
            acknowledged += len(read_lines(out)) - before
        server.kill()  # before or while marks are made
    assert acknowledged == len(read_lines(out)) == 9
    last = Server(out)
    page = Client(last).get("/").body
    assert b"<strong>1</strong> waiting in 1 group," in page
    last.end()
    sheets = read_sheets(out)
    for line in read_lines(out):
        mark = next(item for item in sheets[str(line["student"])]["criteria"] if item["id"] == line["criterion"])
        assert mark["awarded"] == 5 and mark["decision"]["who"] == "ada"


def test_an_appeal_changes_a_mark_with_a_reason_and_keeps_the_history(server: Server, out: Path) -> None:
    client = Client(server)
    found = client.get("/students?q=s0011")
    assert found.status == 303 and found.headers["location"] == "/students/s0011"
    fields = client.read_form("/students/s0011", 'class="change"')
    change = {**fields, "verdict": "partial", "marks": "3", "reason": "", "comment": "Looked at again."}
    answer = client.post("/students/s0011/q1a", change)
    assert "Say why" in client.get(answer.headers["location"]).body.decode() and read_lines(out) == []
    client.post("/students/s0011/q1a", {**change, "reason": "appeal of 3 May"})
    page = client.get("/students/s0011").body.decode()
    assert "appeal of 3 May" in page and "3 marks" in page and "It is not marked yet." in page
    server.end()
    sheet = read_sheets(out)["s0011"]
    assert sheet["criteria"][0]["awarded"] == 3
    shown = (out / "s0011" / "feedback.html").read_text()
    assert "Looked at again." in shown and "appeal of 3 May" not in shown


def test_the_history_tells_when_it_was_handed_in(server: Server, out: Path) -> None:
    moment = "2026-12-01T23:59:00+03:30"
    seen = digest_moment(read_sheets(out)["s0011"]["digests"]["submission"])
    Moderation(out).append([new_decision("ada", "s0011", SUBMITTED_AT, seen=seen, moment=moment, reason="mail")])
    page = Client(server).get("/students/s0011").body.decode()
    assert moment in page[page.index("History") :].replace("&#43;", "+")


def test_what_can_be_taken_back_is_bounded() -> None:
    session = Session(who="ada")
    for number in range(MOST_UNDO + 5):
        session.remember([new_decision("ada", f"s{number}", "q1a")])
    session.remember([])
    assert len(session.done) == MOST_UNDO and session.done[0][0].student == "s5"


@pytest.mark.thorough
def test_nobody_is_named_unless_asked(server: Server, out: Path) -> None:
    client = Client(server)
    place, _ = client.open_next()
    for path in ("/", place, f"{place}?one=1"):
        assert b"s00" not in client.get(path).body, path
    named = Server(out, "--names", who=("eve",))
    assert b"s00" in Client(named, "eve").get(place).body
    named.kill()


@pytest.mark.thorough
def test_a_hostile_answer_is_text(made: Path, tmp_path: Path) -> None:
    from tests.unit.batch_cases import run_grade

    course = made.parent / "course"
    hand_ins = tmp_path / "hostile"
    path = hand_ins / "e1" / "report.md"
    path.parent.mkdir(parents=True)
    path.write_text(
        "# Question 1\n\nb) Option 4: <script>alert(1)</script> <img src=x onerror=alert(1)> one way, the mood depends"
        " on the days up to t only.\n\n# Question 2\n\nb) $</textarea><script>q</script> q_t$\n"
    )
    run = run_grade(hand_ins, "--out", tmp_path / "graded", "--course", course, "--jobs", 1)
    assert run.returncode == 3, run.stderr
    server = Server(tmp_path / "graded")
    client = Client(server)
    try:
        listed = client.get("/").body.decode()
        for place in {part.split('"')[0] for part in listed.split('href="')[1:] if part.startswith("/groups/")}:
            page = client.get(place).body.decode()
            assert "<script>alert" not in page and "<img src=x" not in page and "<script>q" not in page
    finally:
        server.kill()
