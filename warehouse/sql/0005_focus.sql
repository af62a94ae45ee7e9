-- FOCUS (FinOps): one row for each meter of each priced call. The rows of a call add up to its cost_usd exactly: what
-- rounding leaves over is the meter Adjustment, and so is an upper estimate's margin.

CREATE VIEW focus_meters AS
SELECT
    event_id, 'Input Tokens' AS meter,
    input_tokens - coalesce(cached_input_tokens, 0) - coalesce(cache_write_tokens, 0) AS quantity,
    input_usd_per_mtok AS usd_per_mtok
FROM costs WHERE cost_usd IS NOT NULL
UNION ALL
SELECT event_id, 'Cache Write Tokens', cache_write_tokens, coalesce(cache_write_usd_per_mtok, input_usd_per_mtok)
FROM costs WHERE cost_usd IS NOT NULL
UNION ALL
SELECT event_id, 'Cached Input Tokens', cached_input_tokens, coalesce(cached_input_usd_per_mtok, input_usd_per_mtok)
FROM costs WHERE cost_usd IS NOT NULL
UNION ALL
SELECT event_id, 'Output Tokens', output_tokens, output_usd_per_mtok
FROM costs WHERE cost_usd IS NOT NULL;

CREATE VIEW focus_amounts AS
SELECT
    event_id, meter, quantity, usd_per_mtok,
    CAST(CAST(quantity AS DECIMAL(12, 0)) * usd_per_mtok * CAST(0.000001 AS DECIMAL(7, 6)) AS DECIMAL(18, 9)) AS amount
FROM focus_meters WHERE quantity > 0;

CREATE VIEW focus AS
SELECT
    amounts.amount AS "BilledCost",
    amounts.amount AS "EffectiveCost",
    amounts.amount AS "ListCost",
    amounts.usd_per_mtok AS "ListUnitPrice",
    CAST(amounts.quantity AS DECIMAL(12, 0)) * CAST(0.000001 AS DECIMAL(7, 6)) AS "PricingQuantity",
    '1000000 Tokens' AS "PricingUnit",
    amounts.quantity AS "ConsumedQuantity",
    'Tokens' AS "ConsumedUnit",
    date_trunc('hour', costs.occurred_at) AS "ChargePeriodStart",
    date_trunc('hour', costs.occurred_at) + INTERVAL '1 hour' AS "ChargePeriodEnd",
    'Usage' AS "ChargeCategory",
    costs.currency AS "BillingCurrency",
    'AI and Machine Learning' AS "ServiceCategory",
    'Generative AI' AS "ServiceSubcategory",
    costs.request_model AS "ServiceName",
    costs.provider_name AS "ProviderName",
    costs.request_model || '/' || amounts.meter AS "SkuId",
    amounts.meter AS "SkuMeter",
    costs.tags_json AS "Tags",
    costs.event_id AS "x_EventId",
    costs.request_id AS "x_RequestId",
    costs.tenant AS "x_Tenant",
    costs.task AS "x_Task",
    costs.certainty AS "x_Certainty"
FROM costs
JOIN (
    SELECT event_id, meter, quantity, usd_per_mtok, amount FROM focus_amounts
    UNION ALL
    SELECT costs.event_id, 'Adjustment', NULL, NULL, costs.cost_usd - coalesce(sum(focus_amounts.amount), 0)
    FROM costs LEFT JOIN focus_amounts ON focus_amounts.event_id = costs.event_id
    WHERE costs.cost_usd IS NOT NULL
    GROUP BY costs.event_id, costs.cost_usd
    HAVING costs.cost_usd <> coalesce(sum(focus_amounts.amount), 0)
) AS amounts ON amounts.event_id = costs.event_id;
