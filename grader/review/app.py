"""The web application: addresses, and coming in. Every page is rendered here; the browser keeps nothing."""

from __future__ import annotations

import threading

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grader.course import Course
from grader.errors import GraderError
from grader.feedback.page import packaged_templates
from grader.review import deciding, students
from grader.review.guard import COOKIE, HEADERS, Doors, Guard
from grader.review.marker import Marker
from grader.review.office import FILES, Office, refuse, render_alone
from grader.review.queue import Queue


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
            Route("/", deciding.show_list),
            Route("/next", deciding.go_on),
            Route("/groups/{group}", deciding.show_group),
            Route("/groups/{group}/decide", deciding.decide, methods=["POST"]),
            Route("/undo", deciding.undo, methods=["POST"]),
            Route("/cards/{card}/{item:int}/{page:int}", deciding.send_picture),
            Route("/students", students.find_student),
            Route("/students/{student}", students.show_student),
            Route("/students/{student}/{criterion}", students.change_mark, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={Exception: _tell_failure},
    )
    app.state.office = Office(
        queue=queue, doors=doors, marker=Marker(queue, lock), lock=lock, course=course, rubric=rubric, names=names,
        static=static,
    )  # fmt: skip
    return app


async def enter(request: Request) -> Response:
    """Use a link up. The page goes on by itself, since our cookie is not sent after a link from elsewhere."""
    office: Office = request.app.state.office
    cookie = office.doors.enter(request.path_params["token"])
    if cookie is None:
        return refuse("This link was used already, or is another server's.")
    answer = render_alone("enter.html.j2")
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
    return answer


async def send_static(request: Request) -> Response:
    """Answer with one of the two files that pages need."""
    office: Office = request.app.state.office
    found = office.static.get(request.path_params["name"])
    return Response(found[0], media_type=found[1]) if found else refuse("There is no such file.", 404)


async def send_nothing(request: Request) -> Response:
    """Answer a browser that asks for an icon."""
    return Response(status_code=204)


async def _tell_failure(request: Request, error: Exception) -> Response:
    """Say what went wrong; what was decided before is kept."""
    said = str(error) if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
    answer = refuse(f"{said}. What was acknowledged before is kept.", 500)
    answer.headers.update(HEADERS)  # this answer passes by the guard
    return answer
