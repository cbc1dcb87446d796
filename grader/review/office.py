"""What all requests share, and what each begins and ends with: whose it is, the page, and where to go on."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from hmac import compare_digest
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from grader.batch.moderation import Conflict
from grader.batch.waiting import Item
from grader.course import Course
from grader.feedback.markup import show_marks
from grader.feedback.page import render_template
from grader.review.choice import Choice
from grader.review.guard import COOKIE, Doors, Session
from grader.review.marker import Marker
from grader.review.queue import Queue

FILES = Path(__file__).parent / "files"

Form = Mapping[str, str]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True, kw_only=True)
class Office:
    """What all requests share. ``lock`` guards the queue, which the marker reads as well."""

    queue: Queue
    doors: Doors
    marker: Marker
    lock: threading.Lock
    course: Course
    rubric: dict[str, str]
    names: bool
    static: dict[str, tuple[bytes, str]]

    def name(self, student: str) -> str:
        """Return what a hand-in is called on a page."""
        return student if self.names else f"hand-in {self.queue.number(student)}"

    def take(self, session: Session, items: Sequence[Item], choice: Choice, group: str, label: str = "") -> None:
        """Decide on items as they were seen, and have it marked; what came of it is said at the session's next page.

        The lock must be held. Raises ValueError for what is no decision, InfrastructureError where it is not written.
        """
        written, conflicts = self.queue.decide(session.who, items, choice, group)
        self.marker.wake()
        session.remember(written)
        session.said = describe(label + _describe_choice(choice, items[0], len(written)), len(written), conflicts)

    def render(self, session: Session, template: str, **values: object) -> HTMLResponse:
        """Return a page of a session. The lock must be held."""
        shared = {
            "session": session, "said": session.take_said(), "progress": self.queue.progress(),
            "trouble": self.marker.trouble, "names": self.names, "assignment": self.course.rubric.title,
            "undoable": len(session.done),
        }  # fmt: skip
        return HTMLResponse(render_template(template, [FILES], **shared, **values))


def reading(handler: Callable[[Request, Office, Session], Awaitable[Response]]) -> Handler:
    """Return a handler that answers whoever has a session, and refuses everybody else."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        office: Office = request.app.state.office
        session = office.doors.find(request.cookies.get(COOKIE, ""))
        return _refuse() if session is None else await handler(request, office, session)

    return answer


def writing(handler: Callable[[Request, Office, Session, Form], Awaitable[Response]]) -> Handler:
    """Return a handler that answers a form of the session's own pages, and refuses every other."""

    @reading
    @wraps(handler)
    async def answer(request: Request, office: Office, session: Session) -> Response:
        text = (await request.body()).decode("utf-8", "replace")
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
        if not compare_digest(form.get("form", "").encode(), session.form.encode()):
            return _refuse()
        return await handler(request, office, session, form)

    return answer


def _refuse() -> Response:
    return refuse("Open the link that grade review printed: this browser is not known here.")


def refuse(why: str, status: int = 403) -> HTMLResponse:
    """Return a page that shows nothing but why."""
    return render_alone("closed.html.j2", status, why=why)


def render_alone(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page that needs no session."""
    return HTMLResponse(render_template(template, [FILES], **values), status)


def go(place: str) -> RedirectResponse:
    """Return what leads a browser to another page, by GET."""
    return RedirectResponse(place, 303)


def describe(what: str, count: int, conflicts: Sequence[Conflict]) -> str:
    """Return what came of a decision: on how many answers it was written, and who was quicker with others."""
    said = [f"{count} {'answer' if count == 1 else 'answers'}: {what}."] if count else []
    if conflicts:
        others = sorted({conflict.head.who if conflict.head else "somebody" for conflict in conflicts})
        said.append(f"{len(conflicts)} not changed: {', '.join(others)} decided meanwhile.")
    return " ".join(said)


def _describe_choice(choice: Choice, item: Item, count: int) -> str:
    if choice.verdict == "moment":
        return f"handed in {choice.moment}"
    if choice.verdict == "partial" and choice.marks is not None:
        return f"{show_marks(choice.marks)} marks{' each' if count > 1 else ''}"
    if choice.verdict == "suggested" and item.review:
        return f"as suggested ({item.review.suggested_verdict})"
    return choice.verdict
