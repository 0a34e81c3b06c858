"""The formulas called with symbols: a network's whole cost as polynomials in batch, classes and image size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from vggcost import configs
from vggcost.layers import Conv2d, Linear, walk
from vggcost.ledger import Ledger
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vggcost.configs import Network, Variant
    from vggcost.layers import Size, Step

N, K, a, b = SYMBOLS = sympy.symbols("N K a b", integer=True, positive=True)
"""Batch, classes, and the image's height and width in units of 32 pixels."""

POOLING = 32
"""What five pools divide an image by; sizes that are no multiple of it leave nested floors, and so no polynomial."""


class ClosedForm(Record):
    """A network's cost as sympy expressions in N, K, a, b.

    params: learned parameters [elements]; macs: multiply-accumulates [MAC]; bias_adds: additions of a bias
    [additions]; activations: output elements of convolutions and linear layers; outputs: output elements of every
    layer; image: (height, width) in pixels.
    """

    network: Network
    image: tuple[Size, Size]
    params: sympy.Expr
    macs: sympy.Expr
    bias_adds: sympy.Expr
    activations: sympy.Expr
    outputs: sympy.Expr

    def quantities(self) -> dict[str, sympy.Expr]:
        """The expressions by name."""
        return {name: getattr(self, name) for name in QUANTITIES}


QUANTITIES = ("params", "macs", "bias_adds", "activations", "outputs")


def of_configuration(
    letter: str, variant: Variant, size: tuple[int, int] | None = None, batch: int | None = None
) -> ClosedForm:
    """Return a configuration's closed forms; a size or batch that is given takes the place of its symbols."""
    if size is not None:
        image: tuple[Size, Size] = size
    elif variant.adaptive_pool or variant.head is not None:
        image = (POOLING * a, POOLING * b)
    else:
        # Without an adaptive pool fc6 takes 7x7 positions, which fixes a = b = 7.
        image = tuple(POOLING * side for side in configs.FEATURE_MAP)  # type: ignore[assignment]  # two sides
    return of_network(configs.network(letter, variant, image), image, N if batch is None else batch)


def of_network(network: Network, image: tuple[Size, Size], batch: Size = N) -> ClosedForm:
    """Return the closed forms of any network over an image of this height and width."""
    return ClosedForm(network, image, *_sums(_steps(network, image, batch)))


def of_layer(network: Network, name: str, image: tuple[Size, Size], batch: Size = N) -> ClosedForm:
    """Return the closed forms of one layer of a network.

    Raises:
        VggcostError: the network has no such layer.
    """
    network.layer(name)
    steps = (step for step in _steps(network, image, batch) if step.layer.name == name)
    return ClosedForm(network, image, *_sums(steps))


def parts(form: ClosedForm, batch: Size = N) -> dict[str, ClosedForm]:
    """Return the closed forms of the convolutional part and of the classifier, which add up to the whole."""
    steps = tuple(_steps(form.network, form.image, batch))
    linear = next((i for i, step in enumerate(steps) if isinstance(step.layer, Linear)), len(steps))
    halves = {"convolutions": steps[:linear], "classifier": steps[linear:]}
    return {name: ClosedForm(form.network, form.image, *_sums(half)) for name, half in halves.items()}


def _steps(network: Network, image: tuple[Size, Size], batch: Size) -> Iterable[Step]:
    return walk(network.layers, (batch, network.variant.in_channels, *image))


def _sums(steps: Iterable[Step]) -> tuple[sympy.Expr, ...]:
    ledger = Ledger()
    params: Any = sympy.Integer(0)
    activations = outputs = params
    for step in steps:
        ledger = ledger + step.ledger
        params = params + step.layer.params()
        elements = sympy.prod(step.output)
        outputs = outputs + elements
        if isinstance(step.layer, Conv2d | Linear):
            activations = activations + elements
    bias_adds = ledger["conv_bias_adds"] + ledger["linear_bias_adds"]
    return tuple(sympy.factor(total) for total in (params, ledger.macs, bias_adds, activations, outputs))
