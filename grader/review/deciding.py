"""Pages on which people decide: all that waits, one group of like answers, and taking back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from grader.batch.waiting import Group, Item
from grader.review.card import MOST_ALIKE, build_card
from grader.review.choice import ChoiceError, read_choice
from grader.review.guard import Session
from grader.review.office import Form, Office, describe, go, reading, refuse, writing

AWAY_SECONDS = 120
MOST_LISTED = 500


@reading
async def show_list(request: Request, office: Office, session: Session) -> Response:
    """Answer with all that waits."""
    with office.lock:
        groups = office.queue.groups()
        rows = [(group, _first_reason(group), _looker(office, session, group)) for group in groups[:MOST_LISTED]]
        return office.render(session, "list.html.j2", rows=rows, more=len(groups) - len(rows))


@reading
async def go_on(request: Request, office: Office, session: Session) -> Response:
    """Go to the group of most students that nobody else is looking at."""
    with office.lock:
        groups = _find_free(office, session)
    return go(f"/groups/{groups[0]}" if groups else "/")


@reading
async def show_group(request: Request, office: Office, session: Session) -> Response:
    """Answer with one group: its first answer whole, the like ones folded beneath, or one alone (``?one=NUMBER``)."""
    with office.lock:
        groups = office.queue.groups()
        names = [group.id for group in groups]
        if request.path_params["group"] not in names:
            session.said = session.said or "That is decided."
            return go("/next" if groups else "/")
        place = names.index(request.path_params["group"])
        return _show(office, session, groups, place, request.query_params.get("one", ""))


def _show(office: Office, session: Session, groups: Sequence[Group], place: int, one: str) -> Response:
    group = groups[place]
    chosen = int(one) if one.isdecimal() and int(one) < len(group.items) else None
    items = group.items if chosen is None else (group.items[chosen],)
    session.group, session.looked_at = group.id, time.monotonic()
    name = session.keep(items)
    alike = [(number, office.name(item.student), _words(item)) for number, item in enumerate(group.items[:MOST_ALIKE])]
    return office.render(
        session, "group.html.j2",
        group=group, card=build_card(items[0], f"/cards/{name}/0"), card_name=name, count=len(items), chosen=chosen,
        who=office.name(items[0].student), student=items[0].student if office.names else "", alike=alike,
        typed=session.take_typed(group.id), place=place + 1, before=groups[place - 1].id if place else "",
        after=groups[place + 1].id if place + 1 < len(groups) else "",
        looker=_looker(office, session, group), rubric=office.rubric.get(group.criterion, ""),
        rubric_name=office.course.rubric_path.name,
    )  # fmt: skip


@writing
async def decide(request: Request, office: Office, session: Session, form: Form) -> Response:
    """Take a decision on what was shown, and go on. It is on the disk before this answers."""
    group = request.path_params["group"]
    items = session.cards.get(form.get("card", ""))
    if items is None:
        session.said = "That page was too old. Nothing was decided; look again."
        return go(f"/groups/{quote(group)}")
    try:
        choice = read_choice(form)
        with office.lock:
            names = [entry.id for entry in office.queue.groups()]
            office.take(session, items, choice, form["card"] if len(items) > 1 else "")
            after = _find_free(office, session)
    except (ChoiceError, ValueError) as error:
        session.refuse(group, f"Nothing was decided. {error}", form)
        one = form.get("one", "")
        return go(f"/groups/{quote(group)}{f'?one={one}' if one.isdecimal() else ''}")
    return go(_find_next(names, after, group))


def _find_free(office: Office, session: Session) -> list[str]:
    """Return the groups that nobody else is looking at, all of them where there is none."""
    groups = office.queue.groups()
    return [group.id for group in groups if not _looker(office, session, group)] or [group.id for group in groups]


def _find_next(before: Sequence[str], after: Sequence[str], group: str) -> str:
    """Return where to go on: the group itself while it waits, else the next one that does."""
    place = before.index(group) if group in before else 0
    following = [name for name in (*before[place:], *before[:place]) if name in set(after)]
    return f"/groups/{following[0]}" if following else "/next"


@writing
async def undo(request: Request, office: Office, session: Session, form: Form) -> Response:
    """Take back what this session decided last, and show it again."""
    if not session.done:
        session.said = "There is nothing to take back."
        return go("/next")
    with office.lock:
        written, conflicts = office.queue.take_back(session.who, session.done[-1])
        session.done.pop()
        keys = {(item.student, item.criterion) for item in written}
        found = next(
            (g.id for g in office.queue.groups() if any((i.student, i.criterion) in keys for i in g.items)), ""
        )
    office.marker.wake()
    session.said = describe("taken back", len(written), conflicts)
    return go(f"/groups/{found}" if found else "/next")


@reading
async def send_picture(request: Request, office: Office, session: Session) -> Response:
    """Answer with a page of a hand-in that a card of this session shows."""
    items = session.cards.get(request.path_params["card"], ())
    number, page = request.path_params["item"], request.path_params["page"]
    mark = items[number].mark if number < len(items) else None
    pages = mark.evidence.observed.get("pages", ()) if mark else ()
    if page >= len(pages):
        return refuse("There is no such picture.", 404)
    folder = (office.queue.out / items[number].student).resolve()
    path = (folder / str(pages[page]["picture"])).resolve()
    if folder.parent != office.queue.out.resolve() or not path.is_relative_to(folder) or not path.is_file():
        return refuse("There is no such picture; grade the class again to draw it.", 404)
    return Response(path.read_bytes(), media_type="image/jpeg")


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
