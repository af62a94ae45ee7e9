"""Turnout beside its floors and its peers, on one machine in one run: `make bench`. See docs/performance.md."""
