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

    takes: name, elements and width of each; the width is "element" (of the network's dtype), "place" (int64) or
    "statistic" (float32 at least). A name is one layer's own, but for "input", "output", "grad_output" and
    "grad_input", which it shares with its neighbours. gives: what a backward pass then hands on to the layer before.
    """

    takes: tuple[Tensor, ...]
    drops: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()


def _makes(name: str, elements: Any, *drops: str, gives: tuple[str, ...] = ()) -> Operator:
    return Operator(((name, elements, "element"),), drops, gives)


def response_norm_forward(whole: Any, padded: Any) -> tuple[Operator, ...]:
    """Line by line what torch.nn.functional.local_response_norm does; padded are the squares with zeros around."""
    return (
        _makes("squared", whole),
        _makes("padded", padded, "squared"),
        _makes("pooled", whole, "padded"),
        _makes("scaled", whole),
        _makes("shifted", whole, "scaled"),
        _makes("powered", whole, "shifted", "pooled"),
        _makes("output", whole, "powered"),
    )


def response_norm_backward(whole: Any, padded: Any) -> tuple[Operator, ...]:
    """The derivatives of those lines, the last first (torch's derivatives.yaml: div, pow, mul, avg_pool3d, mul)."""
    return (
        _makes("quotient", whole),
        _makes("quotient_again", whole),
        _makes("negative", whole),
        _makes("grad_powered", whole, "quotient", "quotient_again", "negative"),
        _makes("grad_divided", whole, "grad_output", "powered", gives=("grad_divided",)),
        _makes("power", whole),
        _makes("power_scaled", whole),
        _makes("grad_shifted", whole, "power", "power_scaled", "grad_powered", "shifted"),
        _makes("grad_pooled", whole, "grad_shifted"),
        _makes("grad_padded", padded, "grad_pooled", "padded"),
        _makes("grad_squared", whole, "grad_padded"),
        _makes("grad_left", whole),
        _makes("grad_right", whole, "grad_squared", "input", gives=("grad_left", "grad_right")),
    )
