-- The name of the provider's account that a call was made with; null where the provider has one key.

ALTER TABLE costs ADD COLUMN account VARCHAR;

-- One line for each invoice: a provider invoices each of its accounts.
CREATE VIEW account_costs AS
SELECT
    provider_name, account, occurred_on AS day,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost_usd) AS cost_usd
FROM costs
GROUP BY provider_name, account, occurred_on;
