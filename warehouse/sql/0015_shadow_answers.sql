-- What came of each request's shadow, and what a judge said of both answers; never what was said. Scores are 0 to 1.

CREATE TABLE shadow_answers (
    tenant VARCHAR NOT NULL,                         -- of the request; turnout-shadow pays
    request_id VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    task VARCHAR NOT NULL,
    tier VARCHAR,
    difficulty VARCHAR NOT NULL,
    experiment VARCHAR,                              -- whose policy chose the model; null: shadow_calls.models
    answered_by VARCHAR NOT NULL,
    request_model VARCHAR NOT NULL,
    judge VARCHAR,                                   -- null: there is no verdict
    answered_score DECIMAL(5, 4),
    shadow_score DECIMAL(5, 4),
    cost_usd DECIMAL(18, 9),
    judge_cost_usd DECIMAL(18, 9),
    latency_ms BIGINT NOT NULL,
    completed_at TIMESTAMPTZ NOT NULL,
    completed_on DATE NOT NULL,                      -- the UTC day of completed_at
    request_topic VARCHAR NOT NULL,
    request_partition BIGINT NOT NULL,
    request_offset BIGINT NOT NULL,
    PRIMARY KEY (tenant, request_id, request_topic, request_partition, request_offset)
);

CREATE VIEW shadow_results AS
SELECT
    experiment, task, answered_by, request_model,
    count(*) AS shadows,
    sum(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) AS answers,
    count(judge) AS judged,
    avg(answered_score) AS answered_score,
    avg(shadow_score) AS shadow_score,
    sum(cost_usd) AS cost_usd,
    sum(judge_cost_usd) AS judge_cost_usd
FROM shadow_answers
GROUP BY experiment, task, answered_by, request_model;
