"""Pages looked at in a real browser: the distribution's Chromium, driven by Playwright, with axe-core.

Nothing is downloaded: Playwright is told where Chromium is, and axe-core comes with a package of PyPI.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = "GRADER_SCREENSHOTS"
"""Names a folder: what tests look at is kept there as pictures."""
WIDTHS = (320, 390, 1280)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextlib.contextmanager
def open_browser() -> Iterator[Any]:
    """Give a browser. Skips the test where Playwright or Chromium is absent."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here (pip install -e '.[browser]')")
    if CHROMIUM is None:
        pytest.skip("no Chromium here (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def find_violations(page: Any) -> list[str]:
    """Return what axe-core (WCAG 2.2 AA and its best practices) finds on a page, a line for each place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core (extra browser)")
    found = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {node['target']}: {node.get('failureSummary', '')}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def keep_screenshot(page: Any, name: str, *, whole: bool = True) -> None:
    """Keep a picture of the page, where a folder for pictures is named."""
    if folder := os.environ.get(SCREENSHOTS):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)
