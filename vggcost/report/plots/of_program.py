"""The pictures of a program that was read: those that its operations give."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.rows import CONVENTIONS
from vggcost.conventions.seen import seen
from vggcost.errors import VggcostError
from vggcost.formulas.forward import elements
from vggcost.formulas.memory import tensor_bytes
from vggcost.report.plots import conventions, layers
from vggcost.report.plots.configs import ConfigDisc
from vggcost.report.plots.layers import LayerBars
from vggcost.report.plots.of_either import Plots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.conventions.convention import Convention
    from vggcost.programs.reading import ProgramReading
    from vggcost.report.plots.picture import Drawing


class ProgramPlots(Plots):
    """The pictures of a program; names are what its rows are called."""

    reading: ProgramReading
    short_name: str
    names: tuple[str, ...]

    def __init__(self, reading: ProgramReading, short_name: str, names: tuple[str, ...]) -> None:
        self._set(reading=reading, short_name=short_name, names=names)

    @property
    def runs(self) -> bool:
        """Whether there are numbers to draw."""
        return not (self.reading.weights_alone or self.reading.failures)

    def drawings(self) -> Iterator[tuple[str, Drawing]]:
        """Yield the name and the drawing of each picture that the program has by itself; none where it cannot run."""
        if self.runs:
            yield "layers", self.layers_drawing()
            yield "conventions", self.conventions_drawing()

    def layers_drawing(self) -> Drawing:
        """Return the drawing of the operations; see `layers`."""
        return layers.layers(self._title, layers.grouped(self._rows()))

    def conventions_drawing(self) -> Drawing:
        """Return the drawing of the conventions; see `conventions`."""
        self._check_runs()
        bars = [conventions.bar(each, self._families(each)) for each in CONVENTIONS]
        return conventions.conventions(self._title, bars)

    def disc(self) -> ConfigDisc:
        """Return what stands for the program among others."""
        self._check_runs()
        put_out = sum(self._output_bytes(each.output) for each in self.reading.operations if each.layer.weighted)
        full = self.reading.program
        return ConfigDisc(self.short_name, full, self._input, self.reading.params, self.reading.macs, put_out)

    @property
    def _input(self) -> str:
        return ", ".join(units.shape_text(shape) for shape in self.reading.inputs)

    @property
    def _title(self) -> str:
        uncounted = sum(not operation.counted for operation in self.reading.operations)
        without = f", without {units.counted(uncounted, 'operation')} that no formula is known for" if uncounted else ""
        return f"{self.short_name}, {self._input}, {self.reading.dtype}{without}"

    def _check_runs(self) -> None:
        """Refuse a program without numbers to draw.

        Raises:
            VggcostError: it cannot run, or is weights alone.
        """
        if not self.runs:
            why = "is a file of weights alone" if self.reading.weights_alone else "cannot run"
            raise VggcostError(
                f"{self.reading.program!r} {why}, so that its work is not known and cannot be drawn; vggcost audit says"
                " more"
            )

    def _output_bytes(self, shape: tuple[int, ...] | None) -> int:
        return 0 if shape is None else tensor_bytes(elements(shape), units.dtype_bytes(self.reading.dtype))

    def _rows(self) -> Iterator[tuple[bool, LayerBars]]:
        """Each operation, and whether it has a row of its own."""
        self._check_runs()
        for operation, name in zip(self.reading.operations, self.names, strict=True):
            put_out = self._output_bytes(operation.output)
            bars = LayerBars(name, operation.params, operation.macs, put_out, None)
            yield layers.starts_row(operation.layer, operation.input, operation.output, operation.macs), bars

    def _families(self, convention: Convention) -> dict[str, int] | None:
        """What a convention counts, by the families of the layers; None where it has no total."""
        counted = seen(convention, self.reading)
        if counted.total is None:
            return None
        found: dict[str, int] = {}
        for operation, one in zip(self.reading.operations, counted.counts, strict=True):
            family = operation.layer.family
            found[family] = found.get(family, 0) + (one.value or 0)
        return found
