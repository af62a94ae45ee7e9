-- The provider's batch that a call was made in, and what its tenant's budget had held for it while it waited.

ALTER TABLE costs ADD COLUMN batch_id VARCHAR;
ALTER TABLE costs ADD COLUMN reserved_usd DECIMAL(18, 9);
