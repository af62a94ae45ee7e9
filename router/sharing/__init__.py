"""How a limit is divided between workers."""
