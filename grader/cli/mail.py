"""``grade mail``: feedback by mail, first as files to look at, then for good."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli.console import make_console
from grader.cli.options import FILE, FOLDER, SETTINGS
from grader.errors import ConfigError, Exit, NothingFoundError

if TYPE_CHECKING:
    from rich.console import Console

    from grader.delivery import Delivery
    from grader.delivery.mail import Entry, Ledger, Letter, MailSettings, Outbox, Sending

EPILOG = """
\b
Examples:
  grade mail graded/                        write the messages, and look at graded/mail/
  grade mail graded/ --preview 99521082     one of them, as a page for a browser
  grade mail graded/ --send --redirect-to me@example.edu --limit 3     a trial
  grade mail graded/ --send                 for good, after a question
\b
How mail is sent stands in mail.yaml in the course's root; without one, an example is printed. The password comes from
$GRADER_MAIL_PASSWORD, the system's keyring or --password-fd. More: docs/mail.md
\b
Exit codes:
  0  everything that may be mailed is mailed (or written, without --send)
  2  wrong usage, configuration or template: nothing was sent
  3  a person must look: a message is refused, unknown, changed, or cannot be sent to its student
  4  the run was stopped by the server, 130 by you; the same command goes on
"""


@click.command(epilog=EPILOG, context_settings=SETTINGS)
@click.argument("out", metavar="[DIR]", type=FOLDER, default=Path("graded"))
@click.option("--send", "sends", is_flag=True, help="Send, after showing how many go where and asking.")
@click.option("--yes", is_flag=True, help="With --send: do not ask.")
@click.option("--only", multiple=True, metavar="ID", help="Only this student, or this group; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Send at most N messages now.")
@click.option("--preview", metavar="ID", help="Write this student's message alone, and as a page for a browser.")
@click.option("--redirect-to", metavar="ADDRESS", help="Send every message there instead: a trial.")
@click.option("--allow-domain", "domains", multiple=True, metavar="DOMAIN",
              help="Mail may go to this domain too, for once; may be repeated.")  # fmt: skip
@click.option("--include-provisional", is_flag=True,
              help="Take marksheets too on which a person must still decide, and say so in the message.")  # fmt: skip
@click.option("--resend-changed", is_flag=True, help="Mail again where the feedback is another than was mailed before.")
@click.option("--retry-unknown", is_flag=True,
              help="Mail again where a connection was lost and the message may have arrived.")  # fmt: skip
@click.option("--looked-at", multiple=True, metavar="ID",
              help="You have looked through this student's message: it may hold another's name or id.")  # fmt: skip
@click.option("--roster", type=FILE, metavar="FILE", help="A roster with a column email, if not the one graded with.")
@click.option("--settings", "settings_file", type=FILE, metavar="FILE",
              help="How mail is sent; mail.yaml in the course's root, if left out.")  # fmt: skip
@click.option("--password-fd", type=click.IntRange(min=0), metavar="N",
              help="Read the password from this open file, not from $GRADER_MAIL_PASSWORD or the keyring.")  # fmt: skip
def mail(out: Path, **options: Any) -> None:
    """Mail each student the own feedback, from a graded class in DIR (graded/, if left out).

    Without --send nothing leaves: every message is written to DIR/mail/ as it would be sent, with an index of who gets
    which. Only final marks that are up to date are mailed; the others are listed with the reason.

    Nobody is mailed twice, however often the command is stopped or started. Where a connection was lost while a message
    was given, it is "unknown" and not sent again unless you say --retry-unknown.
    """
    from grader.batch.store import Store

    if not out.is_dir():
        raise NothingFoundError(f"{out} is no folder; grade a class first: grade PATH --out {out}")
    with Store(out).held(shared=True):  # what is mailed must not be marked anew meanwhile
        sys.exit(_run(out, **options))


def _run(out: Path, **options: Any) -> Exit:
    from grader.delivery import open_delivery
    from grader.delivery.mail import load_settings, open_ledger, prepare, show_preview, write_index

    preview, redirected, settings_file = options["preview"], options["redirect_to"], options["settings_file"]
    delivery = open_delivery(
        out,
        roster=options["roster"],
        include_provisional=options["include_provisional"] or preview is not None,
        only=(preview,) if preview else options["only"],
    )
    settings = load_settings(delivery.course.root, settings_file)
    folder = out / "mail" / "preview" if preview else out / "mail"
    console, assignment = make_console(stderr=False), delivery.course.rubric.assignment
    # A trial must not count as the students' own mail, nor be stopped by it.
    with open_ledger(None if redirected or preview else out / ".store" / "mail.sqlite", assignment) as ledger:
        if len(delivery.ready) > 1:
            make_console(stderr=True).print(f"mail: writing {_count(len(delivery.ready), 'message')} to {folder}")
        outbox = prepare(
            delivery, settings, folder, now=datetime.now(UTC), domains=options["domains"],
            redirect_to=redirected,
            looked_at=[name for item in delivery.ready for name in item.students] if preview else options["looked_at"],
        )  # fmt: skip
        if preview:
            for letter in outbox.letters:
                console.print(f"{letter.file}\n{show_preview(letter)}", soft_wrap=True)
            _show_held(console, outbox, names=True)
            return Exit.GRADED if outbox.letters else Exit.NEEDS_REVIEW
        states, due = _sort(outbox.letters, ledger, options["resend_changed"], options["retry_unknown"])
        due = due[: options["limit"]]
        index = write_index(folder, outbox, states)
        _show_plan(console, outbox, due, states)
        # Whoever looks wants to know who is held; the output of a run that sends is often a log.
        _show_held(console, outbox, names=not options["sends"])
        if not options["sends"]:
            console.print(f"Nothing was sent. Look at {index}; then: grade mail {out} --send", soft_wrap=True)
            return _find_exit(outbox, states)
        if not due:
            console.print("There is nothing to send.")
            return _find_exit(outbox, states)
        sending = _send(delivery, settings, due, ledger, options)
        states |= {
            letter.student: (last.state, f"{last.code or ''} {last.reply}".strip())
            for letter in due
            if (last := _find_last(ledger, letter)) is not None
        }
        write_index(folder, outbox, states)
        return _show_end(console, sending, index, _find_exit(outbox, states))


def _sort(
    letters: Sequence[Letter], ledger: Ledger, resend_changed: bool, retry_unknown: bool
) -> tuple[dict[str, tuple[str, str]], list[Letter]]:
    """Return how the letters that stay stand, by student, and those that are due."""
    states: dict[str, tuple[str, str]] = {}
    due = []
    for letter in letters:
        objection = ledger.find_objection(
            letter.student, letter.digest, resend_changed=resend_changed, retry_unknown=retry_unknown
        )
        if objection is None:
            due.append(letter)
        else:
            states[letter.student] = objection
    return states, due


def _find_last(ledger: Ledger, letter: Letter) -> Entry | None:
    entries = ledger.find(letter.student)
    return entries[-1] if entries and entries[-1].digest == letter.digest else None


def _show_plan(console: Console, outbox: Outbox, due: Sequence[Letter], states: Mapping[str, tuple[str, str]]) -> None:
    console.print(f"{_count(len(due), 'message')} to send, of {len(outbox.letters)} written")
    domains = Counter(letter.address.rpartition("@")[2].lower() for letter in due)
    for domain, count in sorted(domains.items()):
        console.print(f"  {count} to {domain}")
    if provisional := sum(letter.provisional for letter in due):
        console.print(f"  {provisional} provisional")
    for why, count in sorted(Counter(why for _, why in states.values()).items()):
        console.print(f"{count} not sent: {why}")
    if due:
        console.print("For instance:")
    for letter in [due[place] for place in sorted({0, len(due) // 2, len(due) - 1}) if due]:
        console.print(
            f"  {letter.file} ({letter.size / 1000:.0f} kB, {_count(letter.pictures, 'picture')})", soft_wrap=True
        )


def _show_held(console: Console, outbox: Outbox, *, names: bool) -> None:
    from grader.delivery import show_held

    held = (*outbox.wary, *outbox.held)
    counts = Counter(item.reason for item in held)
    for line in show_held(held) if names else (f"{count} held: {why}" for why, count in sorted(counts.items())):
        console.print(line)


def _send(
    delivery: Delivery, settings: MailSettings, due: Sequence[Letter], ledger: Ledger, options: Mapping[str, Any]
) -> Sending:
    from grader.delivery.mail import Courier, Pace, find_ca_file, find_password, send_letters

    progress = make_console(stderr=True)
    courier = Courier(
        settings,
        find_password(settings, options["password_fd"]),
        find_ca_file(settings, delivery.course.root, options["settings_file"]),
    )
    whom = f"all to {options['redirect_to']}" if options["redirect_to"] else "to the students"
    minutes = len(due) / settings.rate
    question = f"Send {_count(len(due), 'message')} {whom} by {settings.host}, in about {minutes:.0f} minutes?"
    if not options["yes"]:
        if not sys.stdin.isatty():
            raise ConfigError("nobody is here to be asked: say --yes to send")
        click.confirm(question, abort=True)
    pace = Pace(per_minute=settings.rate)
    return send_letters(due, courier, ledger, pace, lambda line: progress.print(f"mail: {line}"))


def _find_exit(outbox: Outbox, states: dict[str, tuple[str, str]]) -> Exit:
    """Return 3 where a person must do something: look at a message, mend an address, find out what arrived."""
    settled = {"ready", "sent"}
    return Exit.NEEDS_REVIEW if outbox.wary or any(s not in settled for s, _ in states.values()) else Exit.GRADED


def _show_end(console: Console, sending: Sending, index: Path, code: Exit) -> Exit:
    words = {"sent": "sent", "retry": "put off", "failed": "refused", "unknown": "unknown"}
    parts = [f"{sending.states[state]} {word}" for state, word in words.items() if sending.states[state]]
    parts += [f"{sending.left} not tried"] if sending.left else []
    console.print(f"{', '.join(parts) or 'nothing sent'}. {index}", soft_wrap=True)
    if sending.states["unknown"]:
        console.print("Unknown: these may have arrived. They are not sent again unless you say --retry-unknown.")
    if not sending.stopped:
        return code
    console.print(f"Stopped: {sending.stopped}. The same command goes on from here.")
    return Exit.INTERRUPTED if sending.interrupted else Exit.INFRASTRUCTURE


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
