-- A response is known by the record that it answers, not by its id alone, which two tenants may both have given.

ALTER TABLE responses DROP CONSTRAINT responses_pkey;
ALTER TABLE responses ADD PRIMARY KEY (tenant, request_id, request_topic, request_partition, request_offset);

CREATE OR REPLACE VIEW cost_per_answer AS
SELECT
    responses.completed_on AS day, responses.tenant, responses.task, responses.tier,
    count(*) AS requests,
    sum(CASE WHEN responses.status = 'completed' THEN 1 ELSE 0 END) AS answers,
    sum(spent.cost_usd) AS cost_usd,
    sum(spent.cost_usd) / nullif(sum(CASE WHEN responses.status = 'completed' THEN 1 ELSE 0 END), 0) AS usd_per_answer
FROM responses
LEFT JOIN (
    SELECT tenant, request_id, sum(cost_usd) AS cost_usd, count(*) - count(cost_usd) AS unpriced
    FROM costs
    GROUP BY tenant, request_id
) AS spent ON spent.tenant = responses.tenant AND spent.request_id = responses.request_id
WHERE coalesce(spent.unpriced, 0) = 0
GROUP BY responses.completed_on, responses.tenant, responses.task, responses.tier;

CREATE OR REPLACE VIEW calls_in_chain AS
SELECT
    event_id, occurred_on AS day, tenant, request_id, attempt, request_model, outcome, certainty, cost_usd,
    CASE
        WHEN attempt = 1 THEN 'first'
        WHEN lag(request_model) OVER (PARTITION BY tenant, request_id ORDER BY attempt) = request_model THEN 'retry'
        ELSE 'fallback'
    END AS position
FROM costs;
