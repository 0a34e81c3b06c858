"""Layers made of layers: the residual block and the addition at its end."""

from __future__ import annotations

from vggcost.formulas import forward
from vggcost.network.layer import Layer, anything_goes, walk
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vggcost.network.layer import Check, Shape, Size, Step


class Add(Layer):
    """The addition at the end of a residual block (He et al. 2016, equation 1); other is the shortcut's shape."""

    other: Shape

    noun = "residual addition"
    family = "add_"
    structural = True

    def alike(self) -> tuple[Any, ...]:
        """Nothing: shapes belong to an input, not to a network."""
        return ()

    def reads(self, shape: Shape) -> Size:
        """What body and shortcut yield."""
        return forward.elements(shape) + forward.elements(self.other)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(add_elements=forward.elements(shape))


class Residual(Layer):
    """A residual block: body(x) + shortcut(x), where an empty shortcut is the identity (He et al. 2016, section 3)."""

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    noun = "residual block"
    no_family = "its layers and its addition stand in a ledger, each in its own family"

    def params(self) -> Size:
        """Learned parameters of body and shortcut [elements]."""
        return sum(layer.params() for layer in (*self.body, *self.shortcut))

    def steps(self, shape: Shape, check: Check) -> Iterator[Step]:
        """The body's steps, the shortcut's, and the addition."""
        ends = []
        for branch in (self.body, self.shortcut):
            end = shape
            for step in walk(branch, shape, check):
                yield step  # at once, so that who walks can stop at the first layer that does not fit
                end = step.output
            ends.append(end)
        # An addition is no module: the path is the block's, whose parameters are those of its layers.
        yield from Add(self.name, None, ends[1]).steps(ends[0], check)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """The addition's shape, and the ledger of all that leads to it."""
        steps = tuple(self.steps(shape, anything_goes))
        return steps[-1].output, sum((step.ledger for step in steps), Ledger())


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
