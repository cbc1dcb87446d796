"""The feedback page in a real browser: accessible, never wider than the screen, and nothing in it acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from grader.feedback import render_feedback
from grader.model import Deduction, Marksheet
from tests.browser import WIDTHS, find_violations, keep_screenshot, open_browser
from tests.sampling import sample
from tests.unit.feedback_sheets import everywhere, mark, realistic, sheet

ROOT = Path(__file__).resolve().parents[2]
PERSIAN = "گرادیان تقریباً همه جا صفر است، پس پارامترهای $q$ و $k$ آموزش نمی‌بینند."
ERROR = "Traceback (most recent call last):\n  File \"/tmp/x.py\", line 1\nNameError: name 'text_field' is not defined"
CELL = {"index": 12, "outcome": "raised", "error": ERROR, "source": "text_field.build_vocab(train)\n" * 30}
CURVES = {
    "title": "Training loss", "x_label": "epoch", "y_label": "mean loss",
    "series": [
        {"name": "yours", "x": [1, 2, 3], "y": [0.7, 0.5, 0.4]},
        {"name": "reference", "x": [1, 2, 3], "y": [0.6, 0.2, 0.1]},
    ],
}  # fmt: skip
MOVEMENT = {
    "columns": ["cell", "network", "norm of its parameters before", "after", "so its parameters"],
    "rows": [["27", "network (Network)", "18.512345", "18.512345", "did not move"]],
}
LATE = Deduction(
    code="late",
    reason="2 days late (handed in 2026-12-03 10:12, deadline 2026-12-01 23:59 +03:30 with 15 minutes' grace); "
    "4 marks for each day or part of a day, at most 12",
    marks=Decimal(8),
)


def _late() -> Marksheet:
    found = sheet(mark("q1a", "Which tasks", "5", "correct", "1"), mark("q1b", "A network", "10", "partial", "0.5"))
    return replace(found, deductions=(LATE,), awarded=Decimal(2), awarded_so_far=Decimal(2))


def _one(*arguments: Any, **options: Any) -> Marksheet:
    return sheet(mark(*arguments, **options))


ATTACK = '"><script>alert(1)</script><style>*{display:none}</style><img src=x onerror=alert(1)>'
FAULTY = {"cells": [CELL], "plot": CURVES, "movement": MOVEMENT}
SHEETS = {
    "realistic": realistic,
    "full marks": lambda: _one("q1a", "Which tasks", "5", "correct", "1", observed={"answer": "2 and 3"}),
    "nothing": lambda: sheet(mark("q1a", "Tasks", "5", "missing", "0"), mark("q4_data", "Data", "8", "missing", "0")),
    "waits": lambda: _one("q3b", "Argmax", "10", "unreadable", observed={"answer": "?", "repairs": ["J is g"]}),
    "persian": lambda: _one("q3b", "Argmax", "10", "partial", "0.5", observed={"answer": PERSIAN}, says=["Good."]),
    "late": _late,
    "errors": lambda: _one("q4_train", "Training loop", "8", "wrong", "0", observed=FAULTY),
    "long words": lambda: everywhere("donaudampfschifffahrtsgesellschaft" * 9),
    "hostile": lambda: everywhere(ATTACK),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as found:
        yield found


@pytest.mark.parametrize("name", sample(SHEETS, 3))
def test_the_page_is_accessible_and_fits_every_screen(browser: Any, name: str, tmp_path: Path) -> None:
    path = tmp_path / "feedback.html"
    path.write_text(render_feedback(SHEETS[name](), ROOT), encoding="utf-8", errors="surrogateescape")
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
            if width != 390:  # the rules do not change between the two narrow screens
                assert find_violations(page) == [], (scheme, width)
            keep_screenshot(page, f"feedback-{name.replace(' ', '-')}-{width}-{scheme}")
            context.close()


def test_what_a_hand_in_says_stays_text(browser: Any, tmp_path: Path) -> None:
    words = (
        "<script>document.title='ran'</script>"
        "<img src='https://example.invalid/a.png' onerror=\"document.title='ran'\">"
        "<style>@import 'https://example.invalid/s.css';</style><svg onload=\"document.title='ran'\"></svg>"
        "<a href=\"javascript:document.title='ran'\">x</a>\x1b[31m\u202e <iframe src='https://example.invalid'></iframe>"
        "$\\href{javascript:document.title='ran'}{x}$ <math><mtext><script>document.title='ran'</script></mtext></math>"
    )
    path = tmp_path / "feedback.html"
    path.write_text(render_feedback(everywhere(words), ROOT), encoding="utf-8", errors="surrogateescape")
    asked: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append("a dialog"))
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert asked == [path.as_uri()] and page.title() != "ran"
    for link in page.query_selector_all("a"):
        assert str(link.get_attribute("href")).startswith("#")
    assert page.evaluate("document.querySelectorAll('script, iframe, img, object, embed, form').length") == 0
    context.close()


def test_megabytes_of_output_make_a_page_of_ordinary_size(tmp_path: Path) -> None:
    noise = "\x1b[31mline of output\n" * 300_000
    cells = [{**CELL, "error": noise, "source": noise, "index": number} for number in range(12)]
    page = render_feedback(
        sheet(mark("q4", "Training", "8", "wrong", "0", observed={"cells": cells, "text": noise})), ROOT
    )
    assert len(page.encode()) < 300_000


def test_paper_shows_what_is_folded_away(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "feedback.html"
    path.write_text(render_feedback(SHEETS["errors"](), ROOT), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    shown = page.evaluate(
        "[...document.querySelectorAll('details')].map(item => [...item.children].slice(1)"
        ".every(child => child.getBoundingClientRect().height > 0))"
    )
    assert shown and all(shown)
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    context.close()


def test_the_page_carries_nothing_from_elsewhere() -> None:
    page = render_feedback(realistic(), ROOT)
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page)
    assert "data:" not in page
