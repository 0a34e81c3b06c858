"""ONNX: reads a graph as a program is read, without a runtime and without the values of its weights."""
