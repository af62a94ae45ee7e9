-- Calls for embeddings that were made as one for several requests: their shares add up to what the one call was charged.

ALTER TABLE costs ADD COLUMN upstream_call_id VARCHAR;

CREATE VIEW joined_calls AS
SELECT
    upstream_call_id, tenant, provider_name, request_model, min(occurred_at) AS occurred_at,
    count(*) AS requests,
    sum(input_tokens) AS input_tokens,
    sum(cost_usd) AS cost_usd
FROM costs
WHERE upstream_call_id IS NOT NULL
GROUP BY upstream_call_id, tenant, provider_name, request_model;
