"""What speaks HTTP to the providers."""
