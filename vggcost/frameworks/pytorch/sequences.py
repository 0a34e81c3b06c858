"""What torch's recurrent functions and embeddings do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, batched, shape_of
from vggcost.network import sequences
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


def recurrent(cell: str, input: torch.Tensor, *args: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.lstm, gru, rnn_tanh and rnn_relu, over tensors and packed sequences, which have a step a row.

    The arguments are torch's: (state, weights, has_biases, num_layers, dropout, train, bidirectional, batch_first),
    and of a packed sequence (batch_sizes, state, weights, has_biases, num_layers, dropout, train, bidirectional).
    """
    packed = not isinstance(args[2], bool)
    state, weights, biases, layers, _, _, bidirectional, *_ = args[1:] if packed else args
    fields = _fields(cell, weights, biases)
    fields |= {"layers": int(layers), "directions": 2 if bidirectional else 1}
    shape = shape_of(input)
    output, ledger = sequences.Recurrent("", None, **fields).apply(shape)
    problem = _feature_problem(fields["in_features"], shape[-1])
    beside = tuple(shape_of(one) for one in (state if cell == "LSTM" else (state,)))
    return Plan(sequences.Recurrent, fields, shape, output, ledger, problem, (shape,), beside)


def _fields(cell: str, weights: Sequence[torch.Tensor], biases: bool) -> dict[str, Any]:
    (rows, takes), (_, state) = shape_of(weights[0]), shape_of(weights[1])
    hidden = rows // sequences.GATES[cell]
    projection = state if state != hidden else 0
    return {
        "cell": cell,
        "in_features": takes,
        "hidden": hidden,
        "projection": projection,
        "bias": bool(biases),
    }


def recurrent_cell(
    cell: str,
    input: torch.Tensor,  # noqa: A002  # torch's name
    hx: Any,
    w_ih: torch.Tensor,
    w_hh: torch.Tensor,
    b_ih: torch.Tensor | None = None,
    *_: Any,
) -> Plan:
    """Rule of torch.lstm_cell, gru_cell, rnn_tanh_cell and rnn_relu_cell: one step."""
    fields = {**_fields(cell, (w_ih, w_hh), b_ih is not None), "single": True}
    shape = shape_of(input)
    output, ledger = sequences.Recurrent("", None, **fields).apply(batched(shape))
    problem = _feature_problem(fields["in_features"], shape[-1])
    output = (*shape[:-1], output[-1])
    beside = (shape_of(hx[1]),) if cell == "LSTM" else ()
    return Plan(sequences.Recurrent, fields, shape, output, ledger, problem, (shape,), beside)


def _feature_problem(takes: int, given: int) -> str | None:
    return f"takes {takes:,} features and gets {given:,}" if takes != given else None


def embedding(input: torch.Tensor, weight: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.embedding, and of torch.embedding, which takes its table first."""
    if input.is_floating_point():
        input, weight = weight, input  # noqa: A001  # torch's name
    shape, (rows, width) = shape_of(input), shape_of(weight)
    fields = {"rows": rows, "width": width}
    return Plan(sequences.Embedding, fields, shape, (*shape, width), Ledger())


def embedding_bag(
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    offsets: torch.Tensor | None = None,
    *_: Any,
    include_last_offset: bool = False,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.embedding_bag; raises TypeError for torch.embedding_bag, which gives four tensors."""
    if input.is_floating_point():
        raise TypeError("the table comes first")
    shape, (rows, width) = shape_of(input), shape_of(weight)
    bags = shape[0] if offsets is None else shape_of(offsets)[0] - int(include_last_offset)
    fields = {"rows": rows, "width": width, "bag": True}
    return Plan(sequences.Embedding, fields, shape, (bags, width), Ledger())
