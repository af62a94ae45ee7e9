"""One request, from its plan to its end: a pure state machine."""
