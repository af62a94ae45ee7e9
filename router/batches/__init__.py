"""Requests that a provider answers within hours, many at a time and for less: what is sent, and what comes back."""
