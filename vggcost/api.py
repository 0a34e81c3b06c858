"""What `vggcost.cost(...)` returns: a network's cost with its rows, its totals, and its ways out."""

from __future__ import annotations

from vggcost import configs, formulas, unfold, units
from vggcost.conventions import convention as convention_named
from vggcost.counting import tally
from vggcost.errors import VggcostError
from vggcost.record import Record
from vggcost.report.layer_table import View, convention_words, csv_text, markup, screen
from vggcost.table import Table, checked_count, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

    import pandas as pd

    from vggcost.closed_forms import ClosedForm
    from vggcost.receptive_field import Field


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
        self.table = counted
        self.dtype = dtype
        self.tally = tally(convention_named(convention), counted)
        self.convention = self.tally.convention.name
        self.unit = self.tally.convention.unit
        self.layers: tuple[LayerCost, ...] = tuple(
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
            for row, counted_row in zip(counted.rows, self.tally.counts, strict=True)
        )
        self.totals = Totals(
            counted.params,
            counted.macs,
            counted.flops,
            self.tally.total,
            formulas.weight_bytes(counted.params, units.dtype_bytes(dtype)),
            self.tally.reason,
        )

    @property
    def network(self) -> configs.Network:
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
            "paper_params_millions": configs.printed_millions(self.network),
            "classifier_params": classifier_params,
            "classifier_share": float(units.percent(classifier_params, self.totals.params) or 0),
            "weight_bytes": self.totals.weight_bytes,
            "macs": self.totals.macs,
            "flops": self.totals.flops,
            "convention": self.convention,
            "unit": self.unit,
            "count": self.totals.count,
            "note": self.totals.note,
            "activation_bytes": elements * units.dtype_bytes(self.dtype),
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
        from vggcost.receptive_field import fields

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
                layer["output_bytes"] = row.output_elements * units.dtype_bytes(self.dtype)
        if view.receptive_field:
            from vggcost.receptive_field import fields

            for layer, field in zip(dicts, fields(self.network.layers, self.input), strict=True):
                layer.update(_field_lists(field))
        return dicts

    def _total_dict(self, view: View) -> dict[str, Any]:
        totals = dict(self.totals.__dict__)
        if view.activations:
            elements = sum(row.output_elements for row in self.table.rows)
            totals["output_elements"] = elements
            totals["output_bytes"] = elements * units.dtype_bytes(self.dtype)
        return totals


_FORMATS = {
    "table": Cost.to_text,
    "markdown": Cost.to_markdown,
    "csv": Cost.to_csv,
    "json": Cost.to_json,
    "latex": Cost.to_latex,
}


def _field_lists(field: Field | None) -> dict[str, list[int] | None]:
    if field is None:
        return {"receptive_field": None, "stride": None, "padding": None}
    return {
        "receptive_field": list(field.size),
        "stride": list(field.stride),
        "padding": list(field.padding),
    }


def cost(
    network: str | None = None,
    *,
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: int | tuple[int, int] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    convention: str = "mac",
) -> Cost:
    """Return what a network costs, layer by layer.

    network is a letter of the paper's Table 1, an alias (``vgg16_bn``) or another name that ``vggcost configs`` lists
    (D where nothing is given); file is a network file of one's own in its place. size is the image's height and width
    in pixels (one int for a square), batch the images of one forward call. head holds the hidden widths of the
    classifier (empty: one linear layer on the features), width is a factor of every convolution's width. None leaves
    an option as the configuration has it: the paper's have 1000 classes, 3 channels, biases, an adaptive pool, the
    head (4096, 4096) and 224 x 224 pixels. convention names a row of `vggcost.conventions`, by which `count` counts.

    Raises:
        VggcostError: an unknown name or convention, a file that is no network, a count out of range, an image too small
            or one that does not fit the first linear layer.

    >>> cost("D").totals.params
    138357544
    >>> cost("vgg16", batch_norm=True, classes=10, size=(224, 320), batch=8).totals.macs
    176346693632
    >>> cost("D", classes=10, head=(), adaptive_pool=False, size=32).totals.params
    14719818
    """
    plan = configuration(network, file)
    options = _given(
        batch_norm=batch_norm,
        classes=classes,
        in_channels=in_channels,
        bias=bias,
        adaptive_pool=adaptive_pool,
        head=head,
        width=width,
        classifier=classifier,
        softmax=softmax,
    )
    built = unfolded(plan, options, size)
    return count(built, built.image, batch, dtype, convention)


def count(
    network: configs.Network,
    size: tuple[int, int],
    batch: int = 1,
    dtype: str = "float32",
    convention: str = "mac",
) -> Cost:
    """Return what a network that is built already costs.

    Raises:
        VggcostError: an unknown convention, a count out of range, an image too small or one that does not fit fc6.
    """
    shape = (checked_count(batch, "batch"), network.variant.in_channels, *size)
    return Cost(table(network, shape), dtype, convention)


def configuration(network: str | None = None, file: str | PathLike[str] | None = None) -> configs.Configuration:
    """Return the named configuration, or the one of a network file; D where neither is given.

    Raises:
        VggcostError: both are given, the name is unknown, or the file is no network.
    """
    if file is None:
        return configs.find("D" if network is None else network)
    if network is not None:
        raise VggcostError(f"the network is given twice, as {network!r} and as the file {str(file)!r}; give one")
    from vggcost import spec

    return spec.read(file)


def unfolded(
    plan: configs.Configuration, options: Mapping[str, Any], size: int | tuple[int, int] | None = None
) -> configs.Network:
    """Return a configuration's network with some options of its variant changed, at its own size or another.

    Raises:
        VggcostError: an option out of range.
    """
    return configs.unfolded(plan, varied(plan, options), plan.size if size is None else image_size(size))


def varied(plan: configs.Configuration, options: Mapping[str, Any]) -> configs.Variant:
    """Return a configuration's variant with some options changed and all of them checked.

    Raises:
        VggcostError: an option out of range.
    """
    if not options:
        return plan.variant
    checked = dict(options)
    for name, what in (("classes", "classes"), ("in_channels", "in-channels")):
        if name in checked:
            checked[name] = checked_count(checked[name], what)
    for name in ("batch_norm", "bias", "adaptive_pool", "classifier", "softmax"):
        if name in checked:
            checked[name] = bool(checked[name])
    if "head" in checked:
        if not isinstance(checked["head"], tuple | list):
            raise VggcostError(f"head is {checked['head']!r}; give hidden widths such as (512, 512), or () for none")
        checked["head"] = tuple(checked_count(hidden, "a width of the head") for hidden in checked["head"])
        checked.setdefault("classifier", True)
    if "width" in checked:
        checked["width"] = unfold.width_factor(checked["width"])
    return plan.variant.replace(**checked)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def build(network: str, variant: configs.Variant, size: int | tuple[int, int] = 224) -> configs.Network:
    """Return the named network in a checked variant; a field that is as in the paper's network changes nothing.

    Raises:
        VggcostError: an unknown name or an option out of range.
    """
    return unfolded(configuration(network), variant.departures(), size)


def image_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of a size that may be one int.

    Raises:
        VggcostError: a side that is no whole number of at least 1.
    """
    sides = size if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise VggcostError(f"size is {size!r}; give one number or (height, width)")
    return checked_count(sides[0], "size (height)"), checked_count(sides[1], "size (width)")


def closed_form(
    network: str | None = None,
    *,
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: int | tuple[int, int] | None = None,
    batch: int | None = None,
) -> ClosedForm:
    """Return a network's cost as sympy polynomials in N (batch), K (classes) and a, b for an image of 32a x 32b.

    A number given for classes, size or batch takes its symbol's place; the other arguments are those of `cost`. A
    network whose strides do not divide 32 pixels has its image in the units that they do divide, 64a x 64b with six
    pools.

    Raises:
        VggcostError: an unknown name, a file that is no network, or a count out of range.

    >>> closed_form("D").params
    4097*K + 134260544
    """
    options = _given(
        batch_norm=batch_norm,
        classes=classes,
        in_channels=in_channels,
        bias=bias,
        adaptive_pool=adaptive_pool,
        head=head,
        width=width,
        classifier=classifier,
        softmax=softmax,
    )
    return symbolic(configuration(network, file), options, size, batch)


def symbolic(
    plan: configs.Configuration,
    options: Mapping[str, Any],
    size: int | tuple[int, int] | None = None,
    batch: int | None = None,
) -> ClosedForm:
    """Return a configuration's closed forms; options that are not given are symbols, as in `closed_form`.

    Raises:
        VggcostError: an option out of range, or layers that do not fit each other.
    """
    from vggcost import closed_forms

    variant = varied(plan, options)
    image = None if size is None else image_size(size)
    # Symbols cannot be checked, so the door sees the same network with numbers first.
    sample = image or closed_forms.fixed_image(plan, variant) or plan.size
    count(configs.unfolded(plan, variant, sample), sample)
    if "classes" not in options:
        variant = variant.replace(classes=closed_forms.K)
    return closed_forms.of_configuration(plan, variant, image, None if batch is None else checked_count(batch, "batch"))
