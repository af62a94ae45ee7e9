"""The exact response cache: which question an answer belongs to, which may be used again, and where they lie."""
