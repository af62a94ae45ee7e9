"""How each model does: breaker, calls in flight, measured and shared health."""
