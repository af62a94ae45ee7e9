-- The experiment that a request was in, or 'control'; null: it could be in none.

ALTER TABLE costs ADD COLUMN arm VARCHAR;
ALTER TABLE responses ADD COLUMN arm VARCHAR;
