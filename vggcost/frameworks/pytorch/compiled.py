"""TorchScript, whose modules run in C++: their mode, the weights in their code, and work that reaches no operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

HIDDEN = ("prim::mkldnn_convolution", "prim::mkl_linear", "Group")
"""Nodes whose work reaches no operator: oneDNN's convolutions, and the groups that a fuser makes (by their ending)."""


def scripts(model: nn.Module) -> list[Any]:
    """Return a model's scripted and traced modules."""
    return [module for module in model.modules() if isinstance(module, torch.jit.ScriptModule)]


def set_mode(module: Any, training: bool | None) -> None:
    """Set the mode of a scripted module, which is an attribute in C++; a frozen one has none."""
    if training is not None:
        module._c.setattr("training", training)  # noqa: SLF001  # train() sets those of its children, too


def hidden(model: nn.Module) -> list[str]:
    """Return the nodes of a model's scripted code whose work reaches no operator, each as often as it stands there."""
    inner = {id(child) for script in scripts(model) for child in script.modules() if child is not script}
    outermost = [script for script in scripts(model) if id(script) not in inner]
    kinds = (node.kind() for script in outermost for node in _nodes(getattr(script, "inlined_graph", None)))
    return [kind for kind in kinds if kind.startswith("prim::") and kind.endswith(HIDDEN)]


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes() if block is not None else ():
        yield node
        for inside in node.blocks():
            yield from _nodes(inside)
