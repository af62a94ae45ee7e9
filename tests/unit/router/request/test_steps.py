from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.models.pool import ModelPool
from router.request.session import Session
from router.request.steps import (
    STATE_AFTER,
    TRANSITIONS,
    Answered,
    Call,
    Event,
    Failed,
    SessionError,
    SessionState,
    Started,
    Wait,
    Woke,
)
from tests.stage import ANSWER, NOW_S, TWO, UNAVAILABLE, make_job

EVENTS: dict[type[Event], Event] = {
    Started: Started(NOW_S),
    Answered: Answered(NOW_S + 1, ANSWER, 1.0),
    Failed: Failed(NOW_S + 1, UNAVAILABLE, 1.0),
    Woke: Woke(NOW_S + 2),
}


def session_in(state: SessionState) -> Session:
    """Return a session that has come to the state."""
    # with a chance of 1 the second try of a model is far enough away to be waited for
    session = Session(make_job(), ModelPool(TWO), lambda: 0.99)
    if state is SessionState.NEW:
        return session
    assert isinstance(session.receive(Started(NOW_S)), Call)
    if state is SessionState.WAITING:
        assert isinstance(session.receive(Failed(NOW_S, UNAVAILABLE, 0.1)), Wait)
    if state is SessionState.ENDED:
        session.receive(Answered(NOW_S, ANSWER, 0.1))
    return session


def test_the_table_has_no_gap() -> None:
    assert TRANSITIONS.keys() == set(product(SessionState, EVENTS))
    assert set(STATE_AFTER.values()) == set(SessionState) - {SessionState.NEW}


@given(st.sampled_from(SessionState), st.sampled_from(sorted(EVENTS, key=str)))
def test_every_event_in_every_state_does_what_the_table_says(state: SessionState, kind: type[Event]) -> None:
    rule, session = TRANSITIONS[state, kind], session_in(state)
    if rule.to:
        assert STATE_AFTER[type(session.receive(EVENTS[kind]))] in rule.to
    else:
        with pytest.raises(SessionError, match=f"^{kind.__name__} {rule.note}$"):
            session.receive(EVENTS[kind])


@pytest.mark.parametrize("state", SessionState)
def test_an_abandoned_session_takes_no_event(state: SessionState) -> None:
    session = session_in(state)
    session.abandon(NOW_S)
    with pytest.raises(SessionError, match="after the end"):
        session.receive(Woke(NOW_S))
