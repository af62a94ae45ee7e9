-- Records that are no events, byte for byte.

CREATE TABLE unreadable_records (
    topic VARCHAR NOT NULL,
    topic_partition BIGINT NOT NULL,
    topic_offset BIGINT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    reason VARCHAR NOT NULL,
    value BYTEA,
    PRIMARY KEY (topic, topic_partition, topic_offset)
);
