"""The demo: Turnout between a real broker and a simulated provider, an outage in the middle, a bill at the end."""
