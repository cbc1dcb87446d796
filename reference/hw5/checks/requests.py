"""What is asked of a notebook: every input is derived from the seed, so that no two submissions get the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from random import Random
from typing import Any

from grader.model import ProbeRequest
from reference.hw5.corpus import Comment, build_course_comments, build_hidden_comments, tokenize

UNKNOWN, PADDING = 0, 1
SIZES = {"in_neuron": 50, "embedding_dim": 5, "hidden_size": 6}
QUALITY_SIZES = {"embedding_dim": 32, "hidden_size": 64}
QUALITY_TYPES = ("gru", "lstm")
QUALITY_COMMENTS, QUALITY_BATCH, QUALITY_EPOCHS, QUALITY_RATE = 4000, 64, 5, 3e-3
OWN_COMMENTS = 300
CALLS = 12
CLOSEST, ANALOGY = 6, 7
WORDS = (
    "river stone cloud apple window garden silver paper bridge candle forest marble pocket ribbon saddle tunnel velvet "
    "willow anchor basket copper dragon engine feather guitar hammer island jacket kettle ladder mirror needle orange "
    "pepper quarry rocket shadow ticket umbrella violin"
).split()


def list_requests(seed: int) -> list[ProbeRequest]:
    """Return the probes of all criteria; equal seeds give equal requests."""
    return list(_requests(seed).values())


def find_arguments(seed: int, name: str) -> Mapping[str, Any]:
    """Return what was sent to the probe ``name``."""
    return _requests(seed)[name].arguments


@lru_cache(maxsize=4)
def _requests(seed: int) -> dict[str, ProbeRequest]:
    requests = [
        _request("data", "data", 60, sample=200),
        _request("network", "network", 30, seed=seed, **_network_inputs(seed, "network", ("rnn", "gru", "lstm"))),
        _request(
            "deep",
            "network",
            30,
            seed=seed,
            deep=True,
            extra={"num_layers": 2, "bidirectional": True},
            **_network_inputs(seed, "deep", ("gru", "lstm")),
        ),
        _request("train", "train", 60, seed=seed, drop=0.3, lr=0.02, calls=CALLS, **_loop_inputs(seed, "train")),
        _request("evaluate", "evaluate", 30, seed=seed, drop=0.5, **_loop_inputs(seed, "evaluate")),
        _request("glove", "glove", 60, **build_glove_inputs(seed)),
        *(_request(f"quality_{kind}", "quality", 240, **_quality_inputs(seed, kind)) for kind in QUALITY_TYPES),
        _request("own_networks", "own_networks", 60, comments=_own_inputs(seed)),
    ]
    return {request.name: request for request in requests}


def _request(name: str, function: str, timeout_seconds: float, **arguments: Any) -> ProbeRequest:
    return ProbeRequest(name=name, function=function, arguments=arguments, timeout_seconds=timeout_seconds)


def _random(seed: int, name: str) -> Random:
    return Random(f"hw5 {name} {seed}")  # noqa: S311, the seed is what has to be secret, not the generator


def _tokens(random: Random, length: int, batch: int) -> list[list[int]]:
    """Return token ids [length][batch], none of them padding."""
    return [[random.randrange(2, SIZES["in_neuron"]) for _ in range(batch)] for _ in range(length)]


def _network_inputs(seed: int, name: str, m_types: Sequence[str]) -> dict[str, Any]:
    """Return one batch; the same with another first word, last word or first comment; and one of these alone."""
    random = _random(seed, name)
    many = _tokens(random, 7, 6)
    inputs = {
        "many": many,
        "again": many,
        "one": [row[:1] for row in many],
        "short": many[:1],
        "first_changed": [_other(random, many[0]), *many[1:]],
        "last_changed": [*many[:-1], _other(random, many[-1])],
        "neighbour_changed": [[*_other(random, row[:1]), *row[1:]] for row in many],
    }
    return {"sizes": SIZES, "inputs": inputs, "m_types": list(m_types)}


def _other(random: Random, row: Sequence[int]) -> list[int]:
    """Return ids that all differ from those of ``row``."""
    span = SIZES["in_neuron"] - 2
    return [2 + (token - 2 + random.randrange(1, span)) % span for token in row]


def _loop_inputs(seed: int, name: str) -> dict[str, Any]:
    """Return three batches of which the last is smaller, with random labels of both kinds in each."""
    random = _random(seed, name)
    batches = []
    for size in (12, 12, 5):
        labels = [0, 1] + [random.randrange(2) for _ in range(size - 2)]
        random.shuffle(labels)
        batches.append({"tokens": _tokens(random, 6, size), "labels": labels})
    return {"sizes": SIZES, "batches": batches}


@lru_cache(maxsize=1)
def _training() -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Return the course corpus' vocabulary and batches of comments of about the same length."""
    comments = build_course_comments()[:QUALITY_COMMENTS]
    counts = Counter(word for comment in comments for word in tokenize(comment.text))
    words = sorted(counts, key=lambda word: (-counts[word], word))
    vocabulary = {word: index for index, word in enumerate(words, start=2)}
    ordered = sorted(comments, key=lambda comment: len(tokenize(comment.text)))
    chunks = [ordered[start : start + QUALITY_BATCH] for start in range(0, len(ordered), QUALITY_BATCH)]
    return vocabulary, [
        {"tokens": encode(chunk, vocabulary), "labels": [item.toxic for item in chunk]} for chunk in chunks
    ]


def encode(comments: Sequence[Comment], vocabulary: Mapping[str, int]) -> list[list[int]]:
    """Return token ids [longest][comments]: unknown words 0, short comments padded with 1."""
    rows = [[vocabulary.get(word, UNKNOWN) for word in tokenize(comment.text)] for comment in comments]
    longest = max(map(len, rows))
    return [[row[place] if place < len(row) else PADDING for row in rows] for place in range(longest)]


@lru_cache(maxsize=4)
def hidden_comments(seed: int) -> list[Comment]:
    """Return the hidden test set in the order in which it is sent: by length."""
    return _sort_by_length(build_hidden_comments(seed))


@lru_cache(maxsize=4)
def own_comments(seed: int) -> list[Comment]:
    """Return the hidden comments that the notebook's own networks are asked about, by length."""
    return _sort_by_length(hidden_comments(seed)[:: max(1, len(hidden_comments(seed)) // OWN_COMMENTS)])


def _sort_by_length(comments: Sequence[Comment]) -> list[Comment]:
    """Return the comments by length, without the few whose length no other one has.

    These would be batches of one, which the network's own probe asks about.
    """
    ordered = sorted(comments, key=lambda comment: (len(tokenize(comment.text)), comment.text))
    counts = Counter(len(tokenize(comment.text)) for comment in ordered)
    return [comment for comment in ordered if counts[len(tokenize(comment.text))] > 1]


def _group_by_length(comments: Sequence[Comment]) -> list[list[Comment]]:
    """Return ordered comments as groups of one length.

    The networks read padding as they read words, and training hardly shows them any: what the padding in a mixed batch
    does to a comment is chance (F1 0.86 where the same network has 1.00 without padding), and no student's doing.
    """
    return [list(group) for _, group in groupby(comments, key=lambda comment: len(tokenize(comment.text)))]


def _quality_inputs(seed: int, kind: str) -> dict[str, Any]:
    vocabulary, batches = _training()
    return {
        "seed": seed,
        "sizes": {"in_neuron": len(vocabulary) + 2, **QUALITY_SIZES},
        "m_type": kind,
        "batches": batches,
        "lr": QUALITY_RATE,
        "epochs": QUALITY_EPOCHS,
        "hidden": [encode(group, vocabulary) for group in _group_by_length(hidden_comments(seed))],
    }


def _own_inputs(seed: int) -> list[list[list[str]]]:
    return [[tokenize(comment.text) for comment in group] for group in _group_by_length(own_comments(seed))]


def build_glove_inputs(seed: int) -> dict[str, Any]:
    """Return made-up vectors and questions about them.

    The three words of each analogy lie close together, so that all three are among the nearest to the answer.
    """
    random = _random(seed, "glove")
    words = random.sample(WORDS, len(WORDS))
    rows = {word: [random.gauss(0, 1) for _ in range(6)] for word in words}
    analogies = [words[0:3], words[3:6]]
    for three in analogies:
        centre = rows[three[0]]
        for word in three[1:]:
            rows[word] = [value + random.gauss(0, 0.15) for value in centre]
    closest = words[6:8]
    return {
        "words": words,
        "rows": [[round(value, 4) for value in rows[word]] for word in words],
        "single": [words[8], words[9].capitalize(), words[10].upper()],
        "closest": [*closest, closest[0].capitalize()],
        "n": CLOSEST,
        "vector": [round(random.gauss(0, 1), 4) for _ in range(6)],
        "analogy": [list(three) for three in analogies] + [[word.capitalize() for word in analogies[0]]],
        "analogy_n": ANALOGY,
    }
