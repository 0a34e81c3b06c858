"""All that knows torch."""
