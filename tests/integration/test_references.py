"""A request and an answer that no record of the cluster holds, by way of an S3-compatible store, on real Kafka."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Status
from tests.harness import ROOT, MakePipeline
from tests.integration.test_embeddings import SMALL, TABLE
from tests.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server

RECORD_BYTES = 65_536


@pytest.fixture
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


async def test_a_payload_beyond_a_record_comes_from_the_store_and_its_answer_goes_there(
    make_pipeline: MakePipeline, server: S3Server, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text((ROOT / "catalogue.toml").read_text() + TABLE)
    pipeline = await make_pipeline(
        TURNOUT_CATALOGUE=str(catalogue),
        TURNOUT_MAX_MESSAGE_BYTES=str(RECORD_BYTES),
        TURNOUT_DATAREF_URL=f"s3://{BUCKET}/turnout",
        TURNOUT_DATAREF_ENDPOINT=server.url,
        TURNOUT_DATAREF_KEY=f"{ACCESS_KEY}:{SECRET_KEY}",
    )
    texts = [f"text {number} " * 300 for number in range(60)]
    asked = {"request_id": "large", "model": SMALL, "input": texts, "dimensions": 512, "max_cost_usd": "1"}
    server.objects["turnout/in/large.json"] = orjson.dumps(asked)
    assert len(server.objects["turnout/in/large.json"]) > RECORD_BYTES
    reference = b"s3://bucket/turnout/in/large.json"
    await pipeline.publish([None], headers=[[("ce_dataref", reference)]])
    await pipeline.publish([{"request_id": "small", "model": SMALL, "input": "a", "dimensions": 8}])
    worker = pipeline.start_worker()
    found = {one.request_id: one for one in await pipeline.wait_for_responses(["large", "small"])}

    assert {one.status for one in found.values()} == {Status.COMPLETED}
    (record,) = [one for one in await pipeline.records(Topic.RESPONSES) if b'"large"' in (one.value or b"")]
    where = found["large"].dataref
    assert where is not None
    assert dict(record.headers)["ce_dataref"] == where.encode()
    assert found["large"].message is None
    whole = Response.decode(server.objects[where.removeprefix(f"s3://{BUCKET}/")])
    assert whole.message is not None
    assert len(whole.message.embeddings or ()) == len(texts)
    assert whole.model_copy(update={"message": None, "dataref": where}) == found["large"]
    assert found["small"].dataref is None
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == 2
    assert {status for *_, status in server.asked} == {200}
    assert SECRET_KEY not in worker.log.read_text()
