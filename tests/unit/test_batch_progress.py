"""What people see of a run: exact lines under a clock of our own, and nothing that a student's file could steer."""

import io
import re
import sys
import threading
import tracemalloc

import pytest
from rich.cells import cell_len
from rich.console import Console

from grader.batch.events import Event, Summary
from grader.batch.progress import ClassSummary, Watch, show, show_reason, show_seconds

HOSTILE = [
    "[bold red]s1[/bold red]",
    "[/]",
    ":smile:",
    "\x1b[2J\x1b]0;owned\x07",
    "a\rb\nc\x9b31m",
    "\u202etxt.exe\u2066",
    "broken\udcff",
    "::error::x",
    "wide漢字" * 60,
    "سارا\u200cرضایی",
]
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _an_ordinary_terminal(monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def open_console(terminal: bool, width: int = 100, **options) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=width, markup=False, emoji=False, highlight=False, **options
    )


def read(console: Console) -> str:
    return console.file.getvalue()


def summary(name: str, **options) -> Summary:
    return Summary(**{
        "student": name, "status": "final", "awarded": 80.0, "awarded_so_far": 80.0, "available": 100.0,
        "seconds": 3.14, **options,
    })  # fmt: skip


def waits(name: str, *criteria: str, **options) -> Summary:
    return summary(name, status="needs_review", awarded=None, awarded_so_far=73.5, waiting=criteria, **options)


def started(name: str, worker: str = "1") -> Event:
    return Event(kind="started", path=f"/class/{name}", worker=worker)


def stage(name: str, text: str, worker: str = "1") -> Event:
    return Event(kind="stage", path=f"/class/{name}", text=text, worker=worker)


def finished(found: Summary) -> Event:
    return Event(kind="finished", path=f"/class/{found.student}", summary=found)


def failed(name: str, text: str = "no space") -> Event:
    return Event(kind="failed", path=f"/class/{name}", text=text)


TICK = Event(kind="note", path="")


def draw(watch: Watch, width: int = 100, height: int = 25) -> list[str]:
    console = open_console(False, width)
    watch._console.size = (width, height)
    console.print(watch.draw())
    return [line.rstrip() for line in read(console).splitlines()]


# --- plain lines -----------------------------------------------------------------------------------------------------


def test_where_nobody_watches_each_end_is_a_line(clock):
    console = open_console(False)
    with Watch(console, 5, unchanged=1, clock=clock) as watch:
        watch.take(finished(summary("s0", work="unchanged")))
        for event in (started("s1"), stage("s1", "cell 1 of 9"), finished(waits("s1", "q1", "q2"))):
            watch.take(event)
        watch.take(finished(waits("s2", "q1", ungraded=("q1",))))
        watch.take(failed("s3", "the grader failed\nTraceback:\n  1 / 0\nZeroDivisionError: ours"))
        watch.take(finished(summary("s4", work="marked again")))
    assert read(console).splitlines() == [
        "[2/5] s1: 73.5 of 100, 2 wait for a person (3.1 s)",
        "[3/5] s2: 73.5 of 100, 1 waits for a person, 1 ungraded (3.1 s)",
        "[4/5] s3 failed: the grader failed (ZeroDivisionError: ours)",
        "[5/5] s4: 80 of 100 (marked again)",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_in_ci_lines_are_plain_on_a_terminal_as_well(clock, monkeypatch, terminal):
    monkeypatch.setenv("CI", "true")
    console = open_console(terminal)
    with Watch(console, 2, clock=clock) as watch:
        watch.take(finished(summary("s1")))
        watch.take(finished(summary("s2")))
    assert read(console).splitlines() == ["[1/2] s1: 80 of 100 (3.1 s)", "[2/2] s2: 80 of 100 (3.1 s)"]


def test_a_dumb_terminal_gets_plain_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    console = open_console(True)
    with Watch(console, 2, clock=clock) as watch:
        watch.take(finished(summary("s1")))
        watch.take(finished(summary("s2")))
    assert "[2/2] s2: 80 of 100" in read(console)


def test_every_half_minute_what_is_at_work_is_a_line(clock):
    console = open_console(False)
    with Watch(console, 200, clock=clock) as watch:
        for number in range(10):
            watch.take(started(f"s{number}", str(number)))
        watch.take(stage("s0", "cell 2 of 9", "0"))
        for _ in range(241):
            clock.now += 0.25
            watch.take(TICK)
    lines = read(console).splitlines()
    assert lines[:2] == [
        "0 of 200 are done: 0 marked, 0 wait for a person",
        "at work: s0 (cell 2 of 9, 30 s), s1 (30 s), s2 (30 s), s3 (30 s), s4 (30 s), s5 (30 s), s6 (30 s), s7 (30 s)"
        " and 2 more",
    ]
    assert len(lines) == 5 and lines[4] == "stopped: 0 of 200 are done"


def test_every_tenth_of_the_class_is_a_line_with_rate_and_time_left(clock):
    console = open_console(False)
    with Watch(console, 200, unchanged=100, clock=clock) as watch:
        for number in range(100):
            watch.take(started(f"s{number}"))
            clock.now += 2
            watch.take(finished(summary(f"s{number}")))
    lines = [line for line in read(console).splitlines() if "are done" in line]
    # 15 hand-ins take half a minute, less than a tenth of the class does.
    assert lines[0] == (
        "115 of 200 are done: 15 marked, 0 wait for a person, 100 unchanged; 30 a minute, about 2 min 50 s left"
    )
    assert len(lines) == 6


def test_ends_of_a_very_large_class_are_no_lines_but_failures_are(clock):
    console = open_console(False)
    with Watch(console, 5000, clock=clock) as watch:
        for number in range(5000):
            watch.take(started(f"s{number}"))
            clock.now += 0.001
            watch.take(failed(f"s{number}") if number % 1000 == 7 else finished(summary(f"s{number}")))
    lines = read(console).splitlines()
    assert sum("failed: no space" in line for line in lines) == 5
    assert sum("are done" in line for line in lines) == len(lines) - 5 == 9


def test_of_a_single_hand_in_the_stages_are_lines_and_a_failure_is_told_in_full(clock):
    console = open_console(False)
    with Watch(console, 1, clock=clock) as watch:
        watch.take(started("s1", ""))
        watch.take(stage("s1", "reading", ""))
        watch.take(stage("s1", "cell 1 of 1", ""))
        watch.take(failed("s1", "the grader failed\n  File x\nZeroDivisionError: ours"))
    assert read(console).splitlines() == [
        "s1: reading",
        "s1: cell 1 of 1",
        "grade: /class/s1: the grader failed",
        "  File x",
        "ZeroDivisionError: ours",
    ]


# --- pace ------------------------------------------------------------------------------------------------------------


def test_the_pace_is_that_of_the_work_done(clock):
    watch = Watch(open_console(False), 110, unchanged=10, jobs=4, clock=clock)
    tally = watch._tally
    clock.now += 3600  # nothing is begun while rooms are built and Slurm's queue is waited in
    watch.take(finished(summary("same", work="unchanged")))
    assert (tally.done, tally.per_minute, tally.seconds_left) == (10, None, None)
    for number in range(4):
        watch.take(started(f"s{number}", str(number)))
    clock.now += 60
    watch.take(finished(summary("s0")))
    assert (tally.per_minute, tally.seconds_left) == (1, None)  # three of four are as good as done as well
    for number in range(1, 4):
        watch.take(finished(summary(f"s{number}")))
    assert (tally.done, tally.per_minute, tally.seconds_left) == (14, 4, 96 * 15)


def test_a_hand_in_that_is_begun_again_is_still_one(clock):
    watch = Watch(open_console(False), 2, clock=clock)
    watch.take(started("s1"))
    clock.now += 5
    watch.take(stage("s1", "once more, in a new process", ""))
    watch.take(started("s1", "2"))
    ((running, seconds),) = watch._tally.list_running()
    assert (running.worker, seconds) == ("2", 5)


# --- on a terminal ---------------------------------------------------------------------------------------------------


def test_the_display(clock):
    watch = Watch(open_console(True), 20, unchanged=2, jobs=2, clock=clock)
    for number in (2, 10, 1):
        watch.take(started(f"s{number}", str(number)))
    watch.take(stage("s1", "cell 3 of 9", "1"))
    clock.now += 30
    watch.take(finished(waits("s8", "q1")))
    watch.take(finished(summary("s9")))
    lines = draw(watch)
    assert lines[0].endswith(" 4/20, 4.0 a minute, about 4 min 00 s left") and lines[0][0] in "━╸╺"
    assert lines[1:] == [
        "1 marked, 1 waits for a person, 2 unchanged",
        "  s1 · cell 3 of 9 · 30 s",
        "  s2 · begun · 30 s",
        "  s10 · begun · 30 s",
    ]


def test_the_display_is_never_higher_than_the_terminal(clock):
    watch = Watch(open_console(True), 300, clock=clock)
    for number in range(200):
        watch.take(started(f"s{number}", str(number)))
    lines = draw(watch, height=12)
    assert len(lines) == 11 and lines[-1] == "  and 192 more"


@pytest.mark.parametrize("width", [1, 5, 20, 60, 100])
@pytest.mark.parametrize("total", [1, 20])
def test_the_display_is_never_wider_than_the_terminal(clock, width, total):
    watch = Watch(open_console(True), total, clock=clock)
    for number, name in enumerate(HOSTILE):
        watch.take(stage(name, "long stage " * 30 + name, str(number)))
    lines = draw(watch, width, height=40)
    assert len(lines) == len(HOSTILE) + 2 * (total > 1)
    assert all(cell_len(line) <= width for line in lines)


def test_a_terminal_is_left_clean_with_failures_above(clock):
    console = open_console(True)
    with Watch(console, 2, clock=clock) as watch:
        watch.take(started("s1"))
        watch.take(failed("s1", "no space " * 50))
        watch._live.refresh()
        watch.take(finished(summary("s2")))
    text = read(console)
    assert text.count("s1 failed: no space") == 1
    assert "s2" not in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    longest = max(cell_len(re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line)) for line in text.splitlines())
    assert longest <= 100


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_that_is_cut_off_leaves_a_clean_terminal(clock, terminal, error):
    console, streams, threads = open_console(terminal), (sys.stdout, sys.stderr), threading.active_count()
    with pytest.raises(error), Watch(console, 20, clock=clock) as watch:
        watch.take(started("s1"))
        watch.take(finished(summary("s2")))
        raise error
    watch.end()  # once more does nothing
    text = read(console)
    assert text.count("stopped: 1 of 20 are done\n") == 1
    assert text.rfind("\x1b[?25h") >= text.rfind("\x1b[?25l")
    assert (sys.stdout, sys.stderr) == streams and console._live_stack == []
    assert threading.active_count() <= threads + 1  # rich's thread ends within a tick


def test_the_display_lives_through_events_from_another_thread(clock):
    console = open_console(True)
    with Watch(console, 5000, jobs=8, clock=clock) as watch:
        watch._live._refresh_thread.live.refresh_per_second = 1000
        drawing = threading.Thread(target=lambda: [watch._live.refresh() for _ in range(100)])
        drawing.start()
        for number in range(5000):
            watch.take(started(f"s{number}", str(number % 8)))
            watch.take(stage(f"s{number}", "reading", str(number % 8)))
            watch.take(failed(f"s{number}") if number % 100 == 0 else finished(summary(f"s{number}")))
        drawing.join(30)
        assert not drawing.is_alive()
        assert watch._tally.done == 5000 and watch._tally.running == {}
    assert read(console).count("failed: no space") == 50


def test_memory_does_not_grow_with_the_class(clock):
    watch, total = Watch(open_console(False), 10**6, clock=clock), ClassSummary(clock=clock)

    def grade(numbers: range) -> None:
        for number in numbers:
            for event in (started(f"s{number}"), stage(f"s{number}", "reading"), finished(waits(f"s{number}", "q1"))):
                watch.take(event)
                total.add(event)

    grade(range(100))
    tracemalloc.start()
    try:
        grade(range(100, 5100))
        assert tracemalloc.get_traced_memory()[0] < 50_000
    finally:
        tracemalloc.stop()
    assert watch._tally.running == {} and total.waiting == 5100


# --- hostile text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1, 50])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_a_name_a_stage_or_a_reason_steers_a_terminal(clock, name, total):
    console = open_console(False)
    summed = ClassSummary(clock=clock)
    with Watch(console, total, clock=clock) as watch:
        for event in (
            started(name), stage(name, name), finished(summary(name)),
            started(name), failed(name, f"{name}\n{name}"), stage(name, name),
            finished(waits(name, name)),
        ):  # fmt: skip
            watch.take(event)
            summed.add(event)
        clock.now += 31
        watch.take(stage(name, name))
        shown = "\n".join(draw(watch))
    summed.print_summary(console)
    text = read(console) + shown
    assert not STEERING.search(text)
    text.encode()
    assert show(name)[:20] in text


def test_markup_is_text_even_where_the_console_would_read_it(clock):
    console = Console(file=io.StringIO(), force_terminal=False, width=100)
    total = ClassSummary(clock=clock)
    with Watch(console, 2, clock=clock) as watch:
        for event in (finished(waits("[bold]s1[/bold]", "[red]q")), failed("[/nothing] :smile:", "[/]")):
            watch.take(event)
            total.add(event)
    total.print_summary(console)
    text = read(console)
    assert text.count("[bold]s1[/bold]") == 2 and text.count("[/nothing] :smile:") == 3
    assert "[red]q" in text


def test_show_keeps_letters_and_escapes_the_rest():
    assert show("سارا\u200cرضایی") == "سارا\u200cرضایی"
    assert show("a\\b \x1b[2J\u202e") == "a\\b \\x1b[2J\\u202e"
    assert show("first\nsecond") == "first"
    assert show("") == "" and show_reason(" \n") == "no reason was given"
    assert len(show("a" * 10**6)) < 500


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3599.6, "1 h 00 min"),
        (9000, "2 h 30 min"),
    ],
)  # fmt: skip
def test_times_are_as_exact_as_is_of_use(seconds, text):
    assert show_seconds(seconds) == text


# --- at the end ------------------------------------------------------------------------------------------------------


def print_class(total: ClassSummary) -> str:
    console = open_console(False)
    total.print_summary(console)
    return read(console)


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[:1] == "│"]


def test_the_summary_of_a_small_class(clock):
    total = ClassSummary(clock=clock)
    clock.now += 125
    for event in (
        started("s5"), stage("s5", "reading"), TICK,
        finished(summary("s3", awarded=90.0)),
        finished(summary("s1", awarded=40.0, work="unchanged")),
        finished(summary("s2", awarded=60.0, work="marked again")),
        finished(waits("s5", "q2", "q1")),
        finished(waits("s4", "q2", ungraded=("q2",), work="checked again")),
        failed("s6", "no space\nleft"),
    ):  # fmt: skip
        total.add(event)
    text = print_class(total)
    assert "6 hand-ins in 2 min 05 s" in text
    assert rows(text) == [
        ["s1", "final", "40 of 100", ""],
        ["s2", "final", "60 of 100", ""],
        ["s3", "final", "90 of 100", ""],
        ["s4", "waits for a person", "73.5 of 100", "q2"],
        ["s5", "waits for a person", "73.5 of 100", "q2, q1"],
        ["s6", "failed", "–", ""],
        ["final", "3"],
        ["waiting for a person", "2"],
        ["failed", "1"],
        ["with something ungraded", "1"],
        ["graded", "2"],
        ["checked again", "1"],
        ["marked again", "1"],
        ["unchanged", "1"],
        ["lowest total", "40"],
        ["median total", "60"],
        ["highest total", "90"],
        ["q2", "2"],
        ["q1", "1"],
    ]
    assert text.endswith("1 failed and has no marks:\n  s6: no space (left)\n")
    assert (total.count, total.settled, total.waiting, total.failed) == (6, 3, 2, 1)


def test_the_summary_of_a_large_class_is_short(clock):
    total = ClassSummary(clock=clock)
    for number in range(5000):
        total.add(failed(f"s{number}") if number % 100 == 0 else finished(summary(f"s{number}", awarded=number / 50)))
    text = print_class(total)
    assert "Name" not in text and len(text.splitlines()) < 50
    assert ["median total", "50"] in rows(text)
    assert text.count(": no space\n") == 20
    assert text.endswith("  and 30 more\n")


@pytest.mark.parametrize(("count", "has_rows"), [(40, True), (41, False)])
def test_up_to_forty_hand_ins_have_a_row_each(clock, count, has_rows):
    total = ClassSummary(clock=clock)
    for number in range(count):
        total.add(finished(summary(f"s{number:02d}")))
    assert ("s00" in print_class(total)) == has_rows


def test_the_summary_of_nothing(clock):
    text = print_class(ClassSummary(clock=clock))
    assert "0 hand-ins in 0 s" in text and "median" not in text
