"""The providers' own prompt caches: which requests share a long prefix, where it is warm, and whether to write it."""
