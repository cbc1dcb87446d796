"""notebook: silence, forged replies, stale optimizers, the quality bar, our own faults."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from grader.kinds.notebook import NotebookQuestion
from grader.model import CellRun, Execution, NetworkLook, ProbeReply
from reference.hw5.checks.cells import describe_stale, find_stale_cells, is_given
from reference.hw5.checks.quality import find_share
from reference.hw5.checks.requests import PADDING, find_arguments, hidden_comments, list_requests
from tests.unit.notebook_cases import PROBES, judge, load_questions, load_solution, open_workshop

CRITERIA = list(PROBES)
FINISHED = Execution(outcome="finished", cells=(CellRun(index=0, source="x = 1", outcome="finished"),))


@pytest.fixture(scope="module")
def replies() -> dict[str, ProbeReply]:
    """What the solution's functions answer, but for the long probes."""
    probes = ["data", "network", "deep", "train", "evaluate", "glove"]
    return dict(open_workshop().run([], probes).replies)


# --- The question ---


def test_credits_must_sum_to_one() -> None:
    point = {"id": "a", "title": "t", "credit": 0.5}
    text = json.dumps({"kind": "notebook", "check": "reference.hw5.checks:data", "points": [point]})
    with pytest.raises(ValidationError, match=r"must sum to 1, not 0\.5"):
        TypeAdapter(NotebookQuestion).validate_json(text)


def test_a_point_that_the_check_does_not_know_is_our_fault() -> None:
    question = load_questions()["q4_data"]
    point = replace(question.points[0], id="unheard_of")
    odd = replace(question, points=(point, *question.points[1:]))
    from grader.kinds.notebook import _weigh
    from grader.model import Judgement

    with pytest.raises(ValueError, match="says nothing of the rubric's points unheard_of"):
        _weigh("q4_data", odd, Judgement())


# --- Inputs ---


def test_inputs_depend_on_the_seed_and_on_nothing_else() -> None:
    one, again, other = ([dict(item.arguments) for item in list_requests(seed)] for seed in (1, 1, 2))
    assert one == again
    assert all(first != second for first, second in zip(one, other, strict=True))


def test_no_hidden_label_is_sent() -> None:
    """Sent labels are those of the course's training comments and the random ones of the loops, no others."""
    hidden = hidden_comments(3)
    arguments = find_arguments(3, "quality_gru")
    kinds = {"subject", "seed", "salt", "sizes", "m_type", "batches", "lr", "epochs", "hidden"}
    assert set(arguments) == kinds
    assert sum(len(tokens[0]) for tokens in arguments["hidden"]) == len(hidden)
    assert sum(len(batch["labels"]) for batch in arguments["batches"]) == 4000
    assert set(find_arguments(3, "own_networks")) == {"subject", "comments"}


def test_the_seed_itself_is_never_sent() -> None:
    """From the seed all else follows: which requests are canaries, and the labels of the hidden comments."""
    seed = 6_123_456_789_012_345_678
    assert all(str(seed) not in json.dumps([item.token, dict(item.arguments)]) for item in list_requests(seed))


@pytest.mark.parametrize("seed", range(3))
def test_hidden_comments_go_in_without_padding_and_never_alone(seed: int) -> None:
    """Padding that training did not show has cost a right network a tenth of its F1, with one seed in thirty."""
    hidden, own = (find_arguments(seed, "quality_lstm")["hidden"], find_arguments(seed, "own_networks")["comments"])
    assert len(hidden_comments(seed)) >= 980
    assert all(PADDING not in row for batch in hidden for row in batch)
    assert all(len({len(words) for words in group}) == 1 for group in own)
    assert min(len(batch[0]) for batch in hidden) >= 2
    assert min(map(len, own)) >= 2


def test_requests_are_json() -> None:
    for request in list_requests(4):
        assert json.loads(json.dumps(request.arguments)) == request.arguments


# --- Silence and forgery ---


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_fault_of_ours_is_never_a_zero(criterion: str) -> None:
    evidence = judge(criterion, Execution(outcome="not started", fault="no kernel"))
    assert (evidence.verdict, evidence.credit) == ("ungraded", None)
    assert evidence.review is not None
    assert judge(criterion, None).verdict == "ungraded"


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_notebook_that_cannot_be_opened_is_unreadable(criterion: str) -> None:
    assert judge(criterion, Execution(outcome="not started")).verdict == "unreadable"


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_probe_that_failed_without_the_student_is_ungraded(criterion: str) -> None:
    silent = {name: ProbeReply(error="ValueError: the reply is larger than 10 bytes") for name in PROBES[criterion]}
    assert judge(criterion, replace(FINISHED, replies=silent)).verdict == "ungraded"


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_function_that_never_ends_loses_its_points(criterion: str) -> None:
    error = "TimeoutError: took longer than 30 seconds and was stopped"
    evidence = judge(
        criterion, replace(FINISHED, replies={name: ProbeReply(error=error) for name in PROBES[criterion]})
    )
    assert (evidence.verdict, evidence.credit) == ("wrong", 0)
    assert "notebook.no_reply" in [finding.code for finding in evidence.findings]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_killed_notebook_is_judged_on_what_stands(criterion: str) -> None:
    evidence = judge(criterion, replace(FINISHED, outcome="killed"))
    assert evidence.credit == 0


FORGERIES: list[Any] = [
    None,
    "full marks",
    42,
    [],
    {},
    {"found": {"name": "x", "by": "name"}},
    {"found": 1, "types": {"rnn": 1, "gru": 2, "lstm": 3}},
    {"events": 3, "returned": [[0, 1]]},
    {"events": [{"event": "forward", "batch": 0, "logits": "ones"}], "returned": [[0.1, 1.0]], "walks": [1]},
    {"table": {"columns": 3}, "sets": {}, "text": {}},
    {"logits": [float("nan")] * len(hidden_comments(5)), "returned": []},
    {"logits": [1.0] * 10, "returned": []},
    {"found": {"get_vector": 1}, "single": 1, "closest": [], "analogy": {}, "vocabulary": []},
    {"passed": True, "credit": 1, "verdict": "correct"},
]


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("forged", FORGERIES, ids=lambda value: json.dumps(value)[:40])
def test_forged_replies_earn_nothing_and_break_nothing(criterion: str, forged: Any) -> None:
    evidence = judge(
        criterion, replace(FINISHED, replies={name: ProbeReply(value=forged) for name in PROBES[criterion]})
    )
    assert evidence.credit is None or evidence.credit == 0 or not evidence.decided


def _damage(value: Any) -> list[Any]:
    """Return copies of a reply, each with one value replaced by something odd (at the first two levels)."""
    damaged = []
    for key in value:
        for odd in (None, "x", -1, [], {}, [float("nan")], True):
            damaged.append({**value, key: odd})
            if isinstance(value[key], dict):
                damaged += [{**value, key: {**value[key], inner: odd}} for inner in value[key]]
    return damaged


@pytest.mark.parametrize("criterion", ["q4_data", "q4_network", "q4_train", "q4_evaluate", "q4_deep", "q4_glove"])
def test_damaged_replies_never_crash_a_check(criterion: str, replies: dict[str, ProbeReply]) -> None:
    probe = PROBES[criterion][0]
    for value in _damage(replies[probe].value):
        evidence = judge(criterion, replace(FINISHED, replies={probe: ProbeReply(value=value)}))
        json.dumps([dict(evidence.observed), dict(evidence.expected)])


# --- Cells ---


def test_an_undefined_function_quotes_the_cell_that_failed() -> None:
    cell = CellRun(
        index=7,
        source="class Network(torch.nn.Module:\n    pass",
        outcome="raised",
        error_name="SyntaxError",
        error_message="'(' was never closed",
        error_line=1,
    )
    execution = Execution(outcome="raised", cells=(cell,), replies={"network": ProbeReply(value={"found": None})})
    evidence = judge("q4_network", execution)
    assert evidence.verdict == "wrong"
    assert "cell 7, line 1 raised SyntaxError: '(' was never closed" in evidence.findings[0].message
    assert evidence.observed["cells"][0]["index"] == 7


def test_a_cell_that_failed_because_an_earlier_one_lacked_a_package_is_ungraded() -> None:
    first = CellRun(
        index=0,
        source="import torchmetrics as metrics",
        outcome="raised",
        error_name="ModuleNotFoundError",
        error_message="No module named 'torchmetrics'",
    )
    second = CellRun(
        index=1,
        source="def train_network(a, b, c, d, e=metrics.F1()):\n    pass",
        outcome="raised",
        error_name="NameError",
        error_message="name 'metrics' is not defined",
    )
    execution = Execution(outcome="raised", cells=(first, second), replies={"train": ProbeReply(value={"found": None})})
    assert judge("q4_train", execution).verdict == "ungraded"


def test_the_blank_template_is_missing_not_wrong() -> None:
    cells = tuple(
        CellRun(index=index, source=source, outcome="finished")
        for index, source in enumerate(load_solution("template.ipynb"))
        if source
    )
    execution = Execution(outcome="raised", cells=cells)
    for criterion in ("q4_network", "q4_train", "q4_evaluate", "q4_deep", "q4_glove"):
        evidence = judge(criterion, execution)
        assert (evidence.verdict, [finding.code for finding in evidence.findings]) == ("missing", ["notebook.blank"])


TRAIN = "for epoch in range(EPOCH):\n    train_network(network, train_iter, optimizer, loss_fn, epoch)"


def look(identity: int, digest: str, name: str = "network") -> tuple[NetworkLook, ...]:
    return (NetworkLook(name=name, identity=identity, kind="Network", digest=digest, parameters=10),)


def cells_of(*rows: tuple[str, tuple[NetworkLook, ...]]) -> Execution:
    cells = [
        CellRun(index=index, source=source, outcome="finished", networks=networks)
        for index, (source, networks) in enumerate(rows)
    ]
    return Execution(outcome="finished", cells=tuple(cells))


def test_a_network_that_did_not_move_in_its_training_cell_is_found() -> None:
    execution = cells_of(
        ("network = Network(9)\noptimizer = Adam(network.parameters())", look(1, "a")),
        (TRAIN, look(1, "b")),
        ("network = Network(9, m_type='gru')", look(2, "c")),
        (TRAIN, look(2, "c")),
    )
    stale = find_stale_cells(execution)
    assert [(item.cell.index, item.seen) for item in stale] == [(3, True)]
    student = describe_stale(stale)[0]
    assert student.code == "notebook.stale_optimizer"
    assert "`optimizer = torch.optim.Adam(network.parameters(), lr=lr)`" in student.message


def test_a_network_made_and_trained_in_one_cell_is_found_by_reading() -> None:
    execution = cells_of(
        ("network = Network(9)\noptimizer = Adam(network.parameters())\n" + TRAIN, look(1, "a")),
        ("network = Network(9, m_type='gru')\n" + TRAIN, look(2, "b")),
        ("network = Network(9, m_type='lstm')\noptimizer = Adam(network.parameters())\n" + TRAIN, look(3, "c")),
    )
    assert [(item.cell.index, item.seen) for item in find_stale_cells(execution)] == [(1, False)]


def test_networks_under_names_of_their_own_are_told_apart() -> None:
    execution = cells_of(
        ("gru = Network(9)\noptimizer = Adam(gru.parameters())", look(1, "a", "gru")),
        ("train_network(gru, it, optimizer, loss, 1)", look(1, "b", "gru")),
        ("lstm = Network(9)", (*look(1, "b", "gru"), *look(2, "x", "lstm"))),
        ("train_network(lstm, it, optimizer, loss, 1)", (*look(1, "b", "gru"), *look(2, "x", "lstm"))),
    )
    assert [item.network for item in find_stale_cells(execution)] == ["lstm"]


def test_given_cells_are_known_by_their_code() -> None:
    given = [source for source in load_solution("template.ipynb") if "train_network(network" in source]
    assert len(given) >= 4
    assert all(is_given(source) for source in given)
    assert is_given(given[1].replace("m_type='gru'", "m_type='gru', drop=0.3"))
    assert not is_given("net2 = Network(500, 64, 64, m_type='gru')\nhistory = [train_network(net2, a, opt, f, 0)]")


def test_only_cells_of_the_students_own_cost_the_point(replies: dict[str, ProbeReply]) -> None:
    template = load_solution("template.ipynb")
    made = next(index for index, source in enumerate(template) if "m_type='gru'" in source)
    given = "\n".join(template[made : made + 2])  # the network is made in one cell and trained in the next
    own = "network = Network(500, 64, m_type='gru')\nhistory = [train_network(network, a, optimizer, f, 0)]"
    for source, verdict, code in ((given, "correct", "template_flaw"), (own, "partial", "own_cell_stale")):
        cells = cells_of(("optimizer = 1", look(1, "a")), (source, look(2, "b"))).cells
        evidence = judge("q4_train", Execution(outcome="finished", cells=cells, replies=replies))
        codes = [finding.code for finding in evidence.findings]
        assert evidence.verdict == verdict
        assert {"notebook.stale_optimizer", f"notebook.{code}"} <= set(codes)
    assert evidence.credit == Decimal("0.9")


# --- The quality bar ---


@pytest.mark.parametrize(
    ("f1", "share"),
    [(1.0, "1"), (0.92, "1"), (0.919, "0.99"), (0.86, "0.75"), (0.8, "0.5"), (0.675, "0.25"), (0.55, "0"), (0.0, "0")],
)
def test_the_quality_bar(f1: float, share: str) -> None:
    assert find_share(f1, load_questions()["q4_quality"].limits) == Decimal(share)


def test_more_f1_never_gives_less() -> None:
    limits = load_questions()["q4_quality"].limits
    shares = [find_share(step / 200, limits) for step in range(201)]
    assert shares == sorted(shares)


def test_one_network_that_works_is_enough() -> None:
    labels = [comment.toxic for comment in hidden_comments(5)]
    right = [3.0 if label else -3.0 for label in labels]
    good = {"found": {}, "returned": [[0.6, 0.7], [0.2, 0.9]], "logits": right}
    bad = {"found": {}, "returned": [], "error": {"type": "RuntimeError", "message": "shape", "line": ""}}
    execution = replace(
        FINISHED, replies={"quality_gru": ProbeReply(value=bad), "quality_lstm": ProbeReply(value=good)}
    )
    evidence = judge("q4_quality", execution)
    assert evidence.verdict == "correct"
    assert evidence.observed["plot"]["series"][0]["y"] == [0.6, 0.2]


def test_a_constant_predictor_is_named() -> None:
    flat = {"found": {}, "returned": [[0.69, 0.5]], "logits": [-0.5] * len(hidden_comments(5))}
    replies = {name: ProbeReply(value=flat) for name in ("quality_gru", "quality_lstm")}
    evidence = judge("q4_quality", replace(FINISHED, replies=replies))
    assert evidence.verdict == "wrong"
    assert [finding.code for finding in evidence.findings] == ["notebook.constant_predictor"]
