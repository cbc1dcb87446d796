"""The review pages in a real browser: a class cleared with the keyboard alone, two at once, accessible, readable."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import find_violations, keep_screenshot, open_browser
from tests.unit.batch_cases import read_sheets
from tests.unit.review_cases import SIZES, Server, make_waiting_class

pytest.importorskip("starlette", reason="no Starlette here (pip install -e '.[review]')")
pytest.importorskip("uvicorn", reason="no uvicorn here (pip install -e '.[review]')")
MOST_DECISIONS = 15


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    return make_waiting_class(tmp_path_factory.mktemp("class"), SIZES, 200)


@pytest.fixture
def serve(out: Path) -> Iterator[Callable[..., Server]]:
    """Give what starts a server on the class; whatever runs at the end is ended."""
    with contextlib.ExitStack() as running:
        yield lambda *who: running.enter_context(Server(out, who=who))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "graded"))


def enter(browser: Any, link: str, **options: Any) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, **options).new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(link)
    page.wait_for_url("**/groups/**")
    return page


def count_waiting(page: Any) -> int:
    return int(page.locator(".state strong").first.inner_text())


def press(page: Any, key: str) -> None:
    """Press a key that decides, and wait for the page that follows."""
    with page.expect_navigation():
        page.keyboard.press(key)


def read_lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "moderation.jsonl").read_text().splitlines()]


@pytest.mark.thorough
def test_a_class_of_200_is_cleared_by_keyboard_alone(browser: Any, serve: Callable[..., Server], out: Path) -> None:
    server = serve("ada")
    page = enter(browser, server.links["ada"])
    assert count_waiting(page) == 60
    decisions = 0
    while count_waiting(page):
        decisions += 1
        if decisions == 2:  # some marks, with a comment, for all ten
            page.keyboard.press("c")
            page.keyboard.type("Option 3 is what you describe. 1 2 u")
            page.keyboard.press("Escape")
            page.keyboard.press("3")
            page.keyboard.type("2.5")
            press(page, "Enter")
        elif decisions == 3:
            press(page, "4")
            press(page, "u")
            assert page.locator("h1 .label").inner_text() == "q2b"
            press(page, "4")
        else:
            press(page, "1" if page.locator("[data-key='1']").count() else "2")
    print(f"{decisions} decisions for 60 answers")
    assert decisions <= MOST_DECISIONS
    assert page.locator("h1").inner_text() == "Nothing waits"
    assert page.said == []
    server.end()
    sheets = read_sheets(out)
    assert len(sheets) == 200 and {sheet["status"] for sheet in sheets.values()} == {"final"}
    told = [name for name in sheets if "Option 3 is what you describe." in (out / name / "feedback.html").read_text()]
    assert len(told) == 10


@pytest.mark.thorough
def test_a_kill_in_the_middle_loses_no_acknowledged_decision(
    browser: Any, serve: Callable[..., Server], out: Path
) -> None:
    server = serve("ada")
    page = enter(browser, server.links["ada"])
    for _ in range(4):
        press(page, "2")
    left = count_waiting(page)
    server.kill()
    assert len(read_lines(out)) == 60 - left == 12 + 10 + 9 + 8
    server = serve("ada")
    page = enter(browser, server.links["ada"])
    assert count_waiting(page) == left
    server.end()
    decided = {(line["student"], line["criterion"]) for line in read_lines(out)}
    sheets = read_sheets(out)
    assert all(
        next(item for item in sheets[student]["criteria"] if item["id"] == criterion)["awarded"] == 5
        for student, criterion in decided
    )


@pytest.mark.thorough
def test_two_browsers_at_once(browser: Any, serve: Callable[..., Server], out: Path) -> None:
    server = serve("ada", "bob")
    ada = enter(browser, server.links["ada"])
    bob = enter(browser, server.links["bob"])
    assert ada.url != bob.url  # each begins with another group
    bob.goto(ada.url)
    press(ada, "2")
    press(bob, "4")
    assert "12 not changed: ada decided meanwhile." in bob.get_by_role("status").inner_text()
    assert {line["who"] for line in read_lines(out)} == {"ada"}
    for page in (ada, bob, ada, bob):
        page.goto(f"http://{server.host}/next")
        press(page, "5")
    assert len({(line["student"], line["criterion"]) for line in read_lines(out)}) == len(read_lines(out))
    assert count_waiting(bob) == 60 - len(read_lines(out))


@pytest.mark.thorough
def test_a_key_pressed_twice_decides_once(browser: Any, serve: Callable[..., Server], out: Path) -> None:
    server = serve("ada")
    page = enter(browser, server.links["ada"])
    page.evaluate("for (let n = 0; n < 5; n++) dispatchEvent(new KeyboardEvent('keydown', {key: '2'}))")
    page.wait_for_load_state("networkidle")
    assert len(read_lines(out)) == 12


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit(browser: Any, serve: Callable[..., Server], out: Path, scheme: str) -> None:
    server = serve("ada")
    page = enter(browser, server.links["ada"], color_scheme=scheme)
    groups = [page.url]
    while page.locator("[data-key~=ArrowRight]").count():
        press(page, "ArrowRight")
        groups.append(page.url)
    assert len(groups) == 9
    places = [
        *groups,
        f"http://{server.host}/",
        f"http://{server.host}/students",
        f"http://{server.host}/students/s0003",
    ]
    for number, place in enumerate(places):
        page.goto(place)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)
            keep_screenshot(page, f"review-{number}-{width}-{scheme}")
        assert find_violations(page) == [], place
    page.goto(groups[0])
    page.keyboard.press("?")
    assert page.locator("#help").is_visible() and find_violations(page) == []
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("s0003")
    press(page, "Enter")
    assert page.url.endswith("/students/s0003")
    assert page.said == []
