-- What a call was made for, if not for an answer: 'shadow' or 'judge'. Such calls are in all sums of what was spent, under
-- the tenant that pays for them, and in no view of what requests took.

ALTER TABLE costs ADD COLUMN purpose VARCHAR;

CREATE OR REPLACE VIEW calls_in_chain AS
SELECT
    event_id, occurred_on AS day, tenant, request_id, attempt, request_model, outcome, certainty, cost_usd,
    CASE
        WHEN attempt = 1 THEN 'first'
        WHEN lag(request_model) OVER (PARTITION BY tenant, request_id ORDER BY attempt) = request_model THEN 'retry'
        ELSE 'fallback'
    END AS position
FROM costs WHERE purpose IS NULL;

CREATE VIEW shadow_costs AS
SELECT
    occurred_on AS day, purpose, provider_name, request_model, task,
    count(*) AS calls, sum(cost_usd) AS cost_usd
FROM costs WHERE purpose IS NOT NULL
GROUP BY occurred_on, purpose, provider_name, request_model, task;
