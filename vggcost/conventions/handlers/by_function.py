"""Counters that put functions of their own in the place of torch's: what each counts of one call, by the name called.

Each table was read from the release that `vggcost.conventions.rows` names, and is held against it by random programs.
"""

from __future__ import annotations

from vggcost.conventions.handlers.forms import contraction, inputs, joined, multiplied, number, product, unknown
from vggcost.formulas.forward import elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vggcost.conventions.handlers import Call, Handler

STOPS = "is called in a form at which it stops"


def functional(*names: str) -> tuple[str, ...]:
    """The full names of functions of torch.nn.functional."""
    return tuple(f"torch.nn.functional.{name}" for name in names)


def everywhere(*names: str) -> tuple[str, ...]:
    """The full names of functions that are there as a method, too."""
    return tuple(f"{place}.{name}" for name in names for place in ("torch", "torch.Tensor"))


def sized(names: Iterable[str]) -> tuple[str, ...]:
    """The names of functions over one, two and three axes."""
    return tuple(f"{name}{size}d" for name in names for size in (1, 2, 3))


POOLS = sized(("avg_pool", "max_pool", "adaptive_avg_pool", "adaptive_max_pool"))


def _product_and_addition(call: Call) -> int:
    """``addmm(x, a, b)`` by ptflops: the product, and what is added where beta does not cancel it."""
    added = 0 if call.facts.get("beta") == 0 else elements(call.inputs[0])
    return multiplied(call, 1, 2) + added


def _ptflops_resized(call: Call) -> int | str:
    """Outputs of ``interpolate``, from the size or the scale that is given."""
    shape, size, scale = call.inputs[0], call.facts.get("size"), call.facts.get("scale_factor")
    axes = len(shape) - 2
    if size is not None:
        sides = tuple(size) if isinstance(size, tuple | list) else (int(size),) * axes
        return elements((*shape[:2], *sides))
    if isinstance(scale, tuple) and len(scale) == axes:
        return elements((*shape, *scale)) if all(isinstance(each, int) for each in scale) else STOPS
    if isinstance(scale, tuple | list):
        return STOPS
    if scale is None:
        return STOPS
    resized = elements(shape) * scale**axes
    return int(resized) if int(resized) == resized else "is scaled to a fraction of an element"


_PTFLOPS: Mapping[str, Handler] = {
    **dict.fromkeys(functional("relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax", *POOLS), inputs()),
    **dict.fromkeys(functional("upsample", "interpolate"), _ptflops_resized),
    **dict.fromkeys(everywhere("matmul", "mm", "bmm"), product(0, 1)),
    **dict.fromkeys((*everywhere("addmm"), "torch.baddbmm"), _product_and_addition),
    **dict.fromkeys(everywhere("mul", "add"), joined),
}


# calflops


def _macs(handler: Handler) -> Handler:
    """The FLOPs of multiply-accumulates."""

    def doubled(call: Call) -> int | str:
        found = handler(call)
        return found if isinstance(found, str) else 2 * found

    return doubled


def _linear(call: Call) -> int:
    return elements(call.inputs[0]) * call.inputs[1][0]


def _convolution_places(call: Call) -> int | str:
    """Outputs a kernel; with ``same`` padding, which calflops takes to be alike on both sides, some fewer."""
    shape, weight, out = call.inputs[0], call.inputs[1], call.output
    if len(shape) < len(weight):
        return "takes an image without a batch, where it stops"
    sides = out[2:]
    if call.facts.get("padding") == "same":
        dilation = call.facts.get("dilation", 1)
        dilations = dilation if isinstance(dilation, tuple) else (dilation,) * len(sides)
        odd = (reach * (side - 1) % 2 for reach, side in zip(dilations, weight[2:], strict=True))
        sides = tuple(side - each for side, each in zip(sides, odd, strict=True))
    return elements((shape[0], *sides))


def _convolution_macs(call: Call) -> int | str:
    places = _convolution_places(call)
    return places if isinstance(places, str) else places * elements(call.inputs[1])


def _convolution(call: Call) -> int | str:
    places = _convolution_places(call)
    if isinstance(places, str):
        return places
    bias = places * call.inputs[1][0] if len(call.inputs) > 2 else 0
    return 2 * places * elements(call.inputs[1]) + bias


def _transposed_macs(call: Call) -> int:
    """The groups divide the channels that a group hands on, once more."""
    groups, weight = number(call, "groups", 1), call.inputs[1]
    return elements(call.inputs[0]) * (weight[1] // groups) * elements(weight[2:])


def _transposed(call: Call) -> int:
    """The bias goes to as many places as a plain convolution of the same numbers would have."""
    if len(call.inputs) < 3:
        return 2 * _transposed_macs(call)
    shape, weight = call.inputs[0], call.inputs[1]
    axes = len(shape) - 2
    given = (call.facts.get(name, usual) for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1)))
    strides, paddings, dilations = (each if isinstance(each, tuple) else (each,) * axes for each in given)
    sides = zip(shape[2:], weight[2:], strides, paddings, dilations, strict=True)
    places = [(side + 2 * pad - (reach * (kernel - 1) + 1)) // stride + 1 for side, kernel, stride, pad, reach in sides]
    return 2 * _transposed_macs(call) + weight[1] * elements((shape[0], *places))


def _batch_norm(call: Call) -> int:
    affine = call.facts.get("weight") is not None
    each = (5 if affine else 4) if call.facts.get("training") else (2 if affine else 1)
    return each * elements(call.inputs[0])


def _norm(call: Call) -> int:
    return (5 if call.facts.get("weight") is not None else 4) * elements(call.inputs[0])


def _pool(call: Call) -> int | str:
    return STOPS if "output_size" in call.facts["keywords"] else elements(call.inputs[0])


def _resized(call: Call) -> int | str:
    """The sides that are asked for, whatever the channels; the inputs where a scale is given."""
    size, scale = call.facts.get("size"), call.facts.get("scale_factor")
    if "input" in call.facts["keywords"]:
        return STOPS
    if size is not None:
        return elements(size) if isinstance(size, tuple | list) else int(size)
    if isinstance(scale, list) or (isinstance(scale, tuple) and len(scale) != call.inputs[0][0]):
        return STOPS
    return elements(call.inputs[0])


def _gelu(call: Call) -> int | str:
    return STOPS if call.facts["positional"] > 1 else elements(call.inputs[0])


def _added_product(call: Call) -> int:
    return 2 * multiplied(call, 1, 2) + elements(call.inputs[0])


_ADDMM = (*everywhere("addmm"), "torch.baddbmm")
_CONVOLUTIONS, _TRANSPOSED = functional(*sized(("conv",))), functional(*sized(("conv_transpose",)))

_CALFLOPS_MACS: Mapping[str, Handler] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolution_macs),
    **dict.fromkeys(_TRANSPOSED, _transposed_macs),
    **dict.fromkeys(functional("linear"), _linear),
    **dict.fromkeys(everywhere("matmul"), product(0, 1)),
    **dict.fromkeys(_ADDMM, product(1, 2)),
}

_CALFLOPS: Mapping[str, Handler] = {
    **dict.fromkeys(functional("relu", "prelu", "elu", "leaky_relu", "relu6", "silu", "softmax"), inputs()),
    **dict.fromkeys(functional(*POOLS), _pool),
    **dict.fromkeys(functional("layer_norm", "group_norm", "instance_norm"), _norm),
    **dict.fromkeys(functional("upsample", "interpolate"), _resized),
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    **dict.fromkeys(_TRANSPOSED, _transposed),
    **dict.fromkeys(functional("gelu"), _gelu),
    **dict.fromkeys(functional("batch_norm"), _batch_norm),
    **dict.fromkeys(functional("linear"), _macs(_linear)),
    **dict.fromkeys(everywhere("matmul"), _macs(product(0, 1))),
    **dict.fromkeys(_ADDMM, _added_product),
    **dict.fromkeys(everywhere("mul", "add"), joined),
    "torch.einsum": contraction,
}

HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "ptflops": _PTFLOPS,
    "calflops": _CALFLOPS,
    "calflops-macs": _CALFLOPS_MACS,
}
"""The tables by convention."""


def inside(call: Call) -> int:
    """What functions written in Python hand on to functions that both tools patch, whichever way they are called.

    Local response normalization squares, pools over a padded channel axis, multiplies and adds; power-average pooling
    pools, takes a ReLU and multiplies.
    Source: torch.nn.functional.local_response_norm, lp_pool1d, lp_pool2d and lp_pool3d.
    """
    shape = call.inputs[0]
    if call.name == "local_response_norm":
        pixels = elements((shape[0], *shape[2:]))
        return 4 * elements(shape) + pixels * (number(call, "size", 1) - 1)
    return elements(shape) + 2 * elements(call.output)


_INSIDE: Mapping[str, Handler] = {
    **dict.fromkeys(("local_response_norm", *sized(("lp_pool",))), inside),
    "multi_head_attention_forward": unknown("is made of others, some of which it sees"),
}

INSIDE: Mapping[str, Mapping[str, Handler]] = {
    "ptflops": _INSIDE,
    "calflops": _INSIDE,
    "calflops-macs": {"multi_head_attention_forward": _INSIDE["multi_head_attention_forward"]},
}
"""The functions whose body is not seen, by convention."""
