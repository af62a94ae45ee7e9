"""Tenants on a real broker: keys that prove nothing get no call and leave no trace; limits hold."""

import asyncio
import socket
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import httpx
import orjson

from schemas.tenant_shares import TenantShares
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Status
from streams.request.api_keys import key_digest, make_key
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, assert_answered_once
from tests.reference import in_chain_order

Headers = list[tuple[str, bytes]]


def bearer(key: str) -> Headers:
    return [("authorization", f"Bearer {key}".encode())]


def catalogue_with(folder: Path, tenants: str) -> str:
    path = folder / "tenants.toml"
    path.write_text(f"{in_chain_order()}\n{tenants}\n")
    return str(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def requests(prefix: str, count: int, **fields: object) -> list[dict[str, object]]:
    return [
        {"request_id": f"{prefix}{number}", "prompt": f"What is {number} + 1?", **fields} for number in range(count)
    ]


def ids(published: list[dict[str, object]]) -> list[str]:
    return [str(request["request_id"]) for request in published]


async def everything_written(pipeline: Pipeline) -> bytes:
    """Return the bytes of every record of every topic but the requests, and of every log."""
    found = [worker.log.read_bytes() for worker in pipeline.workers]
    for topic in Topic:
        if topic is Topic.REQUESTS:
            continue
        for record in await pipeline.records(topic):
            found += [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
    return b"\n".join(found)


async def test_a_thousand_keys_that_prove_nothing_get_no_call_and_are_written_nowhere(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    good, expired, revoked = make_key(), make_key(), make_key()
    catalogue = catalogue_with(
        tmp_path,
        f"""
        [tenants.acme]
        keys = [
            "sha256:{key_digest(good.encode())}",
            {{ hash = "sha256:{key_digest(expired.encode())}", expires = 2020-01-01T00:00:00Z }},
            {{ hash = "sha256:{key_digest(revoked.encode())}", revoked = true }},
        ]
        tags = {{ team = "search" }}
        """,
    )
    provider = make_provider()
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=catalogue)
    forged = [make_key() for _ in range(400)]
    truncated = [good[:length] for length in range(20, len(good))] * 10
    bad = [*forged, *truncated, *[expired] * 100, *[revoked] * 100]
    bad += [good + "x" * number for number in range(1, 1001 - len(bad))]
    assert len(bad) == 1000
    published = requests("bad", 1000)
    poison: list[bytes] = [b'{"poison": %d' % number for number in range(20)]
    await pipeline.publish(published, headers=map(bearer, bad))
    await pipeline.publish(poison, headers=map(bearer, [good, *bad]))
    await pipeline.publish([{"request_id": "none", "prompt": "x"}])
    await pipeline.publish([{"request_id": "mine", "prompt": "x", "tenant": "else"}], headers=[bearer(good)])
    await pipeline.publish([{"request_id": "good", "prompt": "x"}], headers=[bearer(good)])
    pipeline.start_worker(TURNOUT_LOG_LEVEL="debug")
    responses = await pipeline.wait_for_responses([*ids(published), "none", "mine", "good"])
    assert_answered_once(responses, [*ids(published), "none", "mine", "good"])
    by_id = {response.request_id: response for response in responses}
    completed = by_id.pop("good")
    assert (completed.status, completed.tenant) == (Status.COMPLETED, "acme")
    assert completed.metadata == {"team": "search"}
    assert {response.status for response in by_id.values()} == {Status.REJECTED}
    codes = Counter(response.error.code for response in by_id.values() if response.error)
    assert codes == {ErrorCode.UNAUTHENTICATED: 1001, ErrorCode.TENANT_MISMATCH: 1}
    assert len({(await pipeline.reconcile()).metered_calls, len(await pipeline.costs()), 1}) == 1
    assert [cost.request_id for cost in await pipeline.costs()] == ["good"]
    assert len(await pipeline.records(Topic.CALLS)) == 1
    written = await everything_written(pipeline)
    assert len(await pipeline.records(Topic.DEAD_LETTERS)) == len(poison)
    assert b"redacted" in written
    for key in {good, *bad}:
        assert key.encode() not in written
    assert b"Bearer " not in written.replace(b"`authorization: Bearer KEY`", b"")


async def test_rate_and_places_hold_and_a_duplicate_counts_for_neither(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    catalogue = catalogue_with(
        tmp_path,
        """
        [tenants.quick]
        requests_per_minute = 5
        [tenants.narrow]
        concurrent_requests = 1
        [tenants.shadow]
        requests_per_minute = 1
        mode = "shadow"
        """,
    )
    pipeline = await make_pipeline(make_provider(latency_ms=200), TURNOUT_CATALOGUE=catalogue)
    port = free_port()
    worker = pipeline.start_worker(TURNOUT_WEB_PORT=str(port))
    quick, narrow = requests("quick", 5, tenant="quick"), requests("narrow", 4, tenant="narrow")
    shadow = requests("shadow", 5, tenant="shadow")
    await pipeline.publish([*quick, *narrow, *shadow])
    responses = await pipeline.wait_for_responses(ids([*quick, *narrow, *shadow]))
    assert {response.status for response in responses} == {Status.COMPLETED}
    spans = sorted(
        (one.attempts[0].started_at, one.completed_at) for one in responses if one.tenant == "narrow" and one.attempts
    )
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    await pipeline.publish([*quick, {"request_id": "over", "prompt": "x", "tenant": "quick"}])
    responses = await pipeline.wait_for_responses(["over"])
    over = next(response for response in responses if response.request_id == "over")
    assert over.error is not None
    assert over.error.code is ErrorCode.RATE_EXCEEDED
    assert 0 < (over.error.retry_after_ms or 0) <= 60_000
    assert (over.status, over.attempts) == (Status.REJECTED, ())
    assert_answered_once(responses, ids([*quick, *narrow, *shadow, {"request_id": "over"}]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        metrics = (await client.get("/metrics")).text
    assert 'turnout_shadow_refusals_total{limit="rate_exceeded",tenant="shadow"} 4.0' in metrics
    assert metrics.count("turnout_shadow_refusals_total{") == 1
    assert await asyncio.to_thread(worker.stop) == 0
    log = [orjson.loads(line) for line in worker.log.read_bytes().splitlines()]
    assert any("the pipeline is open" in line["event"] for line in log)
    (told,) = (line for line in log if line["event"] == "shadow limit exceeded")
    assert (told["tenant"], told["limit"], told["requests"]) == ("shadow", "rate_exceeded", 4)


async def test_the_requests_a_minute_of_a_tenant_hold_over_worker_processes_of_which_one_is_killed(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    limit = 100
    catalogue = catalogue_with(tmp_path, f"[tenants.acme]\nrequests_per_minute = {limit}\nconcurrent_requests = 40")
    pipeline = await make_pipeline(make_provider(), TURNOUT_CATALOGUE=catalogue)
    for name in ("one", "other", "third"):
        pipeline.start_worker(TURNOUT_WORKER_ID=name)
    shares = await until_shares(pipeline, {"one", "other", "third"})
    assert sum(share.share_per_minute or 0 for share in shares.shares) <= limit
    assert sum(share.places or 0 for share in shares.shares) <= 40
    published = requests("spread", 4 * limit, tenant="acme")
    for partition in range(4):
        await pipeline.publish(published[partition::4], partition=partition)
    responses = await pipeline.wait_for_responses(ids(published))
    completed = [response for response in responses if response.status is Status.COMPLETED]
    # one share at least; how soon the shares follow the load is a matter of the machine, and of tests in virtual time
    assert limit // 3 <= len(completed) <= 1.05 * limit
    assert {response.error.code for response in responses if response.error} == {ErrorCode.RATE_EXCEEDED}
    pipeline.workers[0].kill()
    pipeline.start_worker(TURNOUT_WORKER_ID="fourth")
    await until_shares(pipeline, {"other", "third", "fourth"})
    late = requests("late", 200, tenant="acme")
    for partition in range(4):
        await pipeline.publish(late[partition::4], partition=partition)
    responses = await pipeline.wait_for_responses(ids(late))
    starts = sorted(
        response.attempts[0].started_at.timestamp() for response in responses if response.status is Status.COMPLETED
    )
    # a second less than a minute: a call starts a moment after its request was let in
    in_a_minute = [sum(first <= other < first + 59 for other in starts) for first in starts]
    assert max(in_a_minute) <= 1.05 * limit


async def until_shares(pipeline: Pipeline, workers: set[str]) -> TenantShares:
    """Wait until exactly these workers have shares of the only limited tenant."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        records = [one for one in await pipeline.records(Topic.TENANT_SHARES) if one.key == b"acme"]  # "" confirms all
        last = TenantShares.decode(records[-1].value or b"") if records else None
        if last is not None and {share.worker for share in last.shares} == workers:
            return last
        assert time.monotonic() < give_up, (last, [worker.log.read_text()[-2000:] for worker in pipeline.workers])
        await asyncio.sleep(0.2)
