-- Answers from the cache: they cost nothing, have no cost event, and had cost `saved_usd` when they were given first.

ALTER TABLE responses ADD COLUMN cached BOOLEAN;
ALTER TABLE responses ADD COLUMN saved_usd DECIMAL(18, 9);
ALTER TABLE responses ADD COLUMN origin_request_id VARCHAR;

CREATE VIEW cached_answers AS
SELECT
    completed_on AS day, tenant, request_model, task,
    count(*) AS answers,
    sum(saved_usd) AS saved_usd
FROM responses
WHERE cached
GROUP BY completed_on, tenant, request_model, task;

-- What the providers' own prompt caches were worth: negative where more was paid for writing than reading has saved.
CREATE VIEW prompt_caches AS
SELECT
    occurred_on AS day, tenant, provider_name, request_model,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cached_input_tokens) AS cached_input_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(
        coalesce(cached_input_tokens, 0) * (input_usd_per_mtok - coalesce(cached_input_usd_per_mtok, input_usd_per_mtok))
        - coalesce(cache_write_tokens, 0) * (coalesce(cache_write_usd_per_mtok, input_usd_per_mtok) - input_usd_per_mtok)
    ) / 1000000 AS saved_usd
FROM costs
WHERE certainty <> 'unknown' AND input_usd_per_mtok IS NOT NULL AND input_tokens > 0
GROUP BY occurred_on, tenant, provider_name, request_model;
