"""What a network cost when it was written down, and what differs since."""
