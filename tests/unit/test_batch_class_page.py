"""The class at a glance: right counts whatever the order, and on the students' page nothing of fewer than ten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from random import Random
from urllib.parse import unquote

import pytest

from grader.batch.class_page import ClassTally, render_class_page
from grader.model import Finding, Mark, Marksheet
from tests.unit.feedback_sheets import STAFF, mark, sheet
from tests.unit.page_reader import Page, read_page


def earn(criterion: str, percent: float | None, available: str = "100", says: Sequence[str] = ()) -> Mark:
    """Return a mark of so many percent; None waits for a person."""
    if percent is None:
        return mark(criterion, f"Title {criterion}", available, "ungraded", says=says)
    return mark(criterion, f"Title {criterion}", available, "partial", str(Decimal(str(percent)) / 100), says=says)


def hand_in(student: str, *percents: float | None, says: Sequence[str] = (), seconds: float = 1) -> Marksheet:
    marks = [earn(f"q{number}", percent, says=says) for number, percent in enumerate(percents, 1)]
    return replace(sheet(*marks, submission=student), timing={"seconds": seconds})


def tally(sheets: Iterable[Marksheet], *, failed: int = 0, absent: int = 0) -> ClassTally:
    found = ClassTally()
    for item in sheets:
        found.add(item)
    for _ in range(failed):
        found.add_ungraded(failed=True)
    for _ in range(absent):
        found.add_ungraded(failed=False)
    return found


def repeat(*groups: tuple[int, Sequence[float | None]], **more) -> ClassTally:
    """Return a class of so many hand-ins with these percents each."""
    each = [percents for count, percents in groups for _ in range(count)]
    return tally((hand_in(f"s{number:03d}", *percents) for number, percents in enumerate(each)), **more)


def render(found: ClassTally, audience: str = "staff", title: str = "Homework") -> str:
    return render_class_page(found, title=title, templates=[], audience=audience)


def mistakes(page: Page) -> list[str]:
    """Return what is wrong with a page, apart from links to hand-ins, which have their own test."""
    return [item for item in page.mistakes if "/feedback.html" not in item and "/marksheet.json" not in item]


def words(html: str) -> str:
    return " ".join(read_page(html).text.split())


def bars(html: str) -> list[str]:
    """Return what each plot says to those who do not see it."""
    return [node.attributes["aria-label"] for node in read_page(html).all("svg")]


def row(html: str, name: str) -> list[str]:
    """Return the numbers of the one table row that begins with a criterion or a finding."""
    rows = re.findall(rf'<tr><th scope="row">(?:<strong>|<code>){re.escape(name)}</.*?</tr>', html)
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", *rows)] if rows else []


# --- for staff ---


def test_the_counts_say_where_the_class_stands() -> None:
    found = repeat((5, (100, 50)), (2, (100, None)), (1, (None, None)), failed=3, absent=4)
    text = words(render(found))
    assert "5 settled 3 waiting for a person 3 failed or not graded 4 without a hand-in" in text


def test_the_totals_lie_in_tenths_and_what_waits_is_in_none() -> None:
    groups = [(1, (0,)), (2, (9.9,)), (1, (10,)), (3, (59.99,)), (4, (60,)), (1, (99.9,)), (2, (100,)), (6, (None,))]
    label = bars(render(repeat(*groups)))[0]
    numbers = "0+ 3, 10+ 1, 20+ none, 30+ none, 40+ none, 50+ 3, 60+ 4, 70+ none, 80+ none, 90+ 3."
    assert label == f"Settled totals. hand-ins: {numbers}"


def test_a_criterion_says_how_hard_it_is() -> None:
    groups = [(3, (100,)), (1, (50,)), (2, (50.01,)), (1, (0.01,)), (4, (0,)), (2, (None,))]
    html = render(repeat(*groups))
    assert row(html, "q1") == ["41 %", "3", "4", "11", "2"]
    assert bars(html)[1] == "q1. hand-ins: none 4, up to half 2, over half 2, full 3."
    assert "Title q1" in words(html)


def test_criteria_come_in_the_rubrics_order() -> None:
    html = render(tally([sheet(*(earn(name, 10) for name in ("q2", "q10", "q1", "a")))]))
    assert re.findall(r'<tr><th scope="row"><strong>(\w+)</strong>', html) == ["q2", "q10", "q1", "a"]


def test_findings_are_counted_once_a_hand_in_and_the_most_frequent_come_first() -> None:
    found = ClassTally()
    found.add(hand_in("s1", 10, 10, 10, says=["zebra", "once"]))
    found.add(hand_in("s2", 10, says=["ape"]))
    html = render(found)
    assert row(html, "test.says_0") == ["2", "ape"] and row(html, "test.says_1") == ["1", "once"]
    assert row(html, "intake.staff") == ["2", "STAFF-FINDING"] and "intake.staff</code> <span" in html
    order = re.findall(r"<code>([\w.]+)</code>", html)
    assert order == ["intake.staff", "test.says_0", "test.staff", "test.says_1"]


def test_at_most_25_findings_are_shown_and_long_messages_are_cut() -> None:
    html = render(tally([hand_in("s1", 10, says=["x" * 400] + ["y"] * 39)]))
    assert len(re.findall(r"<code>", html)) == 25 and "x" * 300 in html and "x" * 301 not in html


def test_who_waits_is_listed_most_marks_first_then_in_natural_order() -> None:
    found = tally(
        [hand_in("s10", None, None, 5), hand_in("s9", None, 5, None), hand_in("s1", None), hand_in("done", 5)]
    )
    html = render(found)
    listed = re.findall(r"<bdi>(\w+)</bdi></a></th><td class=\"number\">(\d+)</td><td>([^<]*)</td>", html)
    assert listed == [("s9", "200", "q1, q3"), ("s10", "200", "q1, q2"), ("s1", "100", "q1")]


def test_a_list_of_more_than_a_hundred_is_cut_and_says_so() -> None:
    html = render(repeat((103, (None,)), (1, (5,))))
    assert html.count("feedback.html") == 100 and "and 3 more" in words(html)
    assert "more" not in words(render(repeat((100, (None,)))))


@pytest.mark.parametrize(
    "student", ["s1", "a b#c?d%e", "../up", "علی‌رضا", 'x"><script>', "javascript:x", "a\\x1bb", "&amp;"]
)
def test_links_lead_to_the_hand_in_and_nowhere_else(student: str) -> None:
    page = read_page(render(tally([hand_in(student, None)])))
    links = [node.attributes["href"] for node in page.all("a")]
    assert [unquote(link) for link in links] == [f"./{student}/feedback.html", f"./{student}/marksheet.json"]
    assert all(re.fullmatch(r"\./[\w.%~-]+/(feedback\.html|marksheet\.json)", link, re.ASCII) for link in links)


def test_the_time_taken_is_told_with_the_slowest() -> None:
    found = tally(hand_in(f"s{number}", 5, seconds=number) for number in range(1, 10))
    text = words(render(found))
    assert "Median of a hand-in: 5.0 s. The slowest: s9: 9.0 ss8: 8.0 ss7: 7.0 ss6: 6.0 ss5: 5.0 s" in text


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_hand_ins_never_shows(seed: int) -> None:
    random = Random(seed)
    shares = [None, 0, 10, 33.33, 50, 62.5, 66.67, 100]
    sheets = [
        replace(
            sheet(
                *(earn(f"q{n}", random.choice(shares), str(n), [f"m{random.random()}"]) for n in (3, 7, 9)),
                submission=f"s{number}",
            ),
            timing={"seconds": number % 4},
        )
        for number in range(40)
    ]
    pages = []
    for _ in range(3):
        random.shuffle(sheets)
        found = tally(sheets)
        pages.append((render(found), render(found, "student")))
    assert pages[0] == pages[1] == pages[2]


def test_a_mean_on_the_edge_is_rounded_the_same_in_any_order() -> None:
    """The mean is 43.5; added up as floats, these shares come to more or less than that by the order."""
    sheets = [hand_in(f"s{n}", percent) for n, percent in enumerate([49, 19, 17, 44, 15, 79, 76, 49])]
    means = {row(render(tally(order)), "q1")[0] for order in (sheets, sheets[::-1], sheets[3:] + sheets[:3])}
    assert means == {"44 %"}


def test_text_of_students_is_escaped_cleaned_and_changes_no_structure() -> None:
    def page(text: str) -> Page:
        marks = [earn("q1", None, says=[text]), replace(earn("q2", 5), criterion=text, title=text)]
        marks += [replace(earn("q3", None), criterion=text + "3")]
        return read_page(render(tally([sheet(*marks, submission=text, notes=[text])]), title=text))

    attack = page("<script>alert(1)</script>\"'></style>{{ 7 * 7 }}")
    harmless = page("harmless")
    assert attack.skeleton == harmless.skeleton and mistakes(attack) == mistakes(harmless) == []
    assert attack.text.count("<script>alert(1)</script>") >= 6 and "{{ 7 * 7 }}" in attack.text
    html = render(tally([hand_in("s1", 5, says=["a\x1b[31mred\u202eevil\0\ud800"])]))
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", html) and "red" in html


def test_plots_have_words_and_tables_and_every_id_is_its_own() -> None:
    for audience in ("staff", "student"):
        html = render(repeat((20, (100, 0)), (20, (0, 20)), (20, (100, 100))), audience)
        page = read_page(html)
        assert mistakes(page) == []
        assert len(bars(html)) == len(page.all("figure")) == len(page.all("figcaption")) == 3
        assert len(page.all("details")) == 3 and len([n for n in page.all("table") if "data" in str(n.attributes)]) == 3
        assert "percent of all markshand-ins" in page.text and "over half" in page.text


@pytest.mark.parametrize("audience", ["staff", "student"])
def test_an_empty_class_makes_a_page(audience: str) -> None:
    html = render(ClassTally(), audience)
    assert mistakes(read_page(html)) == [] and bars(html) == []
    assert ("Nothing waits." if audience == "staff" else "Fewer than ten hand-ins are graded") in words(html)


@pytest.mark.parametrize("audience", ["staff", "student"])
def test_a_class_in_which_all_wait_makes_a_page(audience: str) -> None:
    html = render(repeat((12, (None, None))), audience)
    assert mistakes(read_page(html)) == [] and bars(html) == []
    assert "0 settled 12 waiting for a person" in words(html)
    assert row(html, "q1") == (["–", "–", "–", "0", "12"] if audience == "staff" else [])


def test_the_page_needs_no_network_and_no_script() -> None:
    html = render(repeat((20, (100,)), (20, (None,))))
    assert "default-src 'none'" in html and not re.search(r"https?:|<script|src=|@import|url\(", html)


# --- for students: what is told, and what is not at nine but is at ten ---


@pytest.mark.parametrize(("graded", "shown"), [(9, False), (10, True)])
def test_fewer_than_ten_hand_ins_show_nothing(graded: int, shown: bool) -> None:
    html = render(repeat((graded, (100,)), failed=30), "student")
    assert (f"{graded} graded" in words(html), bool(bars(html))) == (shown, shown)
    assert shown or "Title q1" not in html


@pytest.mark.parametrize(
    ("settled", "waiting", "shown"),
    [(20, 0, True), (20, 9, False), (20, 10, True), (9, 20, False), (10, 20, True), (0, 20, True), (9, 9, False)],
)
def test_how_many_wait_is_told_only_of_ten_or_more_nor_can_it_be_subtracted(
    settled: int, waiting: int, shown: bool
) -> None:
    html = render(repeat((settled, (100, 100)), (waiting, (100, None))), "student")
    assert ("settled" in words(html).split("Totals")[0].split("Criteria")[0]) is shown
    assert (f"{settled} settled {waiting} waiting" in words(html)) is shown
    assert any("Settled totals" in label for label in bars(html)) is (shown and settled > 0)


@pytest.mark.parametrize(
    ("percents", "bins"),
    [
        ([(10, 5), (10, 15), (10, 95)], 10),
        ([(9, 5), (10, 15), (10, 95)], 5),
        ([(9, 5), (1, 15), (10, 25), (10, 95)], 5),
        ([(9, 15), (9, 22), (10, 95)], 4),
        ([(5, 5), (5, 22), (5, 45), (10, 95)], 2),
        ([(9, 5), (30, 95)], 0),
        ([(9, 55), (9, 5)], 0),
        ([(10, 100)], 10),
    ],
)
def test_totals_are_as_fine_as_no_bin_holds_one_to_nine(percents: list[tuple[int, float]], bins: int) -> None:
    found = repeat(*((count, (percent,)) for count, percent in percents))
    plots = [label for label in bars(render(found, "student")) if "Settled totals" in label]
    numbers = re.findall(r"(\d+)\+ (\w+)", "".join(plots))
    assert [int(start) for start, _ in numbers] == [n * 100 // bins for n in range(bins)]
    assert all(count == "none" or int(count) >= 10 for _, count in numbers)
    assert sum(int(count) for _, count in numbers if count != "none") == (sum(n for n, _ in percents) if bins else 0)
    assert len(re.findall(r"\d+\+", bars(render(found))[0])) == 10


@pytest.mark.parametrize(
    ("counts", "said", "cells"),
    [
        ((10, 10, 10, 10), "none 10, up to half 10, over half 10, full 10", ["50 %", "10", "10", "40"]),
        ((10, 0, 0, 10), "none 10, up to half none, over half none, full 10", ["50 %", "10", "10", "20"]),
        ((10, 9, 10, 10), "none 10, a part 19, full 10", ["–", "10", "10", "39"]),
        ((9, 10, 10, 10), "not full 29, full 10", ["–", "10", "–", "39"]),
        ((10, 10, 10, 9), "none 10, some 29", ["–", "–", "10", "39"]),
        ((9, 1, 0, 10), "not full 10, full 10", ["–", "10", "–", "20"]),
        ((9, 0, 0, 30), None, []),
        ((9, 30, 30, 9), None, []),
    ],
)
def test_shares_held_by_too_few_are_joined_or_left_out(counts: Sequence[int], said: str | None, cells: list) -> None:
    groups = [(count, (percent,)) for count, percent in zip(counts, (0, 25, 75, 100), strict=True)]
    html = render(repeat(*groups), "student")
    plots = [label for label in bars(html) if label.startswith("q1")]
    assert plots == ([f"q1. hand-ins: {said}."] if said else [])
    assert row(html, "q1") == cells
    assert said or "too few have one of the results: q1." in words(html)


@pytest.mark.parametrize(("waiting", "shown"), [(0, True), (9, False), (10, True)])
def test_a_criterion_for_which_one_to_nine_wait_is_left_out(waiting: int, shown: bool) -> None:
    html = render(repeat((20, (100, 100)), (waiting, (100, None))), "student")
    assert row(html, "q1") == ["100 %", str(20 + waiting), "0", str(20 + waiting)]
    assert row(html, "q2") == (["100 %", "20", "0", "20"] if shown else [])


@pytest.mark.parametrize(("elsewhere", "shown"), [(9, False), (10, True)])
def test_nor_may_it_follow_how_few_wait_for_something_else_only(elsewhere: int, shown: bool) -> None:
    html = render(repeat((20, (100, 100)), (15, (None, 100)), (elsewhere, (100, None))), "student")
    assert f"20 settled {15 + elsewhere} waiting" in words(html)
    assert bool(row(html, "q1")) is shown


def say(found: ClassTally, count: int, *findings: Finding) -> None:
    for number in range(count):
        found.add(replace(hand_in(f"n{number}", 100), findings=findings))


@pytest.mark.parametrize(
    ("having", "others", "shown"), [(9, 30, False), (10, 30, True), (30, 9, False), (30, 10, True), (30, 0, True)]
)
def test_a_finding_is_told_of_ten_or_more_and_if_not_all_but_a_few_have_it(
    having: int, others: int, shown: bool
) -> None:
    found = ClassTally()
    say(found, having, Finding(code="test.code", message="your 37.5 is wrong"))
    say(found, others)
    html = render(found, "student")
    assert row(html, "test.code") == ([str(having)] if shown else [])
    assert "37.5" not in html and "37.5" in render(found)
    assert {item.message for item in found.build_findings("student")} <= {""}  # for a course's own template too


def test_what_staff_alone_are_told_is_not_counted_for_students() -> None:
    found = ClassTally()
    say(found, 12, Finding(code="test.mixed", message="b"), Finding(code="test.secret", message="x", audience="staff"))
    say(found, 11, Finding(code="test.mixed", message="a", audience="staff"))
    html = render(found, "student")
    assert row(html, "test.mixed") == ["12"] and "secret" not in html
    staff = render(found)
    assert row(staff, "test.mixed") == ["23", "a"] and row(staff, "test.secret") == ["12", "x"]
    assert "mixed</code> <span" not in staff and "secret</code> <span" in staff


def test_no_hand_in_and_nothing_for_staff_is_on_the_students_page() -> None:
    names = [f"student-{number:03d}-name" for number in range(60)]
    sheets = [
        hand_in(name, 100, None if number < 20 else 5, says=[f"quote of {name}"], seconds=4321.5)
        for number, name in enumerate(names)
    ]
    html = render(tally(sheets, failed=13, absent=17), "student").encode()
    staff = render(tally(sheets, failed=13, absent=17)).encode()
    hidden = [
        *names,
        *STAFF,
        "test.staff",
        "intake.staff",
        "quote of",
        "4321.5",
        "marksheet",
        "feedback.html",
        "slowest",
    ]
    assert [word for word in hidden if word.encode() in html] == []
    assert b"13</strong>" not in html and b"17</strong>" not in html
    assert b"test.says_0" in html and names[0].encode() in staff and b"4321.5" in staff and b"intake.staff" in staff


@pytest.mark.parametrize("seed", range(8))
def test_no_number_on_the_students_page_is_one_to_nine_nor_differs_so_from_another(seed: int) -> None:
    """Random classes: the sizes that lie within one another (settled, marked, graded), and every bar."""
    random = Random(seed)
    chance = random.choice([0, 0.02, 0.1, 0.4])
    found = tally(
        hand_in(f"s{n}", *(None if random.random() < chance else random.choice([0, 25, 75, 100]) for _ in range(3)))
        for n in range(random.randint(10, 150))
    )
    html = render(found, "student")
    text = words(html)
    graded = [int(number) for number in re.findall(r"(\d+) graded", text)]
    settled = [int(number) for number in re.findall(r"(\d+) settled", text)]
    waiting = [int(number) for number in re.findall(r"(\d+) waiting for", text)]
    rows = [row(html, f"q{n}") for n in (1, 2, 3)]
    marked = [int(cells[3]) for cells in rows if cells]
    in_bars = [int(number) for label in bars(html) for number in re.findall(r" (\d+)(?=[,.])", label)]
    for cells in rows:
        in_bars += [int(cell) for cell in cells[1:] if cell != "–"]
    assert [number for number in graded + settled + waiting + in_bars if 0 < number < 10] == []
    apart = [(a, b) for a, b in combinations(graded + settled, 2)]
    apart += [(a, b) for a in graded + settled for b in marked]
    assert [pair for pair in apart if 0 < abs(pair[0] - pair[1]) < 10] == []
