"""Providers' prompt caches on a real Kafka: what a worker marks is read again and billed as the invoice has it."""

from decimal import Decimal
from pathlib import Path

import pytest

from router.dialects.wire import DialectName
from schemas.costs import CostEvent
from tests.harness import MakePipeline, MakeProvider
from tests.integration.test_dialect_calls import ADDRESSES, OWN_KEYS, SECRET, UPSTREAM, key_for

COUNT = 12
SYSTEM = "The warranty covers parts and labour for two years from the day of purchase. " * 120
CATALOGUE = """
name = "prompt cache"
version = "1"
baseline = "claude"
default_max_tokens = 64
[chains]
fast = ["claude"]
balanced = ["claude"]
reasoning = ["claude"]
powerful = ["claude"]
[quality_floors]
fast = 5
balanced = 5
reasoning = 5
powerful = 5
[providers.vendor]
base_url = "{base_url}"
dialect = "{dialect}"
prompt_cache = {prompt_cache}
{own}
[models.claude]
provider = "vendor"
upstream_model = "{upstream}"
input_usd_per_mtok = 3
cached_input_usd_per_mtok = 0.3
cache_write_usd_per_mtok = 3.75
output_usd_per_mtok = 15
quality = 9
context_tokens = 200_000
max_output_tokens = 64_000
requests_per_minute = 100_000
typical_latency_ms = 1200
timeout_s = 20
"""


@pytest.mark.parametrize("dialect", [DialectName.ANTHROPIC, DialectName.BEDROCK, DialectName.RESPONSES])
async def test_a_shared_prefix_is_written_once_and_read_by_all_that_follow(
    make_provider: MakeProvider, make_pipeline: MakePipeline, tmp_path: Path, dialect: DialectName
) -> None:
    provider = make_provider(latency_ms=20, aws_secret=SECRET, list_prices=True, prompt_cache=True)
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(
        CATALOGUE.format(
            base_url=provider.base_url.removesuffix("/v1") + ADDRESSES[dialect],
            dialect=dialect,
            own=OWN_KEYS.get(dialect, ""),
            upstream=UPSTREAM.get(dialect, "claude-sonnet-4-5-20250929"),
            prompt_cache="true",
        )
    )
    keys = f'{{"vendor": "{key_for(dialect)}"}}'
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(catalogue), TURNOUT_API_KEYS=keys)
    pipeline.start_worker()
    for number in range(COUNT):  # one after the other, as they come to a provider that has read the one before
        asked: dict[str, object] = {
            "request_id": f"r{number}",
            "prompt": f"Question {number}?",
            "system_prompt": SYSTEM,
        }
        await pipeline.publish([asked])
        await pipeline.wait_for_responses([f"r{number}"])

    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill.sentence()
    costs = sorted(await pipeline.costs(), key=lambda cost: cost.occurred_at)
    read, written = [cost.cached_input_tokens or 0 for cost in costs], [cost.cache_write_tokens or 0 for cost in costs]
    given = sum(cost.input_tokens or 0 for cost in costs)
    if (
        dialect is DialectName.RESPONSES
    ):  # which caches by itself, from the first request on, and charges nothing for it
        assert read[0] == 0
        assert all(tokens > 1_024 for tokens in read[1:])
    else:
        assert written[:2] == [0, read[2]], "the first request is expected to be the last"
        assert read[2:] == [written[1]] * (COUNT - 2)
    assert sum(read) / given > 0.8
    assert _saved(costs) > Decimal("0.02")


def _saved(costs: list[CostEvent]) -> Decimal:
    saved = Decimal(0)
    for cost in costs:
        fresh, cached, write = cost.input_usd_per_mtok, cost.cached_input_usd_per_mtok, cost.cache_write_usd_per_mtok
        assert fresh is not None
        assert cached is not None
        assert write is not None
        saved += (fresh - cached) * (cost.cached_input_tokens or 0) - (write - fresh) * (cost.cache_write_tokens or 0)
    return saved / 1_000_000
