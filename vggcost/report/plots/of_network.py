"""The pictures of a network of ours: what each is made of, as a drawing for a file, and in matplotlib's axes."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.counting import by_primitive
from vggcost.conventions.rows import CONVENTIONS
from vggcost.costs import memory as memory_costs
from vggcost.costs import training as step
from vggcost.costs.course import course as course_of
from vggcost.costs.memory_totals import worst
from vggcost.costs.table import table
from vggcost.costs.training import INTEGERS, Training
from vggcost.errors import VggcostError
from vggcost.formulas.memory import tensor_bytes
from vggcost.report.plots import conventions, layers, memory, network, scaling
from vggcost.report.plots.configs import ConfigDisc
from vggcost.report.plots.layers import LayerBars
from vggcost.report.plots.of_either import Plots
from vggcost.report.plots.picture import Drawing, on_axes
from vggcost.report.plots.scaling import ScalingPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vggcost.costs.table import Table

STEPS = {"forward call": None, "training step, sgd": Training("sgd"), "training step, adam": Training("adam")}
"""What memory is for in the picture of scaling."""

SIZE_PARTS, SIZES = 4, 12
"""An image grows in quarters of what it is, up to so many of them."""

LARGEST_BATCH = 256


class NetworkPlots(Plots):
    """The pictures of a network that was counted."""

    table: Table
    dtype: str
    short_name: str

    def __init__(self, counted: Table, dtype: str) -> None:
        self._set(table=counted, dtype=dtype, short_name=counted.network.short_name)

    def scaling(self, ax: Any = None) -> Any:
        """MACs and memory over the image's height and over the batch: four panels, those of the MACs first."""
        return on_axes(self.scaling_drawing(), ax)

    def memory(self, ax: Any = None) -> Any:
        """What is alive at each moment of a training step with sgd; the worst is marked.

        `Memory.plot` draws any other step.

        Raises:
            VggcostError: the network has nothing to train, or a dtype without gradients.
        """
        return on_axes(self.memory_drawing(), ax)

    def network(self, ax: Any = None) -> Any:
        """The network's outputs drawn to scale, and what goes past residual blocks."""
        return on_axes(self.network_drawing(), ax)

    def drawings(self) -> Iterator[tuple[str, Drawing]]:
        """Yield the name and the drawing of each picture that the network has by itself."""
        yield "layers", self.layers_drawing()
        yield "conventions", self.conventions_drawing()
        yield "scaling", self.scaling_drawing()
        if self._trains:
            yield "memory", self.memory_drawing()
        yield "network", self.network_drawing()

    def layers_drawing(self) -> Drawing:
        """Return the drawing of the layers; see `layers`."""
        return layers.layers(self._title, layers.grouped(self._rows()))

    def conventions_drawing(self) -> Drawing:
        """Return the drawing of the conventions; see `conventions`."""
        bars = [conventions.bar(each, by_primitive(each, self.table)) for each in CONVENTIONS]
        return conventions.conventions(self._title, bars)

    def disc(self) -> ConfigDisc:
        """Return what stands for the network among others."""
        put_out = tensor_bytes(self.table.weight_layer_output_elements, self._element_bytes)
        return ConfigDisc(self.short_name, self.short_name, self._input, self.table.params, self.table.macs, put_out)

    def scaling_drawing(self) -> Drawing:
        """Return the drawing of the network over images and batches; see `scaling`."""
        batch, channels, height, width = self.table.input
        quarters = [(height * part // SIZE_PARTS, width * part // SIZE_PARTS) for part in range(1, SIZES + 1)]
        images = [sides for sides in dict.fromkeys(quarters) if min(sides)]
        sizes = [self._scaled(sides[0], (batch, channels, *sides)) for sides in images]
        batches = sorted({2**power for power in range(LARGEST_BATCH.bit_length())} | {batch})
        over_batches = [self._scaled(each, (each, channels, height, width)) for each in batches]
        fitting = ([each for each in points if each] for points in (sizes, over_batches))
        return scaling.scaling(self._title, *fitting)

    def memory_drawing(self) -> Drawing:
        """Return the drawing of a step's moments; see `memory`.

        Raises:
            VggcostError: the network has nothing to train, or a dtype without gradients.
        """
        step.check_dtype(self.dtype)
        course = course_of(self.table, self._element_bytes, Training(), in_place=True)
        return memory.memory(f"{self._title}, sgd", tuple(course))

    def network_drawing(self) -> Drawing:
        """Return the drawing of the network's blocks; see `network`."""
        return network.network(self._title, *network.blocks(self.table.network.layers, self.table.input))

    @property
    def _element_bytes(self) -> int:
        return units.dtype_bytes(self.dtype)

    @property
    def _input(self) -> str:
        return units.shape_text(self.table.input)

    @property
    def _title(self) -> str:
        return f"{self.table.network.heading}, {self._input}, {self.dtype}"

    @property
    def _trains(self) -> bool:
        return self.dtype not in INTEGERS and any(row.layer.learns for row in self.table.rows)

    def _rows(self) -> Iterator[tuple[bool, LayerBars]]:
        """Each layer, and whether it has a row of its own."""
        lives = memory_costs.lived(self.table, self._element_bytes, training=False, in_place=True)
        saved: dict[str, int] = {}
        if self._trains:
            saved = step.saved_by_layer(step.lived(self.table, self._element_bytes, Training(), in_place=True))
        for row in self.table.rows:
            kept = saved.get(row.name, 0) if self._trains else None
            bars = LayerBars(row.name, row.params, row.macs, lives.output_bytes[row.name], kept)
            yield layers.starts_row(row.layer, row.input, row.output, row.macs), bars

    def _scaled(self, at: int, shape: tuple[int, ...]) -> ScalingPoint | None:
        """The network at another input; None where it does not take it."""
        try:
            counted = table(self.table.network, shape)
        except VggcostError:
            return None
        held = {}
        for words, training in STEPS.items():
            if training is None:
                held[words] = memory_costs.in_use_bytes(counted, self._element_bytes)
            elif self._trains:
                lives = step.lived(counted, self._element_bytes, training, in_place=True)
                held[words] = worst(step.moments(counted, self._element_bytes, training, lives))
        return ScalingPoint(at, counted.macs, held)
