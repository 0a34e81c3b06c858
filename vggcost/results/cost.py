"""What a cost is once it is counted: its rows, its totals, and its document in every format."""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.conventions.counting import tally, total
from vggcost.costs.arguments import view as view_of
from vggcost.formulas.memory import tensor_bytes
from vggcost.network import catalogue
from vggcost.record import Frozen, Record
from vggcost.report import formats
from vggcost.report import layers as layer_report
from vggcost.report.document import SCREEN
from vggcost.report.layers import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from vggcost.conventions.convention import Convention
    from vggcost.conventions.counting import Tally
    from vggcost.costs.table import Table
    from vggcost.report.document import Document
    from vggcost.report.plots.of_network import NetworkPlots


class LayerCost(Record):
    """One layer: shapes (batch first), parameters, the textbook's MACs and FLOPs, and the convention's count.

    note says why the count is 0, or None where the convention's tool gives no number.
    """

    name: str
    kind: str
    path: str | None
    input: tuple[int, ...]
    output: tuple[int, ...]
    params: int
    macs: int
    flops: int
    count: int | None
    note: str | None


class Totals(Record):
    """The sums over all layers, and the memory of the parameters [B].

    count is None where the convention's tool gives no total, and note then says why.
    """

    params: int
    macs: int
    flops: int
    count: int | None
    weight_bytes: int
    note: str | None


class Cost(Frozen):
    """A network's cost at one input, as plain ints.

    `layers` has a row a layer in execution order, `totals` the sums of its columns. `counted_by` is the convention,
    `convention` its name and `unit` that of its counts: MAC, FLOP or mixed.
    """

    table: Table
    dtype: str
    counted_by: Convention
    convention: str
    unit: str
    totals: Totals

    def __init__(self, counted: Table, dtype: str, convention: Convention) -> None:
        self._set(table=counted, dtype=dtype, counted_by=convention, convention=convention.name, unit=convention.unit)
        count = total(convention, counted)
        totals = Totals(
            counted.params,
            counted.macs,
            counted.flops,
            count,
            tensor_bytes(counted.params, units.dtype_bytes(dtype)),
            self.tally.reason if count is None else None,
        )
        self._set(totals=totals)

    @cached_property
    def tally(self) -> Tally:
        """What the convention counts of each row."""
        return tally(self.counted_by, self.table)

    @cached_property
    def layers(self) -> tuple[LayerCost, ...]:
        """A row a layer, in execution order."""
        return tuple(
            LayerCost(
                row.name,
                row.kind,
                row.path,
                row.input,
                row.output,
                row.params,
                row.macs,
                row.flops,
                counted_row.value,
                counted_row.note,
            )
            for row, counted_row in zip(self.table.rows, self.tally.counts, strict=True)
        )

    @property
    def network(self) -> catalogue.Network:
        """The network that was counted."""
        return self.table.network

    @property
    def runs(self) -> bool:
        """Whether one forward call gets through: a network of ours that does not is refused before it is counted."""
        return True

    @property
    def short_name(self) -> str:
        """The name as files and columns bear it: ``D-bn``."""
        return self.network.short_name

    @property
    def input(self) -> tuple[int, ...]:
        """The input's shape, batch first."""
        return self.table.input

    @property
    def convention_words(self) -> str:
        """The convention, and what one of its counts is."""
        return layer_report.convention_words(
            {"convention": self.convention, "unit": self.unit, "per": self.counted_by.per}
        )

    def __repr__(self) -> str:
        return (
            f"<vggcost {self.network.title} at {units.shape_text(self.input)}:"
            f" {self.totals.params:,} parameters, {self.totals.macs:,} MACs>"
        )

    @property
    def plot(self) -> NetworkPlots:
        """Its pictures, in matplotlib's axes: ``cost("D").plot.layers()``."""
        from vggcost.report.plots.of_network import NetworkPlots

        return NetworkPlots(self.table, self.dtype)

    def summary(self) -> dict[str, Any]:
        """The network in one row, as `vggcost compare` and the reports' summary show it.

        The receptive field is that of the last max-pool [pixels], the classifier's share in percent. A quantity that a
        network does not have is None.
        """
        rows = self.table.rows
        linear = [row for row in rows if row.kind == "Linear"]
        convolutions = [row for row in rows if row.kind == "Conv2d"]
        classifier_params = sum(row.params for row in linear)
        return {
            "name": self.network.short_name,
            "weight_layers": len(convolutions) + len(linear),
            "conv_layers": len(convolutions),
            "params": self.totals.params,
            "paper_params_millions": catalogue.printed_millions(self.network),
            "classifier_params": classifier_params,
            "classifier_share": float(units.percent(classifier_params, self.totals.params) or 0),
            "weight_bytes": self.totals.weight_bytes,
            "macs": self.totals.macs,
            "flops": self.totals.flops,
            "convention": self.convention,
            "unit": self.unit,
            "count": self.totals.count,
            "note": self.totals.note,
            "weight_layer_output_bytes": tensor_bytes(
                self.table.weight_layer_output_elements, units.dtype_bytes(self.dtype)
            ),
            "receptive_field": self._last_pool_field(),
        }

    def to_frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A pandas DataFrame with a row a layer and no row of totals, so that a column's sum is its total.

        columns are those that ``vggcost table --columns`` takes, ``receptive_field`` and ``output_bytes`` among them;
        None: the fields of a `LayerCost`. Numbers are int64, shapes are texts.

        Raises:
            VggcostError: there is no such column.
        """
        from vggcost.results.frame import to_frame

        return to_frame(self.document(), columns, LayerCost._fields)

    def document(self, view: View | None = None) -> Document:
        """What `vggcost table` shows, for the formats."""
        return layer_report.document(self.table, self.tally, self.dtype, view_of(view, View))

    def to_dict(self, view: View | None = None) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.table/1."""
        return layer_report.cost_data(self.table, self.tally, self.dtype, view_of(view, View))

    def to_json(self, view: View | None = None) -> str:
        """The document of `to_dict` as JSON; every int exact."""
        return self.rendered("json", view)

    def to_csv(self, view: View | None = None) -> str:
        """A line a layer and a last line with the totals."""
        return self.rendered("csv", view)

    def to_markdown(self, view: View | None = None) -> str:
        """A Markdown table under a line that says what its numbers mean."""
        return self.rendered("markdown", view)

    def to_latex(self, view: View | None = None) -> str:
        """A booktabs table under a line that says what its numbers mean."""
        return self.rendered("latex", view)

    def to_html(self, view: View | None = None) -> str:
        """An HTML table under a line that says what its numbers mean; names are escaped."""
        return self.rendered("html", view)

    def to_text(self, view: View | None = None) -> str:
        """What `vggcost table` shows on a terminal."""
        return self.rendered("table", view)

    def rendered(self, fmt: str, view: View | None = None) -> str:
        """The cost in one of the formats that --format names.

        Raises:
            VggcostError: there is no such format.
        """
        return formats.rendered(self.document(view), formats.checked(fmt))

    def _repr_html_(self) -> str:
        from vggcost.report.formats import html

        return html.render(self.document(), SCREEN)

    def _last_pool_field(self) -> list[int] | None:
        from vggcost.network.receptive_field import fields

        pooled = [
            field
            for row, field in zip(self.table.rows, fields(self.network.layers, self.input), strict=True)
            if row.kind == "MaxPool2d" and field
        ]
        return list(pooled[-1].size) if pooled else None
