"""The array door: a network's memory over many batches, image sizes and classes at once, in exact int64.

The structure is walked once for a block of image sizes, in lines over the batch (`vggcost.costs.lines`); every point
is checked as the int door checks it, and what int64 does not hold is refused before anything is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vggcost import units
from vggcost.costs.lines import BATCH, Highest, envelope, line
from vggcost.costs.memory import lived
from vggcost.costs.memory_totals import totals_of
from vggcost.costs.table import summed, table
from vggcost.costs.training import lived as step_lived
from vggcost.errors import VggcostError, wrong_kind
from vggcost.network.blocks import Add
from vggcost.network.layer import walk
from vggcost.network.unfold import unfold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

    from vggcost.costs.lines import BatchLine
    from vggcost.costs.memory_totals import MemoryTotals
    from vggcost.costs.storages import Moment
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training
    from vggcost.network.layer import Layer, Shape, Size, Step
    from vggcost.network.plan import Configuration, Variant
    from vggcost.network.unfold import Channels

    Int64 = NDArray[np.int64]

BLOCK = 4096
"""Image sizes walked at once: what a walk holds of them fits a processor's cache."""

LARGEST = int(np.iinfo(np.int64).max)

AXES = ("batch", "height", "width", "classes")


class Structure:
    """A configuration in one variant, and how it is run: all that is not an array.

    how gives the way of training for a table, or None for a forward call alone; see `vggcost.costs.training.checked`.
    low_bytes as in `vggcost.costs.memory.lived`, channels as in `vggcost.network.unfold.unfold`.
    """

    def __init__(
        self,
        plan: Configuration,
        variant: Variant,
        element_bytes: int,
        how: Callable[[Table], Training | None],
        *,
        in_place: bool = True,
        low_bytes: int = 0,
        channels: Channels | None = None,
    ) -> None:
        self._channels = channels
        self._plan = plan
        self._variant = variant
        self._bytes = element_bytes
        self._how = how
        self._run: dict[str, Any] = {"in_place": in_place, "low_bytes": low_bytes}

    def totals(
        self, batch: ArrayLike, height: ArrayLike, width: ArrayLike, classes: ArrayLike
    ) -> dict[str, NDArray[np.int64]]:
        """Return the numbers of `vggcost.costs.memory_totals.MemoryTotals` by name, in the shape of all together.

        Raises:
            VggcostError: an array that holds no counts, or does not broadcast with the others; a point that the int
                door refuses, in its words; a number that int64 does not hold.
        """
        axes = {name: _counts(name, each) for name, each in zip(AXES, (batch, height, width, classes), strict=True)}
        try:
            shape = np.broadcast_shapes(*(each.shape for each in axes.values()))
        except ValueError:
            shapes = ", ".join(f"{name} {each.shape}" for name, each in axes.items())
            raise VggcostError(f"the arrays have no shape in common: {shapes}") from None
        self._check_corner({name: int(each.max()) for name, each in axes.items()})
        found: dict[str, Int64] = {}
        for place, block in _blocks(axes, shape):
            for name, value in self._block(*block).items():
                found.setdefault(name, np.empty(shape, np.int64)).reshape(-1)[place] = np.broadcast_to(
                    value, np.broadcast_shapes(*(np.shape(each) for each in block))
                ).reshape(-1)
        return found

    def _block(self, batch: Any, height: Any, width: Any, classes: Any) -> dict[str, Any]:
        sizes = np.broadcast_shapes(*(np.shape(each) for each in (height, width, classes)))
        several = np.prod(np.broadcast_shapes(np.shape(batch), sizes)) > np.prod(sizes)
        batches = (int(np.min(batch)), int(np.max(batch))) if several else None
        values = self.lines(self.counted(height, width, classes), batches)
        return {name: each.at(batch) for name, each in values.items()}

    def counted(self, height: Size, width: Size, classes: Size) -> Table:
        """Return the table over these sizes and classes, checked, whose numbers are lines over the batch.

        Raises:
            VggcostError: a point that the int door refuses, in its words.
        """
        return self._counted(BATCH, height, width, classes, _Checks(self, height, width, classes))

    def lines(self, counted: Table, batches: tuple[int, int] | None) -> dict[str, BatchLine | Highest]:
        """Return the numbers of `totals` by name, as what gives them at any batch.

        batches are the least and the most that are asked for, where it pays to look for the few lines that matter.
        """

        def largest(moments: Iterable[Moment]) -> Highest:
            lines = [line(moment.bytes) for moment in moments]
            return Highest(lines if batches is None else envelope(lines, *batches))

        values = self._totals(counted, largest)
        found = {name: getattr(values, name) for name in values._fields}
        return {
            name: value if isinstance(value, Highest) else line(value)
            for name, value in found.items()
            if value is not None
        }

    def whole(self, counted: Table) -> MemoryTotals:
        """Return the numbers of a table in ints, as the int door has them."""
        return self._totals(counted)

    def runs(self, height: Int64, width: Int64) -> NDArray[np.bool_]:
        """Return at which of these images the network runs: every window fits, and so does what a layer takes."""
        fine = np.ones(np.broadcast_shapes(height.shape, width.shape), np.bool_)

        def check(layer: Layer, shape: Shape) -> None:
            takes = layer.takes()
            if takes is not None:
                np.logical_and(fine, np.equal(shape[takes[1]], takes[2]), out=fine)
            if isinstance(layer, Add):
                for one, other in zip(shape[1:], layer.other[1:], strict=True):
                    np.logical_and(fine, np.equal(one, other), out=fine)

        network = unfold(self._plan, self._variant, (height, width))
        for step in walk(network.layers, (1, self._variant.in_channels, height, width), check):
            for size in step.output[1:]:
                np.logical_and(fine, np.greater_equal(size, 1), out=fine)
        return fine

    def _counted(self, batch: Size, height: Size, width: Size, classes: Size, checks: _Checks | None = None) -> Table:
        network = self._unfolded(height, width, classes)
        shape = (batch, self._variant.in_channels, height, width)
        steps = walk(network.layers, shape) if checks is None else checks.passed(network.layers, shape)
        return summed(network, shape, steps)

    def _unfolded(self, height: Size, width: Size, classes: Size) -> Any:
        variant = self._variant.replace(classes=classes)
        return unfold(self._plan, variant, (height, width), channels=self._channels)

    def _totals(self, counted: Table, largest: Callable[[Iterable[Moment]], Any] | None = None) -> MemoryTotals:
        how = self._how(counted)
        trains: dict[str, Any] = {} if how is None else {"trains": how.trains}
        forward = lived(counted, self._bytes, training=False, **trains, **self._run)
        trained = None if how is None else (how, step_lived(counted, self._bytes, how, **self._run))
        options = {} if largest is None else {"largest": largest}
        return totals_of(counted, self._bytes, forward, trained, **options)

    def _check_corner(self, corner: dict[str, int]) -> None:
        """Refuse what int64 does not hold: no number falls where a batch, a side or the classes rise."""
        batch, height, width, classes = (corner[name] for name in AXES)
        values = self._totals(self._counted(batch, height, width, classes))
        name = max((name for name in values._fields if getattr(values, name)), key=lambda name: getattr(values, name))
        number = getattr(values, name)
        if number > LARGEST:
            raise VggcostError(
                f"batch {corner['batch']:,} at {corner['height']}x{corner['width']} with {corner['classes']:,} classes"
                f" has {name} {units.human(number).strip()}, and int64 ends at {units.human(LARGEST)}; give smaller"
                " arrays, or single points to vggcost.memory, which counts in ints of any size"
            )

    def refuse(self, height: int, width: int, classes: int) -> None:
        """Refuse one point as the int door does."""
        network = self._unfolded(height, width, classes)
        table(network, (1, self._variant.in_channels, height, width))
        raise AssertionError(f"the int door takes {height}x{width} with {classes} classes")


class _Checks:
    """What the int door asks of every layer, asked of arrays; the first point that fails goes to the int door."""

    def __init__(self, structure: Structure, height: Any, width: Any, classes: Any) -> None:
        self._structure = structure
        self._points = np.broadcast_arrays(height, width, classes)

    def passed(self, layers: Iterable[Layer], shape: Shape) -> Iterator[Step]:
        """Yield the steps of a walk, each checked."""
        for step in walk(layers, shape, self._check):
            for size in step.output[1:]:
                self._refuse_where(np.less(size, 1))
            yield step

    def _check(self, layer: Layer, shape: Shape) -> None:
        takes = layer.takes()
        if takes is not None:
            self._refuse_where(np.not_equal(shape[takes[1]], takes[2]))
        if isinstance(layer, Add):
            for one, other in zip(shape[1:], layer.other[1:], strict=True):
                self._refuse_where(np.not_equal(one, other))

    def _refuse_where(self, fails: Any) -> None:
        if np.any(fails):
            place = int(np.argmax(np.broadcast_to(fails, self._points[0].shape)))
            height, width, classes = (int(each.flat[place]) for each in self._points)
            self._structure.refuse(height, width, classes)


def _counts(name: str, given: ArrayLike) -> Int64:
    """Return an axis as int64.

    Raises:
        VggcostError: it is no array of whole numbers from 1 to 10^18, or is empty.
    """
    try:
        counts = np.asarray(given)
    except Exception:  # noqa: BLE001  # lists of no one shape; what is no array says so in its own way
        counts = np.asarray(None)
    if counts.dtype.kind not in "iu":
        raise wrong_kind(name, given, "a whole number of at least 1, or an array of such")
    if not counts.size:
        raise VggcostError(f"{name} is empty; give at least one number")
    least, most = int(counts.min()), int(counts.max())
    if least < 1:
        raise VggcostError(f"{name} has {least}; give at least 1")
    if most > units.COUNT_LIMIT:
        raise VggcostError(f"{name} has {most}, above the limit of 10^18; give smaller counts")
    return counts.astype(np.int64)


def _blocks(axes: dict[str, Int64], shape: tuple[int, ...]) -> Iterator[tuple[slice, tuple[Any, ...]]]:
    """Yield places in the flat result, and the four axes there; what is one number all over is an int."""
    given = tuple(axes.values())
    sizes = np.broadcast_shapes(*(each.shape for each in given[1:]))
    if np.prod(sizes) <= BLOCK:
        yield slice(None), tuple(_plain(each) for each in given)
        return
    flat = tuple(_plain(each) if each.size == 1 else np.broadcast_to(each, shape).reshape(-1) for each in given)
    total = int(np.prod(shape))
    for start in range(0, total, BLOCK):
        place = slice(start, min(start + BLOCK, total))
        yield place, tuple(each if isinstance(each, int) else each[place] for each in flat)


def _plain(axis: Int64) -> Any:
    return int(axis.flat[0]) if axis.size == 1 else axis
