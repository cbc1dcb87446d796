"""The GloVe helpers, asked about made-up vectors, and the vocabulary that was built with vectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grader.model import Execution, Judgement, PointResult
from reference.hw5.checks.cells import ask, judge_absence
from reference.hw5.checks.replies import (
    Numbers,
    OddReplyError,
    describe,
    earned,
    find_error,
    is_ours,
    join,
    lost,
    read_count,
    read_list,
    read_map,
    read_numbers,
    read_odd,
    unknown,
)
from reference.hw5.checks.requests import find_arguments, read_glove

HELPERS = ("get_vector", "find_closest", "find_analogy")


class Vectors:
    """The vectors that were sent, and rankings of their words by several measures."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.words: list[str] = list(arguments["words"])
        self.rows: Numbers = np.array(arguments["rows"], dtype=np.float64)

    def __getitem__(self, word: str) -> Numbers:
        row: Numbers = self.rows[self.words.index(word.lower())]
        return row

    def rank(self, point: Numbers) -> Iterator[tuple[str, list[str]]]:
        """Yield (measure, words from the nearest to the farthest)."""
        gaps = self.rows - point
        cosine = self.rows @ point / (np.linalg.norm(self.rows, axis=1) * np.linalg.norm(point))
        for name, key in (
            ("euclidean", np.linalg.norm(gaps, axis=1)),
            ("cosine", -cosine),
            ("city", np.abs(gaps).sum(1)),
        ):
            yield name, [self.words[index] for index in np.argsort(key, kind="stable")]


def glove(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_glove``: points lower_case, closest, analogy, vocabulary."""
    reply = ask(question, execution, "glove", HELPERS)
    if isinstance(reply, Judgement):
        return reply
    arguments = find_arguments(seed, "glove")
    vectors = Vectors(arguments)
    try:
        found = read_map(reply, "found")
        look = reply.get("vocabulary")
        if not any(found.get(name) for name in HELPERS) and not _has_vectors(look):
            return judge_absence(question, execution, HELPERS)
        results = (
            _judge_lower_case(reply, arguments, vectors),
            _judge_closest(reply, arguments, vectors),
            _judge_analogy(reply, arguments, vectors),
            _judge_vocabulary(look, execution),
        )
    except OddReplyError:
        return read_odd(question)
    return Judgement(results=results, confirmed=results[-1].share == 0 or _has_glove_rows(look, arguments["look_up"]))


def _judge_lower_case(reply: Mapping[str, Any], arguments: Mapping[str, Any], vectors: Vectors) -> PointResult:
    if "single" not in reply:
        return lost("lower_case", "no get_vector", "absent", "There is no function `get_vector`.")
    answers = read_list(reply, "single")
    right, seen = [], []
    for word, answer in zip(arguments["single"], answers, strict=True) if len(answers) == 3 else ():
        error = find_error(answer)
        value = answer.get("value") if isinstance(answer, Mapping) else None
        close = not error and _is_row(value, vectors[word])
        right.append(close)
        seen.append(error.partition(" (at")[0][:80] or ("its vector" if close else f"{describe(_floats(value))}"))
    if right == [True, True, True]:
        return earned("lower_case", "words with capital letters get their vector")
    if right and right[0]:
        message = (
            "get_vector must look the word up in lower case: GloVe has only lower-case words, so use word.lower()."
        )
        return lost("lower_case", f"'{arguments['single'][1]}': {seen[1]}", "no_lower_case", message)
    message = "get_vector(glove, word) must return the row of glove.vectors that belongs to the word."
    return lost("lower_case", seen[0] if seen else "no answer", "get_vector", message)


def _floats(value: Any) -> Sequence[float]:
    items = value if isinstance(value, list | tuple) else []
    return [float(item) for item in items if isinstance(item, int | float)]


def _is_row(value: Any, row: Numbers) -> bool:
    while isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    try:
        return bool(np.allclose(read_numbers(value, len(row)), row, rtol=1e-4, atol=1e-4))
    except OddReplyError:
        return False


def read_words(answer: Any, vectors: Vectors) -> list[str]:
    """Return the words of an answer in order: of a list of pairs or words, else those among the printed text."""
    if not isinstance(answer, Mapping):
        raise OddReplyError
    value = answer.get("value")
    words: list[str] = []
    for item in value if isinstance(value, list | tuple) else ():
        parts = item if isinstance(item, list | tuple) else [item]
        words += [part.lower() for part in parts if isinstance(part, str) and part.lower() in vectors.words][:1]
    if words or value is not None:
        return words
    printed = answer.get("printed")
    return [word for word in re.findall(r"[a-z]+", str(printed).lower()) if word in vectors.words]


def _judge_closest(reply: Mapping[str, Any], arguments: Mapping[str, Any], vectors: Vectors) -> PointResult:
    if "closest" not in reply:
        return lost("closest", "no find_closest", "absent", "There is no function `find_closest`.")
    answers = read_list(reply, "closest")
    if len(answers) != len(arguments["closest"]):
        raise OddReplyError
    n = arguments["n"]
    asked = list(zip(arguments["closest"][:2], answers[:2], strict=True))
    for word, answer in asked:
        if error := find_error(answer):
            if is_ours(error):
                return unknown("closest", error)
            return lost("closest", error[:100], "closest_raised", f"find_closest raised {error}.")
        words = read_words(answer, vectors)
        if not _is_nearest(words, vectors[word], vectors, n, word):
            return _explain_closest(words, word, vectors, n)
    answer = reply.get("vector")
    if find_error(answer) or not _is_nearest(
        read_words(answer, vectors), np.array(arguments["vector"]), vectors, n, ""
    ):
        message = "With vector=True, find_closest gets a vector instead of a word and must use it as it is."
        return lost("closest", "right for words, not for a vector", "closest_vector", message, share=0.5)
    return earned("closest", f"the {n} nearest, for words and for a vector")


def _is_nearest(words: Sequence[str], point: Numbers, vectors: Vectors, n: int, own: str) -> bool:
    """Return whether ``words`` are the nearest ones by some measure, with or without the word itself."""
    for _, ranking in vectors.rank(point):
        others = [word for word in ranking if word != own]
        if list(words) in (ranking[:n], others[:n], others[: n - 1]):
            return True
    return False


def _explain_closest(words: Sequence[str], word: str, vectors: Vectors, n: int) -> PointResult:
    saw = f"'{word}': {', '.join(words[:4]) or 'no words'}"
    for _, ranking in vectors.rank(vectors[word]):
        if list(words) in (ranking[::-1][:n],):
            message = "find_closest returns the farthest words: sort by distance, the smallest first."
            return lost("closest", saw, "closest_reversed", message)
        if len(words) > 1 and len(words) != n and list(words) == ranking[: len(words)]:  # more than the word itself
            message = f"find_closest must return n words, here {n}; it returned {len(words)}."
            return lost("closest", saw, "closest_count", message, share=0.5)
        if sorted(words) == sorted(ranking[:n]):
            message = "find_closest returns the right words in no order: sort by distance, the smallest first."
            return lost("closest", saw, "closest_order", message, share=0.5)
    message = "find_closest must return n pairs (word, distance), the nearest first, over all words of glove."
    return lost("closest", saw, "closest_wrong", message)


def _judge_analogy(reply: Mapping[str, Any], arguments: Mapping[str, Any], vectors: Vectors) -> PointResult:
    if "analogy" not in reply:
        return lost("analogy", "no find_analogy", "absent", "There is no function `find_analogy`.")
    answers = read_list(reply, "analogy")
    if len(answers) != len(arguments["analogy"]):
        raise OddReplyError
    for three, answer in list(zip(arguments["analogy"], answers, strict=True))[:2]:
        if error := find_error(answer):
            if is_ours(error):
                return unknown("analogy", error)
            return lost("analogy", error[:100], "analogy_raised", f"find_analogy raised {error}.")
        words = read_words(answer, vectors)
        saw = f"{' : '.join(three)} : {', '.join(words[:3]) or 'no words'}"
        if kept := [word for word in three if word in words]:
            message = (
                f"The words of the question must be left out of the answers; {join(kept)} is not. They are nearly "
                "always the nearest to the sum."
            )
            return lost("analogy", saw, "analogy_query_words", message, share=0.5)
        w1, w11, w2 = (vectors[word] for word in three)
        if not _is_answer(words, w11 - w1 + w2, three, vectors, arguments["analogy_n"]):
            if _is_answer(words, w1 - w11 + w2, three, vectors, arguments["analogy_n"]):
                message = "The difference has the wrong sign: w1 is to w11 as w2 is to w11 - w1 + w2."
                return lost("analogy", saw, "analogy_sign", message)
            message = "find_analogy must return the words nearest to w11 - w1 + w2, without these three, nearest first."
            return lost("analogy", saw, "analogy_wrong", message)
    return earned("analogy", "the nearest to w11 - w1 + w2, without the three words")


def _is_answer(words: Sequence[str], point: Numbers, three: Sequence[str], vectors: Vectors, n: int) -> bool:
    """Return whether ``words`` are the nearest others, at least as many as are left when three of n are dropped."""
    for _, ranking in vectors.rank(point):
        others = [word for word in ranking if word not in three]
        if 1 <= n - 3 <= len(words) and list(words) == others[: len(words)]:
            return True
    return False


def _has_vectors(look: Any) -> bool:
    return isinstance(look, Mapping) and isinstance(look.get("shape"), list | tuple) and len(look["shape"]) == 2


def _judge_vocabulary(look: Any, execution: Execution) -> PointResult:
    """Judge whether the last vocabulary has a row for every word, and GloVe's own rows for GloVe's words."""
    error = find_error(look)
    if error or not isinstance(look, Mapping):
        if is_ours(error):
            return unknown("vocabulary", error)
        message = "Build the vocabulary once more with vectors: text_field.build_vocab(train, vectors=glove)."
        return lost("vocabulary", error[:100] or "no vocabulary", "no_vectors", message)
    if not look.get("glove") and (cause := _find_glove_failure(execution)):
        return unknown("vocabulary", cause)
    if not _has_vectors(look):
        message = "Build the vocabulary once more with vectors: text_field.build_vocab(train, vectors=glove)."
        return lost("vocabulary", "the last vocabulary has no vectors", "no_vectors", message)
    rows, words = look["shape"][0], read_count(look, "words")
    shared = read_count(look, "shared") if look.get("glove") else 0
    distance = look.get("largest_distance")
    if rows != words or not shared or not isinstance(distance, int | float) or not 0 <= distance <= 1e-3:
        message = "The vocabulary's vectors are not those of glove: pass vectors=glove to build_vocab."
        return lost("vocabulary", f"{rows} rows for {words} words", "other_vectors", message)
    return earned("vocabulary", f"{words:,} entries with vectors, {shared} looked at are those of glove")


def _has_glove_rows(look: Any, words: Sequence[str]) -> bool:
    """Return whether the vocabulary's vectors of the words that were asked for are those of the course's file."""
    rows = look.get("rows") if isinstance(look, Mapping) else None
    if not isinstance(rows, list | tuple) or len(rows) != len(words):
        return False
    known = [(row, read_glove().get(word)) for word, row in zip(words, rows, strict=True) if row is not None]
    return len(known) > len(words) / 2 and all(right and _is_row(row, np.array(right)) for row, right in known)


def _find_glove_failure(execution: Execution) -> str:
    for cell in execution.cells:
        if re.search(r"\bGloVe\(", cell.source) and cell.outcome == "raised":
            return f"cell {cell.index} could not load GloVe here ({cell.error_name})"
    return ""
