"""Counters that hook modules: what each counts of one call, by the module's class.

thop and ptflops ask for the class itself, so that a class derived from torch.nn's is nothing to them; torchscan asks
what a leaf is an instance of; torchinfo looks at the parameters of a leaf, whatever its class. Each table was read from
the release that `vggcost.conventions.rows` names, and is held against it by random programs.
"""

from __future__ import annotations

from functools import partial
from math import prod

from vggcost.conventions.handlers.forms import images, inputs, number, outputs, unknown
from vggcost.conventions.handlers.recurrent import gates_and_matrices
from vggcost.conventions.handlers.recurrent import thop as thop_recurrent
from vggcost.conventions.special_rules import torchscan_window, windows_sum
from vggcost.formulas.forward import elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vggcost.conventions.handlers import Call, Handler
    from vggcost.programs.calls import ModuleCall

ANY = "any"
"""The key of a handler that is for every class of module."""


def sized(name: str, sizes: Iterable[int] = (1, 2, 3)) -> tuple[str, ...]:
    """The classes of a kind of layer over one, two and three axes: ``Conv1d``, ``Conv2d``, ``Conv3d``."""
    return tuple(f"{name}{size}d" for size in sizes)


CONVOLUTIONS, TRANSPOSED = sized("Conv"), sized("ConvTranspose")
POOLS = (*sized("MaxPool"), *sized("AvgPool"), *sized("AdaptiveMaxPool"), *sized("AdaptiveAvgPool"))
BATCH_NORMS, INSTANCE_NORMS = sized("BatchNorm"), sized("InstanceNorm")
RECURRENT = ("RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell")


# thop


def _thop_convolution(call: Call) -> int:
    """Outputs times one kernel, also where it is transposed; the channels are the input's second axis."""
    kernel = elements(call.facts["kernel_size"])
    return elements(call.output) * (call.inputs[0][1] // number(call, "groups")) * kernel


def _thop_norm(call: Call) -> int:
    affine = call.facts.get("affine") or call.facts.get("elementwise_affine")
    return elements(call.inputs[0]) * (4 if affine else 2)


def _thop_softmax(call: Call) -> int | str:
    axis = call.facts.get("dim")
    if axis is None:
        return "has no axis, where thop stops"
    features = call.inputs[0][int(axis)]
    return elements(call.inputs[0]) // features * (3 * features - 1)


def _thop_adaptive_pool(call: Call) -> int:
    """See `special_rules.thop_adaptive_pool`, for any number of axes."""
    sides = zip(call.inputs[0][2:], call.output[2:], strict=True)
    return int((prod(size_in / size_out for size_in, size_out in sides) + 1) * elements(call.output))


def _thop_upsample(call: Call) -> int:
    times = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}.get(call.facts["mode"], 0)
    return times * elements(call.output)


def _by_features(call: Call) -> int:
    """Outputs of a linear layer times its features."""
    return number(call, "in_features") * elements(call.output)


_THOP: Mapping[str, Handler] = {
    **dict.fromkeys((*CONVOLUTIONS, *TRANSPOSED), _thop_convolution),
    **dict.fromkeys((*BATCH_NORMS, *INSTANCE_NORMS, "SyncBatchNorm", "LayerNorm"), _thop_norm),
    **dict.fromkeys(sized("AvgPool"), outputs()),
    **dict.fromkeys(sized("AdaptiveAvgPool"), _thop_adaptive_pool),
    **dict.fromkeys(("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"), _thop_upsample),
    **dict.fromkeys(RECURRENT, thop_recurrent),
    "Linear": _by_features,
    "PReLU": inputs(),
    "Softmax": _thop_softmax,
}


def _ultralytics_pool(call: Call) -> int:
    sides = list(zip(call.inputs[0][2:], call.output[2:], strict=True))
    planes = elements(call.inputs[0][:2])
    return planes * (prod(windows_sum(*pair) for pair in sides) + elements(call.output[2:]))


_ULTRALYTICS: Mapping[str, Handler] = {
    **dict.fromkeys(_THOP, unknown("has a rule that is not known here")),
    **{kind: _THOP[kind] for kind in ("Conv2d", "Linear", "BatchNorm2d", "Softmax")},
    "AdaptiveAvgPool2d": _ultralytics_pool,
}
"""Its formulas are known for the layers of a VGG; what thop has no handler for is taken to be nothing to it either."""


# ptflops


def _ptflops_convolution(call: Call, *, transposed: bool = False) -> int:
    facts, out = call.facts, call.output
    kernels = (
        elements(facts["kernel_size"])
        * number(call, "in_channels")
        * (number(call, "out_channels") // number(call, "groups"))
    )
    places = elements((call.inputs[0] if transposed else out)[2:])
    bias = elements(out[1:]) if facts["bias"] else 0
    return images(call) * (kernels * places + bias)


def _ptflops_norm(call: Call) -> int:
    return elements(call.inputs[0]) * (2 if call.facts.get("affine") else 1)


def _ptflops_linear(call: Call) -> int:
    first, out = call.inputs[0], call.output[-1]
    return (first[-1] * out + (out if call.facts["bias"] else 0)) * elements(first[:-1])


_PTFLOPS: Mapping[str, Handler] = {
    **dict.fromkeys(CONVOLUTIONS, _ptflops_convolution),
    **dict.fromkeys(TRANSPOSED, partial(_ptflops_convolution, transposed=True)),
    **dict.fromkeys(("ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU"), outputs()),
    **dict.fromkeys(POOLS, inputs()),
    **dict.fromkeys((*BATCH_NORMS, *INSTANCE_NORMS, "GroupNorm", "LayerNorm"), _ptflops_norm),
    **dict.fromkeys(RECURRENT, partial(gates_and_matrices, macs=1, less=0)),
    "Linear": _ptflops_linear,
    "Upsample": lambda call: elements(call.output[1:]),
    "MultiheadAttention": unknown("has a rule that is not known here"),
}


# torchinfo


def _torchinfo(call: Call) -> int | str:
    """Weights and biases of a leaf, times its places where it is called a convolution, otherwise times the batch."""
    if not call.leaf:
        return 0
    name, out = call.name.rpartition(".")[2], call.output
    total = 0
    for parameter, size in call.parameters.items():
        if "weight" not in parameter and "bias" not in parameter:
            continue
        if parameter.endswith("_orig"):
            return "is pruned, and torchinfo counts the values of its mask"
        if parameter not in ("weight", "bias"):
            total += size * elements(out[:2])
        elif not out:
            return "hands on no tensor with axes, where torchinfo stops"
        else:
            total += size * (elements((*out[:1], *out[2:])) if "Conv" in name else out[0])
    return total


# torchscan


def _torchscan_terms(call: Call) -> int:
    return elements(call.facts["kernel_size"]) * (call.inputs[0][1] // number(call, "groups"))


def _torchscan_window(call: Call) -> int:
    """The elements of a pool's window; an int is taken for its area, as it stands."""
    kernel = call.facts["kernel_size"]
    return elements(kernel) if isinstance(kernel, tuple) else int(kernel)


def _torchscan_axes(call: Call) -> int:
    return len(call.inputs[0]) - 2


def _torchscan_adaptive(call: Call) -> tuple[int, ...]:
    return tuple(map(torchscan_window, call.inputs[0][2:], call.output[2:]))


def _torchscan_max_pool(call: Call) -> int:
    return elements(call.output) * (_torchscan_window(call) - 1)


def _torchscan_average_pool(call: Call) -> int:
    return elements(call.output) * (_torchscan_window(call) - 1 + _torchscan_axes(call))


def _torchscan_adaptive_max(call: Call) -> int:
    return elements(call.output) * (elements(_torchscan_adaptive(call)) - 1)


def _torchscan_adaptive_average(call: Call) -> int:
    windows = _torchscan_adaptive(call)
    return elements(call.output) * (elements(windows) - 1 + len(windows))


def _torchscan_convolution(call: Call) -> int:
    return elements(call.output) * (2 * _torchscan_terms(call) - 1 + (1 if call.facts["bias"] else 0))


def _torchscan_linear(call: Call) -> int:
    places = number(call, "out_features") * elements(call.inputs[0][:-1])
    return places * (2 * number(call, "in_features") - 1) + (places if call.facts["bias"] else 0)


def _torchscan_norm(call: Call) -> int:
    return 2 * number(call, "num_features") + elements(call.inputs[0]) * (4 if call.facts["affine"] else 2)


def _torchscan_layer_norm(call: Call) -> int:
    size = elements(call.inputs[0])
    learned = sum(name in call.parameters for name in ("weight", "bias"))
    return (6 + learned) * size + 2 * (size // elements(call.facts["normalized_shape"]))


_TORCHSCAN_POOLS: Mapping[str, Handler] = {
    "_MaxPoolNd": _torchscan_max_pool,
    "_AvgPoolNd": _torchscan_average_pool,
    "_AdaptiveMaxPoolNd": _torchscan_adaptive_max,
    "_AdaptiveAvgPoolNd": _torchscan_adaptive_average,
}

_TORCHSCAN: Mapping[str, Handler] = {
    **{kind: inputs(times) for kind, times in (("ReLU", 1), ("ELU", 6), ("LeakyReLU", 4), ("ReLU6", 2))},
    **{kind: inputs(times) for kind, times in (("Tanh", 6), ("Sigmoid", 4))},
    **_TORCHSCAN_POOLS,
    "Linear": _torchscan_linear,
    "_ConvTransposeNd": lambda call: 8 * len(call.facts["kernel_size"]) + _torchscan_convolution(call),
    "_ConvNd": _torchscan_convolution,
    "_BatchNorm": _torchscan_norm,
    "Dropout": lambda call: elements(call.inputs[0]) if call.facts["p"] > 0 else 0,
    "MultiheadAttention": unknown("has a rule that is not known here"),
    "Transformer": unknown("has a rule that is not known here"),
    "LayerNorm": _torchscan_layer_norm,
}


def _torchscan_macs_convolution(call: Call) -> int:
    return elements(call.output) * _torchscan_terms(call)


_TORCHSCAN_MACS: Mapping[str, Handler] = {
    **_TORCHSCAN_POOLS,
    "Linear": _by_features,
    "_ConvTransposeNd": lambda call: 4 * len(call.facts["kernel_size"]) + _torchscan_macs_convolution(call),
    "_ConvNd": _torchscan_macs_convolution,
    "_BatchNorm": lambda call: elements(call.inputs[0]) * (2 if call.facts["affine"] else 1),
}

HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "thop": _THOP,
    "ultralytics-thop": _ULTRALYTICS,
    "ptflops": _PTFLOPS,
    "ptflops-modules": _PTFLOPS,
    "torchinfo": {ANY: _torchinfo},
    "torchscan": _TORCHSCAN,
    "torchscan-macs": _TORCHSCAN_MACS,
    "calflops": dict.fromkeys(RECURRENT, partial(gates_and_matrices, macs=2, less=1)),
    "calflops-macs": {},
}
"""The tables by convention. Keys of torchscan's are bases, in the order in which it asks for them."""

BY_BASE = frozenset(("torchscan", "torchscan-macs"))
"""The conventions whose tool asks what a module is an instance of, where the others ask for its class."""


def handler(convention: str, call: ModuleCall) -> Handler | None:
    """Return what a convention's tool counts a module call by; None where it has no handler for it, and counts 0."""
    table = HANDLERS[convention]
    if convention in BY_BASE:
        if not call.leaf and "MultiheadAttention" not in call.bases:
            return None
        return next((known for kind, known in table.items() if kind in call.bases), None)
    return table.get(call.name, table.get(ANY))
