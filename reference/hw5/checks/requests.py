"""What is asked of a notebook: every input is derived from the seed, so that no two submissions get the same.

The seed itself never goes to the kernel, since all the rest follows from it: what seeds generators there is a number
that follows from the seed and from which the seed does not follow. Among the probes stand canaries: the same functions
with the same kinds of arguments, about definitions of our own (see subjects.py), whose answers are known beforehand.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby, zip_longest
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.model import ProbeRequest
from reference.hw5.checks.forward import PLAIN, PRIME, build_weights, compute_logits, find_parts
from reference.hw5.checks.subjects import build_code, build_table
from reference.hw5.corpus import DATA_FILE, Comment, build_course_comments, build_hidden_comments, tokenize

UNKNOWN, PADDING = 0, 1
SIZES = {"in_neuron": 50, "embedding_dim": 5, "hidden_size": 6}
QUALITY_SIZES = {"embedding_dim": 32, "hidden_size": 64}
QUALITY_TYPES = ("gru", "lstm")
QUALITY_COMMENTS, QUALITY_BATCH, QUALITY_EPOCHS, QUALITY_RATE = 4000, 64, 5, 3e-3
# The 315 steps of the quality training take more than a second on a CPU, and half of one on a fast GPU.
QUALITY_LEAST_SECONDS = 0.1
OWN_COMMENTS = 300
CALLS = 12
CANARY = "canary_"
GLOVE_FILE = DATA_FILE.with_name("glove.6B.100d.txt")
LOOK_UP = 8
CLOSEST, ANALOGY = 6, 7
WORDS = (
    "river stone cloud apple window garden silver paper bridge candle forest marble pocket ribbon saddle tunnel velvet "
    "willow anchor basket copper dragon engine feather guitar hammer island jacket kettle ladder mirror needle orange "
    "pepper quarry rocket shadow ticket umbrella violin"
).split()


def list_requests(seed: int) -> list[ProbeRequest]:
    """Return probes and canaries as one shuffled stream; equal seeds give equal requests.

    The long ones come last, with canaries among them: a notebook that dies there has been asked the rest.
    """
    stream = list(_requests(seed).values())
    _random(seed, "order").shuffle(stream)
    return sorted(stream, key=lambda request: request.function in ("quality", "own_networks"))


def find_arguments(seed: int, name: str) -> Mapping[str, Any]:
    """Return what was sent to the probe ``name``."""
    return _requests(seed)[name].arguments


def find_requests(seed: int) -> Mapping[str, ProbeRequest]:
    """Return all requests by name."""
    return _requests(seed)


def find_constants(seed: int, name: str) -> Mapping[str, Any]:
    """Return the constants of the definitions that were sent along with the request ``name``."""
    return _subject(seed, name)[1]


@lru_cache(maxsize=4)
def _requests(seed: int) -> dict[str, ProbeRequest]:
    """Return the requests by name; a canary's name is that of its probe with ``canary_`` before it."""
    requests = []
    for prefix in ("", CANARY):
        deep = ("gru", "lstm")
        requests += [
            _request(seed, f"{prefix}data", "data", 60, sample=200),
            _request(
                seed, f"{prefix}network", "network", 30, **_network_inputs(seed, f"{prefix}network", ("rnn", *deep))
            ),
            _request(seed, f"{prefix}deep", "network", 30, **_network_inputs(seed, f"{prefix}deep", deep)),
            _request(
                seed, f"{prefix}train", "train", 60, drop=0.3, lr=0.02, calls=CALLS, **_loops(seed, f"{prefix}train")
            ),
            _request(seed, f"{prefix}evaluate", "evaluate", 30, drop=0.5, **_loops(seed, f"{prefix}evaluate")),
            _request(seed, f"{prefix}glove", "glove", 60, **build_glove_inputs(seed, f"{prefix}glove")),
        ]
    kinds = {f"quality_{kind}": kind for kind in QUALITY_TYPES}
    kinds[f"{CANARY}quality"] = _random(seed, "canary kind").choice(QUALITY_TYPES)
    requests += [
        _request(seed, name, "quality", 240, **_quality_inputs(seed, name, kind)) for name, kind in kinds.items()
    ]
    requests.append(_request(seed, "own_networks", "own_networks", 60, comments=_own_inputs(seed)))
    requests += [_request(seed, f"{CANARY}{n}", "compute", 30, **_numbers(seed, f"{CANARY}{n}")) for n in range(3)]
    return {request.name: request for request in requests}


def _request(seed: int, name: str, function: str, timeout_seconds: float, /, **arguments: Any) -> ProbeRequest:
    least = QUALITY_LEAST_SECONDS if function == "quality" and not name.startswith(CANARY) else 0.0
    return ProbeRequest(
        name=name,
        function=function,
        arguments={"subject": _subject(seed, name)[0], **arguments},
        timeout_seconds=timeout_seconds,
        token=_digest(seed, f"token {name}")[:12],
        least_seconds=least,
    )


@lru_cache(maxsize=128)
def _subject(seed: int, name: str) -> tuple[str, dict[str, Any]]:
    """Return the definitions that go along with a request, and their constants."""
    random, ours = _random(seed, f"subject {name}"), name.startswith(CANARY)
    if name.endswith(("data", "own_networks")):
        return build_table(random, list(WORDS), ours=ours)
    return build_code(random, ours=ours, batches=2 if "quality" in name else 3)


def _digest(seed: int, name: str) -> str:
    return hashlib.sha256(f"hw5 {name} {seed}".encode()).hexdigest()


def _number(seed: int, name: str) -> int:
    """Return a number that may be sent: the seed cannot be worked out from it."""
    return int(_digest(seed, f"number {name}")[:12], 16) % (PRIME - 10)


def _random(seed: int, name: str) -> Random:
    return Random(f"hw5 {name} {seed}")  # noqa: S311, the seed is what has to be secret, not the generator


def _tokens(random: Random, length: int, batch: int) -> list[list[int]]:
    """Return token ids [length][batch], none of them padding.

    Two comments are the same one, so that there are logits which must be equal whatever the network is.
    """
    one, two = random.sample(range(batch), 2)
    rows = [[random.randrange(2, SIZES["in_neuron"]) for _ in range(batch)] for _ in range(length)]
    return [[row[one] if place == two else item for place, item in enumerate(row)] for row in rows]


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
    deep = name.endswith("deep")
    return {
        "seed": _number(seed, f"torch {name}"),
        "salt": _number(seed, f"weights {name}"),
        "sizes": SIZES,
        "inputs": inputs,
        "m_types": list(m_types),
        "deep": deep,
        "extra": {"num_layers": 2, "bidirectional": True} if deep else {},
    }


def _other(random: Random, row: Sequence[int]) -> list[int]:
    """Return ids that all differ from those of ``row``."""
    span = SIZES["in_neuron"] - 2
    return [2 + (token - 2 + random.randrange(1, span)) % span for token in row]


def _loops(seed: int, name: str) -> dict[str, Any]:
    """Return three batches of which the last is smaller, with random labels of both kinds in each."""
    random = _random(seed, name)
    batches = []
    for size in (12, 12, 5):
        labels = [0, 1] + [random.randrange(2) for _ in range(size - 2)]
        random.shuffle(labels)
        batches.append({"tokens": _tokens(random, 6, size), "labels": labels})
    salt = {"salt": _find_salt(seed, name, batches)} if name.endswith("evaluate") else {}
    return {"seed": _number(seed, f"torch {name}"), **salt, "sizes": SIZES, "batches": batches}


def _find_salt(seed: int, name: str, batches: Sequence[Mapping[str, Any]]) -> int:
    """Return what weights are made from so that a usual network puts some logits between 0 and 0.5.

    These are the ones of which it matters where the threshold lies.
    """
    words, width, hidden = SIZES.values()
    rows = 3 * hidden
    shapes = {
        "weight_ih_l0": (rows, width),
        "weight_hh_l0": (rows, hidden),
        "bias_ih_l0": (rows,),
        "bias_hh_l0": (rows,),
    }
    layout = {"embedding": (words, width), **shapes, "linear.weight": (1, hidden), "linear.bias": (1,)}
    for turn in range(100):
        salt = _number(seed, f"weights {name} {turn}")
        weights = build_weights(layout, salt)
        if (parts := find_parts(weights, words, "gru")) is not None:
            logits = [compute_logits(weights, parts, PLAIN, batch["tokens"]) for batch in batches]
            if sum(int(((item > 0.05) & (item < 0.45)).sum()) for item in logits) >= 4:
                break
    return salt


def _numbers(seed: int, name: str) -> dict[str, Any]:
    random = _random(seed, name)
    left, right = ([[round(random.gauss(0, 2), 4) for _ in range(6)] for _ in range(4)] for _ in range(2))
    return {
        "seed": _number(seed, f"torch {name}"),
        "left": left,
        "right": right,
        "labels": [random.randrange(2) for _ in range(6)],
        "tokens": _tokens(random, 3, 4),
        "salt": _number(seed, f"weights {name}"),
    }


@lru_cache(maxsize=2**14)
def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a comment; those of the course's comments are asked for by every submission."""
    return tuple(tokenize(text))


@cache
def _training() -> tuple[Mapping[str, int], list[NDArray[np.int64]], list[list[int]]]:
    """Return the course corpus' words with their places, and batches of comments of about the same length.

    A batch is its words' places, [longest][comments], and its labels.
    """
    comments = build_course_comments()[:QUALITY_COMMENTS]
    words = sorted({word for comment in comments for word in split_words(comment.text)})
    places = {word: place for place, word in enumerate(words, start=2)}
    ordered = sorted(comments, key=lambda comment: len(split_words(comment.text)))
    chunks = [ordered[start : start + QUALITY_BATCH] for start in range(0, len(ordered), QUALITY_BATCH)]
    return places, [_encode(chunk, places) for chunk in chunks], [[item.toxic for item in chunk] for chunk in chunks]


@lru_cache(maxsize=4)
def _hidden(seed: int) -> list[NDArray[np.int64]]:
    """Return the groups of hidden comments as the places of their words, [length][comments]."""
    return [_encode(group, _training()[0]) for group in _group_by_length(hidden_comments(seed))]


def _encode(comments: Sequence[Comment], places: Mapping[str, int]) -> NDArray[np.int64]:
    """Return word places [longest][comments]: unknown words 0, short comments padded with 1."""
    rows = [[places.get(word, UNKNOWN) for word in split_words(comment.text)] for comment in comments]
    return np.array(list(zip_longest(*rows, fillvalue=PADDING)), dtype=np.int64)


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
    ordered = sorted(comments, key=lambda comment: (len(split_words(comment.text)), comment.text))
    counts = Counter(len(split_words(comment.text)) for comment in ordered)
    return [comment for comment in ordered if counts[len(split_words(comment.text))] > 1]


def _group_by_length(comments: Sequence[Comment]) -> list[list[Comment]]:
    """Return ordered comments as groups of one length.

    The networks read padding as they read words, and training hardly shows them any: what the padding in a mixed batch
    does to a comment is chance (F1 0.86 where the same network has 1.00 without padding), and no student's doing.
    """
    return [list(group) for _, group in groupby(comments, key=lambda comment: len(split_words(comment.text)))]


def _quality_inputs(seed: int, name: str, kind: str) -> dict[str, Any]:
    """Return the training.

    Which number a word has depends on the request, so that weights trained elsewhere fit none.
    """
    places, chunks, labels = _training()
    order = list(range(2, len(places) + 2))
    _random(seed, f"words {name}").shuffle(order)
    numbers = np.arange(len(order) + 2)  # unknown words and padding keep theirs
    numbers[order] = np.arange(2, len(order) + 2)
    return {
        "seed": _number(seed, f"torch {name}"),
        "salt": _number(seed, f"weights {name}"),
        "sizes": {"in_neuron": len(numbers), **QUALITY_SIZES},
        "m_type": kind,
        "batches": [
            {"tokens": numbers[chunk].tolist(), "labels": toxic} for chunk, toxic in zip(chunks, labels, strict=True)
        ],
        "lr": QUALITY_RATE,
        "epochs": QUALITY_EPOCHS,
        "hidden": [numbers[group].tolist() for group in _hidden(seed)],
    }


def _own_inputs(seed: int) -> list[list[list[str]]]:
    return [[list(split_words(comment.text)) for comment in group] for group in _group_by_length(own_comments(seed))]


@cache
def _common_words() -> list[str]:
    """Return words of the course's comments, most of which a vocabulary of its training set holds."""
    counts = Counter(word for comment in build_course_comments() for word in set(split_words(comment.text)))
    return sorted(word for word, count in counts.items() if count >= 50 and word.isalpha() and word in read_glove())


@cache
def read_glove() -> Mapping[str, tuple[float, ...]]:
    """Return the first five numbers of each word of the course's own vectors, none where it ships no such file."""
    if not GLOVE_FILE.is_file():
        return {}
    lines = (line.split(" ", 6) for line in GLOVE_FILE.read_text(encoding="utf-8").splitlines())
    return {row[0]: tuple(map(float, row[1:6])) for row in lines if len(row) > 5}


def build_glove_inputs(seed: int, name: str = "glove") -> dict[str, Any]:
    """Return made-up vectors and questions about them.

    The three words of each analogy lie close together, so that all three are among the nearest to the answer.
    """
    random = _random(seed, name)
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
        "look_up": random.sample(_common_words(), LOOK_UP),
    }
