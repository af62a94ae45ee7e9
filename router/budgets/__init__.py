"""Tenants' budgets: the rules, a worker's lease of a budget, and the ledger that grants leases."""
