"""Appeals: one student's marks, what was decided on each, and a form to change one with a reason."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from grader.batch.waiting import list_everything
from grader.feedback.student_view import build_shown
from grader.intake import natural_key
from grader.model import SUBMITTED_AT
from grader.review.choice import ChoiceError, read_choice
from grader.review.guard import Session
from grader.review.office import Form, Office, go, reading, refuse, writing
from grader.review.queue import iterate_history

MOST_FOUND = 50


@reading
async def find_student(request: Request, office: Office, session: Session) -> Response:
    """Answer with the students whose id, or number here, is asked for."""
    asked = request.query_params.get("q", "").strip()
    with office.lock:
        students = sorted(office.queue.students, key=natural_key)
        number = asked.lower().removeprefix("hand-in").strip()
        found = [name for name in students if asked and asked.casefold() in name.casefold()]
        if number.isdecimal() and 0 < int(number) <= len(students):
            found = list(dict.fromkeys([*found, office.queue.students[int(number) - 1]]))
        if len(found) == 1:
            return go(f"/students/{quote(found[0], safe='')}")
        return office.render(session, "students.html.j2", asked=asked, found=found[:MOST_FOUND], count=len(found))


@reading
async def show_student(request: Request, office: Office, session: Session) -> Response:
    """Answer with one marksheet, all that was decided on it, and a form for each mark."""
    student = request.path_params["student"]
    with office.lock:
        sheet = office.queue.find_sheet(student)
        if sheet is None:
            return refuse("Nobody of that name was graded here.", 404)
        office.queue.follow()
        items = list_everything(sheet, student, office.queue.moderation)
        counts = office.queue.moderation.find(student)
        criteria = [*(mark.criterion for mark in sheet.marks), SUBMITTED_AT]
        return office.render(
            session, "student.html.j2", sheet=sheet, student=student, card_name=session.keep(items),
            typed=session.take_typed(student),
            history=list(iterate_history(office.queue.moderation, student, criteria)),
            rows=[
                (item.mark, build_shown(item.mark.evidence.observed).answer, counts.get(item.criterion))
                for item in items if item.mark
            ],
        )  # fmt: skip


@writing
async def change_mark(request: Request, office: Office, session: Session, form: Form) -> Response:
    """Change one mark of one student, with a reason."""
    student, criterion = request.path_params["student"], request.path_params["criterion"]
    items = [
        item for item in session.cards.get(form.get("card", ""), ())
        if (item.student, item.criterion) == (student, criterion)
    ]  # fmt: skip
    try:
        if not items:
            raise ChoiceError("That page was too old; look again.")
        if not form.get("reason", "").strip():
            raise ChoiceError("Say why: the reason stays with the mark, for staff.")
        choice = read_choice(form)
        with office.lock:
            office.take(session, items, choice, "", f"{criterion}: ")
    except (ChoiceError, ValueError) as error:
        session.refuse(student, f"Nothing was changed. {error}", {**form, "criterion": criterion})
    return go(f"/students/{quote(student, safe='')}")
