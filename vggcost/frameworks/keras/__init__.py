"""All that knows Keras."""
