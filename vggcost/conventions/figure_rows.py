"""What each tool prints of memory and of training, as data.

A new figure is a new row. Each was read from the named release's source and held to what that release prints.
"""

from __future__ import annotations

from vggcost.conventions.convention import DEFINITION, LIVE, RECORDED
from vggcost.conventions.figures import BYTES, VALUES, Figure, Quote
from vggcost.errors import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# How tools write a number


def in_mb(value: int) -> str:
    """MB of 10^6 bytes, as torchinfo writes it.

    >>> in_mb(108453696)
    '108.45 MB'
    """
    return f"{value / 1e6:.2f} MB"


def in_mib_called_mb(value: int) -> str:
    """MB of 1024 x 1024 bytes, as torchsummary writes it.

    >>> in_mib_called_mb(229408512)
    '218.78 MB'
    """
    return f"{value / 1024**2:.2f} MB"


def in_mib_called_mb_close(value: int) -> str:
    """The same as torchstat writes it.

    >>> in_mib_called_mb_close(114704256)
    '109.39MB'
    """
    return f"{value / 1024**2:.2f}MB"


def in_mib_called_megabits(value: int) -> str:
    """The same as torchscan writes it.

    >>> in_mib_called_megabits(553430176)
    '527.79 Mb'
    """
    return f"{value / 1024**2:.2f} Mb"


def in_keras_units(value: int) -> str:
    """KB, MB, GB of 1024^n bytes, as Keras' summary writes them.

    >>> in_keras_units(553430176), in_keras_units(1000)
    ('527.79 MB', '1000.00 B')
    """
    scaled = float(value)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if scaled < 1024:
            return f"{scaled:.2f} {unit}"
        scaled /= 1024
    return f"{scaled:.2f} PB"


def in_torchstat_units(value: int) -> str:
    """K, M, G, T of 1024^n bytes with at most two decimals, as torchstat's last line writes them.

    >>> in_torchstat_units(783170624)
    '746.89MB'
    """
    for power, prefix in ((4, "T"), (3, "G"), (2, "M"), (1, "K")):
        if value >= 1024**power:
            return f"{round(value / 1024**power, 2)}{prefix}B"
    return f"{value}B"


def in_calflops_units(value: int, unit: str) -> str:
    """Two decimals and at most six digits, as calflops writes them.

    >>> in_calflops_units(92921335296, "FLOPS")
    '92.92 GFLOPS'
    """
    for power, prefix in ((12, "T"), (9, "G"), (6, "M"), (3, "K")):
        if value >= 10**power:
            return f"{round(value / 10**power, 2):g} {prefix}{unit}"
    return f"{value:g} {unit}"


# What the tools print

_TORCHINFO: dict[str, Any] = {"tool": "torchinfo", "release": "1.8.0", "unit": BYTES, "proof": LIVE, "text": in_mb}
_TORCHINFO_SOURCE = "torchinfo.summary(model, input_data=x)"
_TORCHSUMMARY: dict[str, Any] = {
    "tool": "torchsummary",
    "release": "1.5.1",
    "unit": BYTES,
    "proof": LIVE,
    "text": in_mib_called_mb,
    "element_bytes": 4,
    "source": "torchsummary.summary(model, input_size, batch_size)",
}
_TORCHSTAT: dict[str, Any] = {
    "tool": "torchstat",
    "release": "0.0.7",
    "unit": BYTES,
    "proof": RECORDED,
    "one_image": True,
    "element_bytes": 4,
    "source": "torchstat.stat(model, input_size), with pandas 1.5; it needs pandas before 2",
}
_STORAGE_OBJECT = 64
"""What Python's object around a storage takes [B]: torchinfo asks sys.getsizeof of the input (CPython 3.11)."""

_SUMMARY_MODULES = {"module_outputs": 2, "block_outputs": 2}
_NOTES = {"image": 1, "weight_layer_outputs": 1, "max_pool_outputs": 1}
_NOTES_SAY = (
    'Stanford\'s cs231n notes print "TOTAL memory: 24M * 4 bytes ~= 93MB / image" under their rows INPUT, CONV, POOL'
    " and FC of VGG-16"
)
_MIB_SAID_MB = "and its MB are 1024 x 1024 B"

FIGURES: tuple[Figure, ...] = (
    Figure(
        name="torchinfo-input",
        words="Input size (MB)",
        weights={"image": 1},
        beside=_STORAGE_OBJECT,
        source=f"{_TORCHINFO_SOURCE}.total_input",
        definition="input_bytes",
        why="the Python object that holds the input is in it",
        **_TORCHINFO,
    ),
    Figure(
        name="torchinfo-pass",
        words="Forward/backward pass size (MB)",
        weights={"learned_outputs": 2},
        source=f"{_TORCHINFO_SOURCE}.total_output_bytes",
        definition="saved_bytes",
        why="twice the outputs of layers with parameters, 'x2 for gradients'; not what autograd keeps: no input, no"
        " pool, no places of maxima, no dropout's mask",
        **_TORCHINFO,
    ),
    Figure(
        name="torchinfo-params",
        words="Params size (MB)",
        weights={"params": 1},
        source=f"{_TORCHINFO_SOURCE}.total_param_bytes",
        definition="weight_bytes",
        why="the same, in MB of 10^6 B",
        **_TORCHINFO,
    ),
    Figure(
        name="torchinfo-total",
        words="Estimated Total Size (MB)",
        weights={"image": 1, "learned_outputs": 2, "params": 1},
        beside=_STORAGE_OBJECT,
        source=f"{_TORCHINFO_SOURCE}, the sum of its three sizes",
        definition="training_peak_bytes",
        why="no gradients of the parameters and no optimizer are in it, and nothing says when so much would be alive",
        **_TORCHINFO,
    ),
    Figure(
        name="torchsummary-input",
        words="Input size (MB)",
        weights={"image": 1},
        definition="input_bytes",
        why=f"the same, {_MIB_SAID_MB}",
        **_TORCHSUMMARY,
    ),
    Figure(
        name="torchsummary-pass",
        words="Forward/backward pass size (MB)",
        weights=_SUMMARY_MODULES,
        definition="saved_bytes",
        why="twice the outputs of every module, 'x2 for gradients', those written in place and of dropout too,"
        f" blocks beside what is in them; {_MIB_SAID_MB}",
        **_TORCHSUMMARY,
    ),
    Figure(
        name="torchsummary-params",
        words="Params size (MB)",
        weights={"params": 1},
        definition="weight_bytes",
        why=f"the same, {_MIB_SAID_MB}",
        **_TORCHSUMMARY,
    ),
    Figure(
        name="torchsummary-total",
        words="Estimated Total Size (MB)",
        weights={"image": 1, **_SUMMARY_MODULES, "params": 1},
        definition="training_peak_bytes",
        why="no gradients of the parameters and no optimizer are in it, and nothing says when so much would be alive;"
        f" {_MIB_SAID_MB}",
        **_TORCHSUMMARY,
    ),
    Figure(
        name="torchstat-memory",
        words="Total memory",
        weights={"module_outputs": 1, "identity_outputs": 1},
        text=in_mib_called_mb_close,
        definition="output_bytes",
        why=f"outputs of modules without children alone, of one image; added up in float32, {_MIB_SAID_MB}",
        **_TORCHSTAT,
    ),
    Figure(
        name="torchstat-traffic",
        words="Total MemR+W",
        weights={"torchstat_inputs": 1, "weight_layer_params": 1, "statistics": 1, "torchstat_outputs": 1},
        text=in_torchstat_units,
        why=f"no memory in use: what layers read and write of one image, weights in it, in turn; {_MIB_SAID_MB}",
        **_TORCHSTAT,
    ),
    Figure(
        name="torchscan-model",
        tool="torchscan",
        release="0.2.0",
        words="Model size (params + buffers)",
        unit=BYTES,
        proof=LIVE,
        source="torchscan.summary(model, args=(x,))",
        text=in_mib_called_megabits,
        of_totals=("weight_bytes", "buffer_bytes"),
        definition="weight_bytes",
        why="with the buffers; its Mb are 1024 x 1024 bytes, not bits",
    ),
    Figure(
        name="keras-params",
        tool="Keras",
        release="3",
        words="Total params",
        unit=BYTES,
        proof=LIVE,
        source="keras.Model.summary(), in parentheses behind the parameters",
        text=in_keras_units,
        weights={"params": 1, "statistics": 1},
        definition="weight_bytes",
        why="running statistics are parameters to it, and an optimizer's state where a model is compiled; its MB are"
        " 1024 x 1024 B",
    ),
    Figure(
        name="calflops-training",
        tool="calflops",
        release="0.3.2",
        words="fwd+bwd FLOPs",
        unit="FLOP",
        proof=LIVE,
        source="calflops.calculate_flops(..., include_backPropagation=True), its first result",
        text=lambda value: in_calflops_units(value, "FLOPS"),
        of_count="calflops",
        times=3,
        definition="step_flops",
        why="three times its count of the forward call; the first layer's input needs no gradient, and its count has"
        " ReLU, pools and biases in it",
    ),
    Figure(
        name="calflops-training-macs",
        tool="calflops",
        release="0.3.2",
        words="fwd+bwd MACs",
        unit="MAC",
        proof=LIVE,
        source="calflops.calculate_flops(..., include_backPropagation=True), its second result",
        text=lambda value: in_calflops_units(value, "MACs"),
        of_count="calflops-macs",
        times=3,
        why="three times the MACs of the forward call; the first layer's input needs no gradient. 1 MAC = 2 FLOP",
    ),
    Figure(
        name="cs231n",
        tool="cs231n notes",
        release=None,
        words="TOTAL memory",
        unit=BYTES,
        proof=DEFINITION,
        source="Stanford's notes on convolutional networks: the rows INPUT, CONV, POOL and FC under VGGNet, in float32",
        weights=_NOTES,
        element_bytes=4,
        definition="output_bytes",
        why="the sum of the rows that the notes list: with the input, without ReLU, dropout and views; the 24M and 93MB"
        " that they print for D are no sum of them",
    ),
    Figure(
        name="cs231n-values",
        tool="cs231n notes",
        release=None,
        words="TOTAL memory, in values",
        unit=VALUES,
        proof=DEFINITION,
        source="the same rows, of which the notes give the values",
        weights=_NOTES,
        element_bytes=1,
        why="the same rows",
    ),
)
"""Every figure of a tool, in the order in which they are shown."""

QUOTES: tuple[Quote, ...] = (
    Quote("24M", _NOTES_SAY, "cs231n", "D"),
    Quote("93MB", _NOTES_SAY, "cs231n", "D"),
)
"""Numbers that are in print and come from no rule."""

_BY_NAME = {row.name: row for row in FIGURES}


def figure(name: str) -> Figure:
    """Return the figure of this name, in any case.

    Raises:
        VggcostError: there is none; the message has the nearest names.

    >>> figure("keras-params").words
    'Total params'
    """
    found = _BY_NAME.get(name.strip().lower())
    if found is None:
        raise unknown("figure", name, tuple(_BY_NAME), " (vggcost conventions --memory shows all)")
    return found
