"""What ONNX's pools do to shapes: a rule an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import windows
from vggcost.frameworks.onnx.elementwise import free
from vggcost.frameworks.onnx.windows import windowed
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.network import foreign_pools, layers

if TYPE_CHECKING:
    from vggcost.frameworks.onnx.call import Call
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]


def pool(call: Call) -> Plan:
    """MaxPool, AveragePool and LpPool."""
    shape, kernel = call.shape(), tuple(map(int, call.attribute("kernel_shape")))
    axes = len(kernel)
    ceil, dilation = bool(call.attribute("ceil_mode", 0)), call.sides("dilations", axes)
    fields: dict[str, Any] = {"kernel": kernel, "stride": call.sides("strides", axes), "dilation": dilation}
    cells = _cells(call, shape, kernel) if call.operator == "AveragePool" and axes == 2 else None
    if cells is not None:
        output, ledger = layers.AdaptiveAvgPool2d("", None, cells).apply(shape)
        return Plan(layers.AdaptiveAvgPool2d, {"output_size": cells}, shape, tuple(output), ledger)
    kind: type[Layer] = foreign_pools.PoolNd
    if call.operator == "MaxPool" and axes == 2:
        kind = foreign_pools.CeilMaxPool2d if ceil else layers.MaxPool2d
    elif call.operator == "AveragePool" and axes == 2 and dilation == (1, 1):
        kind = foreign_pools.AvgPool2d
        fields = {"kernel": kernel, "stride": fields["stride"], "ceil_mode": ceil}
    else:
        fields |= {"operation": OPERATIONS[call.operator], "ceil_mode": ceil}
    return windowed(call, kind, fields, shape)


OPERATIONS = {"MaxPool": "MaxPool", "AveragePool": "AvgPool", "LpPool": "LPPool"}
"""torch's names of the pools, without the axes."""


def _cells(call: Call, shape: Ints, kernel: Ints) -> tuple[int, int] | None:
    """The output of an average-pool that is an adaptive one, written out at one size; None for another.

    Its windows lie side by side over all of the features, and what comes out goes to a flatten at once. One to a single
    place has an operator of its own, so that an average-pool is none.
    """
    pads = call.attribute("pads") or ()
    automatic = call.attribute("auto_pad", "NOTSET") != "NOTSET"
    if not call.ends_features or automatic or any(pads) or call.sides("strides", 2) != kernel:
        return None
    height, width = windows.adaptive_cell(shape[2], kernel[0]), windows.adaptive_cell(shape[3], kernel[1])
    tiles = (shape[2] % kernel[0], shape[3] % kernel[1]) == (0, 0)
    return (height, width) if tiles and (height, width) > (1, 1) else None


def mean(call: Call) -> Plan:
    """ReduceMean: over height and width it is an adaptive average-pool to one place."""
    shape = call.shape()
    axes = call.attribute("axes") if call.attribute("axes") is not None else call.array(1)
    if axes is not None and len(shape) == 4 and {int(axis) % 4 for axis in axes} == {2, 3}:
        output, ledger = layers.AdaptiveAvgPool2d("", None, (1, 1)).apply(shape)
        kept = tuple(output) if call.attribute("keepdims", 1) else tuple(output[:2])
        return Plan(layers.AdaptiveAvgPool2d, {"output_size": (1, 1)}, shape, kept, ledger)
    return free(call)


def global_average_pool(call: Call) -> Plan:
    """GlobalAveragePool, which is torch's adaptive average-pool to one place."""
    shape = call.shape()
    if len(shape) == 4:
        output, ledger = layers.AdaptiveAvgPool2d("", None, (1, 1)).apply(shape)
        return Plan(layers.AdaptiveAvgPool2d, {"output_size": (1, 1)}, shape, tuple(output), ledger)
    return _to_one_place("AdaptiveAvgPool", shape)


def global_max_pool(call: Call) -> Plan:
    """GlobalMaxPool."""
    return _to_one_place("AdaptiveMaxPool", call.shape())


def _to_one_place(operation: str, shape: Ints) -> Plan:
    fields: dict[str, Any] = {"operation": operation, "output_size": tuple(1 for _ in shape[2:])}
    output, ledger = foreign_pools.AdaptivePoolNd("", None, **fields).apply(shape)
    return Plan(foreign_pools.AdaptivePoolNd, fields, shape, tuple(output), ledger)
