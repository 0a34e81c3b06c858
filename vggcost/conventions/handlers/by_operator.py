"""Counters that see operators, as torch.jit records or as the dispatcher receives them: what each counts, by function.

A function of torch is nearly always one operator of its name; where its body makes others of it, that is said here.
Each table was read from the release that `vggcost.conventions.rows` names, and is held against it by random programs.
"""

from __future__ import annotations

from functools import partial
from math import isqrt

from vggcost.conventions.handlers.by_function import sized
from vggcost.conventions.handlers.forms import (
    contraction,
    convolution,
    inputs,
    multiplied,
    outputs,
    product,
    transposed_convolution,
    unknown,
)
from vggcost.formulas.forward import elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.conventions.handlers import Call, Handler

CONVOLUTIONS = (*sized(("conv",)), "convolution", "_convolution")
TRANSPOSED = sized(("conv_transpose",))
CELLS = ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
FAST = "takes a path of torch's own where no gradient is asked for, which is another one while it is looked at"
ATTENTION = dict.fromkeys(
    ("multi_head_attention_forward", "_native_multi_head_attention", "_transformer_encoder_layer_fwd"), unknown(FAST)
)
DEVICE = "is another operator on another device"
SEVERAL = dict.fromkeys(
    (
        *("linalg_multi_dot", "multi_dot", "chain_matmul", "matrix_power", "linalg_matrix_power", "matrix_exp"),
        *("linalg_matrix_exp", "pinverse", "linalg_pinv", "cov", "corrcoef", "pca_lowrank", "svd_lowrank"),
    ),
    unknown("is several products, in an order that depends on their sizes"),
)


def _output_products(call: Call) -> int:
    """Multiply-accumulates of a product, from what comes out of it."""
    return elements(call.output) * call.inputs[0][-1]


def _cell(call: Call) -> int:
    """A recurrent cell is two linear layers, of its input and of its state."""
    at = len(call.inputs) - sum(len(shape) == 1 for shape in call.inputs) - 2
    return sum(elements(call.inputs[place]) * call.inputs[at + place][0] for place in (0, 1))


# fvcore


def _fvcore_convolution(call: Call) -> int:
    """With padding in words torch.jit records ``_convolution_mode``, which fvcore has no handler for."""
    return 0 if isinstance(call.facts.get("padding"), str) else convolution(call)


def _fvcore_matmul(call: Call) -> int | str:
    if len(call.inputs[1]) < 2:
        return "is a product with a vector, where it stops"
    return multiplied(call, 0, 1)


def _fvcore_einsum(call: Call) -> int | str:
    """Two batched products have formulas; the rest is half of numpy's FLOP."""
    equation = (call.facts.get("equation") or "").replace(" ", "")
    letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
    renamed = equation.translate({ord(letter): 97 + place for place, letter in enumerate(letters)})
    if renamed == "abc,abd->acd":
        return multiplied(call, 0, 1)
    if renamed == "abc,adc->adb":
        return elements(call.inputs[0]) * call.inputs[1][1]
    found = contraction(call)
    return found if isinstance(found, str) else found // 2


def _fvcore_norm(call: Call) -> int | str:
    if not 2 <= len(call.inputs[0]) <= 5:
        return "normalizes one axis, where it stops"
    return (5 if call.facts.get("weight") is not None else 4) * elements(call.inputs[0])


def _fvcore_batch_norm(call: Call) -> int | str:
    if call.facts.get("training"):
        return _fvcore_norm(call)
    return (2 if call.facts.get("weight") is not None else 1) * elements(call.inputs[0])


def _resized(call: Call, *, nearest: int, bilinear: int, area: str) -> int:
    """``interpolate`` over two axes: which operator it is hangs on the mode."""
    mode, axes = call.facts.get("mode") or "nearest", len(call.inputs[0]) - 2
    if axes != 2 or call.facts.get("antialias"):
        area_of_others = mode == "area" and area == "outputs"
        return elements(call.output) if area_of_others else 0
    if mode == "area":
        return elements(call.inputs[0] if area == "inputs" else call.output)
    return {"nearest": nearest, "bilinear": bilinear}.get(mode, 0) * elements(call.output)


_FVCORE: Mapping[str, Handler] = {
    **dict.fromkeys(CONVOLUTIONS, _fvcore_convolution),
    **dict.fromkeys(TRANSPOSED, transposed_convolution),
    **dict.fromkeys(("matmul", "mm"), _fvcore_matmul),
    **dict.fromkeys(("group_norm", "layer_norm", "instance_norm"), _fvcore_norm),
    **dict.fromkeys(("grid_sample", "grid_sampler", "upsample_bilinear2d"), outputs(4)),
    **dict.fromkeys(CELLS, _cell),
    **ATTENTION,
    "linear": lambda call: elements(call.inputs[0]) * call.inputs[1][0],
    "addmm": product(1, 2),
    "bmm": product(0, 1),
    "einsum": _fvcore_einsum,
    "batch_norm": _fvcore_batch_norm,
    "upsample_nearest2d": outputs(),
    "interpolate": partial(_resized, nearest=1, bilinear=4, area="inputs"),
    "adaptive_avg_pool2d": inputs(),
}


# torchprofile


def _torchprofile_convolution(call: Call) -> int:
    """What comes out times a kernel; a kernel is of the channels that it is not as many as come out."""
    if isinstance(call.facts.get("padding"), str):
        return 0
    weight, out = call.inputs[1], call.output
    channels = out[1] if len(out) == len(weight) else out[0]
    return elements(out) * (weight[1] if channels == weight[0] else weight[0]) * elements(weight[2:])


def _torchprofile_norm(call: Call) -> int:
    return elements(call.output) if call.facts.get("weight") is not None else 0


def _torchprofile_einsum(call: Call) -> int:
    equation = (call.facts.get("equation") or "").replace(" ", "")
    if not equation or "..." in equation:
        return 0
    sizes: dict[str, int] = {}
    for letters, shape in zip(equation.partition("->")[0].split(","), call.inputs, strict=False):
        sizes.update(zip(letters, shape, strict=False))
    return elements(sizes.values())


def _torchprofile_sampled(call: Call) -> int | str:
    mode = call.facts.get("mode") or "bilinear"
    return {"nearest": 0, "bilinear": 4, "bicubic": 16}[mode] * elements(call.output)


def _torchprofile_attention(call: Call) -> int:
    query, key, value = call.inputs[:3]
    return elements(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _torchprofile_lstm(call: Call) -> int | str:
    matrices = [shape for shape in call.inputs[3:] if len(shape) == 2]
    if len(call.inputs[0]) != 3 or len(matrices) % 2:
        return "takes a packed sequence, or projects what it hands on"
    return elements(call.inputs[0][:2]) * sum(map(elements, matrices))


def _torchprofile_cell(gates: int) -> Handler:
    """A cell, and the products of its gates, each over the hidden units."""
    return lambda call: _cell(call) + gates * elements(call.inputs[1])


_TORCHPROFILE: Mapping[str, Handler] = {
    **dict.fromkeys((*CONVOLUTIONS, *TRANSPOSED), _torchprofile_convolution),
    **dict.fromkeys(("linear", "matmul"), _output_products),
    **dict.fromkeys(("mul", "mul_", "multiply", "multiply_", "__rdiv__", "__rtruediv__", "mean"), outputs()),
    **dict.fromkeys(("batch_norm", "instance_norm", "layer_norm", "group_norm"), _torchprofile_norm),
    **dict.fromkeys(sized(("avg_pool", "adaptive_avg_pool")), outputs()),
    **dict.fromkeys(("local_response_norm", *sized(("lp_pool",))), outputs(3)),
    **dict.fromkeys(("grid_sample", "grid_sampler"), _torchprofile_sampled),
    **dict.fromkeys(("multilabel_soft_margin_loss", "gaussian_nll_loss"), unknown("has a rule that is not known here")),
    **dict.fromkeys(CELLS[2:], _cell),
    **ATTENTION,
    "lstm_cell": _torchprofile_cell(3),
    "gru_cell": _torchprofile_cell(2),
    "leaky_relu": lambda call: 0 if call.facts.get("inplace") else elements(call.output),
    "upsample_bilinear2d": outputs(4),
    "interpolate": partial(_resized, nearest=0, bilinear=4, area="outputs"),
    "addmm": product(1, 2),
    "addmv": lambda call: elements(call.inputs[1]),
    "bmm": product(0, 1),
    "baddbmm": product(1, 2),
    "einsum": _torchprofile_einsum,
    "scaled_dot_product_attention": _torchprofile_attention,
    "lstm": _torchprofile_lstm,
}


# Those that see what the dispatcher receives


def _with_vectors(call: Call) -> int:
    """``matmul`` by what it is made of: products with a vector are operators that nobody counts."""
    return 0 if len(call.inputs[1]) < 2 else _output_products(call)


def _contracted(call: Call) -> int:
    """``tensordot`` and ``inner``: the axes that are summed are in both inputs and not in what comes out."""
    out = elements(call.output)
    if call.name == "inner" and max(map(len, call.inputs[:2])) < 2:
        return 0
    return out * isqrt(elements(call.inputs[0]) * elements(call.inputs[1]) // out)


def _pair(call: Call) -> int | str:
    """``einsum`` of two tensors: a batched product where an axis of both is summed, otherwise no product."""
    equation = (call.facts.get("equation") or "").replace(" ", "")
    terms, arrow, out = equation.partition("->")
    letters = terms.split(",")
    if "..." in equation or not arrow or len(letters) > 2:
        return "has no two terms with all their axes named"
    if len(letters) < 2 or not (set(letters[0]) & set(letters[1])) - set(out):
        return 0
    sizes = {
        letter: size
        for word, shape in zip(letters, call.inputs, strict=True)
        for letter, size in zip(word, shape, strict=True)
    }
    kept = [letter for letter in sizes if letter in out or all(letter in word for word in letters)]
    if any(sizes[letter] == 1 for letter in kept) or len(set(letters[0])) < len(letters[0]):
        return "has an axis of size 1, or one that is named twice"
    return elements(sizes[letter] for letter in kept)


def _sequence(call: Call) -> int | str:
    """A recurrent layer without gates of its own kernels: two linear layers a step."""
    matrices = [shape for shape in call.inputs[2:] if len(shape) == 2]
    if len(call.inputs[0]) != 3 or len(matrices) % 2:
        return "takes a packed sequence, or projects what it hands on"
    return elements(call.inputs[0][:2]) * sum(map(elements, matrices))


_DISPATCHED: Mapping[str, Handler] = {
    **dict.fromkeys(CONVOLUTIONS, convolution),
    **dict.fromkeys(TRANSPOSED, transposed_convolution),
    **dict.fromkeys(("linear", "matmul", "linalg_matmul"), _with_vectors),
    **dict.fromkeys(("mm", "bmm"), product(0, 1)),
    **dict.fromkeys(("tensordot", "inner"), _contracted),
    **dict.fromkeys(CELLS, _cell),
    **dict.fromkeys(("lstm", "scaled_dot_product_attention"), unknown(DEVICE)),
    **ATTENTION,
    **SEVERAL,
    "addmm": product(1, 2),
    "einsum": _pair,
}
"""Multiply-accumulates by what both count."""


def _flops(handler: Handler) -> Handler:
    """The FLOPs of multiply-accumulates."""

    def doubled(call: Call) -> int | str:
        found = handler(call)
        return found if isinstance(found, str) else 2 * found

    return doubled


def _aten_linear(call: Call) -> int | str:
    """A linear layer whose bias is counted where it is part of one operator: not on a permuted tensor of three axes."""
    macs = _with_vectors(call)
    if len(call.inputs) < 3 or not macs:
        return macs
    if len(call.inputs[0]) < 3 or call.facts.get("contiguous") is True:
        return macs + elements(call.output)
    if call.facts.get("contiguous") is None:
        return "takes a tensor whose layout in memory is not known, on which it hangs whether the bias is counted"
    return macs


def _aten_convolution(call: Call, *, transposed: bool = False) -> int:
    macs = (transposed_convolution if transposed else convolution)(call)
    return macs + (elements(call.output) if len(call.inputs) > 2 else 0)


def _aten_cell(call: Call) -> int:
    biases = [shape for shape in call.inputs if len(shape) == 1]
    return _cell(call) + call.inputs[0][0] * sum(map(elements, biases))


_PTFLOPS_ATEN: Mapping[str, Handler] = {
    **_DISPATCHED,
    **dict.fromkeys(CONVOLUTIONS, _aten_convolution),
    **dict.fromkeys(TRANSPOSED, partial(_aten_convolution, transposed=True)),
    **dict.fromkeys(CELLS, _aten_cell),
    **dict.fromkeys(("gru", "rnn_tanh", "rnn_relu"), unknown("hangs on the layout of its input in memory")),
    "linear": _aten_linear,
    "addmm": lambda call: multiplied(call, 1, 2) + elements(call.output),
}

HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "fvcore": _FVCORE,
    "torchprofile": _TORCHPROFILE,
    "torch": {
        name: _flops(handler)
        for name, handler in {
            **_DISPATCHED,
            "baddbmm": product(1, 2),
            **dict.fromkeys(("gru", "rnn_tanh", "rnn_relu"), _sequence),
        }.items()
    },
    "ptflops-aten": _PTFLOPS_ATEN,
}
"""The tables by convention."""
