"""The two network classes: what they build, the shape and kind of their outputs, and what these depend on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from grader.model import Execution, Judgement, PointResult
from reference.hw5.checks.cells import ask
from reference.hw5.checks.replies import (
    Numbers,
    OddReplyError,
    earned,
    find_error,
    is_ours,
    join,
    judge_none,
    lose_all,
    lost,
    read_count,
    read_list,
    read_map,
    read_numbers,
    read_odd,
)
from reference.hw5.checks.requests import find_arguments
from reference.hw5.checks.signs import inquire

SAME = 1e-5  # logits closer than this are the same number, computed in another order

Looks = Mapping[str, Mapping[str, Any]]


def network(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_network``: points types, shapes, reads_comment, raw_logits, arguments, gradient."""
    return _judge(question, execution, seed, "network", "Network")


def deep(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_deep``: points builds, shapes, both_directions, raw_logits, gradient."""
    return _judge(question, execution, seed, "deep", "DeepNetwork")


def _judge(question: Any, execution: Execution, seed: int, probe: str, name: str) -> Judgement:
    reply = ask(question, execution, probe, [name])
    if isinstance(reply, Judgement):
        return reply
    arguments = find_arguments(seed, probe)
    try:
        looks = {kind: read_map(read_map(reply, "types"), kind) for kind in arguments["m_types"]}
        errors = {kind: error for kind, look in looks.items() if (error := find_error(look))}
        if len(errors) == len(looks):
            return _judge_error(question, name, next(iter(errors.values())))
        built = {kind: look for kind, look in looks.items() if kind not in errors}
        batch = len(arguments["inputs"]["many"][0])
        if silent := _find_silence(built):
            return _judge_error(question, name, silent)
        results = [
            _judge_types(built, errors, name),
            _judge_builds(built, errors, name),
            _judge_shapes(built, batch, name),
            _judge_reading(built, batch, name),
            _judge_directions(built, batch),
            _judge_raw(built, batch),
            _judge_arguments(reply, built, arguments),
        ]
        directions = results[4]
        results.append(_judge_gradient(built, name, whole=directions is None or directions.share == 1))
    except OddReplyError:
        return read_odd(question)
    wanted = {point.id for point in question.points}
    recount = inquire(execution, seed).find(probe)
    return Judgement(
        results=tuple(result for result in results if result is not None and result.point in wanted),
        confirmed=recount.confirmed,
        review=recount.doubt,
    )


def _judge_error(question: Any, name: str, error: str) -> Judgement:
    if is_ours(error):
        return judge_none(question, error)
    message = (
        f"`{name}` could not be built and called: {error}. It is made as in the template, {name}(50, m_type='gru'), "
        "and called with token ids [seq_len, batch]."
    )
    return lose_all(question, error[:120], "network_raised", message)


def _find_silence(built: Looks) -> str:
    """Return what was raised where no type gives any logits, else an empty text."""
    errors = [find_error(read_map(read_map(look, "logits"), "many")) for look in built.values()]
    return errors[0] if all(errors) else ""


def _share(right: int, total: int) -> Decimal:
    return (Decimal(right) / Decimal(total)).quantize(Decimal("0.01"))


def _judge_types(built: Looks, errors: Mapping[str, str], name: str) -> PointResult:
    """Judge whether each type builds the layer of its name; one that is not torch's is told by its size."""
    wrong = {kind: error for kind, error in errors.items()}
    for kind, look in built.items():
        core = look.get("core")
        if isinstance(core, Mapping) and core.get("kind") != kind.upper():
            wrong[kind] = f"builds {core.get('kind')}"
    sizes = [read_count(look, "parameters") for look in built.values() if not isinstance(look.get("core"), Mapping)]
    if not wrong and (0 in sizes or len(set(sizes)) != len(sizes)):
        wrong = {kind: "has the same size as another type" for kind in built}
    kinds = list(built) + list(errors)
    if not wrong:
        return earned("types", f"{join(kinds)}: each builds its own layer")
    saw = "; ".join(f"{kind}: {why}" for kind, why in wrong.items())[:200]
    message = (
        f"`{name}` must build a different recurrent layer for each m_type ('rnn', 'gru', 'lstm'); "
        f"{join(list(wrong))} did not work: {next(iter(wrong.values()))[:200]}."
    )
    return lost("types", saw, "types", message, share=_share(len(kinds) - len(wrong), len(kinds)))


def _judge_builds(built: Looks, errors: Mapping[str, str], name: str) -> PointResult:
    """Judge whether two layers and both directions, asked for by keyword, arrive in the recurrent layer."""
    wrong = dict(errors)
    for kind, look in built.items():
        core = look.get("core")
        if not isinstance(core, Mapping) or core.get("layers") != 2 or core.get("bidirectional") is not True:
            wrong[kind] = f"built {core}" if isinstance(core, Mapping) else "has no recurrent layer of torch's"
    kinds = list(built) + list(errors)
    if not wrong:
        return earned("builds", f"{join(kinds)}: two layers, both directions")
    message = (
        f"`{name}(..., num_layers=2, bidirectional=True)` must pass these on to the recurrent layer (**kwargs), for "
        f"every m_type; {join(list(wrong))} did not work: {next(iter(wrong.values()))[:200]}."
    )
    saw = "; ".join(f"{kind}: {why}" for kind, why in wrong.items())[:200]
    return lost("builds", saw, "kwargs", message, share=_share(len(kinds) - len(wrong), len(kinds)))


def _judge_shapes(built: Looks, batch: int, name: str) -> PointResult:
    shapes = {(kind, which): _shape(look, which) for kind, look in built.items() for which in ("many", "one", "short")}
    wanted = {"many": [batch, 1], "one": [1, 1], "short": [batch, 1]}
    bad = [key for key, shape in shapes.items() if shape != wanted[key[1]]]
    if not bad:
        return earned("shapes", f"[{batch}, 1] for {batch} comments, [1, 1] for one")
    if all(which == "one" for _, which in bad):
        message = (
            "A batch of one comment loses its batch dimension: squeeze() without an argument removes every dimension "
            "of size 1. Name the one you mean, as in squeeze(0), or index it."
        )
        return lost("shapes", f"one comment gives {shapes[bad[0]]}", "batch_of_one", message, share=0.5)
    flat = [key for key in bad if key[1] != "one" and shapes[key] == [batch]]
    if flat and len(flat) == sum(key[1] != "one" for key in bad):
        message = f"`{name}` must return [batch, 1], one column of logits; squeeze it only where the loss is computed."
        return lost("shapes", f"{batch} comments give [{batch}]", "logits_shape", message, share=0.5)
    message = f"Token ids [seq_len, batch] must give logits [batch, 1]; here {batch} comments give {shapes[bad[0]]}."
    return lost("shapes", f"{bad[0][1]}: {shapes[bad[0]]}", "logits_shape", message)


def _shape(look: Mapping[str, Any], which: str) -> Any:
    """Return the shape of the logits, or what was raised instead."""
    reply = read_map(read_map(look, "logits"), which)
    return find_error(reply) or list(read_list(reply, "shape"))


def _find_logits(looks: Mapping[str, Any], which: str, length: int) -> Numbers | None:
    """Return one batch's logits, None where the network raised. Raises OddReplyError."""
    reply = read_map(looks, which)
    if find_error(reply):
        return None
    values = read_list(reply, "values")
    return read_numbers(values, length) if len(values) == length else None


def _apart(one: Numbers | None, two: Numbers | None) -> float:
    """Return the largest difference, 0 where one of them is not there."""
    return 0.0 if one is None or two is None else float(np.max(np.abs(one - two)))


def _judge_reading(built: Looks, batch: int, name: str) -> PointResult:
    """Judge whether a comment's logit depends on its first and last word, on no other comment and on no chance."""
    for kind, look in built.items():
        logits = read_map(look, "logits")
        many = _find_logits(logits, "many", batch)
        if many is None:
            return lost(
                "reads_comment", f"{kind}: no logits", "network_raised", f"`{name}` gives no logits to look at."
            )
        again, neighbour = (_find_logits(logits, name, batch) for name in ("again", "neighbour_changed"))
        if again is None or neighbour is None:
            message = f"`{name}` gives logits for one batch and none for another of the same size."
            return lost("reads_comment", f"{kind}: not every batch has logits", "network_raised", message)
        if _apart(many, again) > SAME:
            message = (
                "In evaluation mode the same batch gives other logits every time: dropout is always on. Use "
                "torch.nn.Dropout, or pass training=self.training to F.dropout."
            )
            return lost("reads_comment", f"{kind}: the same batch gives other logits", "dropout_always_on", message)
        one = _find_logits(logits, "one", 1)
        if _apart(many[1:], neighbour[1:]) > SAME or _apart(many[:1], one) > SAME:
            message = (
                "A comment's logit changes with the other comments in its batch. The tokens come as [seq_len, batch]: "
                "the recurrent layer needs batch_first=False, and the time steps are the first dimension."
            )
            return lost("reads_comment", f"{kind}: comments of a batch mix", "batch_axis", message)
        for which, words in (("first_changed", "first"), ("last_changed", "last")):
            if _apart(many, _find_logits(logits, which, batch)) == 0:
                message = (
                    f"Changing the {words} word of every comment changes no logit: use the hidden state after the last "
                    "time step, which has seen all words."
                )
                return lost("reads_comment", f"{kind}: the {words} word has no effect", "wrong_step", message)
    return earned("reads_comment", "every word has an effect, and each comment is on its own")


def _judge_directions(built: Looks, batch: int) -> PointResult | None:
    """Judge whether both states of the last layer are used, each after the last word in its direction."""
    if not all("ablations" in look for look in built.values()):
        return None
    for kind, look in built.items():
        ablations = read_map(look, "ablations")
        effect = {name: _effects(read_map(ablations, name), batch) for name in ablations}
        if set(effect) != {"backward_only", "forward_only", "first_layer_only"}:
            raise OddReplyError
        if max(effect["first_layer_only"]) > SAME:
            message = (
                "The states of the first layer are used. The hidden states are stacked layer by layer, so those of the "
                "last layer stand at the end: hidden[-2] (forward) and hidden[-1] (backward)."
            )
            return lost("both_directions", f"{kind}: the first layer's states are used", "first_layer", message)
        if effect["backward_only"][0] <= SAME < effect["backward_only"][1]:
            message = (
                "The backward direction's output at the last time step is used, where it has read one word only (for a "
                "padded comment just padding). Concatenate the two last hidden states, hidden[-2] and hidden[-1]."
            )
            return lost("both_directions", f"{kind}: the backward half saw only the last word", "last_step", message)
        if max(effect["backward_only"]) <= SAME or max(effect["forward_only"]) <= SAME:
            which = "forward" if max(effect["forward_only"]) <= SAME else "backward"
            message = f"The {which} direction's last hidden state has no effect: concatenate both directions' states."
            return lost("both_directions", f"{kind}: the {which} direction is not used", "one_direction", message)
        if effect["forward_only"][1] <= SAME:
            message = "The forward direction is read at its first time step: use its last hidden state, hidden[-2]."
            return lost("both_directions", f"{kind}: the forward half saw only the first word", "first_step", message)
    return earned("both_directions", "the last layer's two last states, one of each direction")


def _effects(looks: Mapping[str, Any], batch: int) -> tuple[float, float]:
    """Return how far the logits move when the first, and when the last word changes."""
    if find_error(looks):
        raise OddReplyError
    many = _find_logits(looks, "many", batch)
    first, last = (_apart(many, _find_logits(looks, name, batch)) for name in ("first_changed", "last_changed"))
    return first, last


def _judge_raw(built: Looks, batch: int) -> PointResult:
    """Judge the outputs of a thousandfold last layer: logits are large then, probabilities are not."""
    for kind, look in built.items():
        loud = _find_logits(look, "loud", batch)
        if loud is None:
            return lost("raw_logits", f"{kind}: no logits", "network_raised", "The network gives no logits to look at.")
        if np.all((loud >= 0) & (loud <= 1)):
            message = (
                "The network ends in a sigmoid, but BCEWithLogitsLoss takes the sigmoid itself: return the linear "
                "layer's output as it is."
            )
            return lost("raw_logits", f"{kind}: all outputs lie between 0 and 1", "sigmoid_before_loss", message)
        if np.all(np.abs(loud) <= 1):
            message = "The network's outputs stay between -1 and 1: return the linear layer's output as it is."
            return lost("raw_logits", f"{kind}: all outputs lie between -1 and 1", "squashed_logits", message)
        if np.all(loud >= 0) and len(loud) > 3 and np.any(loud == 0):
            message = 'The network ends in a ReLU, so no logit can say "not toxic": return the linear layer\'s output.'
            return lost("raw_logits", f"{kind}: no output is negative", "relu_logits", message)
    return earned("raw_logits", "the outputs are logits")


def _judge_arguments(reply: Mapping[str, Any], built: Looks, arguments: Mapping[str, Any]) -> PointResult:
    """Judge whether the caller's sizes are used, and further keyword arguments reach the recurrent layer."""
    sizes = arguments["sizes"]
    for kind, look in built.items():
        core = look.get("core")
        if isinstance(core, Mapping) and (core.get("input"), core.get("hidden")) != (
            sizes["embedding_dim"],
            sizes["hidden_size"],
        ):
            message = (
                "embedding_dim and hidden_size must decide the sizes of the layers: use the arguments, not numbers."
            )
            return lost(
                "arguments", f"{kind}: sizes {core.get('input')}, {core.get('hidden')}", "sizes_ignored", message
            )
    stacked = reply.get("kwargs")
    error = find_error(stacked)
    core = stacked.get("core") if isinstance(stacked, Mapping) else None
    if error or not isinstance(core, Mapping) or core.get("layers") != 2:
        message = (
            "Pass the further keyword arguments on to the recurrent layer: with num_layers=2 it must have two layers."
        )
        return lost("arguments", error[:120] or "num_layers=2 did not arrive", "kwargs", message, share=0.5)
    return earned("arguments", "sizes and further keyword arguments arrive in the recurrent layer")


def _judge_gradient(built: Looks, name: str, *, whole: bool) -> PointResult:
    """Judge whether a gradient reaches every parameter.

    Unless ``whole``, the recurrent layer's own are left out: its unused states have cost their point already.
    """
    missed: dict[str, list[str]] = {}
    idle: set[str] = set()
    for kind, look in built.items():
        reply = read_map(look, "without_gradient")
        if error := find_error(reply):
            return lost("gradient", f"{kind}: {error[:100]}", "no_gradient", f"No gradient could be computed: {error}.")
        if not read_list(reply, "all"):
            return lost("gradient", f"{kind}: no parameters", "no_gradient", f"`{name}` has no parameters to train.")
        own = (
            read_list(reply, "missed")
            if whole
            else [item for item in read_list(reply, "missed") if not _is_recurrent(item)]
        )
        idle |= {f"{item}." for item in read_list(look, "idle")}
        if unreached := [str(item)[:60] for item in own]:
            missed[kind] = unreached
    if not missed:
        return earned("gradient", "every parameter gets one")
    kind, names = next(iter(missed.items()))
    shown = join([f"`{item}`" for item in names[:4]])
    if all(item.startswith(tuple(idle)) for names in missed.values() for item in names):
        message = (
            f"`{name}` makes recurrent layers that it never runs ({shown}): make only the one that m_type names, so "
            "that no parameter is left untrained."
        )
        return lost(
            "gradient", f"{kind}: {len(idle)} recurrent layers are never run", "idle_layers", message, share=0.5
        )
    message = (
        f"No gradient reaches {shown} of `{name}` ({kind}), so training cannot change them: check that forward uses "
        "each layer, and that no .detach(), .data or no_grad() cuts the path."
    )
    return lost("gradient", f"{kind}: none reaches {shown}", "no_gradient", message)


def _is_recurrent(name: Any) -> bool:
    return re.search(r"(weight|bias)_(ih|hh)_l\d", str(name)) is not None
