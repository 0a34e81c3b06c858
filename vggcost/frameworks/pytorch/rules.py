"""What torch's functions do to shapes: one rule a function, with torch's own signature, over tensors without values.

torch would say the same through its meta kernels, whose first use loads a second's worth of Python. A rule looks at
nothing but shapes, so it also says what comes out where torch would refuse: the shapes behind a misfit can be followed.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.names import plain, writes
from vggcost.network import foreign_layers, layers
from vggcost.network.ledger import Ledger
from vggcost.record import Record
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    Shape = tuple[int, ...]
    Pair = tuple[int, int]
    Rule = Callable[..., "Plan"]


class Plan(Record):
    """What one call will do: the layer (by its class and fields), shapes and ledger; and what does not fit.

    problem: None, or what the operation takes and gets; output is then where the shapes go on all the same.
    shapes: those that do not fit each other.
    """

    kind: type[layers.Layer]
    fields: dict[str, Any]
    input: Shape
    output: Shape
    ledger: Ledger
    problem: str | None = None
    shapes: tuple[Shape, ...] = ()


def conv2d(  # torch's signature
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Plan:
    """Rule of torch.nn.functional.conv2d."""
    shape, kernel = _shape(input), _pair(tuple(weight.shape[2:]))
    c_out, c_in = int(weight.shape[0]), int(weight.shape[1]) * groups
    dilated = _pair(dilation)
    pads, extra = _conv_padding(padding, kernel, dilated)
    fields = {
        "c_in": c_in,
        "c_out": c_out,
        "kernel": kernel,
        "stride": _pair(stride),
        "padding": pads,
        "bias": bias is not None,
        "groups": groups,
        "dilation": dilated,
    }
    image = _image(shape)
    if image is None:
        return Plan(layers.Conv2d, fields, shape, shape, Ledger(), _no_image(shape), (shape, tuple(weight.shape)))
    padded = (image[0], image[1], image[2] + extra[0], image[3] + extra[1])
    problem = f"takes {c_in:,} channels and gets {image[1]:,}" if image[1] != c_in else None
    return _windowed(layers.Conv2d, fields, shape, padded, problem, (tuple(weight.shape),))


def _conv_padding(padding: Any, kernel: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Padding on both sides of each axis, and what ``same`` adds beyond it where the kernel is even."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        total = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
        return (total[0] // 2, total[1] // 2), (total[0] % 2, total[1] % 2)
    return _pair(padding), (0, 0)


def _windowed(
    kind: type[layers.Layer],
    fields: dict[str, Any],
    shape: Shape,
    image: Shape,
    problem: str | None,
    others: tuple[Shape, ...] = (),
) -> Plan:
    """Plan a layer whose window slides over an image; shape is the input as the program has it."""
    output, ledger = kind(name="", path=None, **fields).apply(image)
    if problem is None and min(output[2:]) < 1:
        problem = (
            f"has a window of {shape_text(fields['kernel'])} that does not fit its input of {shape_text(image[2:])}"
        )
    if problem is not None:
        output = (*output[:2], max(1, output[2]), max(1, output[3]))
    return Plan(kind, fields, shape, output if len(shape) == 4 else output[1:], ledger, problem, (shape, *others))


def linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.linear."""
    shape = _shape(input)
    takes, gives = int(weight.shape[-1]), int(weight.shape[0])
    fields: dict[str, Any] = {"in_features": takes, "out_features": gives, "bias": bias is not None}
    _, ledger = layers.Linear("", None, **fields).apply(_batched(shape))
    output = (*shape[:-1], gives)
    problem = f"takes {takes:,} features and gets {shape[-1]:,}" if shape[-1] != takes else None
    return Plan(layers.Linear, fields, shape, output, ledger, problem, (shape, tuple(weight.shape)))


def batch_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.batch_norm."""
    shape = _shape(input)
    known = next((len(each) for each in (running_mean, running_var, weight) if each is not None), shape[1])
    kind = layers.BatchNorm2d if len(shape) == 4 else foreign_layers.BatchNorm1d
    fields: dict[str, Any] = {"channels": known, "affine": weight is not None}
    problem = f"takes {known:,} channels and gets {shape[1]:,}" if known != shape[1] else None
    _, ledger = kind("", None, **fields).apply(shape)
    return Plan(kind, fields, shape, shape, ledger, problem, (shape, (known,)))


def max_pool2d(
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,  # noqa: ARG001  # the trace hands out indices of the same shape
) -> Plan:
    """Rule of torch.nn.functional.max_pool2d."""
    fields = {
        "kernel": _pair(kernel_size),
        "stride": _pair(stride) if stride else _pair(kernel_size),
        "padding": _pair(padding),
        "dilation": _pair(dilation),
    }
    kind = foreign_layers.CeilMaxPool2d if ceil_mode else layers.MaxPool2d
    return _pool(kind, fields, _shape(input))


def avg_pool2d(
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,  # noqa: ARG001  # changes values alone
    divisor_override: int | None = None,  # noqa: ARG001  # changes values alone
) -> Plan:
    """Rule of torch.nn.functional.avg_pool2d."""
    fields = {
        "kernel": _pair(kernel_size),
        "stride": _pair(stride) if stride else _pair(kernel_size),
        "padding": _pair(padding),
        "ceil_mode": bool(ceil_mode),
    }
    return _pool(foreign_layers.AvgPool2d, fields, _shape(input))


def _pool(kind: type[layers.Layer], fields: dict[str, Any], shape: Shape) -> Plan:
    image = _image(shape)
    if image is None:
        return Plan(kind, fields, shape, shape, Ledger(), _no_image(shape), (shape,))
    return _windowed(kind, fields, shape, image, None)


def adaptive_avg_pool2d(input: torch.Tensor, output_size: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.adaptive_avg_pool2d."""
    shape = _shape(input)
    image = _image(shape)
    wanted = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)
    if image is None:
        operation = {"operation": "adaptive_avg_pool2d"}
        return Plan(foreign_layers.Free, operation, shape, shape, Ledger(), _no_image(shape), (shape,))
    height, width = (image[2 + axis] if side is None else int(side) for axis, side in enumerate(wanted))
    fields = {"output_size": (height, width)}
    output, ledger = layers.AdaptiveAvgPool2d("", None, **fields).apply(image)
    return Plan(layers.AdaptiveAvgPool2d, fields, shape, output if len(shape) == 4 else output[1:], ledger)


def local_response_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Plan:
    """Rule of torch.nn.functional.local_response_norm."""
    shape = _shape(input)
    fields: dict[str, Any] = {"size": size, "alpha": alpha / size, "beta": beta, "k": k}
    _, ledger = layers.LocalResponseNorm("", None, **fields).apply(_image(shape) or (*shape, 1, 1))
    return Plan(layers.LocalResponseNorm, fields, shape, shape, ledger)


def relu(input: torch.Tensor, inplace: bool = False) -> Plan:  # noqa: A002, ARG001  # torch's signature
    """Rule of torch.nn.functional.relu."""
    return _same_shape(layers.ReLU, input)


def softmax(input: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.softmax."""
    return _same_shape(layers.Softmax, input)


def dropout(input: torch.Tensor, p: float = 0.5, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.dropout and its kin."""
    return _same_shape(layers.Dropout, input, {"p": float(p)})


def _same_shape(kind: type[layers.Layer], tensor: torch.Tensor, fields: dict[str, Any] | None = None) -> Plan:
    shape = _shape(tensor)
    _, ledger = kind(name="", path=None, **(fields or {})).apply(_batched(shape))
    return Plan(kind, fields or {}, shape, shape, ledger)


def add(input: Any, other: Any, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of additions: two feature maps of one shape are a residual addition, the rest is element-wise."""
    plan = elementwise("add", input, other)
    shape, beside = _shape(input), _shape(other)
    if plan.problem is None and (shape != beside or len(shape) < 2):
        return plan
    ledger = layers.Add("", None, beside).apply(shape)[1] if shape else Ledger()
    return plan.replace(kind=layers.Add, fields={"other": beside}, ledger=ledger)


def elementwise(operation: str, *operands: Any) -> Plan:
    """Rule of element-wise functions of tensors and scalars: shapes broadcast."""
    shapes = tuple(_shape(operand) for operand in operands if _is_tensor(operand))
    output = shapes[0]
    problem = None
    for shape in shapes[1:]:
        joined = foreign_layers.broadcast(output, shape)
        if joined is None:
            problem = f"gets {shape_text(output)} and {shape_text(shape)}, which do not go together"
            break
        output = joined
    return Plan(foreign_layers.Free, {"operation": operation}, shapes[0], output, Ledger(), problem, shapes)


def in_place(operation: str, tensor: torch.Tensor, *operands: Any) -> Plan:
    """Rule of element-wise functions that write into their first operand, whose shape therefore stays."""
    plan = add(tensor, *operands) if operation == "add" else elementwise(operation, tensor, *operands)
    shape = _shape(tensor)
    if plan.problem is None and plan.output != shape:
        text = " and ".join(map(shape_text, plan.shapes))
        return plan.replace(output=shape, problem=f"gets {text}, and cannot write {shape_text(plan.output)} in place")
    return plan.replace(output=shape)


def cat(tensors: Sequence[torch.Tensor], dim: int = 0, **_: Any) -> Plan:
    """Rule of torch.cat."""
    shapes = tuple(_shape(tensor) for tensor in tensors if _shape(tensor) != (0,))
    first = shapes[0]
    axis = dim % len(first)
    output = (*first[:axis], sum(shape[axis] if axis < len(shape) else 0 for shape in shapes), *first[axis + 1 :])
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    problem = None
    if len(rest) > 1:
        texts = " and ".join(dict.fromkeys(map(shape_text, shapes)))
        problem = f"gets {texts}, which differ in more than axis {axis}"
    return Plan(foreign_layers.Free, {"operation": "cat"}, first, output, Ledger(), problem, shapes)


def pad(
    input: torch.Tensor,  # noqa: A002  # torch's name
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Plan:
    """Rule of torch.nn.functional.pad."""
    shape = _shape(input)
    output = list(shape)
    for place in range(len(pad) // 2):
        output[-1 - place] += pad[2 * place] + pad[2 * place + 1]
    if mode == "constant" and not value and len(shape) == 4 and len(pad) == 4:
        left, right, top, bottom = pad
        return Plan(foreign_layers.ZeroPad2d, {"padding": (left, right, top, bottom)}, shape, tuple(output), Ledger())
    return Plan(foreign_layers.Free, {"operation": "pad"}, shape, tuple(output), Ledger())


def mean(
    input: torch.Tensor,  # noqa: A002  # torch's name
    dim: Any = None,
    keepdim: bool = False,
    **_: Any,
) -> Plan:
    """Rule of torch.mean and of other reductions that take the same arguments."""
    shape = _shape(input)
    axes = range(len(shape)) if dim is None or dim == () else dim if isinstance(dim, list | tuple) else (dim,)
    gone = {axis % len(shape) for axis in axes}
    output = tuple(1 if axis in gone else size for axis, size in enumerate(shape) if keepdim or axis not in gone)
    return Plan(foreign_layers.Free, {"operation": "mean"}, shape, output, Ledger())


def matmul(input: torch.Tensor, other: torch.Tensor, **_: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.matmul, mm and bmm."""
    left, right = _shape(input), _shape(other)
    rows, columns = left if len(left) > 1 else (1, *left), right if len(right) > 1 else (*right, 1)
    problem = None
    if rows[-1] != columns[-2]:
        inner = f"{rows[-1]:,} and {columns[-2]:,}"
        problem = f"gets {shape_text(left)} and {shape_text(right)}, whose inner sizes {inner} differ"
    batch = foreign_layers.broadcast(rows[:-2], columns[:-2])
    if batch is None:
        problem = problem or f"gets {shape_text(left)} and {shape_text(right)}, which do not go together"
        batch = rows[:-2]
    output = (*batch, *(rows[-2:-1] if len(left) > 1 else ()), *(columns[-1:] if len(right) > 1 else ()))
    fields: dict[str, Any] = {"inner": rows[-1], "output": output}
    ledger = foreign_layers.MatMul("", None, **fields).apply(left)[1]
    return Plan(foreign_layers.MatMul, fields, left, output, ledger, problem, (left, right))


def addmm(bias: torch.Tensor, input: torch.Tensor, other: torch.Tensor, **_: Any) -> Plan:  # noqa: A002, ARG001  # torch's signature
    """Rule of torch.addmm, baddbmm and addbmm: a product and an addition that broadcasts."""
    return matmul(input, other)


RULES: dict[str, Rule] = {
    "conv2d": conv2d,
    "linear": linear,
    "batch_norm": batch_norm,
    "max_pool2d": max_pool2d,
    "max_pool2d_with_indices": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "local_response_norm": local_response_norm,
    "relu": relu,
    "relu_": relu,
    "softmax": softmax,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "pad": pad,
    "mean": mean,
    "matmul": matmul,
    "__matmul__": matmul,
    "mm": matmul,
    "bmm": matmul,
    "addmm": addmm,
    "baddbmm": addmm,
    "add": add,
    "__add__": add,
    "__radd__": add,
    **dict.fromkeys(
        ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "dropout_"),
        dropout,
    ),
}
"""torch's functions and methods by name, each with its rule."""

UNARY = frozenset(
    (
        *("relu6", "sigmoid", "tanh", "silu", "gelu", "elu", "leaky_relu", "hardswish", "hardsigmoid", "hardtanh"),
        *("softplus", "softsign", "mish", "selu", "celu", "prelu", "rrelu", "threshold", "logsigmoid", "log_softmax"),
        *("clamp", "clip", "exp", "log", "sqrt", "rsqrt", "square", "abs", "neg", "__neg__", "__pow__", "pow", "sign"),
        *("layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize", "cumsum", "flip", "roll", "reciprocal"),
        *("__abs__", "sin", "cos", "erf", "floor", "ceil", "round"),
    )
)
"""Functions that keep their first argument's shape and do no multiply-accumulate."""

BINARY = frozenset(
    (
        *("sub", "__sub__", "__rsub__", "rsub", "subtract", "mul", "__mul__", "__rmul__", "multiply"),
        *("div", "__truediv__", "__rtruediv__", "__div__", "true_divide", "divide", "maximum", "minimum"),
    )
)
"""Element-wise functions of two operands."""

IN_PLACE = frozenset(("add", "sub", "mul", "div", "truediv", "pow"))
"""Element-wise functions of two operands that have an in-place form."""


@cache
def rule_of(name: str) -> Rule | None:
    """Return the rule of one of torch's functions or methods; None where there is none.

    The rule raises TypeError for a form of the call that it does not have.
    """
    bare = plain(name)
    if writes(name) and bare in IN_PLACE:
        return partial(in_place, bare)
    if name in RULES:
        return RULES[name]
    if name in BINARY:
        return partial(_operands_rule, bare)
    if name in UNARY or (writes(name) and bare in UNARY):
        return partial(_first_rule, bare)
    return None


def _operands_rule(operation: str, *args: Any, **kwargs: Any) -> Plan:
    return elementwise(operation, *(value for value in (*args, *kwargs.values()) if _is_tensor(value)))


def _first_rule(operation: str, *args: Any, **kwargs: Any) -> Plan:
    return elementwise(operation, next(iter((*args, *kwargs.values()))))


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "is_meta")


def _shape(value: Any) -> Shape:
    return tuple(map(int, value.shape)) if _is_tensor(value) else ()


def _no_image(shape: Shape) -> str:
    return f"takes feature maps (N x C x H x W) and gets {shape_text(shape)}"


def _image(shape: Shape) -> Shape | None:
    """The shape with its batch, which torch lets a single image leave away; None where it is no image."""
    if len(shape) == 4:
        return shape
    return (1, *shape) if len(shape) == 3 else None


def _batched(shape: Shape) -> Shape:
    """The shape with a batch of one before it where it has features alone, or nothing."""
    return shape if len(shape) > 1 else (1, *(shape or (1,)))


def _pair(value: Any) -> Pair:
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)
