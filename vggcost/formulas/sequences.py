"""Products of tensors, attention, and layers that step over a sequence: parameters and multiply-accumulates."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def contraction_macs(outputs: N, inner: N) -> N:
    """Multiply-accumulates of a contraction of two tensors [MAC]: each output is a dot product of length inner.

    Source: torch.tensordot, torch.einsum.

    >>> contraction_macs(2 * 5 * 4, 3)      # ij,jk->ik, twice
    120
    """
    return outputs * inner


def bilinear_params(in_features: N, other_features: N, out_features: N, bias: int = 1) -> N:
    """Parameters of a bilinear layer [elements]: a matrix an output, one bias an output where bias is 1.

    Source: torch.nn.Bilinear.

    >>> bilinear_params(20, 30, 40)
    24040
    """
    return in_features * other_features * out_features + bias * out_features


def bilinear_macs(batch: N, in_features: N, other_features: N, out_features: N) -> N:
    """Multiply-accumulates of a bilinear layer, both of its products [MAC]; its bias is not in them.

    The first input times each output's matrix, and what comes of it times the second input.
    Source: torch.nn.Bilinear, which contracts in this order; so does torch.einsum("bi,oij,bj->bo").

    >>> bilinear_macs(2, 3, 4, 5)
    160
    """
    return batch * out_features * (in_features * other_features + other_features)


def attention_macs(queries: N, keys: N, width: N, value_width: N) -> N:
    """Multiply-accumulates of scaled-dot-product attention, both of its products [MAC].

    queries are those of all heads and images together, each of which meets all keys of its head, masked or not: a
    score is a dot product of length width, an output one of length keys.
    Source: Vaswani et al. 2017, section 3.2.1.

    >>> attention_macs(12 * 197, 197, 64, 64)      # one layer of ViT-B/16
    59610624
    """
    return queries * keys * (width + value_width)


def recurrent_params(
    gates: N, in_features: N, hidden: N, state: N, projection: N, layers: N, directions: N, bias: int = 1
) -> N:
    """Parameters of recurrent layers upon each other [elements]; with bias 1 each gate has two of them, as torch's.

    gates is 4 for LSTM, 3 for GRU, 1 for a plain one; state is what a step hands on, hidden or, where there is one,
    the projection (0 where there is none). Layers behind the first take the states of all directions.
    Source: torch.nn.LSTM; Hochreiter & Schmidhuber 1997; Cho et al. 2014.

    >>> recurrent_params(4, 10, 20, 20, 0, 2, 1)
    5920
    """
    return directions * (
        gates * hidden * (in_features + state + 2 * bias)
        + projection * hidden
        + (layers - 1) * (gates * hidden * (directions * state + state + 2 * bias) + projection * hidden)
    )


def recurrent_macs(
    steps: N, gates: N, in_features: N, hidden: N, state: N, projection: N, layers: N, directions: N
) -> N:
    """Multiply-accumulates of recurrent layers upon each other [MAC]; biases and element-wise gates are not in them.

    steps are those of all sequences together; the rest is as in `recurrent_params`. A step of an LSTM is
    4*hidden*(in_features + hidden).
    Source: torch.nn.LSTM; Hochreiter & Schmidhuber 1997; Cho et al. 2014.

    >>> recurrent_macs(1, 4, 10, 20, 20, 0, 1, 1)
    2400
    """
    return (
        steps
        * directions
        * (
            gates * hidden * (in_features + state)
            + projection * hidden
            + (layers - 1) * (gates * hidden * (directions * state + state) + projection * hidden)
        )
    )
