"""The message contracts: what stands on each of Turnout's topics."""
