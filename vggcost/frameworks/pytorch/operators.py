"""torch's operators by name: what each of aten's does to shapes, and which do no multiply-accumulate.

Under its Python functions torch runs operators. Exported, scripted and traced programs call them directly, and so does
C++. Most have a function's name and its arguments; those that differ are read here, argument by argument, for the
function's rule. An operator that has no rule and stands in none of these sets is one that vggcost does not know.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from vggcost.frameworks.pytorch import free, rules
from vggcost.frameworks.pytorch.free_operators import FREE, SILENT
from vggcost.frameworks.pytorch.names import LIKES, VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from vggcost.frameworks.pytorch.plans import Plan

    Given = Mapping[str, Any]
    OperatorRule = Callable[[str, Given], Plan | None]

OPERATORS = (torch._ops.OpOverload, torch._ops.OpOverloadPacket)  # noqa: SLF001  # torch has no public name for them


def name_of(func: Any) -> str:
    """Return a function's name: ``conv2d`` also for ``torch.ops.aten.conv2d.default``, ``space::name`` elsewhere."""
    if not isinstance(func, OPERATORS):
        return str(getattr(func, "__name__", func))
    packet: Any = getattr(func, "overloadpacket", func)
    return str(packet._qualified_op_name).removeprefix("aten::")  # noqa: SLF001  # torch's own name for it


def gives_several(func: Any) -> bool:
    """Whether an operator returns several tensors."""
    return hasattr(func, "_schema") and len(func._schema.returns) > 1  # noqa: SLF001  # torch's own name for it


def written(func: Any, args: Sequence[Any], kwargs: Given) -> list[torch.Tensor]:
    """Return the tensors that an operator writes to."""
    found = []
    for place, argument in enumerate(func._schema.arguments):  # noqa: SLF001  # torch's own name for it
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            found += [value] if isinstance(value, torch.Tensor) else []
    return found


def asks_values(func: Any) -> bool:
    """Whether what an operator gives depends on values: a number, or a tensor whose shape is not known before."""
    return any(getattr(torch.Tag, tag) in func.tags for tag in _VALUES)


def is_silent(func: Any, name: str) -> bool:
    """Whether an operator moves, makes or asks, and computes nothing: no row of a program."""
    return (
        func.is_view or name in VIEWS or name.removesuffix("_") in SILENT or name in LIKES or _is_tagged(name, *_COPIES)
    )


def is_free(name: str) -> bool:
    """Whether an operator is known to do no multiply-accumulate."""
    bare = name.removesuffix("_")
    return free.is_free(name) or bare in FREE or _is_tagged(bare, *_ELEMENTWISE)


_VALUES = ("data_dependent_output", "dynamic_output_shape")
_COPIES = ("view_copy", "inplace_view")
_ELEMENTWISE = ("pointwise", "reduction")


@cache
def _is_tagged(name: str, *tags: str) -> bool:
    """Whether torch tags any of aten's operators of this name so: it does not tag all overloads of all of them."""
    packet = None if "::" in name else getattr(torch.ops.aten, name, None)
    if packet is None:
        return False
    sought = {getattr(torch.Tag, tag) for tag in tags if hasattr(torch.Tag, tag)}
    return any(sought & set(getattr(packet, overload).tags) for overload in packet.overloads())


def planned(func: Any, args: Sequence[Any], kwargs: Given, is_weight: Callable[[torch.Tensor], bool]) -> Plan | None:
    """Return what the rules say of an operator; None where there is no rule for it.

    is_weight: whether a tensor is a learned one, which makes a product a linear layer. Raises what the rule raises.
    """
    name = name_of(func)
    kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    if name == "flex_attention":  # which is given functions, and has no schema
        return _function("scaled_dot_product_attention", *args[:3])
    own = RULES.get(name.removesuffix("_"))
    if own is None or not (isinstance(func, OPERATORS) or (name in TWO_ORDERS and not hasattr(func, "__code__"))):
        return _function(name, *args, **kwargs)
    if not hasattr(func, "_schema"):
        return None  # which of the operators of this name it is, torch finds out
    names = [argument.name for argument in func._schema.arguments]  # noqa: SLF001  # torch's own name for it
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    first, second = given.get("self"), given.get("mat2")
    if name in PRODUCTS and second is not None and is_weight(second):
        bias = first if "mat1" in given else None
        return _function("linear", given.get("mat1", first), second.t(), bias)
    return own(name, given)


TWO_ORDERS = frozenset(("batch_norm", "instance_norm", "embedding", "embedding_bag"))
"""Names of functions in Python that torch's own functions in C++ have, too, with their arguments in another order."""


def unwatched() -> AbstractContextManager[Any]:
    """Return a context in which no mode is told of operators."""
    from torch.utils import _python_dispatch  # torch has no public name for it

    return _python_dispatch._disable_current_modes()  # noqa: SLF001  # nor for what it does


PRODUCTS = frozenset(("mm", "addmm", "addmm_", "_addmm_activation"))
"""A linear layer's product, where one of the matrices is learned."""


def _function(name: str, *args: Any, **kwargs: Any) -> Plan | None:
    """The plan of one of torch's functions; None where it has no rule."""
    rule = rules.rule_of(name)
    return None if rule is None else rule(*args, **kwargs)


def _image(given: Given) -> torch.Tensor:
    tensor: torch.Tensor = given["input"] if "input" in given else given["self"]
    return tensor


def convolution(name: str, given: Given) -> Plan | None:
    """Rule of aten's convolutions, whichever library does them."""
    image, weight = _image(given), given["weight"]
    dimensions = weight.dim() - 2
    transposed = given.get("transposed", "transpose" in name)
    chosen = {key: given[key] for key in ("bias", "stride", "padding", "dilation", "groups") if key in given}
    if "depthwise" in name:
        chosen["groups"] = image.shape[-1 - dimensions]
    if transposed:
        chosen["output_padding"] = given.get("output_padding", 0)
    return _function(f"conv{'_transpose' if transposed else ''}{dimensions}d", image, weight, **chosen)


def convolution_time_first(_: str, given: Given) -> Plan | None:
    """Rule of aten::conv_tbc, whose image is (time, batch, channels) and whose weight (time, in, out)."""
    plan = _function(
        "conv1d", given["self"].permute(1, 2, 0), given["weight"].permute(2, 1, 0), given["bias"], padding=given["pad"]
    )
    if plan is None:
        return None
    batch, channels, time = plan.output
    return plan.replace(output=(time, batch, channels))


def deformed_convolution(_: str, given: Given) -> Plan | None:
    """Rule of torchvision::deform_conv2d: a convolution whose window looks elsewhere."""
    pairs = {key: (given[f"{short}_h"], given[f"{short}_w"]) for key, short in _SHORT.items()}
    return _function("conv2d", given["input"], given["weight"], given["bias"], groups=given["groups"], **pairs)


_SHORT = {"stride": "stride", "padding": "pad", "dilation": "dilation"}


def batch_norm(name: str, given: Given) -> Plan | None:
    """Rule of aten's batch and instance normalizations, whose arguments stand in another order than the functions'."""
    function = "instance_norm" if name == "instance_norm" else "batch_norm"
    statistics = (given.get("running_mean"), given.get("running_var"))
    return _function(function, _image(given), *statistics, given.get("weight"), given.get("bias"))


def layer_norm(name: str, given: Given) -> Plan | None:
    """Rule of aten::native_layer_norm and aten::_fused_rms_norm."""
    function = "rms_norm" if "rms" in name else "layer_norm"
    return _function(function, given["input"], given["normalized_shape"], given.get("weight"))


def group_norm(_: str, given: Given) -> Plan | None:
    """Rule of aten::native_group_norm."""
    return _function("group_norm", given["input"], given["group"], given.get("weight"))


def product(_: str, given: Given) -> Plan | None:
    """Rule of aten's products of two matrices, or of as many as a batch has; an addition goes with some."""
    named = [given[key] for key in ("self", "mat1", "batch1", "mat2", "batch2") if key in given]
    return _function("matmul", *named[-2:])


def attention(_: str, given: Given) -> Plan | None:
    """Rule of scaled-dot-product attention, whichever kernel does it."""
    if "query" in given:
        return _function("scaled_dot_product_attention", given["query"], given["key"], given["value"])
    return _function("scaled_dot_product_attention", given["q"], given["k"], given["v"])


def adaptive_pool(name: str, given: Given) -> Plan | None:
    """Rule of the kernels of adaptive average pools."""
    return _function(name.strip("_").removeprefix("mkldnn_"), given["self"], given["output_size"])


def embedding(name: str, given: Given) -> Plan | None:
    """Rule of aten's embeddings, whose table stands before the indices."""
    function = "embedding" if name == "embedding" else "embedding_bag"
    offsets = (given["offsets"],) if "offsets" in given else ()
    return _function(function, given["indices"], given["weight"], *offsets)


def padding(_: str, given: Given) -> Plan | None:
    """Rule of aten::constant_pad_nd."""
    return _function("pad", given["self"], given["pad"], value=given.get("value"))


def einsum(_: str, given: Given) -> Plan | None:
    """Rule of aten::einsum, whose operands are one list."""
    return _function("einsum", given["equation"], *given["tensors"])


def softmax(name: str, given: Given) -> Plan | None:
    """Rule of the kernels of soft-max and of its logarithm."""
    return _function(name.strip("_").removeprefix("safe_"), given["self"], given["dim"])


RULES: Mapping[str, OperatorRule] = {
    **dict.fromkeys(
        (
            *("convolution", "_convolution", "convolution_overrideable", "thnn_conv2d", "_slow_conv2d_forward"),
            *("slow_conv3d", "slow_conv3d_forward", "slow_conv_dilated2d", "slow_conv_dilated3d"),
            *("slow_conv_transpose2d", "slow_conv_transpose3d", "_conv_depthwise2d", "conv_depthwise3d"),
            *("cudnn_convolution", "cudnn_convolution_relu", "cudnn_convolution_add_relu"),
            *("cudnn_convolution_transpose", "miopen_convolution", "miopen_convolution_relu"),
            *("miopen_convolution_add_relu", "miopen_convolution_transpose", "miopen_depthwise_convolution"),
            *("mkldnn_convolution", "_nnpack_spatial_convolution", "_mps_convolution"),
        ),
        convolution,
    ),
    "conv_tbc": convolution_time_first,
    "torchvision::deform_conv2d": deformed_convolution,
    **dict.fromkeys(
        (
            *("batch_norm", "native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm", "_batch_norm_impl_index"),
            *("_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
            *("_native_batch_norm_legit_functional", "_batch_norm_with_update", "_batch_norm_no_update"),
            *("_batch_norm_with_update_functional", "instance_norm"),
        ),
        batch_norm,
    ),
    **dict.fromkeys(("native_layer_norm", "_fused_rms_norm"), layer_norm),
    "native_group_norm": group_norm,
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm", "_addmm_activation", "_int_mm", "_scaled_mm"), product),
    **dict.fromkeys(
        (
            *("_scaled_dot_product_flash_attention", "_scaled_dot_product_flash_attention_for_cpu"),
            *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
            *("_scaled_dot_product_fused_attention_overrideable", "_scaled_dot_product_attention_math_for_mps"),
            "_triton_scaled_dot_attention",
        ),
        attention,
    ),
    **dict.fromkeys(("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "mkldnn_adaptive_avg_pool2d"), adaptive_pool),
    **dict.fromkeys(("embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"), embedding),
    "constant_pad_nd": padding,
    "einsum": einsum,
    **dict.fromkeys(("_softmax", "_safe_softmax", "_log_softmax"), softmax),
}
"""Operators whose arguments are not those of a function with a rule, by name without the underscore of writing."""
