"""The bill against the invoice: what agrees, what is counted apart, and what must never be hidden."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.provider.invoice import ChargeReason, InvoiceRow
from sandbox.provider.outcome import FinishReason
from sandbox.reconcile import Reconciliation, Uncertain, UnkindVerdict, judge, reconcile
from schemas.costs import CostEvent
from schemas.vocabulary import Certainty
from tests.warehouses import golden

COST = CostEvent.decode(golden("cost-metered"))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def billed(event_id: str, nano_usd: int | None, certainty: Certainty = Certainty.METERED) -> CostEvent:
    cost_usd = None if nano_usd is None else Decimal(nano_usd).scaleb(-9)
    return COST.model_copy(
        update={"event_id": event_id, "certainty": certainty, "cost_usd": cost_usd, "cost_nano_usd": nano_usd}
    )


def charged(key: str | None, nano_usd: int) -> InvoiceRow:
    cost_usd = Decimal(nano_usd).scaleb(-9)
    return InvoiceRow(f"answer-{key}", key, "gemini-2.5-flash", 10, 0, 20, FinishReason.STOP, cost_usd, nano_usd, NOON)


def test_nothing_billed_and_nothing_charged_is_equal() -> None:
    assert reconcile([], []).bill_equals_invoice


def test_the_same_calls_in_any_order_are_equal_to_the_nano_dollar() -> None:
    result = reconcile([billed("a", 112_500), billed("b", 1)], [charged("b", 1), charged("a", 112_500)])

    assert result.bill_equals_invoice
    assert (result.metered_calls, result.metered_nano_usd, result.invoice_nano_usd) == (2, 112_501, 112_501)
    assert result.sentence() == ("The bill equals the invoice: 2 calls, 0.000112501 USD, equal to the nano-dollar.")


def test_an_identical_event_again_is_a_replay_and_adds_nothing() -> None:
    result = reconcile([billed("a", 5), billed("a", 5), billed("a", 5)], [charged("a", 5)])

    assert result.bill_equals_invoice
    assert (result.replays, result.metered_nano_usd) == (2, 5)


def part(event_id: str, nano_usd: int, certainty: Certainty = Certainty.METERED) -> CostEvent:
    return billed(event_id, nano_usd, certainty).model_copy(update={"upstream_call_id": "joined"})


def test_the_shares_of_one_call_are_added_up_before_they_are_compared() -> None:
    result = reconcile([part("a", 3), billed("c", 9), part("b", 4)], [charged("joined", 7), charged("c", 9)])

    assert result.bill_equals_invoice
    assert (result.metered_calls, result.metered_nano_usd) == (2, 16)
    assert not judge([part("a", 3), part("b", 4)], [charged("joined", 7)]).metered_otherwise


def test_shares_that_do_not_add_up_are_mismatched_under_the_id_of_their_call() -> None:
    assert reconcile([part("a", 3), part("b", 4)], [charged("joined", 8)]).mismatched == ("joined",)
    assert judge([part("a", 3), part("b", 4)], [charged("joined", 8)]).metered_otherwise == ("joined",)
    assert reconcile([part("a", 3), part("a", 3), part("b", 4)], [charged("joined", 7)]).bill_equals_invoice


def test_a_call_is_as_uncertain_as_its_least_certain_share() -> None:
    events = [part("a", 3), part("b", 9, Certainty.UNKNOWN), part("c", 2)]
    result = reconcile(events, [charged("joined", 7)])

    assert result.bill_equals_invoice
    assert result.unknown == Uncertain(1, 1, billed_nano_usd=14, charged_nano_usd=7)
    assert judge(events, [charged("joined", 15)]).unknown_too_low == ("joined",)


def _contradiction() -> Reconciliation:
    return reconcile([billed("a", 5), billed("a", 6), billed("a", 7)], [charged("a", 5)])


@pytest.mark.parametrize(
    ("result", "kind", "sentence"),
    [
        (_contradiction(), "contradictory", "1 call billed twice with different contents (first a)"),
        (
            reconcile([billed("a", 5)], [charged("a", 6)]),
            "mismatched",
            "1 call billed otherwise than charged (first a)",
        ),
        (reconcile([billed("a", 5)], []), "never_charged", "1 call billed and never charged (first a)"),
        (reconcile([], [charged("a", 5)]), "never_billed", "1 call charged and never billed (first a)"),
    ],
)
def test_whatever_is_out_of_order_is_named_and_breaks_the_equality(
    result: Reconciliation, kind: str, sentence: str
) -> None:
    assert not result.bill_equals_invoice
    assert getattr(result, kind) == ("a",)
    assert result.sentence() == f"The bill does not equal the invoice: {sentence}."


def test_a_difference_of_one_nano_dollar_is_not_hidden_by_another_one() -> None:
    result = reconcile([billed("a", 5), billed("b", 6)], [charged("a", 6), charged("b", 5)])

    assert result.mismatched == ("a", "b")
    assert result.metered_calls == 0


def test_a_key_that_was_charged_twice_does_not_match() -> None:
    assert reconcile([billed("a", 5)], [charged("a", 5), charged("a", 5)]).mismatched == ("a",)


def test_a_row_without_a_key_was_never_billed() -> None:
    assert reconcile([], [charged(None, 5)]).never_billed == ("answer-None",)


def test_a_metered_call_of_unknown_price_does_not_match_what_was_charged() -> None:
    assert reconcile([billed("a", None)], [charged("a", 5)]).mismatched == ("a",)


def test_cut_off_calls_are_counted_apart_whether_or_not_they_were_charged() -> None:
    costs = [billed("a", 5), billed("b", 100, Certainty.UNKNOWN), billed("c", 200, Certainty.UNKNOWN)]
    result = reconcile(costs, [charged("a", 5), charged("b", 40)])

    assert result.bill_equals_invoice
    assert result.metered_nano_usd == 5
    assert result.unknown == Uncertain(calls=2, charged_calls=1, billed_nano_usd=300, charged_nano_usd=40)
    assert result.unknown.difference_usd == Decimal("0.000000260")
    assert result.sentence() == (
        "The bill equals the invoice: 1 call, 0.000000005 USD, equal to the nano-dollar; counted apart: "
        "2 calls cut off, billed 0.000000300 USD, charged 0.000000040 USD."
    )


def test_an_answer_without_usage_is_counted_apart_and_must_have_been_charged() -> None:
    guess = billed("a", 50, Certainty.ESTIMATED)

    assert reconcile([guess], [charged("a", 40)]).estimated == Uncertain(1, 1, 50, 40)
    assert reconcile([guess], [charged("a", 40)]).bill_equals_invoice
    assert reconcile([guess], []).never_charged == ("a",)


def unkindly(key: str | None, nano_usd: int, reason: ChargeReason = ChargeReason.ERROR) -> InvoiceRow:
    return replace(charged(key, nano_usd), reason=reason)


def test_a_bill_holds_where_metered_is_exact_and_unknown_is_enough() -> None:
    costs = [
        billed("answered", 5),
        billed("failed", 100, Certainty.UNKNOWN),
        billed("hung", 200, Certainty.UNKNOWN),
        billed("free", 300, Certainty.UNKNOWN),
        billed("no usage", 50, Certainty.ESTIMATED),
        billed("no price", None),
    ]
    invoice = [
        charged("answered", 5),
        unkindly("failed", 100),
        unkindly("hung", 80, ChargeReason.UNANSWERED),
        charged("no usage", 60),
        charged("no price", 7),
    ]
    verdict = judge(costs, invoice)

    assert verdict.holds, verdict.sentence()
    assert (verdict.metered_calls, verdict.metered_nano_usd, verdict.invoice_nano_usd) == (1, 5, 252)
    assert verdict.unknown == Uncertain(3, 2, 600, 180)
    assert verdict.estimated == Uncertain(1, 1, 50, 60)
    assert verdict.unpriced == Uncertain(1, 1, 0, 7)
    assert verdict.invoice_by_reason == {
        ChargeReason.ANSWERED: 72,
        ChargeReason.ERROR: 100,
        ChargeReason.UNANSWERED: 80,
    }
    assert verdict.sentence() == (
        "The bill holds: 1 call metered, 0.000000005 USD, equal to the nano-dollar; "
        "3 calls unknown, billed 0.000000600 USD, charged 0.000000180 USD; "
        "1 call without usage, billed 0.000000050 USD, charged 0.000000060 USD; "
        "1 call without a price, billed 0.000000000 USD, charged 0.000000007 USD; "
        "charged in USD: answered 0.000000072, error 0.000000100, unanswered 0.000000080."
    )


@pytest.mark.parametrize(
    ("verdict", "kind", "sentence"),
    [
        (judge([billed("a", 5)], [unkindly("a", 6)]), "metered_otherwise", "metered otherwise than charged"),
        (judge([billed("a", 5)], []), "metered_otherwise", "metered otherwise than charged"),
        (
            judge([billed("a", 5)], [charged("a", 5), unkindly("a", 5, ChargeReason.KEY_IGNORED)]),
            "metered_otherwise",
            "metered otherwise than charged",
        ),
        (
            judge([billed("a", 5, Certainty.ESTIMATED)], []),
            "metered_otherwise",
            "metered otherwise than charged",
        ),
        (
            judge([billed("a", 5, Certainty.UNKNOWN)], [unkindly("a", 6)]),
            "unknown_too_low",
            "unknown and billed with less than was charged",
        ),
        (judge([], [unkindly("a", 5)]), "without_event", "charged without an event"),
        (
            judge([billed("a", 5), billed("a", 6)], [charged("a", 5)]),
            "contradictory",
            "billed twice with different contents",
        ),
    ],
)
def test_what_breaks_one_of_the_three_is_named_and_breaks_the_bill(
    verdict: UnkindVerdict, kind: str, sentence: str
) -> None:
    assert not verdict.holds
    assert getattr(verdict, kind) == ("a",)
    assert f"1 call {sentence} (first a)" in verdict.sentence()


def test_one_unknown_call_that_is_billed_too_low_is_not_hidden_by_another_that_is_billed_too_high() -> None:
    costs = [billed("a", 5, Certainty.UNKNOWN), billed("b", 500, Certainty.UNKNOWN)]

    assert judge(costs, [unkindly("a", 6), unkindly("b", 1)]).unknown_too_low == ("a",)


def test_a_kind_bill_holds_against_an_unkind_judge_too() -> None:
    verdict = judge([billed("a", 5), billed("b", 1)], [charged("a", 5), charged("b", 1)])

    assert verdict.holds
    assert judge([], []).holds
