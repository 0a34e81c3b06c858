"""What the calls of the Python API return."""
