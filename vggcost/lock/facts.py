"""What is written down of a reading: the facts of its layers, and the sums."""

from __future__ import annotations

from vggcost.conventions.seen import seen
from vggcost.formulas.forward import elements
from vggcost.formulas.memory import tensor_bytes
from vggcost.lock.entry import Entry, LayerFacts
from vggcost.units import dtype_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.lock.entry import Settings
    from vggcost.network.layer import Layer
    from vggcost.programs.reading import Operation, ProgramReading

LEFT_OUT = ("name", "path", "operation", "output")
"""Fields of a layer that are no settings: what it is called, and what its kind and its output's shape say again."""

OURS = ("configuration", "network file")
"""The frameworks whose layers are called by where they stand."""


def entry_of(
    name: str,
    reading: ProgramReading,
    *,
    target: str | None = None,
    asked: Mapping[str, Any] | None = None,
    conventions: Sequence[Convention] = (),
    training_peak_bytes: int | None = None,
) -> Entry:
    """Return what is written down of a reading; a number that is not known is None."""
    runs = not reading.failures and not reading.weights_alone
    state = reading.state
    return Entry(
        name,
        target,
        asked or {},
        reading.framework,
        reading.inputs,
        {
            "params": state.params,
            "params_trainable": state.params_trainable,
            "params_frozen": state.params_frozen,
            "weight_bytes": state.weight_bytes,
            "buffers": state.buffers,
            "buffer_bytes": state.buffer_bytes,
            "macs": reading.macs if runs else None,
            "output_bytes": _output_bytes(reading) if runs else None,
            "training_peak_bytes": training_peak_bytes,
        },
        {each.name: seen(each, reading).total if runs else None for each in conventions},
        tuple(_layer(operation, reading) for operation in reading.operations),
        reading.framework in OURS,
    )


def _layer(operation: Operation, reading: ProgramReading) -> LayerFacts:
    layer = operation.layer
    idle = operation.input is None and operation.output is None and not reading.weights_alone and not reading.failures
    known = idle or (operation.counted and operation.output is not None and not reading.weights_alone)
    state = operation.state
    return LayerFacts(
        layer.name,
        layer.kind,
        operation.output,
        settings_of(layer),
        state.params,
        state.params_trainable,
        operation.macs if known else None,
    )


def settings_of(layer: Layer) -> Settings:
    """Return what makes a layer this layer, beside its kind."""
    return tuple((field, getattr(layer, field)) for field in type(layer)._fields if field not in LEFT_OUT)


def _output_bytes(reading: ProgramReading) -> int | None:
    """The outputs of all layers, views and in-place ones too [B]; None where the elements' width is not known."""
    sizes = [elements(operation.output) for operation in reading.operations if operation.output is not None]
    try:
        size: int = tensor_bytes(sum(sizes), dtype_bytes(reading.dtype))
    except ValueError:
        return None
    return size
