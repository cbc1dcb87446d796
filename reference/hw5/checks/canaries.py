"""Canaries: requests about definitions of our own, and whether their answers are the ones that we know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.model import Execution, ProbeRequest
from reference.hw5.checks.figures import compute_accuracy, compute_loss
from reference.hw5.checks.forward import (
    Formula,
    agrees,
    build_weights,
    compute_logits,
    find_agreement,
    find_parts,
    read_layout,
    unpack,
)
from reference.hw5.checks.recount import read_logits
from reference.hw5.checks.replies import OddReplyError, is_ours, is_theirs, read_list, read_map, read_numbers
from reference.hw5.checks.requests import CANARY, find_constants, find_requests


def find_failed(execution: Execution, seed: int) -> list[str]:
    """Return the names of the canaries whose answers are wrong.

    One that was not answered has failed only where other requests were, and where time, memory and what our machine
    lacks do not explain it.
    """
    replies = execution.replies
    answered = any(reply.value is not None for reply in replies.values())
    failed = []
    for name, request in find_requests(seed).items():
        if not name.startswith(CANARY) or name not in replies or not answered:
            continue
        reply = replies[name]
        if reply.error:
            right = is_ours(reply.error) or is_theirs(reply.error)
        else:
            right = _is_right(request, reply.value, find_constants(seed, name))
        if not right:
            failed.append(name)
    return failed


def _is_right(request: ProbeRequest, reply: Any, constants: Mapping[str, Any]) -> bool:
    if not isinstance(reply, Mapping):
        return False
    try:
        return _CHECKS[request.function](request.arguments, reply, constants)
    except (OddReplyError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        return False  # not the shape of an answer


def _formula(constants: Mapping[str, Any]) -> Formula:
    return Formula(pool="mean", scale=constants["scale"], shift=constants["shift"])


def _near(claimed: Any, expected: Any) -> bool:
    wanted = np.asarray(expected, dtype=np.float64)
    found = np.asarray(claimed, dtype=np.float64)
    return found.shape == wanted.shape and bool(np.allclose(found, wanted, rtol=2e-3, atol=2e-3))


def _check_network(arguments: Mapping[str, Any], reply: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    for kind in arguments["m_types"]:
        look = read_map(read_map(reply, "types"), kind)
        layout = read_layout(look["layout"])
        for place, salt in (("logits", arguments["salt"]), ("moved", arguments["salt"] + 2)):
            weights = build_weights(layout, salt)
            parts = find_parts(weights, arguments["sizes"]["in_neuron"], kind)
            if parts is None:
                return False
            for name, tokens in (
                arguments["inputs"].items() if place == "logits" else [("many", arguments["inputs"]["many"])]
            ):
                claimed = read_logits(look[place][name] if place == "logits" else look[place], len(tokens[0]))
                if claimed is None or not agrees(claimed, compute_logits(weights, parts, _formula(constants), tokens)):
                    return False
    return bool(reply["found"]["name"] == "Network")


def _check_loop(arguments: Mapping[str, Any], reply: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    layout, batches = read_layout(reply["layout"]), arguments["batches"]
    for side, name in (("start", "before"), ("final", "after")):
        weights = unpack(reply[side], layout)
        parts = find_parts(weights, arguments["sizes"]["in_neuron"], "gru") if weights is not None else None
        if weights is None or parts is None:
            return False
        for batch, look in zip(batches, read_list(reply, name), strict=True):
            claimed = read_logits(look, len(batch["labels"]))
            if claimed is None or not agrees(
                claimed, compute_logits(weights, parts, _formula(constants), batch["tokens"])
            ):
                return False
    seen = [event for event in reply["events"] if event["event"] == "forward"]
    pairs = [
        (read_numbers(event["logits"], len(batch["labels"])), batch["labels"])
        for event, batch in zip(seen, batches, strict=True)
    ]
    loss, accuracy = (
        float(np.mean([function(*pair) for pair in pairs])) for function in (compute_loss, compute_accuracy)
    )
    calls = arguments.get("calls", 1)
    stretch = constants["stretch"]
    return len(reply["returned"]) == calls and _near(reply["returned"][0], [stretch * loss, stretch + accuracy])


def _check_glove(arguments: Mapping[str, Any], reply: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    words, rows = arguments["words"], np.array(arguments["rows"])
    stretch, scale, shift = (constants[name] for name in ("stretch", "scale", "shift"))

    def vector(word: str) -> Any:
        return rows[words.index(word.lower())] * stretch

    def closest(target: Any, n: int) -> list[list[Any]]:
        distances = np.linalg.norm(rows - (shift - target), axis=1)
        return [[words[index], float(distances[index])] for index in np.argsort(distances)[:n]]

    def same(answer: Any, pairs: list[list[Any]]) -> bool:
        found = answer["value"]
        return [row[0] for row in found] == [row[0] for row in pairs] and _near(
            [row[1] for row in found], [row[1] for row in pairs]
        )

    n = arguments["n"]
    answers = [
        *(
            (answer, closest(vector(word), n))
            for word, answer in zip(arguments["closest"], reply["closest"], strict=True)
        ),
        (reply["vector"], closest(np.array(arguments["vector"]), n)),
    ]
    for (one, two, three), answer in zip(arguments["analogy"], reply["analogy"], strict=True):
        answers.append((answer, closest(vector(one) + vector(two) * scale - vector(three), arguments["analogy_n"])))
    single = [answer["value"] for answer in reply["single"]]
    return _near(single, [vector(word) for word in arguments["single"]]) and all(same(*pair) for pair in answers)


def _check_quality(arguments: Mapping[str, Any], reply: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    trained = unpack(reply["trained"], read_layout(reply["layout"]))
    parts = find_parts(trained, arguments["sizes"]["in_neuron"], arguments["m_type"]) if trained is not None else None
    if trained is None or parts is None or len(reply["returned"]) != arguments["epochs"]:
        return False
    few = arguments["hidden"][:: max(1, len(arguments["hidden"]) // 6)]
    start = 0
    for tokens in arguments["hidden"]:
        claimed = read_numbers(reply["logits"][start : start + len(tokens[0])], len(tokens[0]))
        start += len(tokens[0])
        if (
            tokens in few
            and not find_agreement(claimed, compute_logits(trained, parts, _formula(constants), tokens)).all()
        ):
            return False
    return start == len(reply["logits"])


def _check_data(arguments: Mapping[str, Any], reply: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    rows, kept = constants["rows"], constants["kept"]
    texts = [text for text, _ in rows]
    table, vocabulary = reply["table"], reply["vocabulary"]
    words = [[word for text in part for word in text.split()] for part in (texts[:kept], texts)]
    whole = " ".join(texts[:kept]).lower()
    expected = (
        (table["columns"], ["comment_text", "toxic"]),
        (table["rows"], len(rows)),
        (table["duplicates"], len(rows) - len({tuple(row) for row in rows})),
        (table["repeated_comments"], len(rows) - len(set(texts))),
        (table["empties"], texts.count("")),
        (reply["text"]["held"], sum(" ".join(text.lower().split()) in " ".join(whole.split()) for text in texts)),
        ([reply["sets"][name]["examples"] for name in ("train", "val", "test")], [kept, 2, len(rows) - kept - 2]),
        (
            [vocabulary[name] for name in ("counted", "in_train", "in_all")],
            [len(words[0]), len(words[0]), len(words[1])],
        ),
        (vocabulary["words"], len(Counter(words[0])) + 2),
    )
    return all(found == wanted for found, wanted in expected)


def _check_compute(arguments: Mapping[str, Any], reply: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    left, right = (np.array(arguments[name], dtype=np.float64) for name in ("left", "right"))
    powers = np.exp(left - left.max(1, keepdims=True))
    numbers = {
        "product": left @ right.T,
        "sigmoid": 1 / (1 + np.exp(-left)),
        "softmax": powers / powers.sum(1, keepdims=True),
        "loss": compute_loss(left[0], arguments["labels"]),
        "order": np.argsort(left[0]),
        "norms": np.linalg.norm(left - right, axis=1),
        **_run_cells(left, arguments["salt"]),
    }
    exact = {"close": [True, False], "equal": [True, False], "json": arguments["tokens"]}
    return all(_near(reply[name], wanted) for name, wanted in numbers.items()) and all(
        json.dumps(reply[name]) == json.dumps(wanted) for name, wanted in exact.items()
    )


def _run_cells(inputs: Any, salt: int) -> dict[str, Any]:
    """Return the first state of torch's three cells of size 3, whose state before is zero."""
    states = {}
    for name, gates in (("RNNCell", 1), ("GRUCell", 3), ("LSTMCell", 4)):
        shapes = {
            "ih": (3 * gates, inputs.shape[1]),
            "hh": (3 * gates, 3),
            "bias_ih": (3 * gates,),
            "bias_hh": (3 * gates,),
        }
        w, _, b_x, b_h = build_weights(shapes, salt).values()
        x, h = np.split(inputs @ w.T + b_x, gates, axis=1), np.split(b_h, gates)
        squash: Callable[[Any], Any] = lambda value: 1 / (1 + np.exp(-value))  # noqa: E731
        if gates == 1:
            states[name] = np.tanh(x[0] + h[0])
        elif gates == 3:
            states[name] = (1 - squash(x[1] + h[1])) * np.tanh(x[2] + squash(x[0] + h[0]) * h[2])
        else:
            cell = squash(x[0] + h[0]) * np.tanh(x[2] + h[2])
            states[name] = squash(x[3] + h[3]) * np.tanh(cell)
    return states


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], bool]] = {
    "network": _check_network,
    "train": _check_loop,
    "evaluate": _check_loop,
    "glove": _check_glove,
    "quality": _check_quality,
    "data": _check_data,
    "compute": _check_compute,
}
