"""A worker that holds the first record of its topic and finishes all others at once; its options come as JSON.

It says what happens on stdout, one JSON line each, and finishes what it has held longest at a line on stdin.
"""

import asyncio
import json
import logging
import signal
import sys
from dataclasses import dataclass

import faust
from faust.types import TP, EventT, StreamT

from streams.kafka.transport import SafeTransport

REBUILD_S = 0.3
"""Long enough for records to come, if they did not wait."""


@dataclass(frozen=True, slots=True)
class Options:
    bootstrap_servers: str
    group: str
    topic: str
    safe: bool = True
    hold: bool = True
    acknowledge_inline: bool = False
    drain_timeout_s: float = 30.0
    metadata: str = "at"


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)  # noqa: T201  # its reader is the test


def build(options: Options, released: asyncio.Semaphore) -> faust.App:
    app = faust.App(
        options.group,
        broker=f"kafka://{options.bootstrap_servers}",
        broker_commit_interval=0.2,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        broker_heartbeat_interval=0.5,
    )
    if options.safe:
        app.transport = SafeTransport(
            app.conf.broker,
            app,
            checkpoint=lambda _tp, offset: f"{options.metadata} {offset}",
            drain_timeout_s=options.drain_timeout_s,
        )
    requests = app.topic(options.topic, key_serializer="raw", value_serializer="raw")
    tasks: set[asyncio.Task[None]] = set()

    async def finish(event: EventT) -> None:
        offset = event.message.offset
        say("taken", offset=offset)
        if options.hold and offset == 0:
            await released.acquire()
        event.ack()
        say("done", offset=offset)

    @app.agent(requests)  # type: ignore[untyped-decorator]  # faust is untyped
    async def pump(stream: StreamT[bytes]) -> None:
        if options.acknowledge_inline:
            async for event in stream.events():
                say("done", offset=event.message.offset)
            return
        async for event in stream.noack().events():
            task = asyncio.create_task(finish(event))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    tell_of_rebalances(app, options)
    return app


def tell_of_rebalances(app: faust.App, options: Options) -> None:
    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]  # faust is untyped
    async def revoked(_app: faust.App, revoked: set[TP], **_signal: object) -> None:
        if revoked:
            say("revoked")

    @app.on_rebalance_complete.connect  # type: ignore[untyped-decorator]  # faust is untyped
    async def rebuild(_app: faust.App, **_signal: object) -> None:
        await asyncio.sleep(REBUILD_S)
        committed = await app.consumer.committed_with_metadata(app.consumer.assignment()) if options.safe else {}
        say("rebuilt", committed=[[at.offset, at.metadata] for at in committed.values()])


async def serve(options: Options) -> None:
    loop = asyncio.get_running_loop()
    stop, released = asyncio.Event(), asyncio.Semaphore(0)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), lambda: released.release() if sys.stdin.readline() else None)
    app = build(options, released)
    await app.start()
    ends = [asyncio.ensure_future(end) for end in (stop.wait(), app.wait_until_stopped())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    await app.stop()
    if app.crashed:
        raise SystemExit(1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    asyncio.run(serve(Options(**json.loads(sys.argv[1]))))
