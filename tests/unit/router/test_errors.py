from router.errors import DISPOSITIONS, Blame, CatalogueError, Next, RequestRejected, TurnoutError
from schemas.vocabulary import AttemptOutcome, ErrorCode


def test_every_failure_has_a_disposition() -> None:
    assert set(DISPOSITIONS) == set(AttemptOutcome) - {AttemptOutcome.SUCCEEDED}


def test_what_the_caller_did_is_not_held_against_the_model() -> None:
    for outcome in (
        AttemptOutcome.INVALID_REQUEST,
        AttemptOutcome.CONTEXT_TOO_LONG,
        AttemptOutcome.CONTENT_FILTERED,
        AttemptOutcome.CUT_OFF,
    ):
        assert DISPOSITIONS[outcome].blame is Blame.NONE


def test_only_an_invalid_request_stops_the_chain() -> None:
    assert [outcome for outcome, row in DISPOSITIONS.items() if row.next is Next.STOP] == [
        AttemptOutcome.INVALID_REQUEST
    ]


def test_a_timeout_is_not_retried_on_the_same_model_because_it_took_its_time_already() -> None:
    assert DISPOSITIONS[AttemptOutcome.TIMEOUT].next is Next.NEXT_MODEL


def test_a_rejection_carries_its_code_its_field_and_its_sentence() -> None:
    rejection = RequestRejected(ErrorCode.UNKNOWN_MODEL, "no such model", "model")
    assert (rejection.code, rejection.field, str(rejection)) == (ErrorCode.UNKNOWN_MODEL, "model", "no such model")


def test_everything_raised_on_purpose_has_one_root() -> None:
    assert issubclass(CatalogueError, TurnoutError)
    assert issubclass(RequestRejected, TurnoutError)
