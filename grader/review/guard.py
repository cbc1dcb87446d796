"""Who may ask: one-time links, sessions, and the headers of every request and answer.

A page of somebody else's, open in the same browser, can send requests here. It cannot read a link's token or a
session's form token, its Origin is another, and a name that resolves to this machine is not our Host.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.batch.waiting import Item
from grader.model import Decision

COOKIE = "grade-review"
MOST_CARDS, MOST_UNDO = 64, 200
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer, browsers send our own forms with "Origin: null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(slots=True, kw_only=True)
class Session:
    """One assistant at one browser. ``cards`` are the answers as they were shown, by the card's name."""

    who: str
    form: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    cards: OrderedDict[str, tuple[Item, ...]] = field(default_factory=OrderedDict)
    done: list[list[Decision]] = field(default_factory=list)
    said: str = ""
    typed: tuple[str, Mapping[str, str]] = field(default=("", MappingProxyType({})))
    group: str = ""
    looked_at: float = 0.0

    def keep(self, items: Sequence[Item]) -> str:
        """Keep what is shown, and return the card's name: a decision is about what was seen, not about what is."""
        name = secrets.token_urlsafe(9)
        self.cards[name] = tuple(items)
        while len(self.cards) > MOST_CARDS:
            self.cards.popitem(last=False)
        return name

    def remember(self, written: Sequence[Decision]) -> None:
        """Keep what was decided at once, to be taken back at once; the oldest are forgotten."""
        if written:
            self.done.append(list(written))
            del self.done[:-MOST_UNDO]

    def refuse(self, place: str, why: str, typed: Mapping[str, str]) -> None:
        """Say why nothing came of a form, and keep what was typed for the next look at ``place``."""
        self.said, self.typed = why, (place, typed)

    def take_typed(self, place: str) -> Mapping[str, str]:
        """Return what was typed at ``place`` in vain, once."""
        (where, typed), self.typed = self.typed, ("", {})
        return typed if where == place else {}

    def take_said(self) -> str:
        """Return what is to be said at the next page, once."""
        said, self.said = self.said, ""
        return said


class Doors:
    """The links that open a session, each once, and the sessions that are open."""

    def __init__(self) -> None:
        self._links: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}

    def make_link(self, who: str) -> str:
        """Return a token that opens one session for ``who``."""
        token = secrets.token_urlsafe(24)
        self._links[token] = who
        return token

    def enter(self, token: str) -> str | None:
        """Use a token up and return the new session's cookie, None where there is no such token (any more)."""
        found = next((known for known in self._links if compare_digest(known.encode(), token.encode())), None)
        if found is None:
            return None
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = Session(who=self._links.pop(found))
        return cookie

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie."""
        return self._sessions.get(cookie)

    def others(self, session: Session) -> list[Session]:
        """Return the other sessions."""
        return [other for other in self._sessions.values() if other is not session]


class Guard:
    """Middleware: refuses a foreign Host, another Origin and a long body; sets headers on every answer."""

    MOST_BODY = 64_000

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 400, 403 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._find_refusal(scope["method"], Headers(scope=scope))
        await (refused or self._app)(scope, receive, send_with_headers)

    def _find_refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("This server has another name.", 400)
        if method in ("GET", "HEAD"):
            return None
        if headers.get("origin") != f"http://{host}" or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return PlainTextResponse("This was sent by another page than ours.", 403)
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > self.MOST_BODY:
            return PlainTextResponse("That is too long.", 413)
        return None
