"""What one worker at a time does for all: health, tenants' shares, budgets."""
