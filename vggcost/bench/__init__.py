"""Timing a real module's forward pass: the protocol, its clocks, its statistics and what may be believed of them."""
