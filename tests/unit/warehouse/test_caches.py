"""What caches have saved, from a warehouse in memory of what responses and cost events said."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.warehouses import Warehouse, batch_of, golden
from warehouse.caches import CachedAnswers, PromptCaches, TenantHits, cached_answers, prompt_caches
from warehouse.experiments import arms

EVER = date(1, 1, 1), date(9999, 12, 31)


def cost(event_id: str, **changes: object) -> bytes:
    rates = {"input_usd_per_mtok": "3", "cached_input_usd_per_mtok": "0.3", "cache_write_usd_per_mtok": "3.75"}
    return golden("cost-metered", event_id=event_id, **{"input_tokens": 10_000, **rates, **changes})


def test_answers_from_the_cache_are_counted_from_the_responses(tmp_path: Path) -> None:
    store = Warehouse.in_file(tmp_path).open()
    responses: list[bytes | None] = [golden("response-completed", request_id=f"r-{number}") for number in range(3)]
    responses += [golden("response-cached", request_id=f"c-{number}", saved_usd="0.001") for number in range(2)]
    responses += [
        golden("response-cached", request_id="c-9", saved_usd=None, tenant="another"),
        golden("response-failed"),
    ]
    store.write(batch_of([], responses))
    assert cached_answers(store, *EVER) == CachedAnswers(
        6,
        3,
        Decimal("0.002"),
        (TenantHits("support", 2, Decimal("0.002")), TenantHits("another", 1, Decimal(0))),
    )
    assert str(cached_answers(store, *EVER)) == (
        "3 of 6 answers came from the cache (50.0%), which saved 0.002000 USD."
    )
    assert cached_answers(store, date(2020, 1, 1), date(2020, 1, 2)) == CachedAnswers(0, 0, Decimal(0))
    assert store.query("SELECT sum(answers), sum(saved_usd) FROM cached_answers") == [(3, Decimal("0.002000000"))]
    assert store.query("SELECT origin_request_id FROM responses WHERE request_id = 'c-9'") == [("faq-0042",)]
    store.close()


def test_an_arm_of_an_experiment_has_no_answer_from_the_cache(tmp_path: Path) -> None:
    store = Warehouse.in_file(tmp_path).open()
    asked = golden("response-completed", request_id="r-1", arm="cheap", cost_usd="0.004")
    again = golden("response-cached", request_id="r-2", arm="cheap")
    store.write(batch_of([], [asked, again]))
    (cheap,) = arms(store, *EVER)
    assert cheap.requests == 1
    assert cheap.usd is not None
    assert cheap.usd.value == 0.004
    store.close()


def test_what_the_providers_caches_were_worth_is_reads_less_writes(tmp_path: Path) -> None:
    store = Warehouse.in_file(tmp_path).open()
    written = cost("w", cache_write_tokens=8_000, cached_input_tokens=None)
    read = cost("r", cached_input_tokens=8_000, cache_write_tokens=None)
    plain = cost("p", cached_input_tokens=None, cache_write_tokens=None)
    unknown = cost("u", certainty="unknown", cache_write_tokens=10_000)
    store.write(batch_of([written, plain, unknown], []))
    assert prompt_caches(store, *EVER) == PromptCaches(20_000, 0, 8_000, Decimal("-0.006"))
    assert str(prompt_caches(store, *EVER)).endswith("that cost 0.006000 more USD.")
    store.write(batch_of([read], []))
    assert prompt_caches(store, *EVER) == PromptCaches(30_000, 8_000, 8_000, Decimal("0.0156"))
    assert str(prompt_caches(store, *EVER)) == (
        "26.7% of the input was read from the providers' own caches, 8,000 tokens were written into them: "
        "that saved 0.015600 USD."
    )
    store.close()
