"""What was read from a program, and which network it is."""
