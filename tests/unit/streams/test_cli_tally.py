"""What `turnout send --wait` counts of the answers, and a deadline as people write it."""

from decimal import Decimal
from pathlib import Path

import pytest
import typer

from schemas.responses import Response, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, Lane
from streams.cli.dispatch import savings
from streams.cli.send import _seconds
from streams.cli.tally import Tally
from streams.config.settings import Settings
from tests.warehouses import golden

MODEL = "gpt-4.1"
"""4 USD for a million tokens, in the shipped catalogue."""


def of_a_batch(cost_usd: str) -> Response:
    usage = Usage(input_tokens=1000, output_tokens=500, service_tier="batch")
    response = Response.decode(golden("response-completed"))
    attempt = response.attempts[-1].model_copy(
        update={"request_model": MODEL, "usage": usage, "cost_usd": Decimal(cost_usd), "certainty": Certainty.METERED}
    )
    assert attempt.outcome is AttemptOutcome.SUCCEEDED
    told = {"request_model": MODEL, "lane": Lane.BATCH, "attempts": (attempt,), "cost_usd": attempt.cost_usd}
    return response.model_copy(update=told)


def test_what_was_saved_is_told_of_batches_by_live_prices_and_of_the_cache_as_it_says() -> None:
    tally = Tally(savings(Settings()))
    cached = Response.decode(golden("response-cached"))
    batch = of_a_batch("0.003")
    live = batch.model_copy(update={"request_id": "live", "lane": None})
    for response in (batch, live, cached):
        tally.expect(response.request_id)
        assert tally.add(response)
    saved = Decimal("0.003") + (cached.saved_usd or 0)
    assert tally.total.saved_usd == saved
    assert str(tally).endswith(f", saved ${saved:.6f}")


def test_without_a_catalogue_only_the_cache_tells() -> None:
    saved = savings(Settings(catalogue=Path("/nowhere/catalogue.toml")))
    assert saved(of_a_batch("0.003")) == 0
    assert "saved" not in str(Tally(saved))


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("6h", 21_600), ("1.5d", 129_600)])
def test_a_deadline_has_a_unit(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "-6h", "6 weeks", "nanh", "infd", "1e30d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time such as"):
        _seconds(text)
