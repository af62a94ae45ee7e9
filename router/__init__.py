"""The routing domain, pure: decisions are data, the clock and chance are arguments."""
