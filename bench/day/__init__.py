"""A day of which half of the requests can wait: in virtual time, and in minutes on Apache Kafka."""
