"""What vggcost itself calls memory, as figures: the definitions of docs/memory.md under their keys."""

from __future__ import annotations

from vggcost.conventions.convention import DEFINITION
from vggcost.conventions.figures import BYTES, OWN, Figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _definition(name: str, words: str, unit: str = BYTES, **rule: Any) -> Figure:
    fixed: dict[str, Any] = {"tool": OWN, "release": None, "proof": DEFINITION, "source": "docs/memory.md", "why": ""}
    return Figure(name=name, words=words, unit=unit, **{**fixed, **rule})


DEFINITIONS: tuple[Figure, ...] = (
    _definition("weight_bytes", "the parameters", weights={"params": 1}),
    _definition("buffer_bytes", "the buffers, int64 counters of batches among them", of_totals=("buffer_bytes",)),
    _definition("input_bytes", "the batch, which the caller holds", weights={"image": 1}),
    _definition("output_bytes", "every layer's output, views and those written in place too", weights={"outputs": 1}),
    _definition(
        "weight_layer_output_bytes", "outputs of convolutions and linear layers", weights={"weight_layer_outputs": 1}
    ),
    _definition(
        "peak_bytes", "what is alive at the worst moment of a forward call, in place", of_totals=("peak_bytes",)
    ),
    _definition("saved_bytes", "what autograd keeps for the backward pass", of_totals=("saved_bytes",)),
    _definition("gradient_bytes", "gradients of the parameters", weights={"params": 1}),
    _definition("optimizer_bytes", "the state of adam or adamw", weights={"params": 2}),
    _definition(
        "training_peak_bytes", "all of a training step with plain SGD at its worst", of_totals=("training_peak_bytes",)
    ),
    _definition("step_flops", "forward and backward pass of one training step", "FLOP", of_totals=("step_flops",)),
)
"""Each number of `vggcost memory` in float32 or another dtype, with what follows from a network alone."""

_BY_NAME = {row.name: row for row in DEFINITIONS}


def definition(name: str) -> Figure:
    """Return one of them.

    >>> definition("saved_bytes").words
    'what autograd keeps for the backward pass'
    """
    return _BY_NAME[name]
