"""Print answers and costs as they come, with confluent-kafka: `python consume_confluent.py`. Ctrl-C ends it."""

import json
import os

from confluent_kafka import Consumer

consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("TURNOUT_BROKERS", "127.0.0.1:9092"),
        "group.id": "example-confluent",
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe(["llm.responses.v1", "llm.costs.v1"])
while True:
    record = consumer.poll(1.0)
    if record is None:
        continue
    if record.error():
        raise SystemExit(record.error().str())
    event = json.loads(record.value())
    if record.topic() == "llm.costs.v1":
        print("cost", event["request_id"], event["request_model"], event["cost_usd"], event["tags_json"])
    elif event["status"] == "completed":
        print("answer", event["request_id"], event["message"]["content"])
    else:
        print(event["status"], event["request_id"], event["error"]["message"])
