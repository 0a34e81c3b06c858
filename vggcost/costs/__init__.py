"""The numbers of a network."""
