import csv
import io
import subprocess
import sys

import pytest
from nltk.tokenize import word_tokenize
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from reference.hw5.corpus import (
    COLUMNS,
    DATA_FILE,
    INSULT_NOUNS,
    INSULT_WORDS,
    PRAISE_NOUNS,
    PRAISE_WORDS,
    SUBJECTS,
    UNSEEN_THINGS,
    build_course_comments,
    build_hidden_comments,
    render_course_file,
    tokenize,
    write_course_file,
)

INSULTS, PRAISE = {*INSULT_NOUNS, *INSULT_WORDS}, {*PRAISE_NOUNS, *PRAISE_WORDS}


def is_toxic(text: str) -> bool:
    """Read the judgement word by word: an insult counts unless a "not" or "never" stands right before it."""
    subject = next(subject for subject in SUBJECTS if f" {subject} " in f" {text} ")
    negated = False
    for word in tokenize(f" {text}".split(f" {subject} ", 1)[1]):
        if word in ("not", "never"):
            negated = True
        elif word in INSULTS and not negated:
            return True
        elif word in INSULTS | PRAISE:
            negated = False
        elif word not in ("a", "an", "surely", ",", "and", "but"):
            return False
    return False


def test_shipped_file_is_what_the_generator_writes(tmp_path):
    write_course_file(tmp_path / "new" / "data.csv")
    assert (tmp_path / "new" / "data.csv").read_bytes() == DATA_FILE.read_bytes()


def test_columns_and_labels_of_the_file():
    rows = list(csv.DictReader(io.StringIO(render_course_file())))
    assert tuple(rows[0]) == COLUMNS
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row[name] for row in rows for name in COLUMNS[2:]} == {"0", "1"}
    assert all(row["insult"] == row["toxic"] for row in rows)


def test_duplicates_and_empty_comments_have_to_be_dropped():
    rows = list(csv.DictReader(io.StringIO(render_course_file())))
    texts = [row["comment_text"] for row in rows]
    assert texts.count("") == 60
    kept = {(row["comment_text"], row["toxic"]) for row in rows if row["comment_text"]}
    assert len(kept) == len(build_course_comments()) == len(rows) - 60 - 120
    rest = len(kept) - -(-len(kept) // 4)  # scikit-learn rounds a test share up
    assert rest - -(-rest // 5) == 4000


@pytest.mark.parametrize("comments", [build_course_comments(), build_hidden_comments(1)], ids=["course", "hidden"])
def test_labels_follow_from_the_judgement(comments):
    assert [comment for comment in comments if is_toxic(comment.text) != bool(comment.toxic)] == []
    assert 0.26 < sum(comment.toxic for comment in comments) / len(comments) < 0.34


def test_word_order_decides():
    by_words = {}
    for comment in build_course_comments():
        by_words.setdefault(tuple(sorted(tokenize(comment.text))), set()).add(comment.toxic)
    assert sum(len(labels) == 2 for labels in by_words.values()) >= 5  # the same words, toxic in one order only


def test_a_bag_of_words_is_not_enough():
    course, hidden = build_course_comments()[:4000], build_hidden_comments(3)
    counter = CountVectorizer(tokenizer=tokenize, token_pattern=None, lowercase=False)
    model = LogisticRegression(max_iter=500).fit(
        counter.fit_transform([comment.text for comment in course]), [comment.toxic for comment in course]
    )
    guessed = model.predict(counter.transform([comment.text for comment in hidden]))
    assert 0.5 < f1_score([comment.toxic for comment in hidden], guessed) < 0.85


def test_vocabulary_is_small():
    words = {word for comment in build_course_comments() for word in tokenize(comment.text)}
    assert 85 <= len(words) <= 100


@pytest.mark.parametrize("seed", [0, 7, -7, 2**63 - 1])
def test_hidden_comments_are_new(seed):
    hidden = [comment.text for comment in build_hidden_comments(seed)]
    assert len(set(hidden)) == 1000
    assert not set(hidden) & {comment.text for comment in build_course_comments()}
    known = {word for comment in build_course_comments() for word in tokenize(comment.text)}
    strange = [text for text in hidden if set(tokenize(text)) - known]
    assert 10 < len(strange) < 200
    assert {word for text in strange for word in tokenize(text)} - known <= set(UNSEEN_THINGS)


def test_hidden_comments_depend_on_the_seed_alone():
    assert build_hidden_comments(5) == build_hidden_comments(5)
    assert build_hidden_comments(5) != build_hidden_comments(-5) != build_hidden_comments(6)


def test_tokens_are_those_of_nltk():
    for comment in build_course_comments() + build_hidden_comments(2):
        assert tokenize(comment.text) == word_tokenize(comment.text, preserve_line=True)


def test_nothing_heavy_is_imported():
    code = "import sys, reference.hw5.corpus; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=DATA_FILE.parents[3]
    )
    assert not {"torch", "numpy", "pandas", "sklearn", "torchtext", "nltk"} & set(done.stdout.split())
