"""Milliseconds on a device that is not at hand, from shapes and a datasheet, or from one measurement."""
