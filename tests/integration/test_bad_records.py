"""Records that only a real broker and a real client make: what is no UTF-8 where the protocol has a string."""

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from schemas import dead_letters
from schemas.topics import TOPICS, Topic
from streams.kafka.decompression import MOST_BYTES
from tests.harness import FORGED, MakePipeline, Pipeline


async def publish_with_a_name_of_any_bytes(
    pipeline: Pipeline, topic: Topic, value: bytes, *others: tuple[str, bytes]
) -> None:
    """Publish a record to partition 0 whose header is named by two bytes that are no UTF-8, as kcat does."""
    async with AIOKafkaProducer(bootstrap_servers=pipeline.settings.brokers) as client:
        batch = client.create_batch()
        batch.append(timestamp=None, key=b"k", value=value, headers=[("AB", b"x"), *others])
        built = bytearray(batch._build()).replace(b"AB", b"\xff\xfe")  # no client's API sends such bytes
        built[17:21] = calc_crc32c(bytes(built[21:])).to_bytes(4, "big")
        batch._buffer = built  # same
        await (await client.send_batch(batch, pipeline.settings.topic(topic), partition=0))


async def test_a_header_name_that_is_not_utf_8_ends_no_reader_of_any_topic(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    evil = b'{"request_id":"evil","prompt":"x"}'
    for spec in TOPICS:
        if spec.topic is not Topic.REQUESTS:
            await publish_with_a_name_of_any_bytes(pipeline, spec.topic, evil, (FORGED, b"1"))
    worker = pipeline.start_worker()
    await publish_with_a_name_of_any_bytes(pipeline, Topic.REQUESTS, evil)
    await pipeline.publish([{"request_id": "quiet", "prompt": "hi"}], partition=0)
    await pipeline.wait_for_responses(["quiet", "evil"])
    letter = (await pipeline.records(Topic.DEAD_LETTERS))[-1]
    assert (letter.key, letter.value) == (b"k", evil)
    assert letter.headers[0] == (r"\xff\xfe", b"x")
    assert dict(letter.headers)[dead_letters.CODE] == b"not_utf8"
    assert worker.stop() == 0
    assert (await pipeline.committed())[0] == 2


async def test_a_batch_that_unpacks_to_gigabytes_ends_no_reader_of_any_topic(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    async with AIOKafkaProducer(
        bootstrap_servers=pipeline.settings.brokers, compression_type="zstd", max_request_size=2 * MOST_BYTES
    ) as client:
        for spec in TOPICS:
            await client.send_and_wait(pipeline.settings.topic(spec.topic), bytes(MOST_BYTES), b"k", partition=0)
    worker = pipeline.start_worker()
    await pipeline.publish([{"request_id": "quiet", "prompt": "hi"}], partition=0)
    await pipeline.wait_for_responses(["quiet"])
    letter = (await pipeline.records(Topic.DEAD_LETTERS))[-1]
    assert letter.value is None
    assert dict(letter.headers)[dead_letters.CODE] == b"too_large"
    assert dict(letter.headers)[dead_letters.REASON].startswith(b"the batch of offsets 0 to 0 unpacks to more than ")
    assert worker.stop() == 0
    assert (await pipeline.committed())[0] == 2
