"""Analyse a request: its task and tier, from rules over words."""
