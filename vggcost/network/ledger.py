"""The ledger: what one layer does, in primitive counts that no convention has weighed yet."""

from __future__ import annotations

from vggcost.record import same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator
    from typing import Any

PRIMITIVES = {
    "conv_macs": "multiply-accumulates of convolutions",
    "conv_outputs": "output elements of convolutions",
    "conv_bias_adds": "conv bias",
    "linear_macs": "multiply-accumulates of linear layers",
    "linear_outputs": "output elements of linear layers",
    "linear_bias_adds": "linear bias",
    "transposed_macs": "multiply-accumulates of transposed convolutions",
    "transposed_outputs": "output elements of transposed convolutions",
    "transposed_bias_adds": "transposed-conv bias",
    "matmul_macs": "multiply-accumulates of matrix products",
    "matmul_outputs": "output elements of matrix products",
    "contraction_macs": "multiply-accumulates of contractions",
    "attention_macs": "multiply-accumulates of attention",
    "bilinear_macs": "multiply-accumulates of bilinear layers",
    "bilinear_bias_adds": "bilinear bias",
    "recurrent_macs": "multiply-accumulates of recurrent layers",
    "recurrent_bias_adds": "recurrent bias",
    "relu_elements": "ReLU elements",
    "maxpool_inputs": "max-pool inputs",
    "maxpool_outputs": "max-pool outputs",
    "maxpool_window_elements": "max-pool window elements",
    "maxpool_stride_elements": "max-pool stride elements",
    "adaptive_inputs": "adaptive-pool inputs",
    "adaptive_outputs": "adaptive-pool outputs",
    "batch_norm_elements": "batch-norm elements",
    "batch_norm_affine_elements": "batch-norm affine elements",
    "batch_norm_channels": "batch-norm channels",
    "batch_norm_affine_channels": "batch-norm affine channels",
    "lrn_elements": "LRN elements",
    "lrn_pixels": "LRN pixels",
    "lrn_window_pixels": "LRN window pixels",
    "softmax_elements": "soft-max elements",
    "softmax_rows": "soft-max rows",
    "dropout_elements": "dropout elements",
    "add_elements": "residual-addition elements",
}
"""Every primitive and its name in words. Channels and pixels are counted once an image of the batch."""

MACS = tuple(name for name in PRIMITIVES if name.endswith("_macs"))
"""The primitives that are multiply-accumulates, in the same order."""

_ARE_MACS = frozenset(MACS)


class Ledger:
    """Frozen primitive counts of a layer or a network; a primitive that is not there counts 0.

    Counts may be ints, int64 arrays or symbols. Ledgers add up, and an int multiplies one. Two are equal where every
    primitive is `vggcost.record.same`, arrays in shape and in every element.

    >>> pool = Ledger(maxpool_inputs=16, maxpool_outputs=4)
    >>> (2 * pool + pool)["maxpool_inputs"]
    48

    Raises:
        KeyError: a name that is no primitive.
    """

    __slots__ = ("_counts",)
    _counts: dict[str, Any]

    def __init__(self, **counts: Any) -> None:
        for name in counts:
            if name not in PRIMITIVES:
                raise KeyError(f"no such primitive: {name}")
        object.__setattr__(self, "_counts", counts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Ledger is frozen")

    def __getitem__(self, primitive: str) -> Any:
        if primitive not in PRIMITIVES:
            raise KeyError(f"no such primitive: {primitive}")
        return self._counts.get(primitive, 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def items(self) -> ItemsView[str, Any]:
        """The primitives that are there, with their counts."""
        return self._counts.items()

    def __add__(self, other: Ledger) -> Ledger:
        names = dict.fromkeys((*self, *other))
        return Ledger(**{name: self[name] + other[name] for name in names})

    def __mul__(self, times: Any) -> Ledger:
        return Ledger(**{name: self[name] * times for name in self})

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ledger) and all(same(self[name], other[name]) for name in PRIMITIVES)

    def __hash__(self) -> int:
        return hash(tuple(self[name] for name in PRIMITIVES))

    def __repr__(self) -> str:
        return f"Ledger({', '.join(f'{name}={self[name]!r}' for name in self)})"

    @property
    def macs(self) -> Any:
        """Multiply-accumulates, the textbook's count [MAC]."""
        return sum([count for name, count in self._counts.items() if name in _ARE_MACS])
