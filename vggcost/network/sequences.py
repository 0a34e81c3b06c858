"""Layers over sequences: recurrent ones, and tables of vectors."""

from __future__ import annotations

from vggcost.formulas import forward, sequences
from vggcost.network.layer import Layer
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.network.layer import Call, Shape, Size, Window

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""How many products with a hidden state's width each sort of recurrent layer has."""


class Recurrent(Layer):
    """Recurrent layers upon each other, or one step of one (torch.nn.LSTM, torch.nn.GRUCell).

    cell is LSTM, GRU or RNN, its step alone where single is on; projection is that of an LSTM's state, 0 where it has
    none. The input is (..., in_features), with every step of every sequence before it.
    """

    cell: str
    in_features: Size
    hidden: Size
    layers: int = 1
    directions: int = 1
    projection: Size = 0
    bias: bool = True
    single: bool = False

    noun = "recurrent layer"
    family = "recurrent_"
    counts_known = False
    weighted = structural = keeps_input = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer: LSTM, or LSTMCell for one step."""
        return f"{self.cell}Cell" if self.single else self.cell

    @property
    def state(self) -> Size:
        """What one direction's step hands on [features]."""
        return self.projection or self.hidden

    def takes(self) -> tuple[str, int, Size]:
        """Its input features."""
        return "features", -1, self.in_features

    def _sizes(self) -> dict[str, Any]:
        return {
            "gates": GATES[self.cell],
            "in_features": self.in_features,
            "hidden": self.hidden,
            "state": self.state,
            "projection": self.projection,
            "layers": self.layers,
            "directions": self.directions,
        }

    def params_call(self) -> Call:
        """Weights of input and state, and two biases a gate's unit."""
        return sequences.recurrent_params, {**self._sizes(), "bias": int(self.bias)}

    def macs_call(self, output: Shape) -> Call:
        """Products of input and state, a step."""
        return sequences.recurrent_macs, {**self._sizes(), "steps": forward.elements(output[:-1])}

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # the same at every size
        """None: every output sees all that came before it."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(..., in_features) to (..., directions * state)."""
        output = (*shape[:-1], forward.elements((self.directions, self.state)))
        formula, arguments = self.macs_call(output)
        units = forward.elements((*shape[:-1], self.hidden, self.layers, self.directions))
        bias_adds = forward.elements((units, GATES[self.cell], 2)) if self.bias else 0
        return output, Ledger(recurrent_macs=formula(**arguments), recurrent_bias_adds=bias_adds)

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``LSTM 128->256, 2 layers, both directions``."""
        words = f"{self.kind} {self.in_features}->{self.hidden}"
        words += f", {self.layers} layers" if self.layers > 1 else ""
        words += ", both directions" if self.directions > 1 else ""
        return words + (f", projected to {self.projection}" if self.projection else "")


class Embedding(Layer):
    """Rows of a table, looked up (torch.nn.Embedding), or their sum or mean (torch.nn.EmbeddingBag): no product.

    bag says that rows are put together.
    """

    rows: Size
    width: Size
    bag: bool = False

    noun = "embedding"
    no_family = "it looks up, and multiplies nothing"
    counts_known = False
    structural = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer."""
        return "EmbeddingBag" if self.bag else "Embedding"

    def params_call(self) -> Call:
        """The table."""
        return forward.linear_params, {"in_features": self.rows, "out_features": self.width, "bias": 0}

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # it has no place
        """None: what is looked up has no place in an image."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(...) to (..., width); a bag of a row each, (N, rows) to (N, width)."""
        return ((shape[0], self.width) if self.bag else (*shape, self.width)), Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``embedding of 30,000 rows, 768 wide``."""
        return f"{self.noun} of {self.rows:,} rows, {self.width} wide"


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
