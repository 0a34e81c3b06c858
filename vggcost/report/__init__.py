"""Rows in, text out: nothing here reads, writes or computes a cost."""
