"""What every tool counts."""
