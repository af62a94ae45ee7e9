"""Print answers and costs as they come, with aiokafka: `python consume_aiokafka.py`. Ctrl-C ends it."""

import asyncio
import json
import os

from aiokafka import AIOKafkaConsumer


async def main() -> None:
    """Read both topics; the group remembers how far."""
    async with AIOKafkaConsumer(
        "llm.responses.v1",
        "llm.costs.v1",
        bootstrap_servers=os.environ.get("TURNOUT_BROKERS", "127.0.0.1:9092"),
        group_id="example-aiokafka",
        auto_offset_reset="earliest",
    ) as consumer:
        async for record in consumer:
            event = json.loads(record.value)
            if record.topic == "llm.costs.v1":
                print("cost", event["request_id"], event["request_model"], event["cost_usd"], event["tags_json"])
            elif event["status"] == "completed":
                print("answer", event["request_id"], event["message"]["content"])
            else:
                print(event["status"], event["request_id"], event["error"]["message"])


asyncio.run(main())
