"""Replies worked out anew: which of their values follow from the inputs and weights, without the kernel's word.

A ``contradiction`` is what no honest process can send, and so a sign of tampering; a ``doubt`` is what a person should
look at, though an odd network could have done it. The loops stand in retrace.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reference.hw5.checks.forward import (
    PRIME,
    Formula,
    Parts,
    Tokens,
    Weights,
    agrees,
    build_weights,
    compute_logits,
    compute_slopes,
    find_agreement,
    find_formula,
    find_parts,
    noise,
    read_layout,
    unpack,
    with_loud_head,
)
from reference.hw5.checks.replies import Numbers, find_error, read_list, read_map, read_numbers

SHORT = 7  # words, as many as the networks' own probe has sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What became of one reply. ``formulas`` are by type of network, ``logits`` are those to judge by.

    ``confirmed``: all values that earn credit were worked out anew. ``steady``: the network answers the same twice.
    ``separate``: it reads each comment by itself.
    """

    confirmed: bool = False
    contradiction: str = ""
    doubt: str = ""
    steady: bool = False
    separate: bool = False
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    logits: Numbers | None = None


# --- Networks ---


def recount_looks(reply: Mapping[str, Any], arguments: Mapping[str, Any], device: str) -> Recount:
    """Work out the logits and gradients of networks whose weights were set by us. Raises OddReplyError."""
    formulas: dict[str, Formula] = {}
    contradiction, doubts, types = "", [], read_map(reply, "types")
    separate = set()
    built = [kind for kind in arguments["m_types"] if not find_error(types.get(kind))]
    for kind in built:
        look = read_map(types, kind)
        if _is_separate(look, len(arguments["inputs"]["many"][0])):
            separate.add(kind)
            if not twins_agree(read_map(look, "logits").get("many"), arguments["inputs"]["many"]):
                contradiction = f"the {kind} network answers two equal comments differently"
        weights = build_weights(read_layout(look.get("layout")), arguments["salt"])
        parts = find_parts(weights, arguments["sizes"]["in_neuron"], kind)
        formula = parts and _find_confirmed(look, weights, parts, arguments, device)
        if parts is None or not formula:
            continue
        formulas[kind] = formula
        if not _ablations_agree(look, weights, parts, formula, arguments, device):
            contradiction = f"the {kind} network's logits without some of its weights are not those of its formula"
        if not _slopes_agree(look, weights, parts, formula, arguments, device):
            doubts.append(f"the {kind} network's gradients are not those of its logits")
    confirmed = bool(built) and set(formulas) == set(built) and not contradiction and not doubts
    return Recount(
        confirmed=confirmed and _stacked_agrees(reply, arguments, formulas, device),
        contradiction=contradiction,
        doubt="; ".join(doubts),
        formulas=formulas,
        separate="gru" in separate,
    )


def _is_separate(look: Mapping[str, Any], batch: int) -> bool:
    """Return whether a network's logits say that it reads each comment by itself, and without chance."""
    looks = read_map(look, "logits")
    many, again, neighbour = (read_logits(looks.get(name), batch) for name in ("many", "again", "neighbour_changed"))
    one = read_logits(looks.get("one"), 1)
    if many is None or again is None or neighbour is None or one is None:
        return False
    return agrees(many, again) and agrees(many[:1], one) and agrees(many[1:], neighbour[1:])


def twins_agree(look: Any, tokens: Tokens) -> bool:
    """Return whether equal comments of a batch have equal logits."""
    logits = read_logits(look, len(tokens[0]))
    first: dict[tuple[int, ...], int] = {}
    places = [first.setdefault(words, place) for place, words in enumerate(zip(*tokens, strict=True))]
    return logits is None or agrees(logits, logits[places])


def read_logits(look: Any, length: int) -> Numbers | None:
    """Return one batch's logits, None where there are none. Raises OddReplyError."""
    if not isinstance(look, Mapping) or find_error(look) or len(read_list(look, "values")) != length:
        return None
    return read_numbers(look["values"], length)


def _find_confirmed(
    look: Mapping[str, Any], weights: Weights, parts: Parts, arguments: Mapping[str, Any], device: str
) -> Formula | None:
    """Return the formula that gives the logits of every batch, with these weights and with others."""
    looks, inputs = read_map(look, "logits"), arguments["inputs"]
    many = read_logits(looks.get("many"), len(inputs["many"][0]))
    formula = find_formula(weights, parts, inputs["many"], many, device) if many is not None else None
    if formula is None:
        return None
    others = build_weights({name: item.shape for name, item in weights.items()}, arguments["salt"] + 2)
    pairs = [(looks.get(name), weights, tokens) for name, tokens in inputs.items()]
    pairs.append((look.get("moved"), others, inputs["many"]))
    pairs.append((look.get("loud"), with_loud_head(weights, parts), inputs["many"]))
    for item, used, tokens in pairs:
        if isinstance(item, Mapping) and find_error(item):
            continue  # it raised, which costs its own points
        logits = read_logits(item, len(tokens[0]))
        if logits is None or not agrees(logits, compute_logits(used, parts, formula, tokens), device):
            return None
    return formula


_SILENCED: Mapping[str, Any] = {  # as in the probes: which of the recurrent layers' weights are zero
    "backward_only": lambda name, last: not name.endswith("_reverse"),
    "forward_only": lambda name, last: name.endswith("_reverse"),
    "first_layer_only": lambda name, last: f"_l{last}" in name,
}


def _ablations_agree(
    look: Mapping[str, Any],
    weights: Weights,
    parts: Parts,
    formula: Formula,
    arguments: Mapping[str, Any],
    device: str,
) -> bool:
    ablations = look.get("ablations", {})
    layers = tuple(prefix for ways in parts.cells for prefix, _ in ways)
    for which, rule in _SILENCED.items():
        if not isinstance(ablations, Mapping) or which not in ablations:
            continue
        used = {
            name: item * (not (name.startswith(layers) and "_l" in name and rule(name, len(parts.cells) - 1)))
            for name, item in weights.items()
        }
        for batch in ("many", "first_changed", "last_changed"):
            tokens = arguments["inputs"][batch]
            logits = read_logits(read_map(ablations, which).get(batch), len(tokens[0]))
            if logits is not None and not agrees(logits, compute_logits(used, parts, formula, tokens), device):
                return False
    return True


def _slopes_agree(
    look: Mapping[str, Any],
    weights: Weights,
    parts: Parts,
    formula: Formula,
    arguments: Mapping[str, Any],
    device: str,
) -> bool:
    """Return whether every gradient that is said to be there is the logits' own, along a direction of ours."""
    reply = read_map(look, "without_gradient")
    if find_error(reply):
        return True
    missed, slopes = read_list(reply, "missed"), read_map(reply, "slopes")
    ways = {
        name: noise(item.size, arguments["salt"] + 1 + 7919 * place)
        for place, (name, item) in enumerate(weights.items())
        if name not in missed
    }
    if any(type(slopes.get(name)) not in (int, float) for name in ways):
        return False
    limit = 2e-3 if device == "cpu" else 5e-2
    computed = compute_slopes(weights, parts, formula, arguments["inputs"]["many"], ways)
    return all(abs(slopes[name] - slope) <= limit * (1 + abs(slope)) for name, slope in computed.items())


def _stacked_agrees(
    reply: Mapping[str, Any], arguments: Mapping[str, Any], formulas: Mapping[str, Formula], device: str
) -> bool:
    """Return whether the network of two layers has the logits of two layers (where it could be built)."""
    stacked = read_map(reply, "kwargs")
    if arguments["deep"]:
        return True  # it is built of two layers already
    kind, tokens = arguments["m_types"][-1], arguments["inputs"]["many"]
    if find_error(stacked) or kind not in formulas:
        return True
    weights = build_weights(read_layout(stacked.get("layout")), arguments["salt"])
    parts = find_parts(weights, arguments["sizes"]["in_neuron"], kind)
    if parts is None or len(parts.cells) != 2:
        return False
    if find_error(stacked.get("logits")):
        return True  # as the template's assertion does, which is made for one layer
    logits = read_logits(stacked.get("logits"), len(tokens[0]))
    return logits is not None and find_formula(weights, parts, tokens, logits, device) is not None


# --- Quality ---


def recount_quality(
    reply: Mapping[str, Any], arguments: Mapping[str, Any], formula: Formula | None, steady: bool, device: str
) -> Recount:
    """Work out the trained network's logits from its weights. Raises OddReplyError."""
    if find_error(reply) or find_error(reply.get("logits")) or formula is None:
        return Recount()
    layout = read_layout(reply.get("layout"))
    trained = unpack(reply.get("trained"), layout)
    parts = find_parts(trained, arguments["sizes"]["in_neuron"], arguments["m_type"]) if trained is not None else None
    if trained is None or parts is None:
        return Recount(contradiction="the trained weights are not those of the network's formula" if steady else "")
    hidden = arguments["hidden"]
    # As exact as torch is, in half the time.
    single: dict[str, Any] = {name: item.astype(np.float32) for name, item in trained.items()}
    computed = np.concatenate([compute_logits(single, parts, formula, tokens) for tokens in hidden], dtype=np.float64)
    claimed = read_numbers(reply.get("logits"), len(computed))
    same = find_agreement(claimed, computed, device)
    # What a network may treat in a way of its own: unknown words, and comments longer than any it was asked before.
    usual = np.concatenate([(np.asarray(tokens).min(0) > 1) & (len(tokens) <= SHORT) for tokens in hidden])
    contradiction = ""
    if usual.any() and same[usual].mean() < 0.9:
        contradiction = "the logits of hidden comments are not those of the trained weights"
    elif parts.embedding.endswith("weight") and not _comes_from_start(trained[parts.embedding], arguments["salt"]):
        contradiction = "the trained weights do not come from the start that they were given"
    agreed = bool(same.mean() >= 0.99) and not contradiction
    return Recount(
        confirmed=agreed,
        contradiction=contradiction if steady else "",
        doubt="" if agreed else "the logits of hidden comments could not all be worked out from the trained weights",
        logits=computed if agreed else None,
    )


def _comes_from_start(embedding: Numbers, salt: int) -> bool:
    """Return whether an embedding is still like the numbers it was started from: 315 small steps change it little."""
    start = sum(noise(embedding.size, (salt + 7919 * place) % PRIME) for place in range(3))
    return float(np.corrcoef(embedding.reshape(-1), np.asarray(start))[0, 1]) > 0.3
