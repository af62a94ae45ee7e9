"""Measures one worker process end to end: Kafka in, a simulated provider of fixed latency, Kafka out.

Broker, provider and worker share this machine's cores. Prints a table and writes build/bench.json.
"""
