"""What a network is: its layers, its plan, its names and files; no totals."""
