"""The roofline of each layer: the bytes that it must move at least, its intensity, and which ceiling binds."""

from __future__ import annotations

from vggcost.formulas import memory, roofline
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.costs.table import Row

WINOGRAD_SAVING = roofline.winograd_saving(4, 3)
"""F(4x4, 3x3) multiplies a quarter of the direct count (Lavin & Gray 2016, section 4.2)."""

COMPUTE, MEMORY = "compute", "memory"
"""The two ceilings."""


class Roof(Record):
    """A machine's two ceilings: arithmetic [FLOP/s] and memory [B/s]."""

    flops_per_s: float
    bytes_per_s: float

    def bound(self, flops: int, moved: int) -> str:
        """Which ceiling binds work of so many FLOPs on so many bytes: that under which it would take longer."""
        computes = roofline.compute_time(flops, 1 / self.flops_per_s)
        moves = roofline.memory_time(moved, 1 / self.bytes_per_s)
        return COMPUTE if computes >= moves else MEMORY


def least_bytes(row: Row, element_bytes: int) -> int:
    """Return what a layer must move at least [B]: each input, each parameter, each buffer and each output once."""
    layer = row.layer
    moved = memory.least_traffic(layer.reads(row.input), row.params, layer.buffers(), row.output_elements)
    least: int = memory.tensor_bytes(moved, element_bytes)
    return least


def intensity(flops: int, moved: int) -> float | None:
    """Return the arithmetic intensity [FLOP/B]; None where nothing is computed or moved."""
    return flops / moved if flops and moved else None
