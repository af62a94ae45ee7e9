"""Measures what the answer cache takes: bytes a key, and the time of a hit from memory and read back from Kafka.

The responses are written to a topic of their own, and read at random offsets as a worker reads them: one after the
other, by one reader that stays connected. Writes build/bench-cache.json.
"""

import argparse
import asyncio
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from random import Random
from time import perf_counter, process_time

import orjson
from aiokafka.admin import NewTopic
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from router.caching.answers import Asker, answer_again  # noqa: E402 - the repository is on the path only now
from router.caching.index import CacheIndex, Place  # noqa: E402
from router.caching.key import key_of_response  # noqa: E402
from sandbox.broker import open_broker  # noqa: E402
from schemas.responses import AnswerMessage, Response  # noqa: E402
from streams.config.load_settings import load_settings  # noqa: E402
from streams.config.settings import Settings  # noqa: E402
from streams.kafka.clients import admin, make_producer  # noqa: E402
from streams.kafka.log import KafkaLog  # noqa: E402
from streams.kafka.producer import started  # noqa: E402
from streams.ports import Record  # noqa: E402
from streams.request.stored_answers import StoredAnswers  # noqa: E402
from tests.stage import Play, make_job  # noqa: E402

TOPIC = "bench-responses"
EXPIRES_S = 4e9
AT_ONCE = 64


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=500_000)
    parser.add_argument("--answers", type=int, default=20_000, help="on the topic")
    parser.add_argument("--bytes", type=int, default=2_000, help="of an answer's text")
    parser.add_argument("--reads", type=int, default=500)
    parser.add_argument("--broker", default="kafka")
    given = parser.parse_args()
    response = _response("x" * given.bytes)
    figures: dict[str, float] = {"keys": given.keys, **_index(given.keys), **_memory(response)}
    with open_broker(given.broker, on_progress=_say) as broker:
        settings = load_settings(brokers=broker.bootstrap_servers)
        figures |= asyncio.run(_kafka(settings, response, given.answers, given.reads))
    table = Table("figure", "value", title="The answer cache")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "bench-cache.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _response(text: str) -> Response:
    play = Play()
    play.start()
    play.answer()
    return play.response.model_copy(update={"message": AnswerMessage(content=text), "asked_sha256": "5f" * 32})


def _index(count: int) -> dict[str, float]:
    keys = [blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(count)]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    index = CacheIndex(2 * count + 2, 0)
    for number, key in enumerate(keys):
        index.learn(key, "support", Place(number % 64, 10**9 + number), EXPIRES_S, number)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    began_s = perf_counter()
    found = sum(index.find(key, 0.0) is not None for key in keys)
    if found != count:
        raise SystemExit(f"{count - found:,} keys were forgotten.")
    return {"bytes_per_key": round(grown / count, 1), "find_us": round((perf_counter() - began_s) / count * 1e6, 2)}


def _memory(response: Response) -> dict[str, float]:
    body, job = response.encode(), make_job()
    asker = Asker.of(job)

    def hit() -> None:
        stored = Response.decode(body)
        key_of_response(stored)
        answer_again(stored, asker, job.received_s).encode()

    return {"record_bytes": len(body), "hit_in_memory_us": round(_median_us(hit, 2_000), 1)}


def _median_us(work: Callable[[], None], times: int) -> float:
    taken = []
    for _ in range(times):
        began_s = perf_counter()
        work()
        taken.append(perf_counter() - began_s)
    return statistics.median(taken) * 1e6


async def _kafka(settings: Settings, response: Response, answers: int, reads: int) -> dict[str, float]:
    async with admin(settings) as client:
        await client.create_topics([NewTopic(TOPIC, 8, 1)])
    async with started(lambda: make_producer(settings)) as producer:
        log = KafkaLog(settings, producer)
        value = response.encode()
        for first in range(0, answers, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, answers))
            await asyncio.gather(*(log.send(Record(TOPIC, value, b"k", [], number % 8)) for number in numbers))
        stored = StoredAnswers(log, TOPIC)
        async with stored.open():
            random, taken = Random(7), list[float]()  # noqa: S311 - a benchmark's dice
            await stored.at(0, 0)
            cpu_s = process_time()
            for _ in range(reads):
                began_s = perf_counter()
                if await stored.at(random.randrange(8), random.randrange(answers // 8)) is None:
                    raise SystemExit("A record is missing.")
                taken.append(perf_counter() - began_s)
            cpu_s = process_time() - cpu_s
    taken.sort()
    return {
        "read_from_kafka_p50_ms": round(taken[len(taken) // 2] * 1e3, 2),
        "read_from_kafka_p99_ms": round(taken[int(len(taken) * 0.99)] * 1e3, 2),
        "read_from_kafka_cpu_ms": round(cpu_s / reads * 1e3, 2),
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
