"""Reads an HTML page as strictly as the tests of the feedback need it: every mistake becomes a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "br", "link", "img", "input", "hr"}
UNSAFE = {
    "script",
    "iframe",
    "object",
    "embed",
    "img",
    "image",
    "link",
    "form",
    "base",
    "foreignobject",
    "video",
    "a:ext",
}


@dataclass
class Node:
    """One start tag with its attributes, where it stands, and the tags around it."""

    tag: str
    attributes: dict[str, str]
    line: int
    parents: tuple[str, ...]


@dataclass
class Page:
    """A page as read: its nodes in order, its visible text, and what is wrong with it."""

    nodes: list[Node] = field(default_factory=list)
    text: str = ""
    mistakes: list[str] = field(default_factory=list)

    def all(self, *tags: str) -> list[Node]:
        return [node for node in self.nodes if node.tag in tags]

    @property
    def skeleton(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags and names of attributes: what text must never change."""
        return [(node.tag, tuple(node.attributes)) for node in self.nodes]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.page.mistakes.append(f"line {line}: <{tag}> has an attribute twice")
        attributes = {name: value or "" for name, value in attrs}
        self.page.nodes.append(Node(tag, attributes, line, tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.page.mistakes.append(f"line {self.getpos()[0]}: </{tag}> does not close <{(self.open or ['?'])[-1]}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.page.text += data


def read_page(html: str) -> Page:
    """Return the page with every mistake that the lint finds."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    page = reader.page
    page.mistakes += [f"<{tag}> is never closed" for tag in reader.open]
    page.mistakes += [*_headings(page), *_references(page), *_pictures(page), *_tables(page), *_safety(page)]
    return page


def _headings(page: Page) -> list[str]:
    levels = [int(node.tag[1]) for node in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    skipped = [f"h{b} follows h{a}" for a, b in pairwise(levels) if b > a + 1]
    return skipped + ([] if levels.count(1) == 1 else [f"{levels.count(1)} h1"])


def _references(page: Page) -> list[str]:
    ids = [node.attributes["id"] for node in page.nodes if "id" in node.attributes]
    wanted = [node.attributes["href"][1:] for node in page.all("a", "use")]
    wanted += [node.attributes["aria-labelledby"] for node in page.nodes if "aria-labelledby" in node.attributes]
    labels = [node.attributes.get("aria-label", "") for node in page.nodes if node.attributes.get("role") == "region"]
    return (
        [f"id {name} stands {ids.count(name)} times" for name in set(ids) if ids.count(name) > 1]
        + [f"nothing has the id {name}" for name in wanted if name not in ids]
        + [f"region {name!r} is named {labels.count(name)} times" for name in set(labels) if labels.count(name) > 1]
        + [f"a region has no name: {labels}" for name in labels if not name]
    )


def _pictures(page: Page) -> list[str]:
    return [
        f"line {node.line}: svg without role=img and aria-label"
        for node in page.all("svg")
        if node.attributes.get("aria-hidden") != "true"
        and not (node.attributes.get("role") == "img" and node.attributes.get("aria-label"))
    ]


def _tables(page: Page) -> list[str]:
    bare = [f"line {node.line}: th without scope" for node in page.all("th") if "scope" not in node.attributes]
    captions = len(page.all("caption"))
    return bare + ([] if captions == len(page.all("table")) else ["a table without caption"])


def _safety(page: Page) -> list[str]:
    found = [f"line {node.line}: <{node.tag}>" for node in page.nodes if node.tag in UNSAFE]
    for node in page.nodes:
        for name, value in node.attributes.items():
            bad_link = name in ("href", "src", "xlink:href", "action") and not value.startswith("#")
            bad_style = name == "style" and not value.replace(".", "").removeprefix("flex-grow:").isdigit()
            if name.startswith("on") or bad_link or bad_style:
                found.append(f"line {node.line}: <{node.tag} {name}={value!r}>")
    return found
