from decimal import Decimal

from router.obstacle import SENTENCES, Obstacle
from schemas.responses import Skipped
from schemas.vocabulary import SkipReason


def test_every_reason_has_a_sentence_of_its_own() -> None:
    assert SENTENCES.keys() == set(SkipReason)
    assert len(set(SENTENCES.values())) == len(SENTENCES)


def test_a_sentence_tells_the_figures() -> None:
    told = [
        Obstacle(SkipReason.CONTEXT_TOO_SMALL, 710, 500),
        Obstacle(SkipReason.ABOVE_COST_CAP, Decimal("0.001100000"), Decimal("0.0003")),
        Obstacle(SkipReason.ABOVE_COST_CAP, Decimal("0.000000300"), Decimal("1E-9")),
        Obstacle(SkipReason.COST_CAP_USED, limit=Decimal("0.02")),
        Obstacle(SkipReason.TOO_SLOW, 1300.4, 1299),
    ]
    assert [str(obstacle) for obstacle in told] == [
        "context: up to 710 tokens do not fit into 500",
        "cost: up to 0.001100000 USD, above the cap of 0.0003",
        "cost: up to 0.000000300 USD, above the cap of 0.000000001",
        "cost: 0.02 USD are left of the cap",
        "latency: its p99 is 1300 ms, above the request's 1299 ms",
    ]


def test_the_response_has_the_reason_for_a_program_and_for_a_person() -> None:
    assert Obstacle(SkipReason.BREAKER_OPEN_SLOW).skipped("alpha") == Skipped(
        request_model="alpha", reason="breaker open: the model is slow", code=SkipReason.BREAKER_OPEN_SLOW
    )
