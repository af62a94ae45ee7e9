"""Kafka clients and Faust's drivers, made so that an offset passes only what is finished."""
