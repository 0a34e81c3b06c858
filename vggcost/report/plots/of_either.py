"""What a network's and a program's pictures have in common: the same names, drawn in matplotlib's axes."""

from __future__ import annotations

from vggcost.record import Frozen
from vggcost.report.plots import configs
from vggcost.report.plots.picture import on_axes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.report.plots.configs import ConfigDisc
    from vggcost.report.plots.picture import Drawing


class Plots(Frozen):
    """The pictures that a network and a program both have.

    Each method draws into ax, axes of matplotlib's, or into a new figure, and returns the axes that have the data: one,
    or a list. They raise `MissingExtraError` where matplotlib is not installed, and `VggcostError` of a program that
    cannot run or is weights alone.
    """

    def layers(self, ax: Any = None) -> Any:
        """Aligned bars, a panel each: parameters, MACs, bytes of the outputs, bytes kept for the backward pass.

        A row is a layer that multiplies or changes the shape, together with what follows it up to the next one, so that
        a panel's bars sum to the total. What is kept is not drawn of programs, nor of networks that cannot be trained.
        """
        return on_axes(self.layers_drawing(), ax)

    def conventions(self, ax: Any = None) -> Any:
        """A bar a convention, stacked by what it counts, and beside it the same without products of numbers.

        A program's are stacked by the kinds of layer that are counted; their biases are in them.
        """
        return on_axes(self.conventions_drawing(), ax)

    def configs(self, *others: Any, ax: Any = None) -> Any:
        """Parameters against MACs of this one and of other costs and audits; an area is what weight layers put out.

        Raises:
            VggcostError: a program that cannot run, or weights alone.
        """
        return on_axes(configs.configs([self.disc(), *(other.plot.disc() for other in others)]), ax)

    def layers_drawing(self) -> Drawing:
        """Return the drawing of the layers; see `layers`."""
        raise NotImplementedError

    def conventions_drawing(self) -> Drawing:
        """Return the drawing of the conventions; see `conventions`."""
        raise NotImplementedError

    def disc(self) -> ConfigDisc:
        """Return what stands for it among others."""
        raise NotImplementedError
