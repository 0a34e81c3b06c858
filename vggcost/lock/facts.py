"""What is written down of a reading: the facts of its layers, and the sums."""

from __future__ import annotations

import re

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


def entry_of(
    name: str,
    reading: ProgramReading,
    *,
    target: str | None = None,
    given: Mapping[str, Any] | None = None,
    conventions: Sequence[Convention] = (),
    training_peak_bytes: int | None = None,
) -> Entry:
    """Return what is written down of a reading; a number that is not known is None."""
    runs = not reading.failures and not reading.weights_alone
    state = reading.state
    names = own_numbers([operation.layer.name for operation in reading.operations], reading.stems)
    return Entry(
        name,
        target,
        given or {},
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
        tuple(_layer(operation, reading, name) for operation, name in zip(reading.operations, names, strict=True)),
        reading.stems,
        bool(reading.failures),
    )


def _layer(operation: Operation, reading: ProgramReading, name: str) -> LayerFacts:
    layer = operation.layer
    idle = operation.input is None and operation.output is None and not reading.weights_alone and not reading.failures
    known = idle or (operation.counted and operation.output is not None and not reading.weights_alone)
    state = operation.state
    return LayerFacts(
        name,
        layer.kind,
        operation.output,
        settings_of(layer),
        state.params,
        state.params_trainable,
        operation.macs if known else None,
    )


def own_numbers(names: Sequence[str], stems: frozenset[str]) -> list[str]:
    """Return names with the numbers of these stems counted from this model's first, and not from the process's.

    >>> own_numbers(["conv2d_3", "conv2d_4.relu", "fc_1"], frozenset(("conv2d",)))
    ['conv2d', 'conv2d_1.relu', 'fc_1']
    """
    if not stems:
        return list(names)
    numbered = re.compile(rf"(?<![^.])({'|'.join(map(re.escape, sorted(stems)))})(?:_(\d+))?(?![^.:])")
    first: dict[str, int] = {}
    for name in names:
        for word, number in numbered.findall(name):
            first[word] = min(first.get(word, int(number or 0)), int(number or 0))

    def counted(found: re.Match[str]) -> str:
        number = int(found[2] or 0) - first[found[1]]
        return f"{found[1]}_{number}" if number else found[1]

    return [numbered.sub(counted, name) for name in names]


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
