"""Publish a prompt with confluent-kafka: `python produce_confluent.py "What is a turnout?"`. Prints the request id."""

import json
import os
import sys
import uuid

from confluent_kafka import KafkaError, Message, Producer


def delivered(error: KafkaError | None, _message: Message) -> None:
    """Be told what became of the record."""
    if error is not None:
        sys.exit(f"not published: {error}")


request_id = str(uuid.uuid4())
request = {"request_id": request_id, "prompt": " ".join(sys.argv[1:]), "metadata": {"example": "confluent"}}
producer = Producer({"bootstrap.servers": os.environ.get("TURNOUT_BROKERS", "127.0.0.1:9092")})
producer.produce("llm.requests.v1", json.dumps(request).encode(), key=request_id.encode(), on_delivery=delivered)
producer.flush()
print(request_id)
