-- A call in a batch has its line's custom_id as its upstream_call_id, and is joined with no other.

DROP VIEW joined_calls;

CREATE VIEW joined_calls AS
SELECT
    upstream_call_id, tenant, provider_name, request_model, min(occurred_at) AS occurred_at,
    count(*) AS requests,
    sum(input_tokens) AS input_tokens,
    sum(cost_usd) AS cost_usd
FROM costs
WHERE upstream_call_id IS NOT NULL AND batch_id IS NULL
GROUP BY upstream_call_id, tenant, provider_name, request_model;
