"""The activation that a layer of Keras may have in it, or be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.keras.record import Recorder
from vggcost.network import layers
from vggcost.network.foreign_layers import Free
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]


class ActivationRules(Recorder):
    """The rules that others have an activation from."""

    def _activated(self, layer: Any, shape: Ints) -> Ints:
        """Emit the activation that a layer has in it."""
        name = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if name != "linear":
            self._activation(layer, name, shape, f".{name}")
        return shape

    def _activation(self, layer: Any, name: str, shape: Ints, ending: str = "") -> Ints:
        made: Layer = Free("", None, name)
        ledger = Ledger()
        if name in ("relu", "softmax"):
            made = layers.ReLU("", None) if name == "relu" else layers.Softmax("", None)
            ledger = made.apply(shape if len(shape) > 1 else (1, *shape))[1]
        self.emit(layer, made, shape, shape, ledger, ending=ending)
        return shape
