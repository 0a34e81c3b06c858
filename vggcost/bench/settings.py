"""How a run measures: what a person asks for, and the rule of stopping that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.bench.protocol import StopRule
from vggcost.record import Record

if TYPE_CHECKING:
    import torch

GPU_WARM_UP_S = 0.5
"""A GPU's clocks take this long to rise from idle."""


class Settings(Record):
    """How to measure; what to measure comes beside it."""

    device: str | None = None
    """None: cuda where there is one, cpu otherwise."""
    dtype: str = "float32"
    channels_last: bool = False
    in_place: bool = True
    """ReLU writes over its input in networks of ours, as in torchvision's."""
    compile: bool = False
    """Through torch.compile; the whole only, for fused kernels have no layers."""
    backward: bool = False
    """A training step's forward and backward; the whole only."""
    per_layer: bool = True
    threads: int | None = None
    budget_s: float = 30.0
    """For each network at each batch, warm-up included."""
    cudnn_benchmark: bool = True
    sustained_s: float | None = None
    """Forwards back to back for this long, after the budget's; None: none."""


def rule_of(settings: Settings, device: torch.device) -> StopRule:
    """Return when the measurement of a case ends."""
    return StopRule(budget_s=settings.budget_s, warm_up_s=warm_up_s(device))


def warm_up_s(device: torch.device) -> float:
    """Return how long a device warms up at least [s]."""
    return 0.0 if device.type == "cpu" else GPU_WARM_UP_S
