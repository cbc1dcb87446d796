"""How a run is shown while it goes on, and summed up at its end. Holds counters and what runs now, nothing else."""

from __future__ import annotations

import time
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from grader.batch.events import Event, Summary
from grader.intake import escape_name, natural_key, read_hand_in

_PLAIN_SECONDS = 30.0
_MOST_LINES = 500  # in a larger class, hand-ins that went well have no line of their own
_MOST_ROWS = 40
_MOST_FAILURES = 20
_FRAMES_SECONDS = 0.25


def show_name(text: str, longest: int = 60) -> str:
    """Return a name or a stage without what would confuse a terminal or a reader, and not too long."""
    shown = "".join("�" if _is_unsafe(char) else char for char in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _is_unsafe(char: str) -> bool:
    """Return whether a terminal could take it for a command, or a reader not see it; Persian's joiners are harmless."""
    return char not in "\u200c\u200d" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


class Watch:
    """Shows a run: bars and who is at work on a terminal, plain lines where nobody watches (a pipe, CI).

    Use as a context manager and give every event to ``take``.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        *,
        unchanged: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console, self._total, self._unchanged, self._clock = console, total, unchanged, clock
        self._started = self._drawn = self._told = clock()
        self._running: dict[str, tuple[str, str, float]] = {}
        self._counts: Counter[str] = Counter()
        self._live: Live | None = None

    def __enter__(self) -> Watch:
        if self._console.is_terminal and self._total:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def _done(self) -> int:
        return self._counts["marked"] + self._counts["waiting"] + self._counts["failed"]

    def take(self, event: Event) -> None:
        """Take note of what happened, and show it."""
        if event.kind == "failed":
            self._end(event, "failed")
            lines = (show_name(line, 1000) for line in event.text.expandtabs().split("\n"))
            self._print(f"grade: {escape_name(str(read_hand_in(event.path).path))}: " + "\n".join(lines))
        elif event.kind == "finished" and event.summary is not None:
            self._end(event, "waiting" if event.summary.waiting else "marked")
            self._say_finished(event.summary)
        elif event.kind in ("started", "stage"):
            name, _, since = self._running.get(event.path, (read_hand_in(event.path).student, "", self._clock()))
            self._running[event.path] = name, event.text, since
            if self._live is None and self._total == 1 and event.text:
                self._print(f"{show_name(name)}: {show_name(event.text, 100)}")
        self._refresh()

    def _end(self, event: Event, outcome: str) -> None:
        self._running.pop(event.path, None)
        self._counts[outcome] += 1

    def _say_finished(self, summary: Summary) -> None:
        if self._live is None and 1 < self._total <= _MOST_LINES and summary.work != "unchanged":
            waiting = f", {len(summary.waiting)} wait for a person" if summary.waiting else ""
            total = f"{summary.awarded_so_far:g} of {summary.available:g}{waiting} ({summary.seconds:.1f} s)"
            self._print(f"[{self._done}/{self._total}] {show_name(summary.student)}: {total}")

    def _print(self, text: str) -> None:
        (self._live.console if self._live is not None else self._console).print(Text(text))

    def _refresh(self) -> None:
        now = self._clock()
        if self._live is not None and now - self._drawn >= _FRAMES_SECONDS:
            self._drawn = now
            self._live.update(self._draw(now), refresh=True)
        elif self._live is None and self._total > 1 and now - self._told >= _PLAIN_SECONDS:
            self._told = now
            running = "; ".join(f"{show_name(name)} {show_name(stage)}" for name, stage, _ in self._running.values())
            self._print(f"{self._line(now)}. Now: {running or 'nothing'}")

    def _line(self, now: float) -> str:
        """Return counts, rate and time left; the rate is that of the work done, unchanged ones not counted."""
        worked = self._done - self._unchanged
        text = f"{self._done} of {self._total} done, {self._counts['waiting']} wait for a person, "
        text += f"{self._counts['failed']} failed"
        if worked <= 0 or now <= self._started:
            return text
        rate = worked / (now - self._started)
        return f"{text}; {rate * 60:.1f} a minute, {show_seconds((self._total - self._done) / rate)} left"

    def _draw(self, now: float) -> Group:
        bar = ProgressBar(total=max(1, self._total), completed=self._done, width=40)
        rows = Table.grid(padding=(0, 1))
        for name, stage, since in list(self._running.values()):
            rows.add_row(Text(show_name(name, 30)), Text(show_name(stage, 50)), Text(show_seconds(now - since)))
        return Group(bar, Text(self._line(now), no_wrap=True, overflow="ellipsis"), rows)


def show_seconds(seconds: float) -> str:
    """Return a time that people read at a glance."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


class ClassSummary:
    """What came of a whole run, gathered event by event."""

    def __init__(self) -> None:
        self.works: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()
        self.totals = array("d")
        self.final = self.undecided = self.failed = 0
        self._rows: list[Summary] = []
        self._failures: list[tuple[str, str]] = []

    def add(self, event: Event) -> None:
        """Count an event that ends a hand-in."""
        if event.kind == "failed":
            self.failed += 1
            if len(self._failures) < _MOST_FAILURES:
                self._failures.append((read_hand_in(event.path).student, (event.text.strip() or "?").splitlines()[0]))
        elif event.summary is not None:
            self._add(event.summary)

    def _add(self, summary: Summary) -> None:
        self.works[summary.work] += 1
        self.waiting.update(summary.waiting)
        if summary.awarded is None:
            self.undecided += 1
        else:
            self.final += 1
            self.totals.append(summary.awarded)
        if len(self._rows) <= _MOST_ROWS:
            self._rows.append(summary)

    def print_summary(self, console: Console) -> None:
        """Print the class in a table, and what has to be looked at."""
        if len(self._rows) <= _MOST_ROWS:
            console.print(self._build_rows())
        console.print(self._build_counts())
        for name, reason in self._failures:
            console.print(Text(f"  failed: {show_name(name)}: {show_name(reason, 200)}"))
        if self.failed > len(self._failures):
            console.print(f"  and {self.failed - len(self._failures)} more failed")

    def _build_rows(self) -> Table:
        table = Table(title="Hand-ins", title_justify="left")
        for name in ("Hand-in", "Status", "So far", "of", "Waits for a person"):
            table.add_column(name, justify="right" if name in ("So far", "of") else "left", overflow="fold")
        for summary in sorted(self._rows, key=lambda item: natural_key(item.student)):
            status = "final" if summary.awarded is not None else "needs review"
            waiting = ", ".join(summary.waiting)
            marks = (f"{summary.awarded_so_far:g}", f"{summary.available:g}")
            table.add_row(*map(Text, (show_name(summary.student), status, *marks, waiting)))
        return table

    def _build_counts(self) -> Table:
        table = Table(title="Class", title_justify="left", show_header=False)
        table.add_row("final", str(self.final))
        table.add_row("waiting for a person", str(self.undecided))
        table.add_row("failed", str(self.failed))
        for work, count in sorted(self.works.items()):
            table.add_row(f"of these, {work}", str(count))
        if self.totals:
            ordered = sorted(self.totals)
            middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
            table.add_row("settled totals", f"lowest {ordered[0]:g}, median {middle:g}, highest {ordered[-1]:g}")
        if self.waiting:
            found = ", ".join(f"{name} {count}" for name, count in self.waiting.most_common())
            table.add_row("waiting, by criterion", Text(found))
        return table
