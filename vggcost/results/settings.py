"""A network, its input and how it runs, with one thing left to choose, and what else could be chosen otherwise."""

from __future__ import annotations

from vggcost import units
from vggcost.costs.fit import Bounds, WidthGrid
from vggcost.costs.table import table
from vggcost.costs.training import STATES, Training, check_dtype, check_mixed, frozen_layers
from vggcost.errors import VggcostError
from vggcost.network import catalogue
from vggcost.network.layer import walk
from vggcost.network.unfold import conv_widths, width_factor
from vggcost.record import Record
from vggcost.results.memory import Memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vggcost.costs.table import Table
    from vggcost.network.plan import Configuration, Variant
    from vggcost.predict.timer import Timer

MEMORY = "memory_bytes"
"""The key of what a setting holds at its worst moment; the others are a table's own, macs and params."""

TIME = "time_ns"
"""The key of the likely time of a forecast."""

NARROWER = {"float64": "float32", "float32": "float16", "tf32": "float16"}
"""The dtype with half as many bytes an element."""


class Setting(Record):
    """All that a budget's amount depends on; image is (height, width) [pixels]."""

    plan: Configuration
    variant: Variant
    image: tuple[int, int]
    batch: int = 1
    dtype: str = "float32"
    training: Training | None = None
    in_place: bool = True
    mixed: str | None = None
    timer: Timer | None = None

    def counted(self) -> Table:
        """The network through the int door.

        Raises:
            VggcostError: it does not run on this image.
        """
        network = catalogue.unfolded(self.plan, self.variant, self.image)
        return table(network, (self.batch, self.variant.in_channels, *self.image))

    def check_dtype(self) -> None:
        """Refuse a dtype that does not go with the way it is run.

        Raises:
            VggcostError: it does not, or is not known.
        """
        units.dtype_bytes(self.dtype)
        check_mixed(self.mixed, self.dtype)
        if self.training is not None:
            check_dtype(self.dtype, mixed=self.mixed, master_weights=self.training.master_weights)

    def amounts(self, keys: Iterable[str]) -> dict[str, int]:
        """What it takes of each of these: bytes at the worst moment, time, MACs of one forward call, parameters.

        Raises:
            VggcostError: it does not run on this image; a training step of what cannot be trained.
        """
        counted = self.counted()
        return {key: self._amount(counted, key) for key in keys}

    def least_time(self) -> int:
        """A time that the forecast's is never below, and that grows with the network [ns]."""
        return 0 if self.timer is None else self.timer.least_ns(self.counted())

    def _amount(self, counted: Table, key: str) -> int:
        if key == MEMORY:
            return self._memory(counted)
        if key == TIME and self.timer is not None:
            return self.timer.ns(counted)
        amount: int = getattr(counted, key)
        return amount

    def _memory(self, counted: Table) -> int:
        return Memory(counted, self.dtype, self.training, in_place=self.in_place, mixed=self.mixed).worst_bytes


class Axis(Record):
    """What is chosen, on a scale of whole numbers: a batch or the side of a square itself, a width by its grid."""

    name: str
    bounds: Bounds
    grid: WidthGrid | None = None

    def on(self, setting: Setting, place: int) -> Setting:
        """Return the setting with this choice."""
        if self.name == "batch":
            return setting.replace(batch=place)
        if self.name == "size":
            return setting.replace(image=(place, place))
        return setting.replace(variant=setting.variant.replace(width=self.value(place)))

    def value(self, place: int) -> float:
        """The choice as an option takes it."""
        return place if self.grid is None else width_factor(self.grid.factor(place))

    def span(self, place: int) -> tuple[int, int]:
        """The first and the last place that are the same network."""
        return (place, place) if self.grid is None else self.grid.span(place)


def axis(name: str, setting: Setting) -> Axis:
    """Return the scale of a batch, a size or a width.

    Raises:
        VggcostError: the network runs on no square image, or has no convolution.
    """
    if name == "batch":
        return Axis(name, Bounds(1, units.COUNT_LIMIT, 1, 1))
    if name == "size":
        least, most = _sides(setting)
        return Axis(name, Bounds(least, most, min(max(least, setting.image[0]), most), 2))
    widths = conv_widths(setting.plan)
    if not widths:
        raise VggcostError(f"{setting.plan.name} has no convolution whose width could change; --solve batch or size")
    grid = WidthGrid(widths)
    return Axis(name, Bounds(1, grid.most, grid.parts, 2), grid)


def _sides(setting: Setting) -> tuple[int, int]:
    """The smallest and the largest square image on which a network runs [pixels]; between them it runs on all.

    Raises:
        VggcostError: it runs on none.
    """
    limit, own = units.COUNT_LIMIT, max(setting.image)
    low, high = (1, own) if _every_window_fits(setting, own) else (own, limit)
    least = _first(low, high, lambda side: _every_window_fits(setting, side))
    if setting.variant.classifier and not setting.variant.adaptive_pool:
        least = _first(least, limit, lambda side: _misses(setting, side) >= 0)
    most = limit if _misses(setting, limit) <= 0 else _first(least, limit, lambda side: _misses(setting, side) > 0) - 1
    setting.replace(image=(least, least)).counted()
    return least, most


def _every_window_fits(setting: Setting, side: int) -> bool:
    """Whether an image is large enough; the int door would search the smallest for its refusal."""
    image = (side, side)
    layers = catalogue.unfolded(setting.plan, setting.variant, image).layers
    return all(min(step.output) >= 1 for step in walk(layers, (1, setting.variant.in_channels, *image)))


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number of a range for which something holds that goes on holding; the last one where none does."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _misses(setting: Setting, side: int) -> int:
    """Whether an image is too small (below 0), right (0) or too large for the first linear layer.

    Raises:
        VggcostError: the network has a fault that is none of the image's size.
    """
    try:
        setting.replace(image=(side, side)).counted()
    except VggcostError as error:
        if isinstance(error.takes, int) and isinstance(error.gets, int):
            return error.gets - error.takes
        raise
    return 0


class Lever(Record):
    """A choice that would take less: its option, and the setting with it."""

    option: str
    setting: Setting


def levers(setting: Setting, solved: str, keys: Sequence[str]) -> Iterator[Lever]:
    """Yield what could be chosen otherwise to take less of these budgets, without what is chosen already.

    Accumulating divides a batch that is given over two passes; one that is asked for is a pass's.
    """
    variant = setting.variant
    if "params" in keys and variant.classifier and variant.head != ():
        yield Lever("--head none", setting.replace(variant=variant.replace(head=())))
    if setting.timer is not None:
        yield from _of_time(setting, setting.timer)
    elif MEMORY in keys:
        yield from _of_memory(setting, solved)


def _of_memory(setting: Setting, solved: str) -> Iterator[Lever]:
    """What holds less memory."""
    if setting.dtype == "float32" and setting.mixed is None:
        yield Lever("--mixed bfloat16", setting.replace(mixed="bfloat16"))
    if setting.dtype in NARROWER and setting.mixed is None:
        dtype = NARROWER[setting.dtype]
        yield Lever(f"--dtype {dtype}", setting.replace(dtype=dtype))
    if not setting.in_place:
        yield Lever("without --no-inplace", setting.replace(in_place=True))
    training = setting.training
    if training is None:
        return
    for option, changes in _of_training(setting, training):
        yield Lever(option, setting.replace(training=training.replace(**changes)))
    if training.accumulate == 1 and (solved == "batch" or setting.batch % 2 == 0):
        twice = setting.replace(training=training.replace(accumulate=2))
        if solved == "batch":
            yield Lever("--accumulate 2", twice)
        else:
            half = setting.batch // 2
            yield Lever(f"--accumulate 2 --batch {half}", twice.replace(batch=half))


def _of_time(setting: Setting, timer: Timer) -> Iterator[Lever]:
    """What runs faster on the same device."""
    if setting.dtype in NARROWER:
        half = timer.choice.replace(dtype="float16")
        yield Lever("--dtype float16", setting.replace(dtype="float16", timer=timer.replace(choice=half)))
    if not timer.choice.channels_last:
        last = timer.choice.replace(channels_last=True)
        yield Lever("--channels-last", setting.replace(timer=timer.replace(choice=last)))
    if timer.choice.mode == "eager":
        compiled = timer.choice.replace(mode="compiled")
        yield Lever("--compile", setting.replace(timer=timer.replace(choice=compiled)))


def _of_training(setting: Setting, training: Training) -> Iterator[tuple[str, dict[str, object]]]:
    if not training.checkpoint:
        yield "--checkpoint", {"checkpoint": True}
    for optimizer in ("momentum", "sgd"):
        if STATES[optimizer] < STATES[training.optimizer]:
            yield f"--optimizer {optimizer}", {"optimizer": optimizer}
    if STATES[training.optimizer] > 1 and training.implementation != "fused":
        yield "--optimizer-implementation fused", {"implementation": "fused"}
    counted = setting.counted()
    frozen = training.frozen | _features(counted)
    if training.frozen < frozen < {row.name for row in counted.rows if row.layer.learns}:
        yield "--freeze features", {"frozen": frozen}


def _features(counted: Table) -> frozenset[str]:
    """The layers of the features that learn; none where nothing else does."""
    try:
        return frozen_layers(counted, ("features",))
    except VggcostError:
        return frozenset()
