"""A full worker stops reading, partition by partition, and tenants take turns."""

import asyncio
import re

from sandbox.provider.faults import Fault, FaultKind
from tests.harness import MakePipeline, MakeProvider, assert_answered_once

COUNT = 600


def requests(tenant: str, count: int = COUNT, **fields: object) -> list[dict[str, object]]:
    prompt = "What is 1 + 1?"
    return [
        {"request_id": f"{tenant}{number}", "tenant": tenant, "prompt": prompt, **fields} for number in range(count)
    ]


async def test_a_burst_of_one_tenant_does_not_starve_another(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(make_provider(latency_ms=200), TURNOUT_MAX_IN_FLIGHT="20")
    burst, few = requests("burst"), requests("few", 20)
    await pipeline.publish([*burst, *few], partition=0)  # all of the burst lies before the others
    pipeline.start_worker()
    responses = await pipeline.wait_for_responses([str(request["request_id"]) for request in (*burst, *few)])
    in_order = [response.tenant for response in sorted(responses, key=lambda response: response.completed_at)]
    last_of_few = max(place for place, tenant in enumerate(in_order) if tenant == "few")
    assert last_of_few < 200, f"the last of the few came {last_of_few}th of {len(in_order)}"


async def test_a_slow_request_lets_its_partition_run_ahead_only_so_far(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    provider = make_provider(latency_ms=20)
    provider.add_fault(Fault(fault=FaultKind.SLOW, model="claude-sonnet-4.5", factor=900))
    pipeline = await make_pipeline(provider, TURNOUT_MAX_SPAN="100")
    slow: list[dict[str, object]] = [{"request_id": "slow", "prompt": "Wait for me", "model": "claude-sonnet-4.5"}]
    quick = requests("quick", model="gemini-2.5-flash")
    elsewhere = requests("elsewhere", 100, model="gemini-2.5-flash")
    await pipeline.publish([*slow, *quick], partition=0)
    await pipeline.publish(elsewhere, partition=1)
    pipeline.start_worker()
    responses = await pipeline.wait_for_responses([str(request["request_id"]) for request in elsewhere])
    await asyncio.sleep(1)
    responses = await pipeline.responses()
    assert not any(response.request_id == "slow" for response in responses), "it was to last longer"
    ahead = [response.request_offset for response in responses if response.request_partition == 0]
    assert len(ahead) >= 50, "what is within the span is served"
    # what had been fetched with the record that filled the span still comes: some hundreds, not all that will ever be
    everything = [str(request["request_id"]) for request in (*slow, *quick, *elsewhere)]
    assert_answered_once(await pipeline.wait_for_responses(everything), everything)
    assert await asyncio.to_thread(pipeline.workers[0].stop) == 0
    assert (await pipeline.committed())[0] == COUNT + 1


async def test_a_full_worker_reads_no_more_and_loses_nothing(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(
        make_provider(latency_ms=30), TURNOUT_MAX_IN_FLIGHT="5", TURNOUT_MAX_HELD="50", TURNOUT_MAX_HELD_MB="1"
    )
    large = "Summarise this. " + "x" * 20_000
    published: list[dict[str, object]] = [{"request_id": f"r{number}", "prompt": large} for number in range(COUNT)]
    await pipeline.publish(published)
    worker = pipeline.start_worker()
    ids = [str(request["request_id"]) for request in published]
    assert_answered_once(await pipeline.wait_for_responses(ids), ids)
    assert await asyncio.to_thread(worker.stop) == 0
    assert sum((await pipeline.committed()).values()) == COUNT
    assert (await pipeline.reconcile()).bill_equals_invoice


async def test_who_waits_for_a_limit_is_in_nobodys_way(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_MAX_IN_FLIGHT="4")
    catalogue = pipeline.folder / "limited.toml"
    text = pipeline.settings.catalogue.read_text()
    catalogue.write_text(re.sub(r"requests_per_minute = 300", "requests_per_minute = 2", text))
    waiting = requests("waiting", 30, model="claude-sonnet-4.5")
    quick = requests("quick", 100, model="gemini-2.5-flash")
    await pipeline.publish([*waiting, *quick], partition=0)
    pipeline.start_worker(TURNOUT_CATALOGUE=str(catalogue), TURNOUT_DEFAULT_DEADLINE_S="20")
    await pipeline.wait_for_responses([str(request["request_id"]) for request in quick], patience_s=15)
    everything = [str(request["request_id"]) for request in (*waiting, *quick)]
    assert_answered_once(await pipeline.wait_for_responses(everything), everything)
