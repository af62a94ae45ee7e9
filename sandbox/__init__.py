"""What replaces the outside world: a local broker, a simulated provider, the demo."""
