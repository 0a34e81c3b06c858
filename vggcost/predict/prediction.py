"""A forecast: the record that every way to make one returns."""

from __future__ import annotations

from vggcost.formulas.latency import sustained_rate
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PARTS = ("convolution", "classifier", "elementwise", "conversion", "launch")
"""By what times are told: products over feature maps, those over features, passes over tensors, layout conversions
round products, and launches. A way that cannot tell one leaves it away."""


class LayerTime(Record):
    """One layer [ms], and which of the two ceilings it meets (`compute`, `memory`), None where nobody can say.

    terms has what the time is the sum of, and what was weighed, as the JSON shows them [ms].
    """

    name: str
    kind: str
    part: str
    ms: float
    bound: str | None
    terms: Mapping[str, float]


class Prediction(Record):
    """One network at one input on one machine.

    The interval is low_ms to high_ms, which holds `level` percent of what was measured on machines like these, and
    likely_ms lies within. parts are milliseconds by `PARTS` and sum to likely_ms. device, choice and basis are shown as
    they are: the machine's row, dtype, mode and layout, and what the forecast stands on (the class, hashes of files).
    in_use_bytes_estimated is what the network needs, and memory_bytes what the machine has, each None where not known.
    """

    network: Mapping[str, Any]
    input: tuple[int, ...]
    device: Mapping[str, Any]
    choice: Mapping[str, Any]
    basis: Mapping[str, Any]
    likely_ms: float
    low_ms: float
    high_ms: float
    level: int
    parts: Mapping[str, float]
    layers: tuple[LayerTime, ...]
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]
    in_use_bytes_estimated: int | None = None
    memory_bytes: int | None = None

    @property
    def images_per_s(self) -> float:
        """Images a second at the likely time."""
        return sustained_rate(self.input[0], 1e3, 1 / self.likely_ms)

    @property
    def fits(self) -> bool | None:
        """Whether its memory fits into the machine's; None where one of the two is not known."""
        if self.in_use_bytes_estimated is None or self.memory_bytes is None:
            return None
        return self.in_use_bytes_estimated <= self.memory_bytes
