"""What a request's JSON Schemas ask of an answer: read, bounded, and checked."""
