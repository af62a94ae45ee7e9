"""A simulated OpenAI-compatible provider: four reference models, scripted faults, and an invoice of what it charged."""
