"""A message: light, whole, inert, about one student, and the same each time it is made."""

from __future__ import annotations

import base64
import dataclasses
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.delivery.mail.compose import MOST_BYTES, Composer, Content, build_subject
from grader.delivery.mail.message import build_message, build_message_id
from grader.delivery.mail.pictures import MOST_PLOTS, Pictures
from grader.delivery.mail.privacy import Screen, find_wrong_receiver
from grader.delivery.mail.settings import MailSettings, load_settings
from grader.errors import ConfigError
from grader.feedback import student_view
from grader.feedback.figures import find_plot
from grader.intake import load_roster
from grader.model import Marksheet
from tests.browser import find_violations, keep_screenshot, open_browser
from tests.unit.feedback_sheets import STAFF, everywhere, mark, realistic, sheet
from tests.unit.test_feedback_page import MATHS, PAYLOADS, ROOT, render

SETTINGS = MailSettings(
    host="smtp.example.edu",
    sender="Deep Learning <course@example.edu>",
    reply_to="staff@example.edu",
    domains=("example.edu",),
)
DATE = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
OVERRIDES = "\u202eevil\u202c \u2066x\u2069 \x1b[31mred\x07\r\nBcc: everybody@example.edu\r\n\r\nbody"
COMPOSER = Composer(templates=(ROOT / "templates",), subject="Feedback on Homework 5", domain="example.edu")


def compose(marksheet: Marksheet, *, provisional: bool = False, composer: Composer = COMPOSER) -> Content:
    page = render(marksheet).encode("utf-8", "surrogateescape")
    return composer.compose(student_view(marksheet), page, provisional=provisional)


def build(content: Content, address: str = "s1@example.edu", student: str = "s1") -> bytes:
    message_id = build_message_id("hw5", student, content.digest, "example.edu")
    return build_message(content, address=address, message_id=message_id, settings=SETTINGS, date=DATE)


def parse(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=SMTP)  # type: ignore[return-value]


def decode(data: bytes) -> str:
    """Return all that a receiver can read in a message."""
    parts = [part for part in parse(data).walk() if part.get_content_maintype() == "text"]
    return data.decode("ascii") + "".join(part.get_content() for part in parts)


class Lint(HTMLParser):
    """Gathers what an HTML part is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.styles: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        values = dict(attrs)
        self.sources += [value for name in ("src", "href", "background") if (value := values.get(name))]
        self.styles.append(values.get("style") or "")
        if tag == "img":
            self.pictures.append(values)

    def handle_data(self, data):
        self.words.append(data)


TAGS = set("html head meta title body div table tbody tr td th h1 h2 h3 p strong span br img i sub code".split())
ATTRIBUTES = set("lang dir charset name content class style role align width height scope alt src".split())


def assert_inert(content: Content) -> None:
    found = Lint(content.html)
    assert found.tags <= TAGS and found.attributes <= ATTRIBUTES, (found.tags - TAGS, found.attributes - ATTRIBUTES)
    assert all(source.startswith("cid:") for source in found.sources)
    assert not any("url(" in style or "expression" in style or "position" in style for style in found.styles)
    assert len(content.html.encode()) <= MOST_BYTES
    for text in (content.text, content.html):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", text)


def test_a_message_has_the_parts_that_mail_programs_expect() -> None:
    content = compose(realistic())
    message = parse(build(content))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
        *["image/png"] * len(content.pictures), "text/html",
    ]  # fmt: skip
    plain, page = message.get_body(("plain",)), list(message.iter_attachments())[-1]
    assert plain["Content-Transfer-Encoding"] == "quoted-printable" and plain.get_content() == content.text.replace(
        "\n", "\r\n"
    )
    assert page.get_filename() == "feedback.html" and page.get_content().encode() == content.page
    assert {part["Content-ID"].strip("<>") for part in message.walk() if part["Content-ID"]} == set(content.pictures)


def test_its_headers_tell_machines_what_it_is_and_nobody_whose() -> None:
    message = parse(build(compose(realistic())))
    assert message["From"] == "Deep Learning <course@example.edu>" and message["Reply-To"] == "staff@example.edu"
    assert message["To"] == "s1@example.edu" and message["Cc"] is message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated" and message["List-Unsubscribe"] is None
    assert message["Subject"] == "Feedback on Homework 5"


def test_the_html_is_light_with_styles_in_its_elements_and_pictures_in_the_message() -> None:
    content = compose(realistic())
    found = Lint(content.html)
    assert_inert(content)
    assert "<style" not in content.html and found.tags.isdisjoint({"svg", "math", "details", "a"})
    assert len(content.html.encode()) < 50_000
    assert {picture["src"] for picture in found.pictures} == {f"cid:{name}" for name in content.pictures}
    assert all(picture["alt"] and picture["width"] and picture["height"] for picture in found.pictures)
    assert all(item.data.startswith(b"\x89PNG") for item in content.pictures.values())


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_what_a_phone_shows_below_the_subject_holds_no_marks(kind: str) -> None:
    content = compose(realistic())
    words = (
        content.text if kind == "plain" else "".join(Lint(content.html.partition("<body")[2].partition(">")[2]).words)
    )
    head = " ".join(words.replace("\u034f\u200c\xa0", "~").split())
    before = head.index("37.75")
    assert before > 180 and not re.search(r"\d", head[:before].replace("Homework 5", ""))


def test_no_word_for_staff_is_in_the_bytes() -> None:
    for marksheet in (realistic(), dataclasses.replace(realistic(), submission="s2")):
        said = decode(build(compose(marksheet, provisional=True)))
        assert [word for word in STAFF if word in said] == []
        assert "37.75" in said


def test_it_says_what_the_page_says() -> None:
    content = compose(realistic(), provisional=True)
    shown = " ".join(" ".join(Lint(content.html).words).split())
    view = student_view(realistic())
    for group in view.groups:
        for item in group.criteria:
            assert item.title in shown and item.title in content.text
    for step in view.steps:
        assert step.text in content.text
    assert "Provisional" in content.subject and "Provisional." in shown and "PROVISIONAL" in content.text


@pytest.mark.parametrize("words", [*PAYLOADS, OVERRIDES, "x" * 300_000, "سلام " * 200, "\udcff broken"])
def test_whatever_a_student_writes_is_inert(words: str) -> None:
    content = compose(everywhere(words))
    assert_inert(content)
    message = parse(build(content))
    assert message["Bcc"] is None and not message.defects
    assert [part.get_content_type() for part in message.walk()].count("text/html") == 2


@pytest.mark.parametrize("latex", MATHS)
def test_whatever_latex_a_student_writes_is_inert(latex: str) -> None:
    side = {"latex": [latex], "text": f"${latex}$", "next": f"see ${latex}$"}
    content = compose(sheet(mark("q1", "One", "5", "wrong", "0", observed=side, expected=side, says=[f"${latex}$"])))
    assert_inert(content)


def test_five_megabytes_of_output_stay_a_small_message() -> None:
    content = compose(everywhere("a" * 5_000_000))
    assert_inert(content)
    assert len(build(content)) < 1_000_000


@pytest.mark.parametrize(("parts", "left_out"), [(20, "What was expected"), (60, "too"), (900, "Part by part")])
def test_a_long_sheet_is_told_in_fewer_words(parts: int, left_out: str) -> None:
    side = {"text": "too " + "é" * 990, "next": "é" * 500}
    marks = [mark(f"q{n}", f"Part {n}", "1", "wrong", "0", observed=side, expected=side) for n in range(parts)]
    content = compose(sheet(*marks))
    assert_inert(content)
    if left_out == "too":
        assert "Part by part" in content.html and "What we saw" not in content.html
    else:
        assert left_out not in content.html
    assert f"0</strong> / {parts}" in content.html and "feedback.html" in content.html


@pytest.mark.thorough
def test_a_message_in_a_real_browser_at_the_widths_of_mail_programs() -> None:
    long = "donaudampfschifffahrtsgesellschaft" * 9
    wide = [r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} + " + " + ".join(f"x_{{{n}}}^{{2}}" for n in range(12))]
    formula = sheet(mark("q1", long, "5", "wrong", "0", observed={"latex": wide}, says=[f"`{long}` ${wide[0]}$"]))
    contents = {"real": compose(realistic()), "long": compose(everywhere(long)), "formula": compose(formula)}
    with open_browser() as browser:
        for name, content in contents.items():
            text = content.html
            for cid, picture in content.pictures.items():
                text = text.replace(f"cid:{cid}", f"data:image/png;base64,{base64.b64encode(picture.data).decode()}")
            for scheme, width in (("light", 600), ("light", 320), ("dark", 600)):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.set_content(text)
                keep_screenshot(page, f"mail-{name}-{width}-{scheme}")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
                # Landmarks are for pages; a message stands inside one of the mail program's.
                found = [item for item in find_violations(page) if not item.startswith(("landmark-", "region:"))]
                assert found == [], (name, scheme)
                page.close()


def test_a_message_has_two_plots_at_most_and_each_says_what_it_shows() -> None:
    plots = [{"title": f"Plot {n}", "series": [{"name": "a", "x": [1, 2], "y": [n, 2]}]} for n in range(5)]
    content = compose(
        sheet(*(mark(f"q{n}", "x", "1", "wrong", "0", observed={"plot": p}) for n, p in enumerate(plots)))
    )
    shown = [picture["alt"] for picture in Lint(content.html).pictures]
    assert shown == ["Plot 0. a goes from 0 to 2 in 2 points.", "Plot 1. a goes from 1 to 2 in 2 points."]
    assert len(content.pictures) == MOST_PLOTS


def test_a_plot_is_drawn_whatever_its_names_are() -> None:
    plot = find_plot({"title": '"<&\u00a0>', "series": [{"name": '<b>&\u00a0"', "x": [1, 2], "y": [1, 2]}]})
    assert plot is not None
    pictures = Pictures("example.edu", (ROOT / "templates/feedback/style.css").read_text())
    assert pictures.plot(plot).startswith('<img class="plot"') and len(pictures.found) == 1


def test_a_formula_that_cannot_be_drawn_shows_its_source() -> None:
    pictures = Pictures("example.edu", "")
    assert pictures.mixed("see $x_t$ and $5$ dollars") == "see <i>x</i><sub>t</sub> and 5 dollars"
    nested = r"\left(" * 20 + "x" + r"\right)" * 20  # would take hours
    for latex in (r"\unknown{x}", "x" * 1000, r"\hspace{900em}", "\\frac{1}{" * 200, r"\text{سلام}", nested):
        assert pictures.formula(latex).startswith("<code")
    assert pictures.found == {}
    assert 'alt="\\frac{1}{2}"' in pictures.formula(r"\frac{1}{2}") and len(pictures.found) == 1


def test_a_message_is_made_the_same_twice_and_named_by_what_is_in_it() -> None:
    one, two = compose(realistic()), compose(realistic())
    assert build(one) == build(two) and one.digest == two.digest
    other = compose(dataclasses.replace(realistic(), title="Another title"))
    assert other.digest != one.digest
    names = {build_message_id("hw5", student, "d", "example.edu") for student in ("s1", "s2", "s1")}
    assert len(names) == 2 and all(re.fullmatch(r"<[0-9a-f]{32}@example\.edu>", name) for name in names)


def test_lines_are_short_ascii_and_end_as_the_protocol_wants() -> None:
    data = build(compose(everywhere("سلام " * 300)))
    assert data.isascii() and max(map(len, data.split(b"\r\n"))) <= 998
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")


@pytest.mark.parametrize("title", ["Homework\r\nBcc: all@example.edu", "a\u202eb\x00c", "x" * 500, "تمرین ۵"])
def test_a_subject_is_one_line_whatever_the_title(title: str) -> None:
    subject = build_subject(title, None)
    assert subject.isprintable() and len(subject) < 220
    content = dataclasses.replace(compose(realistic()), subject=subject)
    assert parse(build(content))["Subject"] == subject and parse(build(content))["Bcc"] is None


def test_a_line_break_in_an_address_builds_no_message() -> None:
    with pytest.raises(ValueError, match=r"linefeed|newline|control"):
        build(compose(realistic()), address="s1@example.edu\r\nBcc: all@example.edu")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("mail.html.j2", "<p>\n{{ view.nothing }}\n", 2),
        ("mail.txt.j2", "a\nb\n{% if %}\n", 3),
        ("mail.txt.j2", "{% if provisional and level == 'total' %}\n{{ view.title | unheard }}\n{% endif %}", 2),
        ("mail.html.j2", "{% if provisional and level == 'total' %}\n\n{{ view.waiting.nothing }}\n{% endif %}", 3),
    ],
)
def test_a_broken_template_is_told_with_its_line(tmp_path: Path, name: str, text: str, line: int) -> None:
    (tmp_path / name).write_text(text)
    composer = dataclasses.replace(COMPOSER, templates=(tmp_path,))
    with pytest.raises(ConfigError) as caught:
        composer.check()
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (str(tmp_path / name), line)


def test_a_template_of_the_course_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "mail.txt.j2").write_text("{% autoescape false %}Dear <you>: {{ view.title }}{% endautoescape %}")
    content = compose(realistic(), composer=dataclasses.replace(COMPOSER, templates=(tmp_path,)))
    assert content.text == "Dear <you>: Homework 5: recurrent networks and attention"


# --- one student's data in one message ---

ROSTER = """\
student_id,name,email
99521082,Mina Karimi,mina.k@example.edu
99521083,Omid O'Hara Rahimi,omid@example.edu
al_2x77,علی رضایی,ali@example.edu
max,Max,max@example.edu
12,Jo Li,jo@example.edu
"""


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    path = tmp_path_factory.mktemp("roster") / "roster.csv"
    path.write_text(ROSTER, encoding="utf-8")
    return Screen.of(load_roster(path))


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        ("see 99521083.zip", "99521083"),
        ("report_99521083_final", "99521083"),
        ("شماره ۹۹۵۲۱۰۸۳ است", "99521083"),
        ("with omid  o'hara\nRAHIMI", "99521083"),
        ("ask OMID@EXAMPLE.EDU", "99521083"),
        ("با علی رضایی", "al_2x77"),
        ("al_2x77", "al_2x77"),
        ("max@example.edu", "max"),
    ],
)
def test_anybody_else_in_a_message_is_found_wherever_it_stands(screen: Screen, words: str, whose: str) -> None:
    inside = sheet(mark("q1", "One", "5", "wrong", "0", says=[words]), submission="99521082")
    assert screen.find_others(build(compose(inside), "mina.k@example.edu"), {"99521082"}) == (whose,)
    attached = dataclasses.replace(compose(realistic()), page=f"<p>{words}</p>".encode())
    assert screen.find_others(build(attached, "mina.k@example.edu"), {"99521082"}) == (whose,)
    assert screen.find_others(build(attached, "mina.k@example.edu"), {"99521082", whose}) == ()


def test_a_name_is_found_across_tags_and_entities(screen: Screen) -> None:
    for page in ("Omid <b>O&#39;Hara</b> Rahimi", "<i>9952</i><i>1083</i>", "omid&#64;example.edu"):
        attached = dataclasses.replace(compose(realistic()), page=page.encode())
        assert screen.find_others(build(attached, "mina.k@example.edu"), {"99521082"}) == ("99521083",)


def test_what_stands_in_any_text_by_chance_is_nobody(screen: Screen) -> None:
    words = "max pooling of 12 values, 199521083 or 995210831, Jo"
    inside = sheet(mark("q1", "One", "5", "wrong", "0", says=[words]), submission="99521082")
    assert screen.find_others(build(compose(inside), "mina.k@example.edu"), {"99521082"}) == ()


def test_own_id_in_a_subject_is_found(screen: Screen) -> None:
    assert screen.is_named("Feedback for 99521082", "99521082")
    assert not screen.is_named("Feedback on Homework 5", "99521082")


def test_a_message_has_one_receiver(screen: Screen) -> None:
    data = build(compose(realistic()))
    assert find_wrong_receiver(data, "s1@example.edu") is None
    assert find_wrong_receiver(data, "s2@example.edu") is not None
    for extra in (b"Cc: a@example.edu\r\n", b"Bcc: a@example.edu\r\n", b"To: a@example.edu\r\n"):
        assert find_wrong_receiver(extra + data, "s1@example.edu") is not None


# --- settings ---

GOOD = "host: smtp.example.edu\nfrom: Course <course@example.edu>\ndomains: [example.edu]\n"


def test_the_example_of_the_settings_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="says how mail is sent") as caught:
        load_settings(tmp_path)
    (tmp_path / "mail.yaml").write_text(
        str(caught.value).partition("instance:\n")[2].replace("    ", "", 1).replace("\n    ", "\n")
    )
    settings = load_settings(tmp_path)
    assert (settings.port, settings.tls, settings.sender_address) == (587, "starttls", "course@example.edu")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("password: hunter2", "unknown key 'password'"),
        ("tls: none", "tls"),
        ("tls: starttls\nverify: false", "unknown key 'verify'"),
        ('reply_to: "a@example.edu\\r\\nBcc: b@example.edu"', "line break"),
        ("reply_to: a@example.edu, b@example.edu", "not one mail address"),
        ("reply_to: nobody", "reply_to"),
        ("rate: 0", "rate"),
        ("ca_file: nowhere.pem", "nowhere.pem is not there"),
        ('subject: "a\\nb"', "subject"),
        ("auth: xoauth2", "needs the key user"),
        ("port: smtp", "port"),
    ],
)
def test_settings_that_are_in_no_order_are_told_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "mail.yaml").write_text(GOOD + line + "\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert said in str(caught.value) and "mail.yaml:" in str(caught.value) and "hunter2" not in str(caught.value)
