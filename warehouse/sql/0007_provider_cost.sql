-- What the provider itself says that a call cost, and the service tier that it served the call in.

ALTER TABLE costs ADD COLUMN provider_cost_usd DECIMAL(18, 9);
ALTER TABLE costs ADD COLUMN service_tier VARCHAR;

-- Where the provider's own cost is not the bill's: prices that have changed, or a surcharge that the catalogue lacks.
CREATE VIEW provider_costs AS
SELECT
    provider_name, request_model, service_tier, occurred_on AS day,
    count(*) AS calls,
    sum(cost_usd) AS cost_usd,
    sum(provider_cost_usd) AS provider_cost_usd,
    sum(provider_cost_usd) - sum(cost_usd) AS difference_usd
FROM costs
WHERE provider_cost_usd IS NOT NULL AND cost_usd IS NOT NULL
GROUP BY provider_name, request_model, service_tier, occurred_on;
