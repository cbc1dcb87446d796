"""``grade mail`` as a teacher uses it: look first, then send; the others listed with the reason."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Iterator
from decimal import Decimal
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader.batch.classes import load_classes
from grader.batch.store import Store
from grader.cli.mail import mail
from grader.errors import ConfigError, Exit
from grader.model import Marksheet
from tests.unit.feedback_sheets import mark, sheet
from tests.unit.mail_cases import (
    PASSWORD,
    Post,
    keep_sheets,
    make_course,
    make_graded,
    open_server,
    run_mail,
    write_settings,
)


def final(name: str, says: str = "Look at the sign.") -> Marksheet:
    return sheet(mark("q2a", "A gradient", "5", "partial", "0.5", says=[says]), submission=name)


def waiting(name: str) -> Marksheet:
    return sheet(mark("q2a", "A gradient", "5", "unreadable"), mark("q1", "One", "5", "correct", "1"), submission=name)


class Course:
    """A graded class beside a mail server."""

    def __init__(self, folder: Path, port: int, post: Post) -> None:
        self.folder, self.post = folder, post
        self.settings = write_settings(folder, port)
        self.out = folder / "class" / "graded"

    def grade(self, *sheets: Marksheet, **options) -> None:
        make_graded(self.folder / "class", sheets, **options)

    def mail(self, *arguments: object) -> Result:
        """Run the command in this process."""
        words = [str(self.out), "--settings", str(self.settings), *map(str, arguments)]
        result = CliRunner().invoke(mail, words, env={"GRADER_MAIL_PASSWORD": PASSWORD})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def index(self) -> dict[str, dict[str, str]]:
        with (self.out / "mail" / "index.csv").open(encoding="utf-8", newline="") as stream:
            return {row["student_id"]: row for row in csv.DictReader(stream)}


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    post = Post()
    with open_server(post, tmp_path) as port:
        yield Course(tmp_path, port, post)


def test_without_send_messages_are_written_and_nothing_leaves(course: Course) -> None:
    course.grade(final("s0001"), final("s0002"), waiting("s0003"))
    result = course.mail()
    assert result.exit_code == Exit.GRADED and course.post.received == []
    assert "2 messages to send" in result.output and "2 to example.edu" in result.output
    assert "1 held: waits for a person: q2a: s0003" in result.output and "Nothing was sent." in result.output
    rows = course.index()
    assert {name: row["state"] for name, row in rows.items()} == {"s0001": "ready", "s0002": "ready", "s0003": "held"}
    files = sorted(path.name for path in (course.out / "mail").iterdir())
    assert files == sorted(["index.csv", rows["s0001"]["file"], rows["s0002"]["file"]])
    for row in (rows["s0001"], rows["s0002"]):
        message = message_from_bytes((course.out / "mail" / row["file"]).read_bytes(), policy=SMTP)
        assert message["To"] == row["address"] and message["Message-ID"] == row["message_id"]
        assert row["student_id"] not in row["file"]
    assert (course.out / "mail").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (course.out / "mail").iterdir()} == {0o600}


def test_everybody_gets_the_own_message_once(course: Course) -> None:
    course.grade(final("s0001", "One."), final("s0002", "Two."))
    result = course.mail("--send", "--yes")
    assert result.exit_code == Exit.GRADED and "2 sent." in result.output
    for name, other, says in (("s0001", "s0002", "One."), ("s0002", "s0001", "Two.")):
        message = course.post.messages[f"{name}@example.edu"]
        page = list(message.iter_attachments())[-1].get_content()
        assert page == (course.out / name / "feedback.html").read_text()
        text = message.get_body(("plain",)).get_content()
        assert says in text and other not in message.as_string() + text + page
    assert {row["state"] for row in course.index().values()} == {"sent"}
    again = course.mail("--send", "--yes")
    assert again.exit_code == Exit.GRADED and "2 not sent: mailed already" in again.output
    assert len(course.post.received) == 2


def test_nobody_is_there_to_be_asked(course: Course) -> None:
    course.grade(final("s0001"))
    with pytest.raises(ConfigError, match="--yes"):
        course.mail("--send")
    assert course.post.received == []


def test_the_log_tells_of_nobody(course: Course) -> None:
    course.grade(*(final(f"s000{n}") for n in range(1, 5)), waiting("s0005"), final("s0006", "As s0001 wrote."))
    course.post.answers["s0003@example.edu"] = ["rcpt 550 5.1.1 <s0003@example.edu> unknown"]
    course.post.answers["s0004@example.edu"] = ["drop"]
    run = run_mail(course.out, "--send", "--yes", "--settings", course.settings)
    assert run.returncode == Exit.NEEDS_REVIEW, run.stderr
    assert "2 sent, 1 refused, 1 unknown." in run.stdout and "--retry-unknown" in run.stdout
    assert "1 held: waits for a person: q2a" in run.stdout
    for word in (*(f"s000{n}" for n in range(1, 7)), "Person", "2.5", PASSWORD):
        assert word not in (run.stdout + run.stderr).replace(str(course.folder), "")
    assert "550" in course.index()["s0003"]["why"]


def test_a_password_is_read_from_a_descriptor_and_never_taken_from_the_command_line(course: Course) -> None:
    course.grade(final("s0001"))
    with pytest.raises(ConfigError, match="no password"):
        CliRunner().invoke(
            mail, [str(course.out), "--settings", str(course.settings), "--send", "--yes"], catch_exceptions=False,
            env={"GRADER_MAIL_PASSWORD": None, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        )  # fmt: skip
    inside, outside = os.pipe()
    os.write(outside, f"{PASSWORD}\n".encode())
    os.close(outside)
    assert course.mail("--send", "--yes", "--password-fd", inside).exit_code == Exit.GRADED
    assert not any("password" in option for item in mail.params for option in item.opts if option != "--password-fd")


def test_only_and_limit_send_to_a_few(course: Course) -> None:
    course.grade(*(final(f"s000{n}") for n in range(1, 5)))
    assert "1 sent." in course.mail("--send", "--yes", "--only", "s0003").output
    assert "2 sent." in course.mail("--send", "--yes", "--limit", 2).output
    assert list(course.post.count) == [f"s000{n}@example.edu" for n in (3, 1, 2)]
    with pytest.raises(ConfigError, match="nobody"):
        course.mail("--only", "s9999")


def test_a_trial_goes_to_one_address_and_does_not_count(course: Course) -> None:
    course.grade(final("s0001"), final("s0002"))
    course.mail("--send", "--yes", "--redirect-to", "me@example.edu")
    assert course.post.count == {"me@example.edu": 2}
    trial = {message_from_bytes(data, policy=SMTP)["Message-ID"] for _, data in course.post.received}
    course.mail("--send", "--yes")
    assert course.post.count == {"me@example.edu": 2, "s0001@example.edu": 1, "s0002@example.edu": 1}
    assert trial.isdisjoint(course.post.messages[f"s000{n}@example.edu"]["Message-ID"] for n in (1, 2))
    with pytest.raises(ConfigError, match=r"elsewhere\.example"):
        course.mail("--send", "--yes", "--redirect-to", "me@elsewhere.example")


def test_a_preview_is_a_page_with_its_pictures(course: Course) -> None:
    course.grade(final("s0001"), waiting("s0002"))
    result = course.mail("--preview", "s0002")
    _, page = result.output.split()
    assert result.exit_code == Exit.GRADED and "cid:" not in Path(page).read_text()
    assert Path(page).parent == course.out / "mail" / "preview" and Path(page).stat().st_mode & 0o777 == 0o600
    assert course.post.received == [] and not list((course.out / "mail").glob("*.eml"))


def test_provisional_marks_are_mailed_where_asked_and_say_so(course: Course) -> None:
    course.grade(waiting("s0001"))
    assert "nothing to send" in course.mail("--send", "--yes").output
    assert "1 provisional" in course.mail("--send", "--yes", "--include-provisional").output
    message = course.post.messages["s0001@example.edu"]
    assert message["Subject"].startswith("Provisional: ")
    assert "PROVISIONAL" in message.get_body(("plain",)).get_content()


def test_changed_feedback_is_mailed_again_where_asked(course: Course) -> None:
    course.grade(final("s0001"), final("s0002"))
    course.mail("--send", "--yes")
    store = Store(course.out)
    job = load_classes(store)[0].job
    keep_sheets(store, [final("s0001", "Look at the sum, too.")], job)
    held = course.mail("--send", "--yes")
    assert held.exit_code == Exit.NEEDS_REVIEW and "changed since (--resend-changed)" in held.output
    assert len(course.post.received) == 2
    assert "1 sent." in course.mail("--send", "--yes", "--resend-changed").output
    assert course.post.count == {"s0001@example.edu": 2, "s0002@example.edu": 1}
    assert "nothing to send" in course.mail("--send", "--yes", "--resend-changed").output


def test_what_is_unknown_is_sent_again_where_asked_under_its_own_name(course: Course) -> None:
    course.grade(final("s0001"))
    course.post.answers["s0001@example.edu"] = ["drop"]
    assert course.mail("--send", "--yes").exit_code == Exit.NEEDS_REVIEW
    assert course.index()["s0001"]["state"] == "unknown"
    assert "nothing to send" in course.mail("--send", "--yes", "--resend-changed").output
    assert course.mail("--send", "--yes", "--retry-unknown").exit_code == Exit.GRADED
    first, second = (message_from_bytes(data, policy=SMTP)["Message-ID"] for _, data in course.post.received)
    assert first == second
    assert "nothing to send" in course.mail("--send", "--yes", "--retry-unknown").output


def test_every_member_of_a_group_gets_the_own_message(course: Course) -> None:
    course.grade(final("g1", "Done by s0001 and s0002."), final("s0003"), groups={"g1": ("s0001", "s0002")})
    course.mail("--send", "--yes")
    assert course.post.count == {f"s000{n}@example.edu": 1 for n in (1, 2, 3)}
    one, two = (course.post.messages[f"s000{n}@example.edu"] for n in (1, 2))
    assert one["Message-ID"] != two["Message-ID"] and one["To"] == "s0001@example.edu"


def test_a_student_of_two_marksheets_gets_neither(course: Course) -> None:
    roster = "student_id,name,email\n" + "".join(f"s000{n},One Name{n},s000{n}@example.edu\n" for n in (1, 2))
    course.grade(final("g1"), final("s0001"), groups={"g1": ("s0001", "s0002")}, roster=roster)
    result = course.mail("--send", "--yes")
    assert result.exit_code == Exit.NEEDS_REVIEW and "more than one marksheet" in result.output
    assert course.post.count == {"s0002@example.edu": 1}


def test_another_students_data_hold_a_message_until_a_person_has_looked(course: Course) -> None:
    course.grade(final("s0001", "As s0002 wrote."), final("s0002"))
    result = course.mail("--send", "--yes")
    assert result.exit_code == Exit.NEEDS_REVIEW and course.post.count == {"s0002@example.edu": 1}
    assert "another student's id, name or address stands in the message" in result.output
    assert not list((course.out / "mail").glob("*.eml"))
    assert "s0002" in Path(course.mail("--preview", "s0001").output.split()[1]).read_text()
    assert course.mail("--send", "--yes", "--looked-at", "s0001").exit_code == Exit.GRADED
    assert course.post.count == {"s0001@example.edu": 1, "s0002@example.edu": 1}


ADDRESSES = """\
student_id,name,email
s0001,One Person,s0001@elsewhere.example
s0002,Two Persons,
s0003,Three Persons,"s0003@example.edu, all@example.edu"
s0004,Four Persons,"=cmd|x@example.edu"
s0005,Five Persons,s0005@example.edu
s0006,Six Persons,s0006@example.edu
"""


def test_staff_may_be_on_the_roster(course: Course) -> None:
    roster = "student_id,name,email\ns0001,One Person,s0001@example.edu\ns0002,The Teacher,staff@example.edu\n"
    course.grade(final("s0001"), roster=roster)
    course.mail("--send", "--yes")
    assert course.post.count == {"s0001@example.edu": 1}


def test_addresses_that_cannot_be_used_are_listed_and_the_others_mailed(course: Course) -> None:
    course.grade(*(final(f"s000{n}") for n in range(1, 6)), roster=ADDRESSES)
    result = course.mail("--send", "--yes")
    assert result.exit_code == Exit.NEEDS_REVIEW and set(course.post.count) <= {
        "s0005@example.edu",
        "=cmd|x@example.edu",
    }
    why = {name: row["why"] for name, row in course.index().items()}
    assert "elsewhere.example is no domain that mail may go to" in why["s0001"]
    assert why["s0002"] == "has no mail address on the roster" and "cannot be used" in why["s0003"]
    assert why["s0006"] == "handed in nothing"
    assert course.index()["s0004"]["address"].startswith("'=")
    assert "1 sent." in course.mail("--send", "--yes", "--allow-domain", "elsewhere.example").output
    assert course.post.count["s0001@elsewhere.example"] == 1


def test_a_roster_without_addresses_is_told(course: Course) -> None:
    course.grade(final("s0001"), roster="student_id\ns0001\n")
    with pytest.raises(ConfigError, match="column email"):
        course.mail()


def test_a_broken_template_stops_before_anything_is_written(course: Course) -> None:
    root = make_course(course.folder / "course", {"mail.html.j2": "<p>\n{{ view.nothing }}</p>"})
    course.grade(final("s0001"), course=root)
    with pytest.raises(ConfigError, match=r"mail\.html\.j2:2") as caught:
        course.mail("--send", "--yes")
    assert caught.value.exit_code == Exit.CONFIG
    assert course.post.received == [] and not (course.out / "mail").exists()


def test_a_changed_mail_template_leaves_marks_up_to_date(course: Course) -> None:
    root = make_course(course.folder / "course", {"mail.txt.j2": "One."})
    course.grade(final("s0001"), course=root)
    (root / "templates" / "mail.txt.j2").write_text("Two.")
    course.mail("--send", "--yes")
    assert course.post.messages["s0001@example.edu"].get_body(("plain",)).get_content().strip() == "Two."


def test_what_was_changed_between_looking_and_sending_is_not_sent(course: Course, monkeypatch) -> None:
    from grader.errors import InfrastructureError

    course.grade(final("s0001"))
    course.mail()
    (file,) = (course.out / "mail").glob("*.eml")
    monkeypatch.setattr("click.confirm", lambda *_, **__: file.write_bytes(b"To: everybody@example.edu\r\n\r\n"))
    monkeypatch.setattr("grader.cli.mail.sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    words = [str(course.out), "--settings", str(course.settings), "--send"]
    monkeypatch.setenv("GRADER_MAIL_PASSWORD", PASSWORD)
    with pytest.raises(InfrastructureError, match="was changed"):
        mail.main(words, standalone_mode=False)
    assert course.post.received == []


def test_marks_of_another_rubric_are_held(course: Course) -> None:
    course.grade(final("s0001"))
    store = Store(course.out)
    record = store.find_record("s0001")
    assert record is not None
    store.write_record(dataclasses.replace(record, keys={"course": "older"}))
    result = course.mail("--send", "--yes", "--include-provisional")
    assert "1 held: out of date" in result.output and course.post.received == []


def test_marks_in_the_message_are_those_of_the_marksheet(course: Course) -> None:
    course.grade(dataclasses.replace(final("s0001"), awarded=Decimal("2.5")))
    course.mail("--send", "--yes")
    assert "Your result: 2.5 of 5" in course.post.messages["s0001@example.edu"].get_body(("plain",)).get_content()
