"""Mail through a real server: encrypted or not at all, once or unknown, with patience and a stop."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from grader.delivery.mail import (
    Courier,
    Letter,
    MailSettings,
    Pace,
    Sending,
    find_ca_file,
    find_password,
    load_settings,
    open_ledger,
    send_letters,
)
from grader.delivery.mail.message import build_message_id
from grader.delivery.mail.outbox import write_private
from grader.delivery.mail.secret import SERVICE
from tests.unit.feedback_sheets import mark, sheet
from tests.unit.mail_cases import (
    PASSWORD,
    Post,
    build_command,
    build_environment,
    make_graded,
    open_server,
    run_mail,
    write_settings,
)

QUICK = Pace(per_minute=1e6, first_wait=0.01, longest_wait=0.05)


def make_letters(folder: Path, *names: str) -> list[Letter]:
    """Return letters of a few lines: how they are sent does not hang on what is in them."""
    letters = []
    for name in names:
        message_id = build_message_id("hw5", name, "1", "example.edu")
        file = folder / f"{message_id[1:13]}.eml"
        data = f"To: {name}@example.edu\r\nSubject: x\r\n\r\n.a line that begins with a point\r\nthe end\r\n".encode()
        write_private(file, data)
        letters.append(
            Letter(
                student=name,
                address=f"{name}@example.edu",
                digest="1",
                message_id=message_id,
                provisional=False,
                pictures=0,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                file=file,
            )
        )
    return letters


class Office:
    """Sends letters to a server that is told what to answer, and says what the ledger holds then."""

    def __init__(
        self, folder: Path, answers: Mapping[str, Sequence[str]] | None = None, mode: str = "starttls"
    ) -> None:
        self.folder, self.mode, self.post = folder, mode, Post(answers)
        self.lines: list[str] = []

    def send(self, *names: str, password: str = PASSWORD, pace: Pace = QUICK, **settings: object) -> Sending:
        with open_server(self.post, self.folder, self.mode) as port:
            found = load_settings(self.folder, write_settings(self.folder, port, **settings))
            courier = Courier(found, password if found.user else None, find_ca_file(found, self.folder))
            with open_ledger(self.folder / "mail.sqlite", "hw5") as ledger:
                due = [
                    letter
                    for letter in make_letters(self.folder, *names)
                    if ledger.find_objection(letter.student, "1", resend_changed=False, retry_unknown=False) is None
                ]
                return send_letters(due, courier, ledger, pace, self.lines.append)

    def states(self) -> dict[str, str]:
        return read_states(self.folder / "mail.sqlite")


def read_states(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT student, state FROM messages").fetchall())
    finally:
        connection.close()


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_a_message_arrives_whole_by_an_encrypted_connection(tmp_path: Path, mode: str) -> None:
    office = Office(tmp_path, mode=mode)
    sending = office.send("s1", "s2", tls=mode)
    assert (dict(sending.states), sending.left, sending.stopped) == ({"sent": 2}, 0, "")
    assert office.post.count == {"s1@example.edu": 1, "s2@example.edu": 1} and office.post.logins == 1
    assert office.post.received[0][1].endswith(b"\r\n\r\n.a line that begins with a point\r\nthe end\r\n")
    assert office.states() == {"s1": "sent", "s2": "sent"}
    assert list(tmp_path.glob("*.eml")) == []


def test_reports_of_what_cannot_be_delivered_are_asked_for(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.send("s1", bounces_to="bounces@example.edu")
    said, to = office.post.options
    reference = build_message_id("hw5", "s1", "1", "example.edu")[1:13]
    assert said.startswith("FROM:<bounces@example.edu>") and f"RET=HDRS ENVID={reference}" in said
    assert to == "TO:<s1@example.edu> NOTIFY=FAILURE,DELAY"


def test_the_ledger_says_sending_before_the_message_is_given(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.post.look = office.states
    office.send("s1", "s2")
    assert office.post.seen == [{"s1": "sending"}, {"s1": "sent", "s2": "sending"}]


def test_a_relay_needs_no_password(tmp_path: Path) -> None:
    office = Office(tmp_path, mode="relay")
    assert office.send("s1", user=None).states == {"sent": 1} and office.post.logins == 0


def test_a_token_in_place_of_a_password(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.send("s1", auth="xoauth2").states == {"sent": 1} and office.post.logins == 1
    assert "refused (535)" in office.send("s2", auth="xoauth2", password="old").stopped


def test_a_password_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class Ring(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return "from the ring" if (service, username) == (SERVICE, "course") else None

        def set_password(self, service, username, password):
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    try:
        monkeypatch.delenv("GRADER_MAIL_PASSWORD", raising=False)
        settings = MailSettings(host="h", sender="a@example.edu", domains=("example.edu",), user="course")
        assert find_password(settings) == "from the ring"
        monkeypatch.setenv("GRADER_MAIL_PASSWORD", "from outside")
        assert find_password(settings) == "from outside"
    finally:
        keyring.set_keyring(before)


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path, mode="plain")
    sending = office.send("s1")
    assert "no STARTTLS" in sending.stopped and sending.left == 1
    assert (office.post.received, office.post.options, office.post.logins) == ([], [], 0)


def test_implicit_tls_at_a_port_that_has_none_is_told(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert "no encrypted connection" in office.send("s1", tls="implicit").stopped
    assert office.post.received == []


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_a_certificate_of_a_strange_authority_is_refused(tmp_path: Path, mode: str) -> None:
    office = Office(tmp_path, mode=mode)
    sending = office.send("s1", tls=mode, ca_file=None)
    assert "certificate is not trusted" in sending.stopped
    assert (office.post.received, office.post.logins) == ([], 0)


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert "certificate is not trusted" in office.send("s1", host="127.0.0.1").stopped
    assert office.post.received == []


def test_a_refused_password_stops_at_once_and_is_not_printed(tmp_path: Path) -> None:
    office = Office(tmp_path)
    sending = office.send("s1", "s2", password="hunter2")
    assert "refused (535)" in sending.stopped and sending.left == 2
    assert office.post.received == [] and office.states() == {}
    assert "hunter2" not in sending.stopped + repr(office.lines)


@pytest.mark.parametrize("answers", [["rcpt 450 4.2.0 come again"], ["451 4.3.0 not now"], ["451 x", "rcpt 452 y"]])
def test_what_the_server_puts_off_is_tried_again(tmp_path: Path, answers: list[str]) -> None:
    office = Office(tmp_path, {"s1@example.edu": answers})
    assert office.send("s1", "s2").states == {"sent": 2}
    assert office.post.count == {"s1@example.edu": 1, "s2@example.edu": 1}
    assert [address for address, _ in office.post.received] == ["s2@example.edu", "s1@example.edu"]


def test_what_is_put_off_too_often_waits_for_the_next_run(tmp_path: Path) -> None:
    office = Office(tmp_path, {"s1@example.edu": ["451 not now"] * QUICK.tries})
    assert office.send("s1", "s2").states == {"sent": 1, "retry": 1}
    assert office.states() == {"s1": "retry", "s2": "sent"}
    assert office.send("s1", "s2").states == {"sent": 1}
    assert office.post.count == {"s1@example.edu": 1, "s2@example.edu": 1}


def test_a_server_that_closes_with_421_is_asked_again(tmp_path: Path) -> None:
    office = Office(tmp_path, {"s1@example.edu": ["rcpt 421 4.7.0 too many"]})
    assert office.send("s1", "s2").states == {"sent": 2}
    assert office.post.logins == 2


def test_an_address_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    office = Office(tmp_path, {"s1@example.edu": ["rcpt 550 5.1.1 no such person s1@example.edu"]})
    assert office.send("s1", "s2").states == {"failed": 1, "sent": 1}
    assert office.states() == {"s1": "failed", "s2": "sent"}
    assert "example.edu" not in repr(office.lines)


def test_three_refusals_one_after_another_stop_the_run(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(1, 7)]
    office = Office(tmp_path, {f"{name}@example.edu": ["550 5.7.1 spam"] for name in names[1:]})
    sending = office.send(*names)
    assert (dict(sending.states), sending.left) == ({"sent": 1, "failed": 3}, 2)
    assert "550" in sending.stopped and "one after another" in sending.stopped


@pytest.mark.parametrize(("loss", "arrived"), [("drop", 1), ("lose", 0)])
def test_a_connection_lost_after_data_is_unknown_and_not_tried_again(tmp_path: Path, loss: str, arrived: int) -> None:
    office = Office(tmp_path, {"s1@example.edu": [loss]})
    assert office.send("s1", "s2").states == {"unknown": 1, "sent": 1}
    assert office.states() == {"s1": "unknown", "s2": "sent"}
    assert office.send("s1", "s2").states == {}
    assert office.post.count["s1@example.edu"] == arrived and office.post.count["s2@example.edu"] == 1


def test_a_connection_lost_before_the_message_was_given_is_tried_again(tmp_path: Path) -> None:
    office = Office(tmp_path, {"s1@example.edu": ["cut"]})
    assert office.send("s1", "s2").states == {"sent": 2}
    assert office.post.count == {"s1@example.edu": 1, "s2@example.edu": 1}


def test_a_server_that_is_away_is_tried_a_few_times(tmp_path: Path) -> None:
    with open_server(Post(), tmp_path) as port:
        pass
    found = load_settings(tmp_path, write_settings(tmp_path, port))
    with open_ledger(None, "hw5") as ledger:
        courier = Courier(found, PASSWORD, find_ca_file(found, tmp_path))
        lines: list[str] = []
        sending = send_letters(make_letters(tmp_path, "s1"), courier, ledger, QUICK, lines.append)
    assert f"tried {QUICK.tries} times" in sending.stopped and sending.left == 1
    assert len(lines) == QUICK.tries - 1


def test_messages_leave_at_the_pace_that_is_set(tmp_path: Path) -> None:
    office = Office(tmp_path)
    start = time.monotonic()
    office.send("s1", "s2", "s3", "s4", pace=Pace(per_minute=300))
    assert time.monotonic() - start >= 0.6


def test_waits_double_are_scattered_and_have_a_most() -> None:
    pace = Pace(first_wait=10, longest_wait=60)
    waits = [[pace.find_wait(tries) for _ in range(50)] for tries in (1, 2, 3, 9)]
    for found, most in zip(waits, (10, 20, 40, 60), strict=True):
        assert most / 2 <= min(found) < max(found) <= most


def test_two_senders_at_once_are_refused(tmp_path: Path) -> None:
    from grader.errors import InfrastructureError

    with open_ledger(tmp_path / "mail.sqlite", "hw5"):
        with pytest.raises(InfrastructureError, match="already"), open_ledger(tmp_path / "mail.sqlite", "hw5"):
            pass
    assert (tmp_path / "mail.sqlite").stat().st_mode & 0o777 == 0o600


def test_ctrl_c_lets_the_message_that_is_given_come_to_its_end(tmp_path: Path) -> None:
    post = Post()
    with open_server(post, tmp_path) as port:
        out = make_class(tmp_path / "class", 6)
        settings = write_settings(tmp_path, port, rate=120)
        run = start_mail(out, settings)
        wait_for(post, 2, run)
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 130
    states = read_states(out / ".store" / "mail.sqlite")
    assert set(states.values()) == {"sent"} and 2 <= len(states) < 6
    assert len(post.received) == len(states)


def make_class(folder: Path, size: int) -> Path:
    sheets = [
        sheet(mark("q1a", "A part", "5", "correct", "1"), submission=f"s{number:04d}") for number in range(1, size + 1)
    ]
    return make_graded(folder, sheets)


def start_mail(out: Path, settings: Path) -> subprocess.Popen[bytes]:
    command = build_command(out, "--send", "--yes", "--settings", settings)
    return subprocess.Popen(
        command, env=build_environment(PASSWORD), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def wait_for(post: Post, count: int, run: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while len(post.received) < count:
        assert run.poll() is None, f"the sender ended with {run.poll()} after {len(post.received)} of {count} messages"
        assert time.monotonic() < end, f"{len(post.received)} of {count} messages came"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("size", "kills"), [(12, [3, 8]), pytest.param(300, [1, 40, 90, 150, 220, 280], marks=pytest.mark.thorough)]
)
def test_a_sender_that_is_killed_mails_nobody_twice(tmp_path: Path, size: int, kills: list[int]) -> None:
    """Counted at the server: whoever the ledger calls sent has one message, nobody has two, the rest is unknown."""
    post = Post(thinks=0.03)  # so that kills fall between the message's arrival and its "sent"
    with open_server(post, tmp_path) as port:
        out = make_class(tmp_path / "class", size)
        settings = write_settings(tmp_path, port, rate=6000)
        for count in kills:
            run = start_mail(out, settings)
            wait_for(post, count, run)
            run.kill()
            run.wait()
        last = run_mail(out, "--send", "--yes", "--settings", settings)
        again = run_mail(out, "--send", "--yes", "--settings", settings)
    states = read_states(out / ".store" / "mail.sqlite")
    unknown = {student for student, state in states.items() if state == "unknown"}
    assert len(states) == size and set(states.values()) <= {"sent", "unknown"}
    assert last.returncode == again.returncode == (3 if unknown else 0), last.stderr
    assert 1 <= len(unknown) <= len(kills)
    assert max(post.count.values()) == 1
    assert {f"{student}@example.edu" for student in states} - set(post.count) <= {f"{s}@example.edu" for s in unknown}
    assert "There is nothing to send." in again.stdout
