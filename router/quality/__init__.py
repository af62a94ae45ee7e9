"""How well each model is expected to answer: what the catalogue says beforehand, and what feedback has shown."""
