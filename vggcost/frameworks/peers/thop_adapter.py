"""thop's profile, of thop itself or of ultralytics-thop, which installs over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask thop for its total and for every module's."""
    import thop

    convention = "ultralytics-thop" if thop.__version__.startswith("2.") else "thop"
    total, _, children = thop.profile(module, inputs=tuple(arguments), verbose=False, ret_layer_info=True)
    layers = {path: whole(count, path) for path, count in _flat(children, "")}
    return [ToolReading(convention, whole(total, "the total"), layers)]


def _flat(children: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for name, (count, _, below) in children.items():
        yield f"{prefix}{name}", count
        yield from _flat(below, f"{prefix}{name}.")
