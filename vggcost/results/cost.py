"""What a cost is once it is counted: its rows, its totals, and its ways out."""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.conventions.counting import tally, total
from vggcost.conventions.rows import convention as convention_named
from vggcost.formulas.memory import tensor_bytes
from vggcost.network import catalogue
from vggcost.record import Record
from vggcost.report.layer_table import View, convention_words, csv_text, markup, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from vggcost.conventions.counting import Tally
    from vggcost.costs.table import Table
    from vggcost.network.receptive_field import Field


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


class Cost:
    """A network's cost at one input, as plain ints.

    `layers` has a row a layer in execution order, `totals` the sums of its columns; `unit` is that of the counts under
    the convention: MAC, FLOP or mixed.
    """

    def __init__(self, counted: Table, dtype: str, convention: str) -> None:
        rule = convention_named(convention)
        self.table = counted
        self.dtype = dtype
        self.convention = rule.name
        self.unit = rule.unit
        count = total(rule, counted)
        self.totals = Totals(
            counted.params,
            counted.macs,
            counted.flops,
            count,
            tensor_bytes(counted.params, units.dtype_bytes(dtype)),
            self.tally.reason if count is None else None,
        )

    @cached_property
    def tally(self) -> Tally:
        """What the convention counts of each row."""
        return tally(convention_named(self.convention), self.table)

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
    def input(self) -> tuple[int, ...]:
        """The input's shape, batch first."""
        return self.table.input

    @property
    def convention_words(self) -> str:
        """The convention, and what one of its counts is."""
        return convention_words({"convention": self.convention, "unit": self.unit, "per": self.tally.convention.per})

    def __repr__(self) -> str:
        return (
            f"<vggcost {self.network.title} at {units.shape_text(self.input)}:"
            f" {self.totals.params:,} parameters, {self.totals.macs:,} MACs>"
        )

    def to_dict(self, view: View | None = None) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.table/1."""
        view = view or View()
        return {
            "schema": "vggcost.table/1",
            "network": {
                "name": self.network.name,
                "title": self.network.title,
                "options": self.network.variant.options(),
            },
            "input": list(self.input),
            "dtype": self.dtype,
            "convention": self.convention,
            "unit": self.unit,
            "per": self.tally.convention.per,
            "layers": self._layer_dicts(view),
            "totals": self._total_dict(view),
        }

    def summary(self) -> dict[str, Any]:
        """The network in one row, as `vggcost compare` and the reports' summary show it.

        Activations are the outputs of convolutions and linear layers; the receptive field is that of the last
        max-pool [pixels], the classifier's share in percent. A quantity that a network does not have is None.
        """
        rows = self.table.rows
        linear = [row for row in rows if row.kind == "Linear"]
        convolutions = [row for row in rows if row.kind == "Conv2d"]
        elements = sum(row.output_elements for row in (*convolutions, *linear))
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
            "activation_bytes": tensor_bytes(elements, units.dtype_bytes(self.dtype)),
            "receptive_field": self._last_pool_field(),
        }

    def to_json(self, view: View | None = None) -> str:
        """The document of `to_dict` as JSON; every int exact."""
        import json

        return json.dumps(self.to_dict(view), indent=2) + "\n"

    def to_csv(self, view: View | None = None) -> str:
        """A line a layer and a last line with the totals."""
        return csv_text(self.to_dict(view), view or View())

    def to_markdown(self, view: View | None = None) -> str:
        """A Markdown table under a line that says what its numbers mean."""
        return markup(self.to_dict(view), view or View(), "markdown")

    def to_latex(self, view: View | None = None) -> str:
        """A booktabs table; the line that says what its numbers mean is a comment."""
        return markup(self.to_dict(view), view or View(), "latex")

    def to_text(self, view: View | None = None) -> str:
        """What `vggcost table` shows on a terminal."""
        view = view or View()
        return screen(self.to_dict(view.replace(formulas=True)), view)

    def rendered(self, fmt: str, view: View | None = None) -> str:
        """The cost in one of the formats that --format names."""
        return _FORMATS[fmt](self, view)

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with a row a layer and no row of totals, so that a column's sum is its total."""
        import pandas as pd

        frame = pd.DataFrame(
            [[getattr(layer, name) for name in LayerCost._fields] for layer in self.layers],
            columns=list(LayerCost._fields),
        )
        counts = [layer.count for layer in self.layers]
        if None in counts:
            frame["count"] = pd.Series(counts, dtype=object)  # beside a gap pandas would turn ints into floats
        return frame

    def _repr_html_(self) -> str:
        return markup(self.to_dict(), View(), "html")

    def _last_pool_field(self) -> list[int] | None:
        from vggcost.network.receptive_field import fields

        pooled = [
            field
            for row, field in zip(self.table.rows, fields(self.network.layers, self.input), strict=True)
            if row.kind == "MaxPool2d" and field
        ]
        return list(pooled[-1].size) if pooled else None

    def _layer_dicts(self, view: View) -> list[dict[str, Any]]:
        dicts = [{**layer.__dict__, "input": list(layer.input), "output": list(layer.output)} for layer in self.layers]
        for layer, row in zip(dicts, self.table.rows, strict=True):
            if view.formulas:
                layer.update(row.layer.written(row.output))
            if view.activations:
                layer["output_elements"] = row.output_elements
                layer["output_bytes"] = tensor_bytes(row.output_elements, units.dtype_bytes(self.dtype))
        if view.receptive_field:
            from vggcost.network.receptive_field import fields

            for layer, field in zip(dicts, fields(self.network.layers, self.input), strict=True):
                layer.update(_field_lists(field))
        return dicts

    def _total_dict(self, view: View) -> dict[str, Any]:
        totals = dict(self.totals.__dict__)
        if view.activations:
            elements = sum(row.output_elements for row in self.table.rows)
            totals["output_elements"] = elements
            totals["output_bytes"] = tensor_bytes(elements, units.dtype_bytes(self.dtype))
        return totals


_FORMATS = {
    "table": Cost.to_text,
    "markdown": Cost.to_markdown,
    "csv": Cost.to_csv,
    "json": Cost.to_json,
    "latex": Cost.to_latex,
}


def common_header(costs: Sequence[Cost]) -> str:
    """One line that says what the numbers of several networks side by side mean."""
    shapes = dict.fromkeys(units.shape_text(cost.input) for cost in costs)
    classes = dict.fromkeys(str(cost.network.variant.classes) for cost in costs if cost.network.variant.classifier)
    return (
        f"VGG configurations{''.join(f', {one} classes' for one in classes if len(classes) == 1)};"
        f" input {next(iter(shapes)) if len(shapes) == 1 else 'of their own sizes'} {costs[0].dtype};"
        f" {costs[0].convention_words}"
    )


def _field_lists(field: Field | None) -> dict[str, list[int] | None]:
    if field is None:
        return {"receptive_field": None, "stride": None, "padding": None}
    return {
        "receptive_field": list(field.size),
        "stride": list(field.stride),
        "padding": list(field.padding),
    }
