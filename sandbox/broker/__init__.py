"""A local Kafka broker for demos and tests: Apache Kafka as a process or container, an in-memory one, or yours."""

from sandbox.broker.apache import KafkaProcess
from sandbox.broker.choice import open_broker
from sandbox.broker.cluster import KafkaCluster
from sandbox.broker.info import BrokerInfo, BrokerUnavailableError

__all__ = ["BrokerInfo", "BrokerUnavailableError", "KafkaCluster", "KafkaProcess", "open_broker"]
