"""The two loops: what a training and an evaluation function did with sent batches, networks and random labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.model import Execution, Judgement, PointResult
from reference.hw5.checks.cells import ask, count_trainings, describe_stale, find_stale_cells, show_movement
from reference.hw5.checks.figures import Figures, build_figures, compute_loss, judge_accuracy, judge_loss
from reference.hw5.checks.replies import (
    OddReplyError,
    earned,
    find_error,
    is_ours,
    judge_none,
    lose_all,
    lost,
    read_list,
    read_map,
    read_numbers,
    read_odd,
)
from reference.hw5.checks.requests import find_arguments
from reference.hw5.checks.retrace import is_gradient_own
from reference.hw5.checks.signs import inquire

STRANGE = "the gradients that were noted are not those of the loss that was returned"
STILL = 1e-9  # a parameter whose norm of change is below this did not move
PARALLEL = 0.99  # cosine between the gradient of a step and that of its own batch, which clipping leaves at 1

NEXT_AFTER_STALE = (
    "Give each new network its own optimizer and run the cells once more: then the later networks learn too."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The student's first walk over the sent batches: forwards, steps and what was returned."""

    figures: Figures
    training: tuple[bool, ...]
    gradient: tuple[bool, ...]
    steps: int
    stale_steps: int
    empty_steps: int
    backwards: int
    walks: int
    returned: tuple[Any, ...]


def train(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_train``.

    Points: moves, fresh_gradients, loss_falls, training_mode, mean_loss, mean_accuracy, own_cells.
    """
    reply = ask(question, execution, "train", ["train_network"])
    if isinstance(reply, Judgement):
        return reply
    try:
        return _judge_train(question, execution, reply, seed)
    except OddReplyError:
        return read_odd(question)


def _judge_train(question: Any, execution: Execution, reply: Mapping[str, Any], seed: int) -> Judgement:
    arguments = find_arguments(seed, "train")
    batches = arguments["batches"]
    if stop := _find_stop(question, reply, "train_network"):
        return stop
    first = read_pass(reply, batches)
    moved = _moved(reply)
    stale = find_stale_cells(execution) if moved else []
    results = [
        _judge_moves(first, moved, len(batches)),
        _judge_gradients(first),
        _judge_fall(reply, batches),
        _judge_training_mode(first),
        judge_loss(question, execution.device, first.figures, first.returned),
        judge_accuracy(question, execution.device, first.figures, first.returned),
        _judge_own_cells(stale, count_trainings(execution)),
    ]
    inquest = inquire(execution, seed)
    recount = inquest.find("train")
    own = is_gradient_own(reply, arguments, inquest.find("network").formulas.get("gru"), execution.device)
    # Another loss than the one that was given has another gradient, and then it also returns another mean.
    doubt = STRANGE if own is False and results[4].share == 1 else recount.doubt
    return Judgement(
        results=tuple(results),
        findings=tuple(describe_stale(stale)),
        confirmed=recount.confirmed and own is True,
        review=doubt,
        observed={
            **show_movement(stale),
            **({"next": NEXT_AFTER_STALE} if stale and all(item.share == 1 for item in results) else {}),
        },
    )


def evaluate(question: Any, execution: Execution, seed: int) -> Judgement:
    """Judge ``q4_evaluate``: points evaluation_mode, no_gradient, unchanged, mean_loss, mean_accuracy."""
    reply = ask(question, execution, "evaluate", ["evaluate_network"])
    if isinstance(reply, Judgement):
        return reply
    batches = find_arguments(seed, "evaluate")["batches"]
    try:
        if stop := _find_stop(question, reply, "evaluate_network"):
            return stop
        once = read_pass(reply, batches)
        results = [
            _judge_evaluation_mode(once),
            _judge_no_gradient(once),
            _judge_unchanged(once, _moved(reply)),
            judge_loss(question, execution.device, once.figures, once.returned),
            judge_accuracy(question, execution.device, once.figures, once.returned),
        ]
    except OddReplyError:
        return read_odd(question)
    recount = inquire(execution, seed).find("evaluate")
    return Judgement(results=tuple(results), confirmed=recount.confirmed, review=recount.doubt)


def _find_stop(question: Any, reply: Mapping[str, Any], name: str) -> Judgement | None:
    """Return the judgement where the function raised at once, or never looked at the batches it was given."""
    error = find_error(reply)
    returned = read_list(reply, "returned") if "returned" in reply else []
    if error and not returned:
        if is_ours(error):
            return judge_none(question, error)
        message = f"`{name}` raised {error} when it was called with a network, three batches, an optimizer and a loss."
        return lose_all(question, error[:120], "loop_raised", message)
    forwards = [event for event in read_list(reply, "events") if _is(event, "forward") and event.get("batch", -1) >= 0]
    if not forwards:
        message = (
            f"`{name}` never sent the batches of the iterator it was given through the network it was given. "
            "Use the function's own arguments, not names from outside it."
        )
        return lose_all(question, "the batches it was given were not used", "arguments_ignored", message)
    return None


def read_pass(reply: Mapping[str, Any], batches: Sequence[Mapping[str, Any]]) -> Pass:
    """Return the first call's pass. Raises OddReplyError."""
    events = read_list(reply, "events")
    if not all(isinstance(event, Mapping) for event in events):
        raise OddReplyError
    forwards = [event for event in events if _is(event, "forward") and event.get("batch") in range(len(batches))]
    steps = [event for event in events if _is(event, "step")]
    returned = read_list(reply, "returned")
    pair = returned[0] if returned and isinstance(returned[0], list | tuple) else returned[:1]
    walks = read_list(reply, "walks")
    return Pass(
        figures=build_figures(forwards, batches),
        training=tuple(_read_flag(event, "training") for event in forwards),
        gradient=tuple(_read_flag(event, "gradient") for event in forwards),
        steps=len(steps),
        stale_steps=_count_stale(events),
        empty_steps=sum(event.get("head") is None for event in steps),
        backwards=sum(_is(event, "backward") for event in events),
        walks=walks[0] if walks and isinstance(walks[0], int) else 0,
        returned=tuple(pair),
    )


def _read_flag(event: Mapping[str, Any], name: str) -> bool:
    flag = event.get(name)
    if not isinstance(flag, bool):
        raise OddReplyError
    return flag


def _is(event: Any, name: str) -> bool:
    return isinstance(event, Mapping) and event.get("event") == name


def _count_stale(events: Sequence[Mapping[str, Any]]) -> int:
    """Return how many steps took a gradient that points elsewhere than that of their own batch."""
    count, own = 0, None
    for event in events:
        if _is(event, "backward"):
            own = _vector(event)
        if _is(event, "step") and own is not None and event.get("head") is not None:
            taken = _vector(event)
            if taken.shape != own.shape:
                raise OddReplyError
            norms = float(np.linalg.norm(taken) * np.linalg.norm(own))
            count += norms > 0 and float(taken @ own) / norms < PARALLEL
    return count


def _vector(event: Mapping[str, Any]) -> Any:
    head = event.get("head")
    return read_numbers(head, len(head) if isinstance(head, list | tuple) else -1)


def _moved(reply: Mapping[str, Any]) -> bool:
    movement = read_map(reply, "movement")
    if not movement:
        raise OddReplyError  # no weights to look at is not the same as weights that stood still
    norms = read_numbers(list(movement.values()), len(movement))
    return bool((norms > STILL).any())


def _judge_moves(first: Pass, moved: bool, batches: int) -> PointResult:
    if not moved:
        why = {
            (True, True): "optimizer.step() ran, but there was no gradient for it: call loss.backward() before it",
            (True, False): "the optimizer took steps on other parameters or on gradients that were zero",
        }.get((first.steps > 0, first.backwards == 0), "optimizer.step() is never called")
        if first.empty_steps and first.empty_steps == first.steps and first.backwards:
            why = "the gradients are cleared between loss.backward() and optimizer.step(): clear them before backward()"
        code = "no_step" if first.steps == 0 else "no_movement"
        return lost("moves", f"no parameter moved ({first.steps} steps)", code, f"Training moves nothing: {why}.")
    if first.steps < batches * max(first.walks, 1):
        message = (
            f"The optimizer took {first.steps} step(s) in a pass over {batches} batches. Call optimizer.step() once "
            "per batch, inside the loop."
        )
        return lost("moves", f"{first.steps} steps for {batches} batches", "few_steps", message, share=0.5)
    return earned("moves", f"{first.steps} steps for {batches} batches, the parameters moved")


def _judge_gradients(first: Pass) -> PointResult:
    if first.steps == 0 or first.backwards == 0:
        return lost(
            "fresh_gradients", "no step to look at", "no_step", "There was no step whose gradient could be right."
        )
    if first.stale_steps:
        message = (
            "The gradients of earlier batches are still in the sum when a later batch takes its step. Call "
            "optimizer.zero_grad() for every batch, before loss.backward()."
        )
        saw = f"{first.stale_steps} of {first.steps} steps used gradients of earlier batches as well"
        return lost("fresh_gradients", saw, "no_zero_grad", message)
    return earned("fresh_gradients", "each step used its own batch's gradient alone")


def _judge_fall(reply: Mapping[str, Any], batches: Sequence[Mapping[str, Any]]) -> PointResult:
    before, after = (_eval_loss(read_list(reply, name), batches) for name in ("before", "after"))
    calls = len(read_list(reply, "returned"))
    saw = f"loss {before:.3f} before, {after:.3f} after {calls} passes over 29 comments with random labels"
    if after < 0.8 * before:
        return earned("loss_falls", saw)
    message = (
        "The loss on the very comments it was trained on did not fall. Check that the loss compares the network's "
        "logits with the labels of the same batch, and that loss.backward() and optimizer.step() follow."
    )
    return lost("loss_falls", saw, "loss_does_not_fall", message)


def _eval_loss(looks: Sequence[Any], batches: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean loss per comment of logits looked at in evaluation mode."""
    if len(looks) != len(batches):
        raise OddReplyError
    sizes = [len(batch["labels"]) for batch in batches]
    losses = [
        compute_loss(read_numbers(look.get("values") if isinstance(look, Mapping) else None, size), batch["labels"])
        for look, batch, size in zip(looks, batches, sizes, strict=True)
    ]
    return float(np.average(losses, weights=sizes))


def _judge_training_mode(first: Pass) -> PointResult:
    if all(first.training):
        return earned("training_mode", "in training mode")
    message = (
        "The network was trained in evaluation mode, so dropout was off. Begin with network.train(): an evaluation "
        "before may have switched it off."
    )
    return lost("training_mode", "in evaluation mode", "train_in_eval_mode", message)


def _judge_own_cells(stale: Sequence[Any], trainings: int) -> PointResult:
    own = [item for item in stale if not item.given]
    if own:
        saw = f"in cell {own[0].cell.index}, which is your own, {own[0].kind} did not move"
        message = (
            f"The network in cell {own[0].cell.index} was trained with another network's optimizer. Make an optimizer "
            "for it first."
        )
        return lost("own_cells", saw, "own_cell_stale", message)
    if stale:
        cells = len({item.cell.index for item in stale})
        return earned("own_cells", f"{cells} given cells reuse an old optimizer (see below); none of your own does")
    return earned("own_cells", f"{trainings} training cells, each moved its network" if trainings else "none written")


def _judge_evaluation_mode(once: Pass) -> PointResult:
    if not any(once.training):
        return earned("evaluation_mode", "in evaluation mode")
    message = "The network is evaluated in training mode, so dropout changes its answers. Begin with network.eval()."
    return lost("evaluation_mode", "in training mode", "evaluate_in_train_mode", message)


def _judge_no_gradient(once: Pass) -> PointResult:
    if not any(once.gradient):
        return earned("no_gradient", "without gradients")
    message = "The evaluation records gradients that nobody uses: put its loop under `with torch.no_grad():`."
    return lost("no_gradient", "gradients were recorded", "evaluate_with_gradient", message)


def _judge_unchanged(once: Pass, moved: bool) -> PointResult:
    if not moved:
        return earned("unchanged", "the weights are the same before and after")
    message = (
        "Evaluating changed the network's weights or running statistics: no backward(), no optimizer.step() there, and "
        "evaluation mode."
    )
    return lost("unchanged", f"the weights moved ({once.steps} steps)", "evaluate_trains", message)
