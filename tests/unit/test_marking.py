"""Evidence to marks: Decimals, rounded half up once, nothing awarded while a person must decide."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.marking import award_mark, total
from grader.model import Evidence, Mark, Review

credits = st.decimals(min_value=0, max_value=1, places=4)
available = st.decimals(min_value=Decimal("0.01"), max_value=100, places=2)


def mark(credit: Decimal, marks: Decimal, review: Review | None = None) -> Mark:
    verdict = "correct" if credit == 1 else "wrong" if credit == 0 else "partial"
    return award_mark(
        title="t", available=marks, evidence=Evidence(criterion="c", verdict=verdict, credit=credit, review=review)
    )


@given(credits, available)
def test_awarded_lies_between_nothing_and_available(credit: Decimal, marks: Decimal) -> None:
    awarded = mark(credit, marks).awarded
    assert awarded is not None
    assert 0 <= awarded <= marks
    assert awarded == awarded.quantize(Decimal("0.01"))


@given(credits, credits, available)
def test_more_credit_never_gives_fewer_marks(one: Decimal, two: Decimal, marks: Decimal) -> None:
    low, high = sorted((one, two))
    assert mark(low, marks).awarded <= mark(high, marks).awarded


def test_rounding_is_half_up() -> None:
    assert mark(Decimal("0.125"), Decimal(1)).awarded == Decimal("0.13")
    assert mark(Decimal("0.335"), Decimal(1)).awarded == Decimal("0.34")


def test_nothing_is_awarded_while_a_person_must_confirm() -> None:
    waiting = mark(Decimal(1), Decimal(5), Review(reason="confirm", suggested_verdict="correct"))
    assert waiting.awarded is None
    assert total([mark(Decimal(1), Decimal(5)), waiting]) == ("needs_review", None, Decimal(5))


@pytest.mark.parametrize("verdict", ["unreadable", "ungraded"])
def test_what_could_not_be_decided_has_no_credit_and_no_marks(verdict) -> None:
    evidence = Evidence(criterion="c", verdict=verdict, credit=None)
    assert award_mark(title="t", available=Decimal(5), evidence=evidence).awarded is None
    with pytest.raises(ValueError, match="does not go with"):
        Evidence(criterion="c", verdict=verdict, credit=Decimal(0))


def test_a_settled_sheet_has_a_total() -> None:
    assert total([mark(Decimal(1), Decimal(5)), mark(Decimal("0.5"), Decimal(5))]) == (
        "final",
        Decimal("7.50"),
        Decimal("7.50"),
    )
