from dataclasses import replace

from router.charges import Charge
from router.errors import (
    DISPOSITIONS,
    Blame,
    CatalogueError,
    Disposition,
    Next,
    RequestRejected,
    TurnoutError,
    UpstreamFailure,
)
from schemas.vocabulary import AttemptOutcome, ErrorCode


def test_every_failure_has_a_disposition() -> None:
    assert set(DISPOSITIONS) == set(AttemptOutcome) - {AttemptOutcome.SUCCEEDED}


def test_what_the_caller_did_is_not_held_against_the_model() -> None:
    for outcome in (
        AttemptOutcome.INVALID_REQUEST,
        AttemptOutcome.CONTEXT_TOO_LONG,
        AttemptOutcome.CONTENT_FILTERED,
        AttemptOutcome.ANSWER_TOO_LARGE,
        AttemptOutcome.CUT_OFF,
    ):
        assert DISPOSITIONS[outcome].blame is Blame.NONE


def test_only_what_is_certainly_the_requests_own_fault_stops_the_chain() -> None:
    assert all(row.next is not Next.STOP for row in DISPOSITIONS.values())
    refused = UpstreamFailure(AttemptOutcome.INVALID_REQUEST, "temperature is not taken")
    assert refused.disposition.next is Next.LEAVE_MODEL
    assert replace(refused, is_final=True).disposition == Disposition(Next.STOP, Blame.NONE)


def test_what_will_be_the_same_again_is_not_asked_of_the_same_model_again() -> None:
    for outcome in (
        AttemptOutcome.MALFORMED,
        AttemptOutcome.AUTHENTICATION,
        AttemptOutcome.INVALID_REQUEST,
        AttemptOutcome.CONTEXT_TOO_LONG,
        AttemptOutcome.CONTENT_FILTERED,
    ):
        assert DISPOSITIONS[outcome].next is Next.LEAVE_MODEL


def test_a_timeout_is_the_models_only_if_it_had_its_own_time() -> None:
    late = UpstreamFailure(AttemptOutcome.TIMEOUT, "no whole answer in 20 s", charge=Charge.UNKNOWN)
    assert late.disposition.blame is Blame.MODEL
    assert replace(late, is_cut_short=True).disposition.blame is Blame.NONE


def test_a_timeout_is_not_retried_on_the_same_model_because_it_took_its_time_already() -> None:
    assert DISPOSITIONS[AttemptOutcome.TIMEOUT].next is Next.NEXT_MODEL


def test_a_rejection_carries_its_code_its_field_and_its_sentence() -> None:
    rejection = RequestRejected(ErrorCode.UNKNOWN_MODEL, "no such model", "model")
    assert (rejection.code, rejection.field, str(rejection)) == (ErrorCode.UNKNOWN_MODEL, "model", "no such model")


def test_everything_raised_on_purpose_has_one_root() -> None:
    assert issubclass(CatalogueError, TurnoutError)
    assert issubclass(RequestRejected, TurnoutError)
