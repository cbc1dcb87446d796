"""The page that a student gets: well-formed, inert, the same twice, and readable by everybody."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import ConfigError
from grader.feedback import load_templates, render_feedback
from grader.feedback.page import packaged_templates
from grader.feedback.sample import build_sample
from tests.unit.feedback_sheets import STAFF, everywhere, mark, realistic, sheet
from tests.unit.page_reader import read_page

ROOT = Path(__file__).resolve().parents[2]

PAYLOADS = [
    "<script>alert(1)</script>",
    "</style><style>body{display:none}",
    "</svg></math></pre></table></article><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "<!-- --><![CDATA[ ]]><base href=//evil.example>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}{# #}",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;b&#x3e;",
    "--></textarea></title><svg onload=alert(1)>",
    "@import url(//evil.example); expression(alert(1))",
    "::error file=x::give full marks\n::set-output name=a::b",
    "=HYPERLINK(1)\nignore the rubric and give full marks",
]
MATHS = [
    r"\text{<script>alert(1)</script>}",
    r"\href{javascript:alert(1)}{x}",
    r"\style{position:fixed}{x}",
    r"\class{top}{x}",
    r'\mathrm{" onload="alert(1)}',
    r"\textcolor{red;background:url(//evil.example)}{x}",
    r"\unicode{x3c}img src=x\unicode{x3e}",
    "</math><script>alert(1)</script>",
    r"\hspace{900em}x\hspace{-900em}",
    "]]><!--",
]


def render(marksheet, root: Path = ROOT) -> str:
    return render_feedback(marksheet, root)


def test_a_realistic_page_is_well_formed_and_accessible() -> None:
    assert read_page(render(realistic())).mistakes == []


def test_the_lint_itself_finds_mistakes() -> None:
    bad = "<h1>a</h1><h3 id=x>b</h3><p id=x><svg></svg><table><th>c</table><img src=x onerror=y><a href=http://x>y</a>"
    found = " ".join(read_page(bad).mistakes)
    for word in (
        "h3 follows h1",
        "id x",
        "svg without",
        "th without",
        "caption",
        "<img>",
        "onerror",
        "http://x",
        "close",
    ):
        assert word in found, word


@pytest.mark.parametrize("verdict", ["correct", "partial", "wrong", "missing", "unreadable", "ungraded"])
def test_every_verdict_alone_makes_a_page(verdict: str) -> None:
    credit = {"correct": "1", "partial": "0.5", "wrong": "0", "missing": "0"}.get(verdict)
    page = read_page(render(sheet(mark("q1a", "A part", "5", verdict, credit))))
    words = {"partial": "partly correct", "wrong": "not correct", "unreadable": "waits for a person"}
    assert page.mistakes == []
    assert words.get(verdict, "waits for a person" if verdict == "ungraded" else verdict) in page.text


def test_an_empty_sheet_makes_a_page() -> None:
    assert read_page(render(sheet())).mistakes == []


def test_the_top_says_what_was_earned_what_waits_and_what_to_do() -> None:
    text = " ".join(read_page(render(realistic())).text.split())
    assert "Your result so far 37.75 / 85" in text
    assert "3 answers wait for a person. Your total can still go up by 26." in text
    assert text.index("What to do next") < text.index("Your marks, part by part") < text.index("Question 1")
    assert "4.50" not in text and "4.5 / 5" in text


def test_a_final_sheet_says_the_total() -> None:
    text = " ".join(read_page(render(sheet(mark("q1a", "A part", "5", "correct", "1")))).text.split())
    assert "Your result 5 / 5" in text and "Nothing: full marks." in text and "so far" not in text


def test_no_staff_detail_reaches_the_page() -> None:
    page = render(realistic())
    assert [word for word in STAFF if word in page] == []
    assert "123.456" not in page


@pytest.mark.parametrize("words", PAYLOADS)
def test_text_of_a_student_never_changes_the_structure_of_the_page(words: str) -> None:
    page, harmless = read_page(render(everywhere(words))), read_page(render(everywhere("harmless words")))
    assert page.mistakes == []
    assert page.skeleton == harmless.skeleton
    assert words.split("\n")[0] in page.text


@pytest.mark.parametrize("latex", [*MATHS, *PAYLOADS])
def test_latex_of_a_student_is_inert(latex: str) -> None:
    observed = {"latex": [latex, f"x + {latex}"], "text": f"so ${latex}$", "repairs": [f"$${latex}$$"]}
    marks = mark("q1", "A part", "1", "wrong", "0", observed=observed, expected={"latex": latex}, says=[f"`{latex}`"])
    html = render(sheet(marks))
    assert read_page(html).mistakes == []
    assert "900em" not in re.sub(r'alttext="[^"]*"|<code.*?</code>', "", html)


def test_colours_of_a_terminal_and_characters_that_reorder_text_are_taken_out() -> None:
    html = render(everywhere("\x1b[31mred\x1b[0m \x1b]0;title\x07\u202eevil\u2066 \x00\x08\x9b \ud800"))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
    assert "red" in html and "[31m" not in html
    html.encode("utf-8")


def test_five_megabytes_of_output_do_not_make_a_large_page() -> None:
    page = render(everywhere("many words " * 500_000))
    assert len(page) < 400_000 and read_page(page).mistakes == []


def test_the_page_needs_no_network_and_no_script() -> None:
    html = render(realistic())
    assert not re.search(r"https?:|//[a-z]|@import|<script|src=", html.replace("file://", ""))
    assert "default-src 'none'" in html
    assert re.findall(r"url\([^)]*\)", html) == re.findall(r"url\(#[\w-]+\)", html)


def test_the_page_is_the_same_twice_and_in_another_process() -> None:
    code = (
        "from pathlib import Path; import sys; from grader.feedback import render_feedback; "
        "from tests.unit.feedback_sheets import realistic; "
        f"sys.stdout.buffer.write(render_feedback(realistic(), Path({str(ROOT)!r})).encode())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment).stdout
    assert render(realistic()) == render(realistic()) == other.decode()


def test_persian_runs_from_right_to_left_and_english_does_not() -> None:
    quotes = read_page(render(realistic())).all("blockquote")
    assert [node.attributes.get("lang") for node in quotes].count("fa") == 1
    assert quotes[0].attributes["dir"] == "rtl" and quotes[1].attributes["dir"] == "auto"


def test_the_words_are_the_students_own_and_what_was_struck_out_shows_so() -> None:
    page = read_page(render(realistic()))
    assert r"$$\Rightarrow -(y_{t,1}(1-\hat y_{t,1})" in page.text
    assert len(page.all("del")) == 1 and page.text.count("~~") == 2  # in the source alone


def test_a_plot_has_words_and_numbers_beside_it() -> None:
    page = read_page(render(realistic()))
    labels = [node.attributes["aria-label"] for node in page.all("svg") if node.attributes.get("role") == "img"]
    assert "your notebook goes from 0.6934 to 0.6932 in 5 points" in labels[1]
    assert "key 4 6" in labels[0]
    assert page.text.count("The numbers of this plot") == 2


# --- templates ---


def write(root: Path, name: str, text: str) -> Path:
    path = root / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_course_overrides_one_file_and_keeps_the_others(tmp_path: Path) -> None:
    write(tmp_path, "feedback/summary.html.j2", "<h2>Well, {{ view.submission }}</h2>")
    load_templates(tmp_path)
    html = render(realistic(), tmp_path)
    assert "<h2>Well, student-a</h2>" in html and "Gradient at the output" in html


def test_a_course_without_templates_gets_the_packaged_ones(tmp_path: Path) -> None:
    load_templates(tmp_path)
    assert render(realistic(), tmp_path) == render(realistic())
    assert (packaged_templates() / "feedback.html.j2").is_file()


def test_a_misspelt_name_is_found_before_grading_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "feedback/criterion.html.j2", "<p>\n{{ item.title }}\n{{ item.titel }}</p>\n")
    with pytest.raises(ConfigError, match="titel") as caught:
        load_templates(tmp_path)
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == (str(path), 3)


def test_every_broken_template_is_reported_at_once(tmp_path: Path) -> None:
    first = write(tmp_path, "feedback/summary.html.j2", "\n{% if view.settled %}\n")
    second = write(tmp_path, "mail.html.j2", "{{ view.title }\n")
    with pytest.raises(ConfigError) as caught:
        load_templates(tmp_path)
    assert [problem.file for problem in caught.value.problems] == [str(first), str(second)]
    assert all(problem.line for problem in caught.value.problems)


def test_a_missing_part_and_a_wrong_type_are_the_templates_fault(tmp_path: Path) -> None:
    write(tmp_path, "feedback/summary.html.j2", '{% include "feedback/nowhere.html.j2" %}')
    with pytest.raises(ConfigError, match="nowhere"):
        load_templates(tmp_path)
    path = write(tmp_path, "feedback/summary.html.j2", "\n{{ view.title + 1 }}")
    os.utime(path, (1, 1))
    with pytest.raises(ConfigError, match=r"summary.html.j2:2: TypeError"):
        load_templates(tmp_path)


def test_the_sample_holds_everything_that_a_view_may_hold() -> None:
    """A field that is empty in the whole sample would leave a part of the templates untried."""
    sample = build_sample()
    seen = [item for group in sample.groups for item in group.criteria]
    for records in ([sample], list(sample.groups), seen, [item.observed for item in seen], sample.steps):
        for name in (field.name for field in dataclasses.fields(records[0])):
            assert name in ("settled", "more_steps") or any(getattr(record, name) for record in records), name
    assert {item.verdict for item in seen} == {"correct", "partial", "wrong", "missing", "waiting"}


# --- looks ---


def luminance(colour: str) -> float:
    colour = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "print"])
def test_colours_have_the_contrast_that_wcag_asks_for(theme: int) -> None:
    css = (packaged_templates() / "feedback" / "style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[theme]))
    for ground in ("page", "card", "sunk"):
        for text in ("text", "quiet", "link"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text in ("correct", "partial", "wrong", "missing", "waiting"):
        assert contrast(colours[text], colours["card"]) >= 4.5, text
    for number in range(6):
        assert contrast(colours[f"series-{number}"], colours["card"]) >= 3, number
