-- The events as they came, and how far the topics have been read. Amounts are US dollars.

CREATE TABLE costs (
    event_id VARCHAR PRIMARY KEY,
    schema_version BIGINT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    occurred_on DATE NOT NULL,                       -- the UTC day of occurred_at
    occurred_at_ms BIGINT NOT NULL,
    request_id VARCHAR NOT NULL,
    attempt BIGINT NOT NULL,
    is_fallback BOOLEAN NOT NULL,
    outcome VARCHAR NOT NULL,
    error_type VARCHAR,
    certainty VARCHAR NOT NULL,
    tenant VARCHAR NOT NULL,
    task VARCHAR NOT NULL,
    tier VARCHAR NOT NULL,
    route_reason VARCHAR NOT NULL,
    provider_name VARCHAR NOT NULL,
    request_model VARCHAR NOT NULL,
    response_model VARCHAR,
    input_tokens BIGINT,
    cached_input_tokens BIGINT,                      -- part of input_tokens
    cache_write_tokens BIGINT,                       -- part of input_tokens
    output_tokens BIGINT,
    reasoning_tokens BIGINT,                         -- part of output_tokens
    token_count_source VARCHAR NOT NULL,
    input_usd_per_mtok DECIMAL(18, 9),
    cached_input_usd_per_mtok DECIMAL(18, 9),
    cache_write_usd_per_mtok DECIMAL(18, 9),
    output_usd_per_mtok DECIMAL(18, 9),
    cost_usd DECIMAL(18, 9),
    cost_nano_usd BIGINT,
    baseline_model VARCHAR,
    baseline_cost_usd DECIMAL(18, 9),
    currency VARCHAR NOT NULL,
    price_status VARCHAR NOT NULL,
    price_catalogue VARCHAR NOT NULL,
    price_catalogue_version VARCHAR NOT NULL,
    latency_ms BIGINT,
    trace_id VARCHAR,
    tags_json VARCHAR NOT NULL,
    request_topic VARCHAR NOT NULL,
    request_partition BIGINT NOT NULL,
    request_offset BIGINT NOT NULL
);

CREATE TABLE responses (
    request_id VARCHAR PRIMARY KEY,
    status VARCHAR NOT NULL,
    tenant VARCHAR NOT NULL,
    task VARCHAR,
    tier VARCHAR,
    policy VARCHAR,
    provider_name VARCHAR,
    request_model VARCHAR,
    response_model VARCHAR,
    finish_reason VARCHAR,
    error_code VARCHAR,
    attempts BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_usd DECIMAL(18, 9),
    received_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ NOT NULL,
    completed_on DATE NOT NULL,                      -- the UTC day of completed_at
    latency_ms BIGINT NOT NULL,
    tags_json VARCHAR NOT NULL,
    request_topic VARCHAR NOT NULL,
    request_partition BIGINT NOT NULL,
    request_offset BIGINT NOT NULL
);

CREATE TABLE consumer_offsets (
    topic VARCHAR NOT NULL,
    topic_partition BIGINT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (topic, topic_partition)
);
