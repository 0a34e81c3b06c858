"""What counters that hook modules count of recurrent layers: matrices, gates and biases, a step of a sequence."""

from __future__ import annotations

from vggcost.formulas.forward import elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.conventions.handlers import Call

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Gates of each family, each of which has its rows in the matrices."""

POINTWISE = {"RNN": 1, "GRU": 7, "LSTM": 10}
"""Operations on each hidden unit a step, by ptflops 0.7.5 and calflops 0.3.2."""

UNBATCHED = "takes a packed sequence, or one without a batch"


def _steps(call: Call) -> int:
    """Steps of all sequences together, or 0 where the input is no padded batch."""
    return elements(call.inputs[0][:2]) if len(call.inputs[0]) == 3 else 0


def _family(call: Call) -> str:
    kind: str = call.name
    return kind.removesuffix("Cell")


def thop_cell(family: str, wide: int, hidden: int, bias: bool) -> int:
    """Operations of one step of one cell by thop 0.1.1 [mixed]; wide is how many features go in.

    Source: thop 0.1.1.post2209072238, rnn_hooks.

    >>> thop_cell("LSTM", 3, 5, bias=False)
    200
    """
    gate = hidden * (wide + hidden) + hidden + (2 * hidden if bias else 0)
    beside = {"RNN": 0, "GRU": 4 * hidden, "LSTM": 4 * hidden}[family]
    return GATES[family] * gate + beside


def thop(call: Call) -> int | str:
    """A recurrent layer, or a cell, by thop."""
    facts, family = call.facts, _family(call)
    hidden, bias = facts["hidden_size"], facts["bias"]
    if call.name != family:
        return thop_cell(family, facts["input_size"], hidden, bias) * call.inputs[0][0]
    if not _steps(call):
        return UNBATCHED
    both = 2 if facts["bidirectional"] else 1
    first = thop_cell(family, facts["input_size"], hidden, bias)
    later = thop_cell(family, both * hidden, hidden, bias)
    return int(both * (first + later * (facts["num_layers"] - 1)) * _steps(call))


def _layers(call: Call) -> int | str:
    """How many layers of matrices the tools look at: those of the first direction."""
    if any("_hr" in name for name in call.parameters):
        return "projects what it hands on"
    return 1 if call.name != _family(call) else int(call.facts["num_layers"])


def gates_and_matrices(call: Call, macs: int, *, less: int) -> int | str:
    """A recurrent layer or cell by its matrices, macs for each of their elements, and its gates.

    less is what is taken off a row of each matrix, whose additions are one fewer than its products.
    Source: ptflops 0.7.5 and calflops 0.3.2, their hooks of recurrent layers.
    """
    layers, family = _layers(call), _family(call)
    if isinstance(layers, str):
        return layers
    cell = call.name != family
    if not cell and not _steps(call):
        return UNBATCHED
    hidden = call.facts["hidden_size"]
    rows = GATES[family] * hidden
    total = 0
    for layer in range(layers):
        ending = "" if cell else f"_l{layer}"
        for matrix in ("weight_ih", "weight_hh"):
            total += macs * call.parameters[f"{matrix}{ending}"] - less * rows
        total += POINTWISE[family] * hidden
        if call.facts["bias"]:
            total += 2 * rows
    both = 2 if call.facts.get("bidirectional") else 1
    return total * (call.inputs[0][0] if cell else _steps(call)) * both
