"""ptflops with its default backend, the same without functional calls, and its aten backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import nn

BACKENDS: dict[str, dict[str, Any]] = {
    "ptflops": {"backend": "pytorch"},
    "ptflops-modules": {"backend": "pytorch", "backend_specific_config": {"count_functional": False}},
    "ptflops-aten": {"backend": "aten"},
}
"""What makes each convention."""


def read(module: nn.Module, x: torch.Tensor) -> list[ToolReading]:
    """Ask ptflops for the totals of its backends; per layer it prints rounded text alone.

    Only the default backend needs a real forward: on the meta device its patched functions count linear layers twice.
    """
    from ptflops import get_model_complexity_info

    readings = []
    for convention, options in BACKENDS.items():
        total, _ = get_model_complexity_info(
            module,
            tuple(x.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            # A constructor that returns a tensor, not a dictionary: only then is the batch seen and divided by.
            input_constructor=_constant(x),
            **options,
        )
        readings.append(ToolReading(convention, whole(total, f"the total of {convention}")))
        module, x = module.to("meta"), x.to("meta")
    return readings


def _constant(x: torch.Tensor) -> Callable[[tuple[int, ...]], torch.Tensor]:
    return lambda _: x
