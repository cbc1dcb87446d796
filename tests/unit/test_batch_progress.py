"""What is shown while a class is graded: plain lines, bars on a terminal, and a summary; nothing that harms either."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from grader.batch.events import Event, Summary
from grader.batch.progress import ClassSummary, Watch, show_name, show_seconds

HARMFUL = "a\x1b]0;t\x07\x1b[31mred\rb\u202ec\u2066\x9b\u200f\ud800"
UNSAFE = [char for char in dict.fromkeys(HARMFUL) if not char.isascii() or not char.isprintable()]


class Clock:
    """Tells the time that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def plain() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=False, width=200, color_system=None), stream


def terminal() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=120, height=40, legacy_windows=False), stream


def summary(student: str = "s1", *waiting: str, marks: float = 7.5, **more) -> Summary:
    total = None if waiting else marks
    fields = {"student": student, "status": "final", "awarded": total, "awarded_so_far": marks, "available": 10.0}
    return Summary(**fields, waiting=waiting, seconds=1.25, **more)


def finished(student: str = "s1", *waiting: str, **more) -> Event:
    return Event(kind="finished", path=f"/class/{student}", summary=summary(student, *waiting, **more))


def started(student: str, stage: str = "", kind: str = "started") -> Event:
    return Event(kind=kind, path=f"/class/{student}", text=stage)


def failed(student: str, text: str) -> Event:
    return Event(kind="failed", path=f"/class/{student}", text=text)


# --- where nobody watches ---


def test_every_hand_in_of_a_small_class_has_a_line() -> None:
    console, stream = plain()
    with Watch(console, 3, clock=Clock()) as watch:
        watch.take(finished("s1"))
        watch.take(finished("s2", "q1", "q3", marks=0.0))
        watch.take(failed("s3", "the kernel died\nafter all"))
    assert stream.getvalue().splitlines() == [
        "[1/3] s1: 7.5 of 10 (1.2 s)",
        "[2/3] s2: 0 of 10, 2 wait for a person (1.2 s)",
        "grade: /class/s3: the kernel died",
        "after all",
    ]


@pytest.mark.parametrize(("total", "work", "lines"), [(500, "graded", 1), (501, "graded", 0), (500, "unchanged", 0)])
def test_a_large_class_and_what_is_unchanged_have_no_line_each(total: int, work: str, lines: int) -> None:
    console, stream = plain()
    with Watch(console, total, clock=Clock()) as watch:
        watch.take(finished("s1", work=work))
    assert len(stream.getvalue().splitlines()) == lines


def test_now_and_then_counts_rate_time_left_and_who_is_at_work_are_told() -> None:
    console, stream = plain()
    clock = Clock()
    with Watch(console, 600, clock=clock) as watch:
        watch.take(started("s8"))
        watch.take(started("s9"))
        watch.take(started("s8", "runs the notebook", "stage"))
        for number in range(1, 7):
            watch.take(finished(f"s{number}", *["q1"][: number == 2]))
        clock.now += 29.9
        watch.take(finished("s7"))
        assert stream.getvalue() == ""
        clock.now = 160.0
        watch.take(failed("s9", "no"))
        clock.now += 29.9
        watch.take(finished("s10"))
    assert stream.getvalue().splitlines() == [
        "grade: /class/s9: no",
        "8 of 600 done, 1 wait for a person, 1 failed; 8.0 a minute, 1 h 14 min left. Now: s8 runs the notebook",
    ]


def test_with_nobody_at_work_that_is_said() -> None:
    console, stream = plain()
    clock = Clock()
    with Watch(console, 600, clock=clock) as watch:
        clock.now += 60
        watch.take(finished("s1"))
    assert stream.getvalue().strip().endswith("1.0 a minute, 9 h 59 min left. Now: nothing")


def test_what_is_unchanged_does_not_count_for_the_rate() -> None:
    console, stream = plain()
    clock = Clock()
    with Watch(console, 602, unchanged=600, clock=clock) as watch:
        for number in range(600):
            watch.take(finished(f"s{number}", work="unchanged"))
        clock.now += 60
        watch.take(finished("new"))
    line = stream.getvalue().strip()
    assert line.startswith("601 of 602 done") and "; 1.0 a minute, 1 min 00 s left" in line


def test_before_anything_is_done_no_rate_is_invented() -> None:
    console, stream = plain()
    clock = Clock()
    with Watch(console, 20, unchanged=5, clock=clock) as watch:
        clock.now += 60
        watch.take(started("s1"))
    assert stream.getvalue() == "0 of 20 done, 0 wait for a person, 0 failed. Now: s1 \n"


def test_a_single_hand_in_tells_its_stages_and_no_counts() -> None:
    console, stream = plain()
    clock = Clock()
    with Watch(console, 1, clock=clock) as watch:
        watch.take(started("s1"))
        watch.take(started("s1", "reads", "stage"))
        clock.now += 100
        watch.take(finished("s1"))
    assert stream.getvalue() == "s1: reads\n"


def test_nothing_in_a_name_a_stage_or_a_reason_reaches_the_console_as_a_command() -> None:
    for make in (plain, terminal):
        console, stream = make()
        clock = Clock()
        with Watch(console, 20, clock=clock) as watch:
            watch.take(started(HARMFUL, HARMFUL))
            clock.now += 60
            watch.take(finished(HARMFUL))
            watch.take(started(HARMFUL, HARMFUL, "stage"))
            clock.now += 60
            watch.take(started("other", HARMFUL, "stage"))
            watch.take(failed(HARMFUL, HARMFUL + "\nsecond line"))
        shown = stream.getvalue()
        assert "second line" in shown and "a\ufffd]0;t" in shown and "a\\x1b]0;t" in shown
        harmless = "\x1b\r" if make is terminal else ""  # these are the console's own
        assert [char for char in UNSAFE if char in shown and char not in harmless] == []
        assert "\x1b]0;" not in shown and "\x1b[31m" not in shown
        shown.encode()


def test_square_brackets_are_no_markup() -> None:
    console, stream = plain()
    with Watch(console, 2, clock=Clock()) as watch:
        watch.take(finished("[red]s1[/red]"))
        watch.take(failed("s2", "list[int] [/b]"))
    assert "[red]s1[/red]: 7.5" in stream.getvalue() and "list[int] [/b]" in stream.getvalue()


# --- a terminal ---


def test_a_terminal_shows_a_bar_and_who_is_at_work_for_how_long() -> None:
    console, stream = terminal()
    clock = Clock()
    with Watch(console, 4, clock=clock) as watch:
        watch.take(started("s1", "reads"))
        watch.take(started("s2", "waits"))
        clock.now += 75
        watch.take(finished("s2", "q1"))
        shown = stream.getvalue()
        assert "1 of 4 done, 1 wait for a person, 0 failed; 0.8 a minute, 3 min 45 s left" in shown
        assert "━" in shown and "s1 reads 1 min 15 s" in shown and "s2" not in shown
        assert "[1/4]" not in shown
        watch.take(failed("s1", "boom"))
        assert "grade: /class/s1: boom" in stream.getvalue()


def test_a_terminal_is_not_drawn_more_often_than_anybody_sees() -> None:
    console, stream = terminal()
    clock = Clock()
    with Watch(console, 1000, clock=clock) as watch:
        for number in range(900):
            clock.now += 0.001
            watch.take(finished(f"s{number}"))
        assert [stream.getvalue().count(f"{number} of 1000 done") for number in (250, 500, 750)] != [0, 0, 0]
        assert stream.getvalue().count("of 1000 done") == 3


def test_an_interrupted_run_gives_the_terminal_back() -> None:
    console, stream = terminal()
    with pytest.raises(KeyboardInterrupt), Watch(console, 4, clock=Clock()):
        assert stream.getvalue().endswith("\x1b[?25l")  # the cursor is hidden
        raise KeyboardInterrupt
    assert "\x1b[?25h" in stream.getvalue()


def test_an_empty_class_draws_nothing() -> None:
    console, stream = terminal()
    with Watch(console, 0, clock=Clock()):
        pass
    assert stream.getvalue() == ""


# --- names and times ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("علی‌رضا", "علی‌رضا"),
        ("a\x1b[1mb", "a\ufffd[1mb"),
        ("a\u202eb\u2028c\ud800", "a\ufffdb\ufffdc\ufffd"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_names_are_shown_harmless_and_short(text: str, shown: str) -> None:
    assert show_name(text) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599.4, "59 min 59 s"), (3599.6, "1 h 00 min"),
     (7384, "2 h 03 min"), (360000, "100 h 00 min")],
)  # fmt: skip
def test_times_are_read_at_a_glance(seconds: float, shown: str) -> None:
    assert show_seconds(seconds) == shown


# --- the summary ---


def sum_up(*events: Event) -> str:
    total = ClassSummary()
    for event in events:
        total.add(event)
    console, stream = plain()
    total.print_summary(console)
    return stream.getvalue()


def cells(shown: str, word: str) -> list[str]:
    """Return the cells of the one row that begins with ``word``."""
    rows = [[cell.strip() for cell in line[1:-1].split("│")] for line in shown.splitlines()]
    (row,) = [row for row in rows if row[0] == word]
    return row[1:]


def test_a_small_class_is_shown_hand_in_by_hand_in() -> None:
    shown = sum_up(finished("s10"), finished("s9", "q1", "q4", marks=2.0), finished("s2"), failed("s3", "no"))
    assert cells(shown, "s9") == ["needs review", "2", "10", "q1, q4"]
    assert cells(shown, "s10") == ["final", "7.5", "10", ""]
    assert shown.index("s2 ") < shown.index("s9 ") < shown.index("s10 ")
    assert (cells(shown, "final"), cells(shown, "waiting for a person"), cells(shown, "failed")) == (
        ["2"],
        ["1"],
        ["1"],
    )


def test_a_large_class_is_shown_in_counts() -> None:
    few = sum_up(*(finished(f"s{number}") for number in range(40)))
    many = sum_up(*(finished(f"s{number}") for number in range(41)))
    assert cells(few, "s39") and "Hand-ins" in few
    assert "Hand-ins" not in many and "s39" not in many and cells(many, "final") == ["41"]


def test_counts_say_what_had_to_be_done_how_totals_lie_and_what_waits() -> None:
    settled = [finished(f"a{number}", marks=number, work="unchanged") for number in (9.0, 1.0, 4.0, 2.5)]
    shown = sum_up(*settled, finished("b", "q1"), finished("c", "q1", "q2"))
    assert cells(shown, "of these, unchanged") == ["4"] and cells(shown, "of these, graded") == ["2"]
    assert cells(shown, "settled totals") == ["lowest 1, median 3.25, highest 9"]
    assert cells(shown, "waiting, by criterion") == ["q1 2, q2 1"]


def test_an_empty_class_has_counts_of_nought() -> None:
    shown = sum_up()
    assert cells(shown, "final") == ["0"] and "settled totals" not in shown and "waiting, by" not in shown


def test_failures_are_listed_with_their_first_line_and_cut_off() -> None:
    shown = sum_up(*(failed(f"f{number}", f"\n why {number}\nTraceback") for number in range(23)), failed("g", ""))
    assert "  failed: f0: why 0\n" in shown and "  failed: f19: why 19\n" in shown and "f20" not in shown
    assert "  and 4 more failed" in shown and "Traceback" not in shown
    assert "  failed: g: ?" in sum_up(failed("g", " \n "))


def test_names_in_the_summary_are_harmless() -> None:
    shown = sum_up(finished(HARMFUL), failed(HARMFUL, HARMFUL), finished("[bold]x"))
    assert [char for char in UNSAFE if char in shown] == [] and "[bold]x" in shown
