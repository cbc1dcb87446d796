"""What a person decides: kept for good, on top of the machine's verdict, never over somebody else's decision."""

import multiprocessing
from dataclasses import replace
from decimal import Decimal

import pytest

from grader.batch.moderation import Moderation, digest_decisions, find_problem, new_decision, settle_verdict
from grader.batch.waiting import find_likeness, normalise
from grader.codec import build_marksheet, read_marksheet, render_json
from grader.feedback.student_view import student_view
from grader.marking import apply_decision, apply_moment, award_mark, digest_evidence, digest_moment
from grader.model import SUBMITTED_AT, Evidence, Finding, Marksheet, Review, Submission
from grader.workbench.trial import Case, check_text
from tests.unit.ci_cases import load_homework


def decide(student="s1", criterion="q1", **fields):
    fields = {"seen": "d", "verdict": "partial", "credit": Decimal("0.5"), **fields}
    return new_decision(fields.pop("who", "ada"), student, criterion, **fields)


def make_evidence(answer="W x + b"):
    return Evidence(
        criterion="q1",
        verdict="wrong",
        credit=Decimal(0),
        observed={"answer": answer, "location": "report.md, line 3"},
        findings=(Finding(code="formula.other", message="The machine's words."),),
        review=Review(reason="not sure"),
    )


def make_mark(evidence):
    return award_mark(title="One", available=Decimal(3), evidence=evidence)


def test_what_was_acknowledged_is_read_by_another_process(tmp_path):
    first = decide(comment="<b>look</b>", reason="seen on page 2")
    assert Moderation(tmp_path).append([first]) == []
    assert Moderation(tmp_path).find("s1") == {"q1": first}


@pytest.mark.parametrize("fields", [{"verdict": "wrong", "credit": Decimal(0)}, {"credit": None, "marks": Decimal(0)}])
def test_nothing_for_an_answer_is_a_decision_like_another(tmp_path, fields):
    decision = decide(**fields)
    assert Moderation(tmp_path).append([decision]) == []
    assert Moderation(tmp_path).find("s1") == {"q1": decision}


def test_what_is_no_decision_is_never_acknowledged(tmp_path):
    with pytest.raises(ValueError, match="needs marks or credit"):
        Moderation(tmp_path).append([decide(), decide("s2", credit=None)])
    assert Moderation(tmp_path).find("s1") == {}


def test_a_torn_last_line_is_ignored_told_and_never_changed(tmp_path):
    Moderation(tmp_path).append([decide()])
    path = tmp_path / "moderation.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    again = Moderation(tmp_path)
    assert len(again.find("s1")) == 1 and again.torn
    assert again.append([decide("s2")]) == []
    last = Moderation(tmp_path)
    assert set(last.find("s2")) == {"q1"} and "does not count" in last.problems[0]
    assert path.read_bytes().startswith(whole + whole[:40] + b"\n")


def test_the_second_of_two_who_saw_the_same_is_told_and_does_not_overwrite(tmp_path):
    ada, bob = Moderation(tmp_path), Moderation(tmp_path)
    bob.refresh()
    mine = decide(who="ada")
    assert ada.append([mine]) == []
    late = decide(who="bob", verdict="correct", credit=Decimal(1))
    (conflict,) = bob.append([late])
    assert conflict.head == mine and bob.find("s1") == {"q1": mine}
    assert bob.append([replace(late, replaces=mine.id)]) == []
    assert ada.find("s1")["q1"].verdict == "correct"


def test_undo_is_a_new_line_after_which_the_decision_before_counts(tmp_path):
    file = Moderation(tmp_path)
    first = decide()
    second = decide(verdict="correct", credit=Decimal(1), replaces=first.id)
    file.append([first, second])
    undo = new_decision("ada", "s1", "q1", replaces=second.id, undo=True)
    assert file.append([undo]) == []
    assert file.find("s1") == {"q1": first}
    assert file.find_history("s1", "q1") == (first, second, undo)
    file.append([new_decision("ada", "s1", "q1", replaces=undo.id, undo=True)])
    assert file.find("s1") == {} and digest_decisions(file.find("s1")) == ""
    assert len((tmp_path / "moderation.jsonl").read_text().splitlines()) == 4


def _write_many(folder, name):
    file = Moderation(folder)
    for number in range(40):
        file.append([decide(f"{name}{number}", who=name, comment="x" * 5000)])


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(tmp_path, name)) for name in ("ada", "bob")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    file = Moderation(tmp_path)
    assert all(file.find(f"{name}{number}") for name in ("ada", "bob") for number in range(40))
    assert file.problems == []


@pytest.mark.parametrize(
    "fields",
    [{"verdict": "ungraded"}, {"credit": Decimal(2)}, {"credit": None}, {"marks": Decimal(-1)},
     {"marks": Decimal("NaN")}, {"criterion": "submitted_at", "moment": "tomorrow"}, {"who": ""}],
)  # fmt: skip
def test_what_is_no_decision_says_why(fields):
    assert find_problem(decide(**fields))


@pytest.mark.parametrize(
    ("given", "verdict", "credit", "marks"),
    [({"marks": Decimal(3), "credit": None}, "correct", 1, None), ({"credit": Decimal(1)}, "correct", 1, None),
     ({"marks": Decimal("2.995"), "credit": None}, "correct", 1, None),  # what the page shows as 3
     ({"marks": Decimal(0), "credit": None}, "wrong", 0, None), ({"credit": Decimal(0)}, "wrong", 0, None),
     ({"marks": Decimal("0.004"), "credit": None}, "wrong", 0, None),
     ({"marks": Decimal("2.99"), "credit": None}, "partial", None, Decimal("2.99")),
     ({"verdict": "missing", "credit": Decimal(0)}, "missing", 0, None)],
)  # fmt: skip
def test_a_part_of_the_marks_that_is_all_or_nothing_is_no_part(given, verdict, credit, marks):
    evidence = make_evidence()
    decision = settle_verdict(decide(seen=digest_evidence(evidence, "f"), **given), Decimal(3))
    assert (decision.verdict, decision.credit, decision.marks) == (verdict, credit, marks)
    assert find_problem(decision) == ""
    mark = apply_decision(make_mark(evidence), decision, "f")
    sheet = Marksheet(submission="s1", assignment="a", title="t", status="final", awarded=mark.awarded,
                      available=Decimal(3), awarded_so_far=mark.awarded, marks=(mark,))  # fmt: skip
    shown = student_view(sheet).groups[0].criteria[0]
    assert (shown.verdict == "partial") is (0 < mark.awarded < 3) and shown.verdict == verdict


def test_the_machines_verdict_stays_and_the_persons_mark_counts():
    evidence = make_evidence()
    decision = decide(seen=digest_evidence(evidence, "f"), comment="Half right.", reason="secret", who="ada")
    mark = apply_decision(make_mark(evidence), decision, "f")
    assert mark.awarded == Decimal("1.50") and mark.evidence == evidence and mark.decision == decision
    more = apply_decision(make_mark(evidence), replace(decision, marks=Decimal(9)), "f")
    assert more.awarded == 3
    sheet = Marksheet(submission="s1", assignment="a", title="t", status="final", awarded=mark.awarded,
                      available=Decimal(3), awarded_so_far=mark.awarded, marks=(mark,))  # fmt: skip
    assert read_marksheet(render_json(build_marksheet(sheet))).marks[0].decision == decision
    view = student_view(sheet)
    criterion = view.groups[0].criteria[0]
    assert criterion.verdict == "partial" and criterion.messages == ("Half right.",)
    assert "ada" not in repr(view) and "secret" not in repr(view)


def test_a_decision_on_other_evidence_waits_again_and_is_shown():
    decision = decide(seen=digest_evidence(make_evidence(), "f"))
    changed = apply_decision(make_mark(make_evidence("W x")), decision, "f")
    assert changed.awarded is None and changed.decision is None and changed.earlier == decision
    moved = replace(make_evidence(), observed={"answer": "W x + b", "location": "elsewhere"})
    assert apply_decision(make_mark(moved), decision, "f").awarded == Decimal("1.50")


def test_where_no_answer_was_read_another_hand_in_is_other_evidence():
    assert digest_evidence(make_evidence(""), "f") != digest_evidence(make_evidence(""), "g")
    assert digest_evidence(make_evidence("W"), "f") == digest_evidence(make_evidence("W"), "g")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("Same  Words.", "same words", True), ("$W x$", "W x", True), ("W x", "w x", False),
     ("W (a+b) c", "W a+b c", False), ("x_1", "x1", False), ("1, 2", "1.2", False), ("-x", "x", False)],
)  # fmt: skip
def test_only_what_never_changes_an_answer_makes_two_alike(one, other, alike):
    assert (normalise(one) == normalise(other)) is alike


def test_formulas_that_are_worth_the_same_are_alike_unless_the_words_around_them_made_them_wait():
    course = load_homework()
    starts = [
        r"$\sum_{i=2}^t (g_{h_i} \odot \psi'(z_i)) h_{i-1}^T$",
        r"dJ/dW = \(\sum_{k=2}^{t} \operatorname{diag}(\psi'(z_k)) g_{h_k} h_{k-1}^\top\)",
    ]
    around = [r"$W_{yh}^T g_{o_t}$ or $W_{yh} g_{o_t}$", r"$W_{yh} g_{o_t}$ or maybe $W_{yh}^T g_{o_t}$"]
    for criterion, answers, alike in (("q2c", starts, True), ("q2b", around, False)):
        found = [check_text(course, Case(criterion=criterion, answer=answer, answers={})) for answer in answers]
        assert all(item.review for item in found), [item.verdict for item in found]
        assert (len({find_likeness(item, "s1") for item in found}) == 1) is alike


def test_a_moment_that_a_person_decided_holds_for_these_files_and_where_nothing_better_is_known():
    submission = Submission(student="s1", assignment="a", folder="f", artifacts=(), digest="d")
    moment = "2026-12-01T23:59:00+03:30"
    decision = new_decision("ada", "s1", SUBMITTED_AT, seen=digest_moment("d"), moment=moment)
    assert find_problem(decision) == ""
    decisions = {SUBMITTED_AT: decision}
    assert apply_moment(submission, decisions).submitted_at == moment
    assert apply_moment(replace(submission, digest="e"), decisions).submitted_at is None
    known = replace(submission, submitted_at="2026-11-01T00:00:00+00:00")
    assert apply_moment(known, decisions) is known


def _write_until_killed(folder, pipe):
    file = Moderation(folder)
    for number in range(100_000):
        file.append([decide(f"s{number}", comment="x" * 2000)])
        pipe.send(number)


def test_what_was_acknowledged_before_a_kill_is_not_lost(tmp_path):
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=_write_until_killed, args=(tmp_path, theirs))
    worker.start()
    theirs.close()
    last = -1
    while last < 30:
        last = mine.recv()
    worker.kill()
    worker.join()
    while mine.poll():
        try:
            last = mine.recv()
        except EOFError:
            break
    file = Moderation(tmp_path)
    assert all(file.find(f"s{number}") for number in range(last + 1))
    assert file.append([decide("after")]) == [] and Moderation(tmp_path).find("after")
