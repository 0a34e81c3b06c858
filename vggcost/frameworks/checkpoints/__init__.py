"""Files of weights: what they hold, which layers that makes, and which network; nothing in them is run."""
