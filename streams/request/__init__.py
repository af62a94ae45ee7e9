"""One request at the Kafka edge: read, pumped, handled, and recovered after a crash."""
