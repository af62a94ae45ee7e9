"""Where payloads lie that no record holds: a folder, or a bucket of an S3-compatible store."""
