"""What is added to a YAML text: exactly it is read back, and every other byte stays."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.workbench.learning.insertion import Addition, insert, render_number, render_text

ROOT = Path(__file__).resolve().parents[2]
TEXT = """\
# A comment: [not, a, list]
criteria:   # odd   spaces
  - id: q1
    phrases: ["one",  "two"]   # why
    words:
      - "first"   # its reason
      # a comment inside

      - 'second'
    # a comment after
    empty: []
    readings:
      full: {formula: '\\hat{y}', oracle: autograd}
    mistakes:
      old:
        credit: 0.5
        formulas: ['a', 'b']

  - id: q2   # the second
    notes: |-
      A literal: text

      of lines
    shared: &time ["x"]
    again: *time
    last: 1
"""
HOSTILE = [
    "plain words", 'a "quote"', "it's", "colon: here", "# no comment", "line\none", "{{ danger }}",
    "*alias", "&anchor x", "\u202eturned round", "- item", "? key", "! tag", "%YAML 1.2", "---", "...", "\ttab",
    " space ", "null", "true", "1e5", "010", "", "]", "}", ", ", "\\", "\\u0041", "\x00", "\x85", "\u2028", "\ufeff",
    "\ufffe", "نمی‌شود", "🙂", "=", "<<",
]  # fmt: skip
PLACES = [
    Addition(path=("criteria", 0, "phrases"), value=""),
    Addition(path=("criteria", 0, "words"), value=""),
    Addition(path=("criteria", 0, "words"), value="", after=0),
    Addition(path=("criteria", 0, "empty"), value=""),
    Addition(path=("criteria", 0, "not_there"), value=""),
    Addition(path=("criteria", 0, "readings"), key="new", value=""),
    Addition(path=("criteria", 0, "mistakes"), key="new", value=""),
    Addition(path=("criteria", 1), key="new", value=""),
    Addition(path=("criteria",), value=""),
]


def add(text, place, value, quote='"'):
    return insert(text, Addition(path=place.path, key=place.key, after=place.after, value=value), quote=quote)


def find(data, path):
    for part in path:
        data = data[part]
    return data


@settings(max_examples=150, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    text=st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]))),
    quote=st.sampled_from("'\""),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_exactly_the_text_is_read_back_and_nothing_else_has_changed(place, text, quote, ends):
    before = TEXT.replace("\n", ends)
    after = add(before, place, text, quote)
    data, old = yaml.safe_load(after), yaml.safe_load(before)
    parent = find(data, place.path)
    if place.key:
        found = parent.pop(place.key)
    else:
        found = parent.pop(len(parent) - 1 if place.after is None else place.after + 1)
        if not parent and place.path[-1] == "not_there":
            del data["criteria"][0]["not_there"]
    assert found == text and data == old
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    assert after.endswith(before[start:])  # one piece was put in, and every other byte stays


@pytest.mark.parametrize("value", [{"a": "x: y", "b": [1, 2.5]}, {"a": {"b": ["x"]}}, [[4], [0, 1]]])
def test_records_are_written_as_their_neighbours_are(value):
    after = add(TEXT, PLACES[6], value)
    assert yaml.safe_load(after)["criteria"][0]["mistakes"]["new"] == value
    lines = after.splitlines()
    where = next(number for number, line in enumerate(lines) if line.startswith("      new:"))
    assert (lines[where] == "      new:") == isinstance(value, dict)


def test_a_list_that_is_shared_or_a_text_that_is_no_yaml_is_left_alone():
    for name in ("again", "shared"):
        with pytest.raises(ValueError, match=r"alias|changing something else"):
            add(TEXT, Addition(path=("criteria", 1, name), value=""), "x")
    with pytest.raises(ValueError, match="ends with an alias"):
        add(TEXT.replace("    last: 1\n", ""), Addition(path=("criteria", 1), key="new", value=""), "x")
    with pytest.raises(ValueError, match="no YAML"):
        add("a: [", PLACES[0], "x")
    with pytest.raises(ValueError, match="surrogate"):
        render_text("\ud800")
    with pytest.raises(ValueError, match="stands there already"):
        add(TEXT, Addition(path=("criteria", 0, "readings"), key="full", value=""), "x")


@pytest.mark.parametrize("number", [0, 1, -2, 0.5, 1e-7, 12345678.25, 1e21])
def test_numbers_are_read_back_by_every_reader(number):
    assert yaml.safe_load(render_number(number)) == number and "e" not in render_number(number)


@pytest.mark.parametrize("name", ["choice", "formula", "prose", "vector"])
def test_a_row_goes_into_each_of_the_houses_tables(name):
    text = (ROOT / "tests" / "cases" / f"{name}.yaml").read_text(encoding="utf-8")
    row = {"criterion": "q1a", "answer": "a 'hostile' #text: {{x}}\n\u202e", "verdict": "correct|unreadable"}
    for after in (None, 3):
        added = insert(text, Addition(path=(), value=row, after=after), quote="'")
        rows = yaml.safe_load(added)
        assert rows.pop(-1 if after is None else 4) == row and rows == yaml.safe_load(text)
        lines = added.splitlines()
        assert [line for line in text.splitlines() if line not in lines] == []
