"""Publish a prompt with aiokafka: `python produce_aiokafka.py "What is a turnout?"`. It prints the request id."""

import asyncio
import json
import os
import sys
import uuid

from aiokafka import AIOKafkaProducer


async def main() -> None:
    """Publish the arguments as one prompt."""
    request_id = str(uuid.uuid4())
    request = {"request_id": request_id, "prompt": " ".join(sys.argv[1:]), "metadata": {"example": "aiokafka"}}
    async with AIOKafkaProducer(bootstrap_servers=os.environ.get("TURNOUT_BROKERS", "127.0.0.1:9092")) as producer:
        await producer.send_and_wait("llm.requests.v1", json.dumps(request).encode(), key=request_id.encode())
    print(request_id)


asyncio.run(main())
