"""The operators that torch runs for a layer, as far as memory goes: what each makes and what is gone behind it."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Tensor = tuple[str, Any, str]
    """A tensor's name, its elements and their width."""


class Operator(Record):
    """One operator as torch runs it: the tensors that it makes, and those that nobody needs once it is done.

    takes: name, elements and width of each; the width is "element" (of the layer's input), "full" (of the network's
    dtype, where torch.autocast on a CPU computes in float32 whatever arrives), "place" (int64) or "statistic" (float32
    at least). A name is one layer's own, but for "input", "output", "grad_output" and "grad_input", which it shares
    with its neighbours. gives: what a backward pass then hands on to the layer before. casts: the tensor that it
    converts; one that has the width already goes on under the new name.
    """

    takes: tuple[Tensor, ...]
    drops: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    casts: str = ""


def _makes(name: str, elements: Any, *drops: str) -> Operator:
    return Operator(((name, elements, "element"),), drops)


def _makes_full(name: str, elements: Any, *drops: str) -> Operator:
    return Operator(((name, elements, "full"),), drops)


def response_norm_forward(whole: Any, padded: Any) -> tuple[Operator, ...]:
    """Line by line what torch.nn.functional.local_response_norm does; padded are the squares with zeros around.

    torch.autocast on a CPU runs the pool in float32, and so is all behind it (autocast_mode.cpp: avg_pool3d).
    """
    return (
        _makes("squared", whole),
        _makes("padded", padded, "squared"),
        Operator((("pool_input", padded, "full"),), casts="padded"),
        _makes_full("pooled", whole, "pool_input", "padded"),
        _makes_full("scaled", whole),
        _makes_full("shifted", whole, "scaled"),
        _makes_full("powered", whole, "shifted", "pooled"),
        _makes_full("output", whole, "powered"),
    )


def response_norm_backward(whole: Any, padded: Any) -> tuple[Operator, ...]:
    """The derivatives of those lines, the last first (torch's derivatives.yaml: div, pow, mul, avg_pool3d, mul)."""
    given, pair = ("grad_divided",), ("grad_left", "grad_right")
    return (
        _makes_full("quotient", whole),
        _makes_full("quotient_again", whole),
        _makes_full("negative", whole),
        _makes_full("grad_powered", whole, "quotient", "quotient_again", "negative"),
        _makes_full("grad_quotient", whole),
        Operator(
            (("grad_divided", whole, "element"),), ("grad_quotient", "grad_output", "powered"), given, "grad_quotient"
        ),
        _makes_full("power", whole),
        _makes_full("power_scaled", whole),
        _makes_full("grad_shifted", whole, "power", "power_scaled", "grad_powered", "shifted"),
        _makes_full("grad_pooled", whole, "grad_shifted"),
        _makes_full("grad_pool_input", padded, "grad_pooled", "pool_input"),
        Operator((("grad_padded", padded, "element"),), ("grad_pool_input",), casts="grad_pool_input"),
        _makes("grad_squared", whole, "grad_padded"),
        _makes("grad_left", whole),
        Operator((("grad_right", whole, "element"),), ("grad_squared", "input"), pair),
    )
