-- What people start from. Sums leave out calls of unknown price; unknown_costs counts them.

CREATE VIEW spend_by_day AS
SELECT
    occurred_on AS day, tenant, provider_name, request_model, task, tier,
    count(*) AS calls,
    count(*) - count(cost_usd) AS calls_of_unknown_price,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost_usd) AS cost_usd
FROM costs
GROUP BY occurred_on, tenant, provider_name, request_model, task, tier;

CREATE VIEW spend_by_tenant AS
SELECT tenant, sum(calls) AS calls, sum(cost_usd) AS cost_usd, min(day) AS first_day, max(day) AS last_day
FROM spend_by_day GROUP BY tenant;

CREATE VIEW spend_by_model AS
SELECT
    provider_name, request_model, count(*) AS calls, sum(cost_usd) AS cost_usd,
    sum(CASE WHEN cost_usd IS NOT NULL THEN input_tokens + output_tokens END) AS priced_tokens,
    sum(cost_usd) * 1000000
        / nullif(sum(CASE WHEN cost_usd IS NOT NULL THEN input_tokens + output_tokens END), 0) AS usd_per_mtok
FROM costs GROUP BY provider_name, request_model;

CREATE VIEW spend_by_task AS
SELECT task, tier, sum(calls) AS calls, sum(cost_usd) AS cost_usd FROM spend_by_day GROUP BY task, tier;

-- An event counts once under each of its tags: sum within one tag, never over all.
CREATE VIEW spend_by_tag AS
SELECT
    costs.occurred_on AS day, cost_tags.tag, cost_tags.value,
    count(*) AS calls, sum(costs.cost_usd) AS cost_usd
FROM costs JOIN cost_tags ON cost_tags.event_id = costs.event_id
GROUP BY costs.occurred_on, cost_tags.tag, cost_tags.value;

-- What the answers would have cost at the baseline model, against all that was paid, for failed calls too.
CREATE VIEW savings_by_day AS
SELECT
    occurred_on AS day, tenant, baseline_model,
    sum(CASE WHEN outcome = 'succeeded' THEN baseline_cost_usd ELSE 0 END) AS baseline_cost_usd,
    sum(cost_usd) AS cost_usd,
    sum(CASE WHEN outcome = 'succeeded' THEN baseline_cost_usd ELSE 0 END) - sum(cost_usd) AS saved_usd
FROM costs
WHERE baseline_cost_usd IS NOT NULL AND cost_usd IS NOT NULL
GROUP BY occurred_on, tenant, baseline_model;

-- All calls of a request count, those that failed too. An answer without a known cost is not in the average.
CREATE VIEW cost_per_answer AS
SELECT
    responses.completed_on AS day, responses.tenant, responses.task, responses.tier,
    count(*) AS requests,
    sum(CASE WHEN responses.status = 'completed' THEN 1 ELSE 0 END) AS answers,
    sum(spent.cost_usd) AS cost_usd,
    sum(spent.cost_usd) / nullif(sum(CASE WHEN responses.status = 'completed' THEN 1 ELSE 0 END), 0) AS usd_per_answer
FROM responses
LEFT JOIN (
    SELECT request_id, sum(cost_usd) AS cost_usd, count(*) - count(cost_usd) AS unpriced FROM costs GROUP BY request_id
) AS spent ON spent.request_id = responses.request_id
WHERE coalesce(spent.unpriced, 0) = 0
GROUP BY responses.completed_on, responses.tenant, responses.task, responses.tier;

-- `position` is first, retry (the model of the call before, again) or fallback (another model).
CREATE VIEW calls_in_chain AS
SELECT
    event_id, occurred_on AS day, tenant, request_id, attempt, request_model, outcome, certainty, cost_usd,
    CASE
        WHEN attempt = 1 THEN 'first'
        WHEN lag(request_model) OVER (PARTITION BY request_id ORDER BY attempt) = request_model THEN 'retry'
        ELSE 'fallback'
    END AS position
FROM costs;

CREATE VIEW retry_costs AS
SELECT
    day, tenant, request_model, position, outcome, count(*) AS calls, sum(cost_usd) AS cost_usd
FROM calls_in_chain
WHERE position <> 'first' OR outcome <> 'succeeded'
GROUP BY day, tenant, request_model, position, outcome;

-- `reason` is call: nobody knows whether it was charged, the cost is an upper estimate; or price: there is no cost.
CREATE VIEW unknown_costs AS
SELECT
    occurred_on AS day, tenant, provider_name, request_model,
    CASE WHEN price_status = 'unknown' THEN 'price' ELSE 'call' END AS reason,
    count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cost_usd) AS upper_estimate_usd
FROM costs
WHERE certainty = 'unknown' OR price_status = 'unknown'
GROUP BY occurred_on, tenant, provider_name, request_model,
    CASE WHEN price_status = 'unknown' THEN 'price' ELSE 'call' END;
