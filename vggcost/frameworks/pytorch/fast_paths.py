"""torch's single operators for whole blocks of a transformer, which its modules take where nobody watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.pytorch.plans import Plan, shape_of
from vggcost.network import products

if TYPE_CHECKING:
    import torch

    Pairs = tuple[tuple[int, int], ...]


def multi_head_attention(  # torch's signature
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,  # noqa: ARG001  # of the key's shape
    embed_dim: int,
    num_head: int,
    qkv_weight: torch.Tensor,  # noqa: ARG001  # its sizes are those of embed_dim
    qkv_bias: torch.Tensor | None = None,  # noqa: ARG001  # it multiplies nothing
    proj_weight: torch.Tensor | None = None,  # noqa: ARG001  # its sizes are those of embed_dim
    proj_bias: torch.Tensor | None = None,  # noqa: ARG001  # it multiplies nothing
    mask: torch.Tensor | None = None,  # noqa: ARG001  # it changes no count
    need_weights: bool = True,
    average_attn_weights: bool = True,
    *_: Any,
) -> Plan:
    """Rule of torch._native_multi_head_attention: three projections, attention's two products, and one projection."""
    shape = shape_of(query)
    batch, queries, _width = shape
    keys = shape_of(key)[1]
    scores = (batch, queries, keys) if average_attn_weights else (batch, num_head, queries, keys)
    pairs = _attention_pairs(batch, queries, keys, embed_dim, num_head)
    return _planned("native_multi_head_attention", pairs, shape, (scores,) if need_weights else ())


def _attention_pairs(batch: int, queries: int, keys: int, width: int, heads: int) -> Pairs:
    of_queries, of_keys = forward.elements((batch, queries, width)), forward.elements((batch, keys, width))
    scores = forward.elements((batch, heads, queries, keys))
    # A score's dot product is as long as a head is wide; an output's as there are keys.
    return (
        (of_queries, width),
        (of_keys, width),
        (of_keys, width),
        (scores, width // heads),
        (of_queries, keys),
        (of_queries, width),
    )


def encoder_layer(src: torch.Tensor, embed_dim: int, num_heads: int, *args: Any, **_: Any) -> Plan:
    """Rule of torch._transformer_encoder_layer_fwd: self-attention, and two linear layers behind it.

    args are torch's: eight of attention and its options, four of norms, and both layers' weights and biases.
    """
    batch, steps, _width = shape_of(src)
    ffn = args[_FIRST_LINEAR]
    inner = shape_of(ffn)[0]
    rows = forward.elements((batch, steps))
    attention = _attention_pairs(batch, steps, steps, embed_dim, num_heads)
    pairs = (*attention, (forward.elements((rows, inner)), embed_dim), (forward.elements((rows, embed_dim)), inner))
    return _planned("transformer_encoder_layer_fwd", pairs, shape_of(src), ())


_FIRST_LINEAR = 11
"""Where the first linear layer's weight stands behind src, embed_dim and num_heads."""


def _planned(operation: str, pairs: Pairs, shape: tuple[int, ...], beside: tuple[tuple[int, ...], ...]) -> Plan:
    fields: dict[str, Any] = {"operation": operation, "pairs": pairs, "output": shape}
    ledger = products.Contraction("", None, **fields).apply(shape)[1]
    return Plan(products.Contraction, fields, shape, shape, ledger, beside=beside)
