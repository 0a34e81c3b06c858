"""Where a node stands in the program that a graph was exported from."""

from __future__ import annotations

import ast
from typing import Any

SCOPES = "pkg.torch.onnx.name_scopes"
"""The metadata in which torch's exporter writes the modules that a node stands in."""

WEIGHTS = (".weight", ".bias", "/kernel", "/kernel:0", "_weight", ".weight_quantized", "/Conv2D/ReadVariableOp")
"""How stored tensors' names end whose beginning is the path of a layer."""


def path_of(node: Any, weights: tuple[str, ...]) -> str | None:
    """Return the path of the layer that a node is, None where nothing says it; weights are the tensors that it learns.

    A learned tensor's name begins with it; torch also writes it into metadata, or into the node's name.
    """
    for name in weights:
        for ending in WEIGHTS:
            if name.endswith(ending) and name != ending:
                return name.removesuffix(ending)
    for entry in getattr(node, "metadata_props", ()):
        if entry.key == SCOPES:
            return _of_scopes(entry.value)
    pieces = [piece for piece in node.name.split("/") if piece][:-1]
    return _joined(pieces) if node.name.startswith("/") and pieces else "/".join(pieces) or None


def _of_scopes(text: str) -> str | None:
    """The module next around an operation: ``['', 'features', 'features.0', 'conv2d']`` is ``features.0``."""
    try:
        scopes = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return str(scopes[-2]) or None if isinstance(scopes, list) and len(scopes) > 1 else None


def _joined(pieces: list[str]) -> str:
    """A path of scopes, each of which may begin with the one before it: ``features/features.0`` is ``features.0``."""
    kept: list[str] = []
    for piece in pieces:
        if kept and piece.startswith(f"{kept[-1]}."):
            kept[-1] = piece
        else:
            kept.append(piece)
    return ".".join(kept)
