"""The generated comment corpus, a mild stand-in for the public Jigsaw toxic-comment set with the same columns.

A comment has one to five clauses: neutral sentences from a talk page and exactly one judgement of a person. It is toxic
exactly when that judgement is an insult that stands un-negated. "you are a fool, not a hero" and "you are a hero, not
a fool" hold the same words, and neutral clauses speak of clowns and use "not" as well, so the order of the words
decides and a bag of words does not suffice.

Everything comes from integer seeds through ``random.Random.random``, whose stream Python keeps across versions. Nothing
heavy is imported: the grader's own process builds hidden comments with this file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence, Set
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

COLUMNS = ("id", "comment_text", "toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
DATA_FILE = Path(__file__).parent / "data" / "data.csv"
COURSE_SEED = 13
# After the template's stratified split (a quarter test, a fifth of the rest validation) 4,000 rows stay for training.
COURSE_COMMENTS = 6667
COURSE_DUPLICATES = 120
COURSE_EMPTIES = 60
HIDDEN_COMMENTS = 1000
TOXIC_SHARE = 0.3
UNSEEN_SHARE = 0.12
LAST_SHARE = 0.7  # of the judgements close their comment; the others stand anywhere

CLAUSE_COUNTS = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5)
THINGS = (
    *("article", "page", "section", "source", "link", "title", "image"),
    *("table", "list", "quote", "note", "draft", "chart"),
)
UNSEEN_THINGS = ("map", "poem", "chapter", "footnote", "bridge", "recipe", "statue", "timeline")
DEEDS = ("moved", "added", "removed", "checked", "fixed", "read", "saw", "wrote", "changed", "deleted")
TIMES = ("today", "again", "yesterday", "now", "later", "soon")
STATES = ("long", "short", "old", "new", "clear", "ready", "empty", "broken")
INSULT_NOUNS = ("fool", "clown", "liar", "troll", "pest", "bully")
INSULT_WORDS = ("silly", "lazy", "rude", "useless", "boring", "mean")
PRAISE_NOUNS = ("hero", "friend", "expert", "helper", "star", "genius")
PRAISE_WORDS = ("kind", "careful", "honest", "helpful", "clever", "patient")
SUBJECTS = ("you are", "you were", "this editor is", "that user is", "the admin is")
JOINS = (", ", ", ", "; ", " and ", " but ")
ENDS = (".", ".", "!", "")

Option = TypeVar("Option")


class Comment(NamedTuple):
    """One comment and whether it is toxic (0 or 1)."""

    text: str
    toxic: int


def tokenize(text: str) -> list[str]:
    """Split a comment of this corpus into words and punctuation, just as nltk's ``word_tokenize`` splits it."""
    return re.findall(r"\w+|[^\w\s]", text)


def build_comments(random: Random, count: int, *, taken: Set[str] = frozenset(), unseen: float = 0.0) -> list[Comment]:
    """Return ``count`` different comments, none of which is in ``taken``.

    ``unseen`` is the share of comments that name a thing which no course comment names.
    """
    seen = set(taken)
    comments = []
    for _ in range(count):
        toxic = random.random() < TOXIC_SHARE
        clauses = _pick(random, CLAUSE_COUNTS)
        things = THINGS if random.random() >= unseen else UNSEEN_THINGS
        tries = 0
        while (text := _comment(random, toxic, clauses + tries // 20, things)) in seen:
            tries += 1  # short comments run out: after twenty tries in vain, one clause more
        seen.add(text)
        comments.append(Comment(text, int(toxic)))
    return comments


def build_course_comments() -> list[Comment]:
    """Return the different comments of the course file, without the duplicates and empty ones that it also holds."""
    return list(_course_comments())


def build_hidden_comments(seed: int, count: int = HIDDEN_COMMENTS) -> list[Comment]:
    """Return a hidden test set: no comment of the course file, and in some comments words which that lacks.

    Any integer is a seed; equal seeds give equal sets.
    """
    random = Random(f"hw5 hidden {seed}")  # noqa: S311, the seed is what has to be secret, not the generator
    return build_comments(random, count, taken=_course_texts(), unseen=UNSEEN_SHARE)


def render_course_file() -> str:
    """Return data.csv as text: the course's comments with some rows twice and some comments empty, shuffled."""
    random = Random(f"hw5 file {COURSE_SEED}")  # noqa: S311, reproducible, not secret
    rows = build_course_comments()
    rows += [_pick(random, rows) for _ in range(COURSE_DUPLICATES)]
    rows += [Comment("", int(random.random() < TOXIC_SHARE)) for _ in range(COURSE_EMPTIES)]
    order = sorted(range(len(rows)), key=lambda _: random.random())
    return _render_csv([rows[index] for index in order], random)


def write_course_file(path: Path = DATA_FILE) -> None:
    """Write data.csv to ``path``, byte for byte the same every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render_course_file().encode())


@cache
def _course_comments() -> tuple[Comment, ...]:
    return tuple(build_comments(Random(f"hw5 course {COURSE_SEED}"), COURSE_COMMENTS))  # noqa: S311, not secret


@cache
def _course_texts() -> frozenset[str]:
    return frozenset(comment.text for comment in _course_comments())


def _render_csv(rows: Sequence[Comment], random: Random) -> str:
    """Every toxic comment is an insult; the four harsher labels of the public set do not occur in this mild one."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    for text, toxic in rows:
        identity = f"{int(random.random() * 16**13):013x}{int(random.random() * 16**3):03x}"
        writer.writerow((identity, text, toxic, 0, 0, 0, toxic, 0))
    return sink.getvalue()


def _pick(random: Random, options: Sequence[Option]) -> Option:
    return options[int(random.random() * len(options))]


def _comment(random: Random, toxic: bool, clauses: int, things: Sequence[str]) -> str:
    parts = [_neutral(random, things) for _ in range(clauses - 1)]
    judgement = _insult(random) if toxic else _no_insult(random)
    place = clauses if random.random() < LAST_SHARE else int(random.random() * clauses)
    parts.insert(place, judgement)
    text = parts[0]
    for part in parts[1:]:
        text += _pick(random, JOINS) + part
    return text + _pick(random, ENDS)


def _neutral(random: Random, things: Sequence[str]) -> str:
    thing, other = _pick(random, things), _pick(random, THINGS)
    person = _pick(random, (*INSULT_NOUNS, *PRAISE_NOUNS))
    return _pick(
        random,
        (
            f"i {_pick(random, DEEDS)} the {thing} {_pick(random, TIMES)}",
            f"i {_pick(random, DEEDS)} it",
            f"the {thing} is {_pick(random, STATES)}",
            f"it is not {_pick(random, STATES)} {_pick(random, TIMES)}",
            f"please look at the {thing}",
            f"thanks for the {thing}",
            f"see the {thing} in the {other}",
            f"we need the {thing} about the {person}",
        ),
    )


def _insult(random: Random) -> str:
    bad, worse, good = _bad(random), _bad(random), _good(random)
    subject = _pick(random, SUBJECTS)
    return _pick(
        random,
        (
            f"{subject} {bad}",
            f"{subject} {bad}",
            f"{subject} surely {bad}",
            f"{subject} {bad} and {worse}",
            f"{subject} {bad}, not {good}",
            f"{subject} not {good} but {bad}",
        ),
    )


def _no_insult(random: Random) -> str:
    bad, good, better = _bad(random), _good(random), _good(random)
    subject = _pick(random, SUBJECTS)
    return _pick(
        random,
        (
            f"{subject} {good}",
            f"{subject} surely {good}",
            f"{subject} {good} and {better}",
            f"{subject} not {bad}",
            f"{subject} surely not {bad}",
            f"{subject} never {bad}",
            f"{subject} not {good}",
            f"{subject} {good}, not {bad}",
            f"{subject} not {bad} but {good}",
        ),
    )


def _bad(random: Random) -> str:
    return _one(random, INSULT_NOUNS, INSULT_WORDS)


def _good(random: Random) -> str:
    return _one(random, PRAISE_NOUNS, PRAISE_WORDS)


def _one(random: Random, nouns: Sequence[str], words: Sequence[str]) -> str:
    """Return a noun with its article or an adjective alone."""
    if random.random() < 0.5:
        return _pick(random, words)
    noun = _pick(random, nouns)
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


if __name__ == "__main__":
    write_course_file()
    print(f"wrote {DATA_FILE}")
