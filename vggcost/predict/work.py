"""The work of one layer, as a device meets it: a matrix product, passes over tensors, kernels."""

from __future__ import annotations

from vggcost.formulas import forward, latency, memory
from vggcost.network.layers import BatchNorm2d, Conv2d
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    from vggcost.network.layer import Layer, Size
    from vggcost.network.ledger import Ledger

    class Counted(Protocol):
        """A layer at its input, counted; `vggcost.costs.table.Row` is one, `vggcost.programs.reading.Operation` too."""

        @property
        def layer(self) -> Layer:
            """The layer."""

        @property
        def input(self) -> Any:
            """The shape that reaches it."""

        @property
        def output(self) -> Any:
            """The shape that leaves it."""

        @property
        def ledger(self) -> Ledger:
            """What it does."""


CONVOLUTION, CLASSIFIER, ELEMENTWISE = "convolution", "classifier", "elementwise"
"""The kinds of work by which times are told: matrix products over feature maps, those over features, and the rest."""

BIAS, NORM, ACTIVATION, OTHER = "bias", "norm", "activation", "other"
"""The kinds of a pass; which of them a mode runs as kernels of their own is the machine's to say."""


SHALLOW = 100
"""A convolution whose products are less deep, the first, gains nothing by Winograd's algorithm."""


class Product(Record):
    """A matrix product: FLOPs of the direct count, rows (M), columns, depth (K), and elements moved.

    winograd: whether Winograd's algorithm does it with fewer multiplications.
    """

    flops: Size
    rows: Size
    columns: Size
    depth: Size
    inputs: Size
    outputs: Size
    params: Size
    winograd: bool


class Pass(Record):
    """A kernel that reads and writes tensors and multiplies next to nothing: elements moved, and of its tensors."""

    kind: str
    moved: Size
    tensor: Size


class LayerWork(Record):
    """A layer: its name and kind, its part in the network, its product where it has one, and its passes."""

    name: str
    kind: str
    part: str
    product: Product | None
    passes: tuple[Pass, ...]


def works(rows: Iterable[Counted]) -> tuple[LayerWork, ...]:
    """Return the work of each layer that computes anything; a view and dropout in eval mode do not."""
    return tuple(_work(row) for row in rows if row.layer.computes and not row.layer.view and _does_something(row))


def _does_something(row: Counted) -> bool:
    """An adaptive pool over an image of its own size runs no kernel that the published rows would show."""
    return row.layer.kind != "AdaptiveAvgPool2d" or row.input[2:] != row.output[2:]


def _work(row: Counted) -> LayerWork:
    layer = row.layer
    inputs, outputs = layer.reads(row.input), forward.elements(row.output)
    if layer.weighted or (isinstance(row.ledger.macs, int) and row.ledger.macs):
        convolves = layer.family.startswith("conv")
        columns = row.output[1 if convolves else -1]
        depth = latency.gemm_depth(row.ledger.macs, outputs)
        product = Product(
            flops=forward.flops(row.ledger.macs),
            rows=latency.gemm_depth(outputs, columns),
            columns=columns,
            depth=depth,
            inputs=inputs,
            outputs=outputs,
            params=layer.params(),
            winograd=layer.winograd and depth >= SHALLOW,
        )
        bias = isinstance(layer, Conv2d) and layer.bias
        passes = (Pass(BIAS, latency.passed_elements(outputs), outputs),) if bias else ()
        return LayerWork(layer.name, layer.kind, CONVOLUTION if convolves else CLASSIFIER, product, passes)
    if isinstance(layer, BatchNorm2d):
        one = Pass(NORM, latency.passed_elements(outputs), outputs)
    elif layer.activation:
        one = Pass(ACTIVATION, latency.passed_elements(outputs), outputs)
    else:
        moved = memory.least_traffic(inputs, layer.params(), layer.buffers(), outputs)
        one = Pass(OTHER, moved, moved)
    return LayerWork(layer.name, layer.kind, ELEMENTWISE, None, (one,))
