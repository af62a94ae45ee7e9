"""A simulated provider: reference models in the dialects of five vendors, scripted faults, and an invoice."""
