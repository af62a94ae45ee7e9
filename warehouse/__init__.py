"""Cost events and responses in DuckDB or Postgres, exactly once, and the SQL that people start from."""
