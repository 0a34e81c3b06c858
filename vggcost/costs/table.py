"""The int door: a network and an input shape go in, checked; rows and totals of plain Python ints come out."""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.errors import VggcostError, wrong_kind
from vggcost.formulas import forward, windows
from vggcost.network.blocks import Add
from vggcost.network.layer import walk
from vggcost.network.ledger import Ledger
from vggcost.printable import shown
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from vggcost.network.catalogue import Network
    from vggcost.network.layer import Layer, Shape, Step, Window

    Ints = tuple[int, ...]

LARGEST_SEARCHED_SIZE = units.COUNT_LIMIT
"""Where the search for the smallest size that works gives up [pixels]."""


class Row(Record):
    """One layer at one input: shapes (batch first), parameters, MACs and FLOPs of the textbook, and its ledger."""

    layer: Layer
    input: Ints
    output: Ints
    params: int
    macs: int
    ledger: Ledger

    @property
    def name(self) -> str:
        """The layer's name in the literature: ``conv1_1``."""
        return self.layer.name

    @property
    def kind(self) -> str:
        """The layer's class name in torch.nn."""
        return self.layer.kind

    @property
    def path(self) -> str | None:
        """Where the layer stands in the module: ``features.0``; None for an operation without a module."""
        return self.layer.path

    @property
    def flops(self) -> int:
        """Floating-point operations, the textbook's 2 x MAC [FLOP]."""
        return forward.flops(self.macs)

    @property
    def output_elements(self) -> int:
        """Elements of the output, batch included."""
        return forward.elements(self.output)


class Table(Record):
    """A network at an input shape: every layer in execution order, and the sums."""

    network: Network
    input: Ints
    steps: tuple[Step, ...]
    params: int
    ledger: Ledger

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """A row a layer; made when first asked for, since many ask for the sums alone."""
        return tuple(
            Row(step.layer, step.input, step.output, step.layer.params(), step.ledger.macs, step.ledger)
            for step in self.steps
        )

    @property
    def output_elements(self) -> int:
        """Elements of every layer's output, views and those written in place too."""
        return sum(row.output_elements for row in self.rows)

    @property
    def weight_layer_output_elements(self) -> int:
        """Elements of the outputs of convolutions and linear layers alone."""
        return sum(row.output_elements for row in self.rows if row.layer.weighted)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers [MAC]."""
        macs: int = self.ledger.macs
        return macs

    @property
    def flops(self) -> int:
        """Floating-point operations, the textbook's 2 x MAC [FLOP]."""
        return forward.flops(self.macs)


def table(network: Network, shape: Ints) -> Table:
    """Walk a network over an input shape (N, C, H, W), all checked.

    Raises:
        VggcostError: a layer does not fit what reaches it; the message names the layer, what it takes and what it
            gets, and for an image too small the smallest that works.
    """
    steps = []
    door = _Door(network, shape)
    for step in walk(network.layers, shape, door.check):
        if min(step.output) < 1:
            raise door.too_small(step)
        steps.append(step)
    return summed(network, shape, steps)


def table_if_it_runs(network: Network, shape: Ints) -> Table | None:
    """Return the table of a network over an input shape, None where it cannot run there.

    Nobody is told why: the smallest image that works, which a refusal names and only a search finds, is not looked for.
    """
    steps = []
    try:
        for step in walk(network.layers, shape, _Door(network, shape).check):
            if min(step.output) < 1:
                return None
            steps.append(step)
    except VggcostError:
        return None
    return summed(network, shape, steps)


def summed(network: Network, shape: Shape, steps: Iterable[Step]) -> Table:
    """Return the table of a walk that somebody else has checked, or that cannot be: of arrays, of symbols."""
    steps = tuple(steps)
    counts: dict[str, Any] = {}
    params = 0
    for step in steps:
        params = params + step.layer.params()
        for name, number in step.ledger.items():
            counts[name] = counts.get(name, 0) + number
    return Table(network, shape, steps, params, Ledger(**counts))


def checked_count(value: Any, what: str, minimum: int = 1) -> int:
    """Return a count as a plain int.

    Raises:
        WrongKindError: it is no whole number.
        VggcostError: it is below the minimum, or above 10^18.
    """
    try:
        count = int(value.__index__())
    except Exception:  # noqa: BLE001  # arrays and tensors refuse in their own ways
        count = None
    if count is None or isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        raise wrong_kind(what, value, f"a whole number of at least {minimum}")
    if count < minimum:
        raise VggcostError(f"{what} is {shown(count)}; give at least {minimum}")
    if count > units.COUNT_LIMIT:
        raise VggcostError(f"{what} is {shown(count)}, above the limit of 10^18; give a smaller count")
    return count


class _Door:
    """Checks each layer of one walk against the shape that reaches it."""

    def __init__(self, network: Network, shape: Ints) -> None:
        self._network = network
        self._shape = shape

    def check(self, layer: Layer, shape: Shape) -> None:
        """Refuse an input that has not what the layer takes."""
        takes = layer.takes()
        if takes is not None and shape[takes[1]] != takes[2]:
            self._refuse(layer, takes, shape)
        if isinstance(layer, Add) and layer.other != shape:
            raise VggcostError(
                f"{layer.name} cannot add: its body yields {units.shape_text(shape)} and its shortcut"
                f" {units.shape_text(layer.other)}; make the two alike",
                layer=layer.name,
                takes=layer.other,
                gets=shape,
            )

    def _refuse(self, layer: Layer, takes: tuple[str, int, int], shape: Shape) -> None:
        what, axis, count = takes
        gets = shape[axis]
        height, width = self._shape[2:]
        message = (
            f"{layer.name} takes {count:,} {what} and gets {gets:,} (from {self._before(layer, shape)})"
            f" at {height}x{width}"
        )
        if what == "features":
            message += (
                "; change --size, leave --no-adaptive-pool away so that any size fits, or give --head, whose first"
                " layer takes what it gets"
            )
        raise VggcostError(message, layer=layer.name, takes=count, gets=gets)

    def _before(self, layer: Layer, gets: Shape) -> str:
        """The last feature map on the way to a layer, for the message of a layer that does not fit."""
        if len(gets) == 4:
            return units.shape_text(gets[1:])
        shape = self._shape
        for step in walk(self._network.layers, self._shape):
            if step.layer is layer:
                break
            if len(step.output) == 4:
                shape = step.output
        return units.shape_text(shape[1:])

    def too_small(self, step: Step) -> VggcostError:
        """Return the refusal: which window does not fit into what reaches it, and the smallest image where all do."""
        height, width = self._shape[2:]
        window = step.layer.window(step.input)
        takes = None if window is None else (_needed(window, 0), _needed(window, 1))
        needed = "" if takes is None else f" needs {units.shape_text(takes)} and"
        gets = step.input[2:]
        smallest = (self._smallest(0), self._smallest(1)) if self._works(LARGEST_SEARCHED_SIZE, 0) else None
        advice = (
            "no size up to 10^18 works, so take some of its strides away"
            if smallest is None
            else f"the smallest size that works is {units.shape_text(smallest)}"
        )
        return VggcostError(
            f"an image of {height}x{width} is too small for {self._network.name}: {step.layer.name}{needed} gets"
            f" {units.shape_text(gets)}; {advice}",
            layer=step.layer.name,
            takes=takes,
            gets=gets,
            smallest=smallest,
        )

    def _smallest(self, axis: int) -> int:
        """The smallest size along one axis (0 height, 1 width) at which every window fits, by bisection."""
        low, high = 0, LARGEST_SEARCHED_SIZE
        while high - low > 1:
            middle = (low + high) // 2
            if self._works(middle, axis):
                high = middle
            else:
                low = middle
        return high

    def _works(self, size: int, axis: int) -> bool:
        batch, channels = self._shape[:2]
        sides = (size, LARGEST_SEARCHED_SIZE) if axis == 0 else (LARGEST_SEARCHED_SIZE, size)

        steps = walk(self._network.layers, (batch, channels, *sides))
        return all(min(step.output) >= 1 for step in steps)


def _needed(window: Window, axis: int) -> int:
    return windows.window_least(window.kernel[axis], window.padding[axis], window.dilation[axis])
