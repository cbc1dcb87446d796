"""What one student may see, as the parts of a message: subject, plain text, light HTML with its pictures, the page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from grader.delivery.mail.pictures import Picture, Pictures
from grader.errors import ConfigError
from grader.feedback import StudentView
from grader.feedback.markup import clean
from grader.feedback.page import load_templates, render_template
from grader.feedback.sample import build_sample

HTML, TEXT, STYLE = "mail.html.j2", "mail.txt.j2", "feedback/style.css"
MOST_BYTES = 90_000
"""Of the HTML: Gmail cuts a message off near 102,000 bytes (pictures by cid do not count)."""
LEVELS = ("all", "words", "table", "total")
"""How much is told, from all to the total alone; the first that fits is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message holds, the same for every member of a group; ``page`` is attached as it lies in the store."""

    subject: str
    text: str
    html: str
    pictures: Mapping[str, Picture]
    page: bytes

    @property
    def digest(self) -> str:
        """The sha256 of all of it: by this the ledger knows a message again."""
        parts = [self.subject.encode(), self.text.encode(), self.html.encode(), self.page]
        parts += [item for name in sorted(self.pictures) for item in (name.encode(), self.pictures[name].data)]
        return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Composer:
    """Composes the messages of one course: ``templates`` are folders, of which the first that has a file wins."""

    templates: tuple[Path, ...]
    subject: str
    domain: str

    def check(self) -> None:
        """Compose a message of everything. Raises ConfigError for a broken template, with its line."""
        load_templates(self.templates)
        for level in LEVELS:
            for provisional in (False, True):
                self._render(build_sample(), provisional, level)

    def compose(self, view: StudentView, page: bytes, *, provisional: bool) -> Content:
        """Return the content of one student's message. Raises ConfigError where a template is broken or too long."""
        for level in LEVELS:
            text, html, pictures = self._render(view, provisional, level)
            if len(html.encode()) <= MOST_BYTES and len(text.encode()) <= MOST_BYTES:
                return Content(
                    subject=("Provisional: " if provisional else "") + self.subject,
                    text=text,
                    html=html,
                    pictures=pictures.found,
                    page=page,
                )
        raise ConfigError(f"{HTML}: even with the total alone a message is larger than {MOST_BYTES} bytes")

    def _render(self, view: StudentView, provisional: bool, level: str) -> tuple[str, str, Pictures]:
        pictures = Pictures(self.domain, _load_css(self.templates))
        values = {"view": view, "provisional": provisional, "level": level, "subject": self.subject}
        html = render_template(HTML, self.templates, draw=pictures, **values)
        text = render_template(TEXT, self.templates, **values)
        return text, _inline(html), pictures


def build_subject(title: str, wanted: str | None) -> str:
    """Return the subject: the course's own, else one with the assignment's title. One line, whatever it holds."""
    return " ".join(clean(wanted or f"Feedback on {title}", 150).split())


@lru_cache(maxsize=4)
def _load_css(templates: tuple[Path, ...]) -> str:
    return render_template(STYLE, templates)


def _inline(html: str) -> str:
    """Return the HTML with its style sheet written into the elements: mail programs drop style sheets."""
    return str(_inliner().inline(html))


@lru_cache(maxsize=1)
def _inliner():  # type: ignore[no-untyped-def]  # the package is imported when it is needed
    import css_inline

    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)


def find_templates(root: Path) -> Sequence[Path]:
    """Return where the course keeps its own templates."""
    return (root / "templates",)
