"""notebook: forgeries, none of which may earn more than the notebook unless a person looks; and odd honest work."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

import reference.hw5.checks as checks
from grader.model import Evidence, Execution, ProbeReply
from reference.hw5.checks.requests import QUALITY_TYPES, find_requests, hidden_comments
from tests.sampling import sample
from tests.unit.notebook_cases import PROBES, judge, load_questions, open_workshop

LIGHT = [name for name, request in find_requests(5).items() if request.function not in ("quality", "own_networks")]
QUALITY = ["quality_gru", "quality_lstm", "canary_quality"]
ALL = [*LIGHT, *QUALITY]
NETWORKS = ("q4_network", "q4_deep")
LIGHT_CRITERIA = [criterion for criterion, probes in PROBES.items() if set(probes) <= set(LIGHT)]

Replies = Mapping[str, ProbeReply]


def change_forward(code: str, made: str = "", name: str = "Network") -> dict[str, str]:
    """Return a change of the notebook: another network under the same name."""
    made = "\n".join(f"        {line}" for line in made.splitlines())
    code = "\n".join(f"        {line}" for line in code.splitlines())
    return {
        "cell": f"class {name}",
        "new": f"class {name}(torch.nn.Module):\n"
        "    def __init__(self, in_neuron, embedding_dim=128, hidden_size=256, out_neuron=1, m_type='', drop=0.5,\n"
        "                 **kw):\n"
        "        super().__init__()\n"
        "        self.m_type = m_type\n"
        "        self.embedding = torch.nn.Embedding(in_neuron, embedding_dim)\n"
        "        make = {'rnn': torch.nn.RNN, 'gru': torch.nn.GRU, 'lstm': torch.nn.LSTM}[m_type]\n"
        "        self.layer = make(embedding_dim, hidden_size, **kw)\n"
        "        self.dropout = torch.nn.Dropout(drop)\n"
        "        self.linear = torch.nn.Linear(hidden_size, out_neuron)\n"
        f"{made}\n\n    def forward(self, t):\n{code}\n",
    }


LAST = "output, _ = self.layer(self.embedding(t))\nreturn self.linear(self.dropout(output[-1]))"
HASH = change_forward(
    "ids = t.double()\n"
    "place = torch.arange(1, len(t) + 1, dtype=torch.float64).unsqueeze(1)\n"
    "logit = torch.sin((ids * 12.9898 * place).sum(0, keepdim=True).T).float() * 3\n"
    "return logit + 0 * self.linear(self.layer(self.embedding(t))[0][-1])"
)
CONSTANT = change_forward("return self.linear(self.layer(self.embedding(t))[0][-1]) * 0")
NO_ZERO_GRAD = {"cell": "def train_network", "old": "optimizer.zero_grad()", "new": "pass"}
NO_STEP = {"cell": "def train_network", "old": "optimizer.step()", "new": "pass"}


def judge_all(execution: Execution, criteria: list[str]) -> dict[str, Evidence]:
    return {criterion: judge(criterion, execution) for criterion in criteria}


def find_gains(forged: Execution, honest: Execution | None, criteria: list[str]) -> list[str]:
    """Return the criteria that were decided with more credit than the notebook itself earns (0 without ``honest``)."""
    gains = []
    for criterion, evidence in judge_all(forged, criteria).items():
        own = judge(criterion, honest).credit if honest is not None else 0
        if evidence.decided and (evidence.credit or 0) > (own or 0):
            gains.append(criterion)
    return gains


def is_called_tampered(execution: Execution, criteria: list[str]) -> list[str]:
    return [
        f"{criterion}: {finding.message}"
        for criterion, evidence in judge_all(execution, criteria).items()
        for finding in evidence.findings
        if finding.code == "notebook.tampered"
    ]


@pytest.fixture(scope="module")
def solution() -> Execution:
    return open_workshop().run([], ALL)


# --- The stream ---


def test_canaries_stand_among_the_probes_in_an_order_of_the_seed() -> None:
    orders = {tuple(request.name for request in checks.list_requests(seed)) for seed in range(4)}
    assert len(orders) == 4
    requests = checks.list_requests(5)
    assert len({request.token for request in requests}) == len(requests)
    assert not any(request.name in request.token or "canary" in str(request.arguments) for request in requests)
    for request in requests:
        if request.name.startswith("canary_") and request.function != "compute":
            probe = find_requests(5)[request.name.removeprefix("canary_").replace("quality", "quality_gru")]
            assert set(request.arguments) == set(probe.arguments)


def test_every_criterion_says_what_it_rests_on() -> None:
    rests = {name: question.rests_on for name, question in load_questions().items()}
    assert rests.pop("q4_data") == "kernel"
    assert set(rests.values()) == {"recomputed"}


def test_the_solution_is_confirmed_throughout(solution: Execution) -> None:
    for criterion, evidence in judge_all(solution, list(PROBES)).items():
        assert (evidence.verdict, evidence.review) == ("correct", None), criterion
        assert checks.signs(solution, 5) == ()
        if criterion != "q4_data":
            question = load_questions()[criterion]
            judgement = getattr(checks, criterion.removeprefix("q4_"))(question, solution, 5)
            assert judgement.confirmed, criterion


def test_what_was_confirmed_stands_beside_a_sign(solution: Execution) -> None:
    """One canary fails: what rests on the kernel's word waits for a person, what was worked out here stays."""
    broken = {**solution.replies, "canary_1": ProbeReply(value={})}
    evidence = judge_all(replace(solution, replies=broken), list(PROBES))
    assert [criterion for criterion, item in evidence.items() if item.review] == ["q4_data"]
    codes = [(finding.code, finding.audience) for finding in evidence["q4_data"].findings]
    assert ("notebook.tampered", "staff") in codes


# --- Forgeries ---


def test_a_function_of_the_tokens_that_ignores_the_weights() -> None:
    forged = open_workshop().run([HASH], LIGHT)
    assert is_called_tampered(forged, ["q4_network"])
    assert find_gains(forged, None, ["q4_network", "q4_train"]) == []


@pytest.mark.parametrize("criterion", list(PROBES))
def test_replies_of_another_run(criterion: str) -> None:
    """The reference's replies to other inputs, by the name of the function, with canaries answered alike."""
    recorded = _record_other_run()
    replies = {
        name: recorded[name.removeprefix("canary_")] for name in LIGHT if name.removeprefix("canary_") in recorded
    }
    assert find_gains(Execution(outcome="finished", replies=replies), None, [criterion]) == []


def test_replies_of_another_run_with_canaries_answered_rightly(solution: Execution) -> None:
    """Whoever tells canaries from probes still has no network that answers these inputs so."""
    forged = replace(solution, replies={**solution.replies, **_record_other_run()})
    assert len(checks.signs(forged, 5)) >= 4
    assert find_gains(forged, None, LIGHT_CRITERIA) == []


_RECORDED: dict[str, ProbeReply] = {}


def _record_other_run() -> dict[str, ProbeReply]:
    if not _RECORDED:
        names = [name for name in LIGHT if not name.startswith("canary")]
        _RECORDED.update(open_workshop().run([], names, seed=6).replies)
    return _RECORDED


def test_a_handler_that_answers_with_the_solution_by_the_function_asked(solution: Execution) -> None:
    """The notebook is bad; behind the handler a right one answers whatever is asked, without a look at the subject."""
    right: dict[str, Any] = {}

    def keep(request: Any, arguments: Any, call: Any, namespace: Any) -> Any:
        right.update(namespace)
        return {}

    open_workshop().run([], ["data"], answer=keep)

    def forge(request: Any, arguments: Any, call: Any, namespace: Any) -> Any:
        if request.function == "compute":
            return call(namespace, **arguments)
        return call(right, **{**arguments, "subject": "def choose(namespace): return namespace"})

    forged = open_workshop().run([CONSTANT, NO_STEP], LIGHT, answer=forge)
    assert len(checks.signs(forged, 5)) >= 5
    # What the right notebook behind it did was worked out anew and is what it is; the kernel's word is not taken.
    assert judge("q4_data", forged).review is not None


@pytest.mark.parametrize("value", [{}, None, [], {"found": {"name": "Network", "by": "name"}}])
def test_a_handler_that_answers_all_alike(value: Any) -> None:
    forged = open_workshop().run([], ALL, answer=lambda *_: value)
    assert find_gains(forged, None, list(PROBES)) == []
    assert checks.signs(forged, 5) == () if value is None else checks.signs(forged, 5)


def test_a_handler_that_forges_every_other_answer(solution: Execution) -> None:
    turn = iter(range(1000))

    def forge(request: Any, arguments: Any, call: Any, namespace: Any) -> Any:
        known = {"found": {"name": "Network", "by": "name"}, "table": {"columns": ["comment_text", "toxic"], "rows": 9}}
        return known if next(turn) % 2 else call(namespace, **arguments)

    forged = open_workshop().run([CONSTANT], LIGHT, answer=forge)
    honest = open_workshop().run([CONSTANT], LIGHT)
    assert checks.signs(forged, 5)
    assert find_gains(forged, honest, LIGHT_CRITERIA) == []


PATCHES: dict[str, Any] = {
    "binary_cross_entropy_with_logits": (torch.nn.functional, lambda logits, *_, **__: logits.sum() * 0),
    "allclose": (torch, lambda *_, **__: True),
    "equal": (torch, lambda *_, **__: True),
    "argsort": (torch, lambda item, *_, **__: torch.arange(item.shape[-1])),
    "norm": (torch, lambda item, *_, **__: item.abs().sum(-1)),
    "sigmoid": (torch, lambda item: item * 0 + 0.5),
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_patched_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, forged = PATCHES[name]

    def patched(request: Any, arguments: Any, call: Any, namespace: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, forged)
            return call(namespace, **arguments)

    execution = open_workshop().run([], LIGHT, answer=patched)
    assert checks.signs(execution, 5)
    assert judge("q4_data", execution).review is not None


def test_a_patched_json(monkeypatch: pytest.MonkeyPatch) -> None:
    import json as real

    def patched(request: Any, arguments: Any, call: Any, namespace: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(real, "dumps", lambda *_, **__: "[[0.01, 0.99]]")
            return call(namespace, **arguments)

    assert checks.signs(open_workshop().run([], LIGHT, answer=patched), 5)


def forge_reply(execution: Execution, name: str, forge: Any) -> Execution:
    """Return the run with one reply changed by ``forge``."""
    value = copy.deepcopy(execution.replies[name].value)
    forge(value)
    return replace(execution, replies={**execution.replies, name: replace(execution.replies[name], value=value)})


def test_a_diary_in_which_every_step_took_a_fresh_gradient() -> None:
    honest = open_workshop().run([NO_ZERO_GRAD], LIGHT)
    assert judge("q4_train", honest).verdict == "partial"

    def steps_like_backward(value: Any) -> None:
        for event in value["events"]:
            if event["event"] == "backward":
                head = event["head"]
            elif event["event"] == "step":
                event["head"] = head

    def backward_like_steps(value: Any) -> None:
        last = None
        for event in reversed(value["events"]):
            if event["event"] == "step":
                last = event["head"]
            elif event["event"] == "backward" and last:
                event["head"] = last

    for forge in (steps_like_backward, backward_like_steps):
        assert find_gains(forge_reply(honest, "train", forge), honest, ["q4_train"]) == []


def test_a_diary_of_steps_that_were_never_taken() -> None:
    honest = open_workshop().run([NO_STEP], LIGHT)

    def forge(value: Any) -> None:
        for _ in range(3):
            value["events"].append({"event": "step", "head": [0.1] * 6})
        value["movement"] = dict.fromkeys(value["movement"], 0.3)
        value["after"] = [{**look, "values": [9 * x for x in look["values"]]} for look in value["after"]]

    assert find_gains(forge_reply(honest, "train", forge), honest, ["q4_train"]) == []


def test_an_evaluation_that_only_says_that_it_was_in_evaluation_mode() -> None:
    honest = open_workshop().run([{"cell": "def evaluate_network", "old": "network.eval()", "new": "pass"}], LIGHT)

    def forge(value: Any) -> None:
        for event in value["events"]:
            event["training"] = False

    forged = forge_reply(honest, "evaluate", forge)
    assert find_gains(forged, honest, ["q4_evaluate"]) == []


def test_logits_of_hidden_comments_by_a_rule(solution: Execution) -> None:
    right = [4.0 if comment.toxic else -4.0 for comment in hidden_comments(5)]
    forged = solution
    for kind in QUALITY_TYPES:
        forged = forge_reply(forged, f"quality_{kind}", lambda value: value.update(logits=right))
    assert is_called_tampered(forged, ["q4_quality"])
    assert find_gains(forged, None, ["q4_quality"]) == []


def test_logits_by_a_rule_that_owes_nothing_to_the_weights(solution: Execution) -> None:
    """The network claims a shape of its own, so that nothing can be worked out; but its weights change nothing."""
    right = [4.0 if comment.toxic else -4.0 for comment in hidden_comments(5)]

    def forge(value: Any) -> None:
        value.update(logits=right, moved=right[: len(value["moved"])], layout=[["own", [3]]], trained=None)

    forged = forge_reply(solution, "quality_gru", forge)
    assert is_called_tampered(forged, ["q4_quality"])


def test_weights_that_were_trained_elsewhere() -> None:
    """A network that is right on the sent comments but did not begin where it was told to."""

    def forge(request: Any, arguments: Any, call: Any, namespace: Any) -> Any:
        own = request.name.startswith("quality_")
        return call(namespace, **({**arguments, "salt": 99} if own else arguments))

    forged = open_workshop().run([], ALL, answer=forge)
    assert is_called_tampered(forged, ["q4_quality"])


def test_an_answer_to_the_training_at_once(solution: Execution) -> None:
    replies = {
        name: replace(reply, seconds=0.0123456) if name.startswith("quality") else reply
        for name, reply in solution.replies.items()
    }
    execution = replace(solution, replies=replies)
    assert any("faster" in sign for sign in checks.signs(execution, 5))
    assert judge("q4_data", execution).review is not None
    assert "0.0123456" not in str(judge_all(execution, list(PROBES)))


# --- Silence is no sign ---


def test_a_process_that_died_is_not_called_tampered(solution: Execution) -> None:
    requests = checks.list_requests(5)
    for cut in (0, 5, len(requests) - 2):
        replies = dict(solution.replies)
        for request in requests[cut:]:
            replies[request.name] = ProbeReply(error="The notebook's process had ended before this could be asked.")
        execution = replace(solution, replies=replies)
        assert checks.signs(execution, 5) == ()
        for evidence in judge_all(execution, list(PROBES)).values():
            assert evidence.verdict in ("correct", "ungraded")


@pytest.mark.parametrize("error", ["TimeoutError: took longer than 30 seconds and was stopped", "MemoryError"])
def test_time_and_memory_are_no_signs(error: str, solution: Execution) -> None:
    replies = {**solution.replies, "canary_network": ProbeReply(error=error)}
    assert checks.signs(replace(solution, replies=replies), 5) == ()


def test_a_canary_that_was_not_answered_as_the_others_were_is_one(solution: Execution) -> None:
    replies = {**solution.replies, "canary_network": ProbeReply(error="KeyError: 'canary'")}
    assert checks.signs(replace(solution, replies=replies), 5)


# --- Honest networks of other shapes ---

OWN = {
    "mean pooling": change_forward("return self.linear(self.layer(self.embedding(t))[0].mean(0))"),
    "the largest output": change_forward("return self.linear(self.layer(self.embedding(t))[0].max(0).values)"),
    "two linear layers": change_forward(
        "return self.head(self.layer(self.embedding(t))[0][-1])",
        "self.head = torch.nn.Sequential(torch.nn.Linear(hidden_size, 9), torch.nn.Tanh(), torch.nn.Linear(9, 1))\n"
        "del self.linear",
    ),
    "a normalised state": change_forward(
        "return self.linear(self.norm(self.layer(self.embedding(t))[0][-1]))",
        "self.norm = torch.nn.LayerNorm(hidden_size)",
    ),
    "batch normalisation": change_forward(
        "return self.linear(self.norm(self.layer(self.embedding(t))[0][-1]))",
        "self.norm = torch.nn.BatchNorm1d(hidden_size)",
    ),
    "a loop over a cell": change_forward(
        "state = torch.zeros(t.shape[1], self.cell.hidden_size)\n"
        "for x in self.embedding(t):\n"
        "    state = self.cell(x, state)\n"
        "return self.linear(self.dropout(state))",
        "self.cell = torch.nn.RNNCell(embedding_dim, hidden_size) if m_type == 'rnn' else torch.nn.GRUCell("
        "embedding_dim, hidden_size, bias=m_type == 'gru')\ndel self.layer",
    ),
    "a GRU by hand": change_forward(
        "state = torch.zeros(t.shape[1], self.state.out_features)\n"
        "for x in self.embedding(t):\n"
        "    gate = torch.sigmoid(self.gate(x))\n"
        "    state = gate * state + (1 - gate) * torch.tanh(self.input(x) + self.state(state))\n"
        "return self.linear(state)",
        "self.gate, self.input = (torch.nn.Linear(embedding_dim, hidden_size) for _ in range(2))\n"
        "self.state = torch.nn.Linear(hidden_size, hidden_size, bias=m_type != 'gru')\ndel self.layer",
    ),
    "packed sequences": change_forward(
        "lengths = (t > 0).sum(0).clamp(min=1).cpu()\n"
        "packed = torch.nn.utils.rnn.pack_padded_sequence(self.embedding(t), lengths, enforce_sorted=False)\n"
        "state = self.layer(packed)[1]\n"
        "return self.linear((state[0] if isinstance(state, tuple) else state)[-1])",
    ),
    "attention over the outputs": change_forward(
        "output, _ = self.layer(self.embedding(t))\n"
        "return self.linear((torch.softmax(self.score(output), 0) * output).sum(0))",
        "self.score = torch.nn.Linear(hidden_size, 1)",
    ),
    "dropout that is always on": change_forward(
        "output, _ = self.layer(self.embedding(t))\n"
        "return self.linear(torch.nn.functional.dropout(output[-1], self.dropout.p))",
    ),
    "dropout on the words, always on": change_forward(
        "output, _ = self.layer(torch.nn.functional.dropout(self.embedding(t), self.dropout.p))\n"
        "return self.linear(output[-1])",
    ),
    "layers that nobody registered": change_forward(
        "return self.linear(self.hidden[0](self.embedding(t))[0][-1])",
        "self.hidden = [self.layer]\ndel self.layer",
    ),
    "an embedding of another make": change_forward(
        "return self.linear(self.layer(torch.nn.functional.embedding(t, self.table))[0][-1])",
        "self.table = torch.nn.Parameter(torch.randn(in_neuron, embedding_dim))\ndel self.embedding",
    ),
    "at most five words": change_forward(LAST.replace("embedding(t)", "embedding(t[:5])")),
    "a constant predictor": CONSTANT,
    "a network that raises": change_forward("raise ValueError('not yet')"),
}


@pytest.mark.parametrize("name", OWN)
def test_an_honest_network_of_another_shape_is_not_called_tampered(name: str) -> None:
    execution = open_workshop().run([OWN[name]], LIGHT)
    assert is_called_tampered(execution, LIGHT_CRITERIA) == []
    assert [item for item, evidence in judge_all(execution, LIGHT_CRITERIA).items() if evidence.review] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(OWN, 3))
def test_what_honest_networks_of_another_shape_learn_is_not_called_tampered(name: str) -> None:
    execution = open_workshop().run([OWN[name]], ALL)
    assert is_called_tampered(execution, list(PROBES)) == []
