"""Every kind of layer, wherever it stands."""

from __future__ import annotations

from vggcost.network import (
    blocks,
    foreign_convolutions,
    foreign_layers,
    foreign_norms,
    foreign_pools,
    layers,
    products,
    sequences,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Layer

KINDS: tuple[type[Layer], ...] = (
    *layers.KINDS,
    *blocks.KINDS,
    *foreign_convolutions.KINDS,
    *foreign_pools.KINDS,
    *foreign_norms.KINDS,
    *products.KINDS,
    *sequences.KINDS,
    *foreign_layers.KINDS,
)
"""Every kind, those of VGGs first."""
