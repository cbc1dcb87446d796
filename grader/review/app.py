"""The web application: addresses, and what each answers. Every page is rendered here; the browser keeps nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from grader.batch.moderation import Conflict
from grader.batch.waiting import Group, Item, list_everything
from grader.course import Course
from grader.errors import GraderError
from grader.feedback.markup import show_marks
from grader.feedback.page import packaged_templates, render_template
from grader.feedback.student_view import build_shown
from grader.intake import natural_key
from grader.review.card import MOST_ALIKE, build_card
from grader.review.choice import Choice, ChoiceError, read_choice
from grader.review.guard import COOKIE, HEADERS, MOST_UNDO, Doors, Guard, Session
from grader.review.marker import Marker
from grader.review.queue import Queue, iterate_history

FILES = Path(__file__).parent / "files"
AWAY_SECONDS = 120
MOST_FOUND = 50


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


def build_app(
    queue: Queue, doors: Doors, course: Course, rubric: dict[str, str], *, hosts: frozenset[str], names: bool
) -> Starlette:
    """Return the application. ``hosts`` are the values of ``Host`` that are ours, ``names`` shows who students are."""
    lock = threading.Lock()
    style = (packaged_templates() / "feedback/style.css").read_bytes() + (FILES / "review.css").read_bytes()
    static = {"review.css": (style, "text/css"), "review.js": ((FILES / "review.js").read_bytes(), "text/javascript")}
    app = Starlette(
        routes=[
            Route("/enter/{token}", enter),
            Route("/static/{name}", send_static),
            Route("/favicon.ico", send_nothing),
            Route("/", show_list),
            Route("/next", go_on),
            Route("/groups/{group}", show_group),
            Route("/groups/{group}/decide", decide, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
            Route("/cards/{card}/{item:int}/{page:int}", send_picture),
            Route("/students", find_student),
            Route("/students/{student}", show_student),
            Route("/students/{student}/{criterion}", change_mark, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={Exception: _tell_failure},
    )
    app.state.office = Office(
        queue=queue, doors=doors, marker=Marker(queue, lock), lock=lock, course=course, rubric=rubric, names=names,
        static=static,
    )  # fmt: skip
    return app


# --- coming in ---
async def enter(request: Request) -> Response:
    """Use a link up. The page goes on by itself, since our cookie is not sent after a link from elsewhere."""
    office: Office = request.app.state.office
    cookie = office.doors.enter(request.path_params["token"])
    if cookie is None:
        return _page("closed.html.j2", 403, why="This link was used already, or is another server's.")
    answer = _page("enter.html.j2", 200)
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
    return answer


async def send_static(request: Request) -> Response:
    """Answer with one of the two files that pages need."""
    office: Office = request.app.state.office
    found = office.static.get(request.path_params["name"])
    return (
        Response(found[0], media_type=found[1]) if found else _page("closed.html.j2", 404, why="There is no such file.")
    )


async def send_nothing(request: Request) -> Response:
    """Answer a browser that asks for an icon."""
    return Response(status_code=204)


def _find_session(request: Request) -> Session | None:
    office: Office = request.app.state.office
    return office.doors.find(request.cookies.get(COOKIE, ""))


def _refuse() -> Response:
    return _page("closed.html.j2", 403, why="Open the link that grade review printed: this browser is not known here.")


# --- deciding ---
async def show_list(request: Request) -> Response:
    """Answer with all that waits."""
    office: Office = request.app.state.office
    session = _find_session(request)
    if session is None:
        return _refuse()
    with office.lock:
        groups = office.queue.groups()
        rows = [(group, _first_reason(group), _looker(office, session, group)) for group in groups[:500]]
        return _render(office, session, "list.html.j2", rows=rows, more=len(groups) - len(rows))


async def go_on(request: Request) -> Response:
    """Go to the group that needs somebody most, the one after ``after`` where that is given."""
    office: Office = request.app.state.office
    session = _find_session(request)
    if session is None:
        return _refuse()
    with office.lock:
        groups = office.queue.groups()
        free = [group for group in groups if not _looker(office, session, group)] or list(groups)
    return _go(f"/groups/{free[0].id}") if free else _go("/")


async def show_group(request: Request) -> Response:
    """Answer with one group: its first answer whole, the like ones folded beneath, or one alone (``?one=NUMBER``)."""
    office: Office = request.app.state.office
    session = _find_session(request)
    if session is None:
        return _refuse()
    with office.lock:
        groups = office.queue.groups()
        names = [group.id for group in groups]
        place = names.index(request.path_params["group"]) if request.path_params["group"] in names else None
        if place is None:
            session.said = session.said or "That is decided."
            return _go("/next" if groups else "/")
        return _show(office, session, groups, place, request.query_params.get("one", ""))


def _show(office: Office, session: Session, groups: Sequence[Group], place: int, one: str, wrong: str = "") -> Response:
    group = groups[place]
    chosen = int(one) if one.isdecimal() and int(one) < len(group.items) else None
    items = group.items if chosen is None else (group.items[chosen],)
    session.group, session.looked_at = group.id, time.monotonic()
    name = session.keep(items)
    alike = [(number, office.name(item.student), _words(item)) for number, item in enumerate(group.items[:MOST_ALIKE])]
    return _render(
        office, session, "group.html.j2", status=400 if wrong else 200,
        group=group, card=build_card(items[0], f"/cards/{name}/0"), card_name=name, count=len(items), chosen=chosen,
        who=office.name(items[0].student), student=items[0].student if office.names else "", alike=alike, wrong=wrong,
        place=place + 1, before=groups[place - 1].id if place else "",
        after=groups[place + 1].id if place + 1 < len(groups) else "",
        looker=_looker(office, session, group), rubric=office.rubric.get(group.criterion, ""),
        rubric_name=office.course.rubric_path.name,
    )  # fmt: skip


async def decide(request: Request) -> Response:
    """Take a decision on what was shown, and go on. It is on the disk before this answers."""
    office: Office = request.app.state.office
    session = _find_session(request)
    form = await _read_form(request)
    if session is None or not _is_ours(session, form):
        return _refuse()
    group = request.path_params["group"]
    items = session.cards.get(form.get("card", ""))
    if items is None:
        session.said = "That page was too old. Nothing was decided; look again."
        return _go(f"/groups/{quote(group)}")
    try:
        choice = read_choice(form)
        with office.lock:
            names = [entry.id for entry in office.queue.groups()]
            written, conflicts = office.queue.decide(session.who, items, choice, form["card"] if len(items) > 1 else "")
            left = office.queue.groups()
            after = [entry.id for entry in left if not _looker(office, session, entry)] or [entry.id for entry in left]
    except (ChoiceError, ValueError) as error:
        session.said = f"Nothing was decided. {error}"
        return _go(f"/groups/{quote(group)}")
    office.marker.wake()
    if written:
        session.done.append(written)
        del session.done[:-MOST_UNDO]
    session.said = _say(_describe(choice, items[0]), len(written), conflicts)
    return _go(_find_next(names, after, group))


def _find_next(before: Sequence[str], after: Sequence[str], group: str) -> str:
    """Return where to go on: the group itself while it waits, else the next one that does."""
    place = before.index(group) if group in before else 0
    following = [name for name in (*before[place:], *before[:place]) if name in set(after)]
    return f"/groups/{following[0]}" if following else "/next"


async def undo(request: Request) -> Response:
    """Take back what this session decided last, and show it again."""
    office: Office = request.app.state.office
    session = _find_session(request)
    form = await _read_form(request)
    if session is None or not _is_ours(session, form):
        return _refuse()
    if not session.done:
        session.said = "There is nothing to take back."
        return _go("/next")
    last = session.done.pop()
    with office.lock:
        written, conflicts = office.queue.take_back(session.who, last)
        keys = {(item.student, item.criterion) for item in written}
        found = next(
            (g.id for g in office.queue.groups() if any((i.student, i.criterion) in keys for i in g.items)), ""
        )
    office.marker.wake()
    session.said = _say("taken back", len(written), conflicts)
    return _go(f"/groups/{found}" if found else "/next")


async def send_picture(request: Request) -> Response:
    """Answer with a page of a hand-in that a card of this session shows."""
    office: Office = request.app.state.office
    session = _find_session(request)
    items = session.cards.get(request.path_params["card"], ()) if session else ()
    number, page = request.path_params["item"], request.path_params["page"]
    mark = items[number].mark if number < len(items) else None
    pages = mark.evidence.observed.get("pages", ()) if mark else ()
    if session is None or page >= len(pages):
        return _page("closed.html.j2", 404, why="There is no such picture.")
    folder = (office.queue.out / items[number].student).resolve()
    path = (folder / str(pages[page]["picture"])).resolve()
    if folder.parent != office.queue.out.resolve() or not path.is_relative_to(folder) or not path.is_file():
        return _page("closed.html.j2", 404, why="There is no such picture; grade the class again to draw it.")
    return Response(path.read_bytes(), media_type="image/jpeg")


# --- appeals ---
async def find_student(request: Request) -> Response:
    """Answer with the students whose id, or number here, is asked for."""
    office: Office = request.app.state.office
    session = _find_session(request)
    if session is None:
        return _refuse()
    asked = request.query_params.get("q", "").strip()
    with office.lock:
        students = sorted(office.queue.students, key=natural_key)
        number = asked.lower().removeprefix("hand-in").strip()
        found = [name for name in students if asked and asked.casefold() in name.casefold()]
        if number.isdecimal() and 0 < int(number) <= len(students):
            found = list(dict.fromkeys([*found, office.queue.students[int(number) - 1]]))
        if len(found) == 1:
            return _go(f"/students/{quote(found[0], safe='')}")
        return _render(office, session, "students.html.j2", asked=asked, found=found[:MOST_FOUND], count=len(found))


async def show_student(request: Request) -> Response:
    """Answer with one marksheet, all that was decided on it, and a form for each mark."""
    office: Office = request.app.state.office
    session = _find_session(request)
    if session is None:
        return _refuse()
    student = request.path_params["student"]
    with office.lock:
        sheet = office.queue.find_sheet(student)
        if sheet is None:
            return _page("closed.html.j2", 404, why="Nobody of that name was graded here.")
        office.queue.follow()
        items = list_everything(sheet, student, office.queue.moderation)
        counts = office.queue.moderation.find(student)
        history = list(iterate_history(office.queue.moderation, student, [mark.criterion for mark in sheet.marks]))
        return _render(
            office, session, "student.html.j2", sheet=sheet, student=student, history=history,
            card_name=session.keep(items),
            rows=[
                (item.mark, build_shown(item.mark.evidence.observed).answer, counts.get(item.criterion))
                for item in items if item.mark
            ],
        )  # fmt: skip


async def change_mark(request: Request) -> Response:
    """Change one mark of one student, with a reason."""
    office: Office = request.app.state.office
    session = _find_session(request)
    form = await _read_form(request)
    if session is None or not _is_ours(session, form):
        return _refuse()
    student, criterion = request.path_params["student"], request.path_params["criterion"]
    items = [
        item for item in session.cards.get(form.get("card", ""), ())
        if (item.student, item.criterion) == (student, criterion)
    ]  # fmt: skip
    place = f"/students/{quote(student, safe='')}"
    try:
        if not items:
            raise ChoiceError("That page was too old; look again.")
        if not form.get("reason", "").strip():
            raise ChoiceError("Say why: the reason stays with the mark, for staff.")
        choice = read_choice(form)
        with office.lock:
            written, conflicts = office.queue.decide(session.who, items, choice, "")
    except (ChoiceError, ValueError) as error:
        session.said = f"Nothing was changed. {error}"
        return _go(place)
    office.marker.wake()
    if written:
        session.done.append(written)
    session.said = _say(f"{criterion}: {_describe(choice, items[0])}", len(written), conflicts)
    return _go(place)


# --- parts ---
async def _read_form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50))


def _is_ours(session: Session, form: dict[str, str]) -> bool:
    return compare_digest(form.get("form", "").encode(), session.form.encode())


def _first_reason(group: Group) -> str:
    review = group.items[0].review
    return review.reason if review else ""


def _words(item: Item) -> str:
    observed = item.mark.evidence.observed if item.mark else {}
    return " ".join(str(observed.get("answer") or observed.get("text") or "").split())[:200]


def _looker(office: Office, session: Session, group: Group) -> str:
    """Return who else has just opened this group."""
    recent = time.monotonic() - AWAY_SECONDS
    return next((o.who for o in office.doors.others(session) if o.group == group.id and o.looked_at > recent), "")


def _describe(choice: Choice, item: Item) -> str:
    if choice.verdict == "moment":
        return f"handed in {choice.moment}"
    if choice.verdict == "partial" and choice.marks is not None:
        return f"{show_marks(choice.marks)} marks"
    return (
        f"as suggested ({item.review.suggested_verdict})"
        if choice.verdict == "suggested" and item.review
        else choice.verdict
    )


def _say(what: str, count: int, conflicts: Sequence[Conflict]) -> str:
    said = [f"{count} {'answer' if count == 1 else 'answers'}: {what}."] if count else []
    if conflicts:
        others = sorted({conflict.head.who if conflict.head else "somebody" for conflict in conflicts})
        said.append(f"{len(conflicts)} not changed: {', '.join(others)} decided meanwhile.")
    return " ".join(said)


def _go(place: str) -> RedirectResponse:
    return RedirectResponse(place, 303)


def _render(office: Office, session: Session, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    shared = {
        "session": session, "said": session.take_said(), "progress": office.queue.progress(),
        "trouble": office.marker.trouble, "names": office.names, "assignment": office.course.rubric.title,
        "undoable": len(session.done),
    }  # fmt: skip
    return HTMLResponse(render_template(template, [FILES], **shared, **values), status)


def _page(template: str, status: int, **values: object) -> HTMLResponse:
    return HTMLResponse(render_template(template, [FILES], **values), status)


async def _tell_failure(request: Request, error: Exception) -> Response:
    """Say what went wrong; what was decided before is kept."""
    said = str(error) if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
    answer = _page("closed.html.j2", 500, why=f"{said}. What was acknowledged before is kept.")
    answer.headers.update(HEADERS)  # this answer passes by the guard
    return answer
