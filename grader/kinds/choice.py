"""Choose one or several of numbered options, and say why in a sentence.

Options are read by meaning (``documents.options``). A choice that cannot be told is unreadable and waits for a person;
so does a choice whose reason contradicts it. The reason itself carries no marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from grader.documents.options import Named, find_named
from grader.kinds.answers import build_missing, build_shown, find_absent
from grader.kinds.base import Context, Kind
from grader.kinds.choice_question import Group, Question, work_out_credit
from grader.kinds.choice_reading import eliminate, find_contradiction, find_doubt, find_group, list_options, settles
from grader.model import Answer, Evidence, Finding, Json, Review, Verdict

# A longer answer is for a person: reading takes time, and no honest answer is so long.
MAX_CHARACTERS = 4_000


def check(criterion: str, question: Question, answer: Answer, context: Context) -> Evidence:
    """Return the evidence for one choice; ``context`` is not needed."""
    if absent := find_absent("choice", criterion, answer, MAX_CHARACTERS):
        return absent
    named = find_named(answer.text, question.options, question.question_cues, question.denials)
    if not named.text.strip():
        return build_missing("choice", criterion, answer)
    named = eliminate(question, named)
    group = None if named.chosen else find_group(question, named)
    contradiction = find_contradiction(question, named)
    settled = group is not None and settles(question, group, named)
    unsure = find_doubt(question, named)
    doubt = contradiction or (f"The choice could not be told: {unsure}." if unsure and not settled else "")
    credit = group.credit if group else work_out_credit(question, named.chosen)
    if doubt:
        suggested = credit if named.chosen or group else None
        findings = [_doubt_finding(bool(contradiction))]
        verdict = _verdict(suggested) if suggested is not None else None
        review = Review(reason=doubt, suggested_verdict=verdict, suggested_credit=suggested)
        return _evidence(criterion, question, answer, named, None, findings, review)
    return _evidence(criterion, question, answer, named, credit, _findings(question, named, group), None, group)


def _verdict(credit: Decimal) -> Verdict:
    return "correct" if credit == 1 else "partial" if credit > 0 else "wrong"


# --- evidence ------------------------------------------------------------------------------------------------------


def _doubt_finding(contradiction: bool) -> Finding:
    if contradiction:
        message = "Your reason and the option you name do not seem to go together; a person will look at it."
        return Finding(code="choice.contradiction", message=message)
    message = "We could not tell which option you chose; a person will read it. Name options by their number."
    return Finding(code="choice.not_told", message=message)


def _findings(question: Question, named: Named, group: Group | None) -> list[Finding]:
    key = set(question.key)
    found = {
        "choice.not_told_apart": f"You say {group.text}, which fits more than one option." if group else "",
        "choice.none_chosen": "You choose none of the options; at least one is right." if named.none_of_them else "",
        "choice.incomplete": "What you chose is right, but something is missing."
        if named.chosen & key and key - named.chosen
        else "",
        "choice.wrong_option": f"You chose {list_options(named.chosen - key)}, which does not fit."
        if named.chosen - key
        else "",
        "choice.no_reason": "The sheet asks for a reason in a sentence; no marks hang on it here."
        if not group and len(named.reason.split()) <= 4 + 2 * len(named.chosen)
        else "",
    }
    return [Finding(code=code, message=message) for code, message in found.items() if message]


def _evidence(
    criterion: str,
    question: Question,
    answer: Answer,
    named: Named,
    credit: Decimal | None,
    findings: Sequence[Finding],
    review: Review | None,
    group: Group | None = None,
) -> Evidence:
    read = "no clear choice" if credit is None else group.text if group else list_options(named.chosen)
    rows = [[str(o.number), o.text, "chosen" if o.number in named.chosen else ""] for o in question.options]
    table = {"columns": ["Option", "Text", "Read as"], "rows": rows}
    observed: dict[str, Json] = {**build_shown(answer), "text": read, "table": table, "chosen": sorted(named.chosen)}
    verdict: Verdict = "unreadable" if credit is None else _verdict(credit)
    if verdict in ("partial", "wrong") and (follow := group.next if group else question.next):
        observed["next"] = follow
    key = "; ".join(
        f"option {option.number}: {option.text}" for option in question.options if option.number in question.key
    )
    return Evidence(
        criterion=criterion,
        verdict=verdict,
        credit=credit,
        reading=named.by or None,
        observed=observed,
        expected={"text": key, "key": sorted(question.key)},
        findings=tuple(findings),
        review=review,
        provenance="choice",
    )


KIND = Kind(name="choice", question=Question, check=check)
