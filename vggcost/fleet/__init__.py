"""Training on many GPUs with a copy of the network on each: what the gradients cost on the way between them."""
