"""The formulas called with symbols: a network's whole cost as polynomials in batch, classes and image size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sympy

from vggcost.errors import VggcostError
from vggcost.formulas import forward, windows
from vggcost.network import catalogue, unfold
from vggcost.network.blocks import Residual
from vggcost.network.layer import walk
from vggcost.network.layers import Linear
from vggcost.network.ledger import Ledger
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.network.catalogue import Configuration, Network, Variant
    from vggcost.network.layer import Size, Step

N, K, a, b = SYMBOLS = sympy.symbols("N K a b", integer=True, positive=True)
"""Batch, classes, and the image's height and width in units of 32 pixels."""

POOLING = 32
"""What five pools divide an image by; sizes that are no multiple of it leave nested floors, and so no polynomial."""


QUANTITIES = ("params", "macs", "bias_adds", "weight_layer_output_elements", "output_elements")
"""The names of a closed form's expressions."""


class ClosedForm(Record):
    """A network's cost as sympy expressions in N, K, a, b.

    params: learned parameters [elements]; macs: multiply-accumulates [MAC]; bias_adds: additions of a bias
    [additions]; weight_layer_output_elements: those of the outputs of convolutions and linear layers; output_elements:
    those of every layer's output. image is (height, width) in pixels, batch the images of one call, unit the pixels
    that a and b count in.
    """

    network: Network
    image: tuple[Size, Size]
    batch: Size
    unit: int
    params: sympy.Expr
    macs: sympy.Expr
    bias_adds: sympy.Expr
    weight_layer_output_elements: sympy.Expr
    output_elements: sympy.Expr

    def __repr__(self) -> str:
        return f"<vggcost {self.network.title}: {self.params} parameters, {self.macs} MACs; at(...) evaluates>"

    @property
    def symbolic_image(self) -> bool:
        """Whether the image is in a and b."""
        return not all(isinstance(side, int) for side in self.image)

    def quantities(self) -> dict[str, sympy.Expr]:
        """The expressions by name."""
        return {name: getattr(self, name) for name in QUANTITIES}

    def at(self, batch: int, classes: int, height: int, width: int) -> dict[str, int]:
        """The quantities' values for one batch, number of classes and image [pixels], by name.

        Raises:
            VggcostError: a height or width that is no multiple of the unit.
        """
        if height % self.unit or width % self.unit:
            raise VggcostError(f"the closed forms hold for multiples of {self.unit} pixels and got {height}x{width}")
        values = {N: batch, K: classes, a: height // self.unit, b: width // self.unit}
        return {name: int(expression.subs(values)) for name, expression in self.quantities().items()}

    def layer(self, name: str) -> ClosedForm:
        """The closed forms of one layer; a residual block's are the sums of its layers and its addition.

        Raises:
            VggcostError: the network has no such layer.
        """
        layer = self.network.layer(name)
        names = {name}
        if isinstance(layer, Residual):
            names.update(inner.name for inner in (*layer.body, *layer.shortcut))
        return self._of([step for step in self.steps() if step.layer.name in names])

    def parts(self) -> dict[str, ClosedForm]:
        """The closed forms of the features and of the classifier, which begins with the first linear layer.

        They add up to the whole.
        """
        steps = self.steps()
        first = next((i for i, step in enumerate(steps) if isinstance(step.layer, Linear)), len(steps))
        return {"features": self._of(steps[:first]), "classifier": self._of(steps[first:])}

    def steps(self) -> tuple[Step, ...]:
        """The symbolic walk that the expressions are summed over."""
        return _steps(self.network, self.image, self.batch)

    def _of(self, steps: Sequence[Step]) -> ClosedForm:
        return ClosedForm(self.network, self.image, self.batch, self.unit, *_sums(steps))


def of_configuration(
    plan: Configuration, variant: Variant, size: tuple[int, int] | None = None, batch: int | None = None
) -> ClosedForm:
    """Return a configuration's closed forms; a size or batch that is given takes the place of its symbols."""
    unit = math.lcm(POOLING, unfold.total_stride(plan))
    image: tuple[Size, Size] = size or fixed_image(plan, variant) or (unit * a, unit * b)
    return of_network(catalogue.unfolded(plan, variant, image), image, N if batch is None else batch, unit)


def fixed_image(plan: Configuration, variant: Variant) -> tuple[int, int] | None:
    """Return the one image (height, width) that fits the paper's head without adaptive pool [pixels].

    fc6 takes 7x7 positions then; None where any image does.
    """
    if variant.adaptive_pool or variant.head is not None or not variant.classifier:
        return None
    stride = unfold.total_stride(plan)
    height, width = catalogue.FEATURE_MAP
    return windows.field_stride(stride, height), windows.field_stride(stride, width)


def of_network(network: Network, image: tuple[Size, Size], batch: Size = N, unit: int = POOLING) -> ClosedForm:
    """Return the closed forms of any network over an image of this height and width."""
    return ClosedForm(network, image, batch, unit, *_sums(_steps(network, image, batch)))


def _steps(network: Network, image: tuple[Size, Size], batch: Size) -> tuple[Step, ...]:
    return tuple(walk(network.layers, (batch, network.variant.in_channels, *image)))


def _sums(steps: Sequence[Step]) -> tuple[sympy.Expr, ...]:
    ledger = Ledger()
    params: Any = sympy.Integer(0)
    of_weight_layers = outputs = params
    for step in steps:
        ledger = ledger + step.ledger
        params = params + step.layer.params()
        elements = forward.elements(step.output)
        outputs = outputs + elements
        if step.layer.weighted:
            of_weight_layers = of_weight_layers + elements
    bias_adds = ledger["conv_bias_adds"] + ledger["linear_bias_adds"]
    return tuple(sympy.factor(total) for total in (params, ledger.macs, bias_adds, of_weight_layers, outputs))
