"""What each counter counts, as data: a convention is a row of weights over the primitives of `vggcost.network.ledger`.

A new tool is a new row. The few things that no weight can say are rules of
`vggcost.conventions.special_rules`, named in the row.
Each row was read from the named release's source and confirmed by running that release on single layers and on VGGs.
"""

from __future__ import annotations

from vggcost.conventions.convention import (
    BY_MODULE,
    DEFINITION,
    DISPATCHED,
    FUNCTIONS,
    LIVE,
    MODULES,
    ONE_IMAGE,
    RECORDED,
    TEXTBOOK_NAME,
    TRACED,
    Convention,
)
from vggcost.errors import VggcostError, unknown
from vggcost.network.ledger import MACS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    # fmt: off
    ConventionName = Literal[
        "mac", "fvcore", "torch", "torchprofile", "ptflops-aten", "ptflops", "ptflops-modules", "thop",
        "ultralytics-thop", "torchinfo", "calflops-macs", "deepspeed-macs", "calflops", "deepspeed",
        "torchscan-macs", "torchscan", "torchstat", "torchstat-madd", "onnx-tool", "convnet-burden",
        "torchvision", "thop-2019", "conv-only",
    ]
    # fmt: on
    """What an editor offers and a type checker takes; a test holds it against CONVENTIONS."""

_MACS = dict.fromkeys(MACS, 1)
_FLOPS = dict.fromkeys(MACS, 2)
_BIASES = {"conv_bias_adds": 1, "linear_bias_adds": 1}
_NORM_TWO_OR_ONE = {"batch_norm_elements": 1, "batch_norm_affine_elements": 1}
"""2n with a scale and shift, n without."""
_NORM_FOUR_OR_TWO = {"batch_norm_elements": 2, "batch_norm_affine_elements": 2}
"""4n with a scale and shift, 2n without."""
_NORM_FOUR = {"batch_norm_elements": 4}
"""4n with or without a scale and shift."""
_LRN_SUMS = {"lrn_elements": 4, "lrn_window_pixels": 1, "lrn_pixels": -1}
"""N*H*W*(4C + size - 1)."""
_SOFTMAX_ONE = {"softmax_elements": 1}
_SOFTMAX_THREE = {"softmax_elements": 3, "softmax_rows": -1}
"""Exponentials, additions and divisions: 3F - 1 a row."""
_POINTWISE_AND_POOLS = {"relu_elements": 1, "maxpool_inputs": 1, "adaptive_inputs": 1}
_PTFLOPS_MODULES = {**_MACS, **_BIASES, **_POINTWISE_AND_POOLS, **_NORM_TWO_OR_ONE}
_CALFLOPS = {**_FLOPS, "conv_bias_adds": 1, **_POINTWISE_AND_POOLS, **_NORM_TWO_OR_ONE, **_LRN_SUMS, **_SOFTMAX_ONE}
_TORCHSCAN_POOLS = {"MaxPool2d": "torchscan max-pool", "AdaptiveAvgPool2d": "torchscan adaptive pool"}

CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        name="mac",
        tool="the textbook formula",
        release=None,
        unit="MAC",
        called="MAC",
        proof=DEFINITION,
        source="Simonyan & Zisserman 2015, section 2.1; one multiply-accumulate a weight and output position",
        weights=_MACS,
    ),
    Convention(
        name="fvcore",
        tool="fvcore",
        release="0.1.5.post20221221",
        unit="MAC",
        called="flop",
        proof=LIVE,
        source="fvcore.nn.FlopCountAnalysis(model.eval(), x).total()",
        weights={**_MACS, "adaptive_inputs": 1, **_NORM_TWO_OR_ONE},
        remark="fvcore does not call eval() itself; a batch norm in training mode counts 5n with and 4n without affine",
        sees=(TRACED,),
    ),
    Convention(
        name="torch",
        tool="torch FlopCounterMode",
        release="2.13",
        unit="FLOP",
        called="flops",
        proof=LIVE,
        source="torch.utils.flop_counter.FlopCounterMode; its docstring says MACs and its code returns FLOPs",
        weights=_FLOPS,
        known=("2.14",),
        sees=(DISPATCHED,),
    ),
    Convention(
        name="torchprofile",
        tool="torchprofile",
        release="0.1.0",
        unit="MAC",
        called="macs",
        proof=LIVE,
        source="torchprofile.profile_macs(model, x)",
        remark="a product of two sizes in the program's Python counts 1; one of a float with a size is not seen here",
        weights={**_MACS, "adaptive_outputs": 1, "batch_norm_affine_elements": 1, "lrn_elements": 3},
        sees=(TRACED,),
    ),
    Convention(
        name="ptflops-aten",
        tool="ptflops",
        release="0.7.5",
        unit="MAC",
        called="macs",
        proof=LIVE,
        source='ptflops.get_model_complexity_info(..., backend="aten")',
        weights={**_MACS, **_BIASES},
        remark="in torch's inference mode it returns 0 without a word",
        sees=(DISPATCHED,),
    ),
    Convention(
        name="ptflops",
        tool="ptflops",
        release="0.7.5",
        unit="mixed",
        called="macs",
        proof=LIVE,
        source="ptflops.get_model_complexity_info, its default backend, input_constructor returning a tensor",
        weights={**_POINTWISE_AND_POOLS, **_LRN_SUMS, **_SOFTMAX_ONE},
        image_weights=_PTFLOPS_MODULES,
        remark=(
            "it counts modules and, again, the functional calls those modules make, so a ReLU or pool is there twice;"
            " the modules' part is divided by the batch, the calls' part is not"
        ),
        sees=(MODULES, FUNCTIONS),
        shared=1,
    ),
    Convention(
        name="ptflops-modules",
        tool="ptflops",
        release="0.7.5",
        unit="mixed",
        called="macs",
        proof=LIVE,
        source='ptflops.get_model_complexity_info(..., backend_specific_config={"count_functional": False})',
        image_weights=_PTFLOPS_MODULES,
        sees=(MODULES,),
        shared=1,
    ),
    Convention(
        name="thop",
        tool="thop",
        release="0.1.1.post2209072238",
        unit="mixed",
        called="MACs",
        proof=LIVE,
        source="thop.profile(model, inputs=(x,))",
        weights={**_MACS, **_NORM_FOUR_OR_TWO, **_SOFTMAX_THREE},
        rules={"AdaptiveAvgPool2d": "thop float pool"},
        sees=(MODULES,),
        shared=2,
    ),
    Convention(
        name="ultralytics-thop",
        tool="ultralytics-thop",
        release="2.2.3",
        unit="mixed",
        called="MACs",
        proof=RECORDED,
        source="thop.profile(model, inputs=(x,)), from the package that installs over thop's module name",
        weights={**_MACS, **_NORM_FOUR_OR_TWO, **_SOFTMAX_THREE},
        rules={"AdaptiveAvgPool2d": "ultralytics-thop windows"},
        sees=(MODULES,),
        shared=2,
    ),
    Convention(
        name="torchinfo",
        tool="torchinfo",
        release="1.8.0",
        unit="MAC",
        called="mult-adds",
        proof=LIVE,
        source="torchinfo.summary(model, input_data=x).total_mult_adds",
        weights={**_MACS, **_BIASES, "batch_norm_affine_channels": 2},
        sees=(MODULES,),
    ),
    Convention(
        name="calflops-macs",
        tool="calflops",
        release="0.3.2",
        unit="MAC",
        called="MACs",
        proof=LIVE,
        source="calflops.calculate_flops, its second result",
        weights=_MACS,
        sees=(BY_MODULE,),
        shared=1,
    ),
    Convention(
        name="deepspeed-macs",
        tool="deepspeed",
        release="0.19.8",
        unit="MAC",
        called="MACs",
        proof=RECORDED,
        source="deepspeed.profiling.flops_profiler.get_model_profile, its second result",
        weights=_MACS,
    ),
    Convention(
        name="calflops",
        tool="calflops",
        release="0.3.2",
        unit="FLOP",
        called="FLOPs",
        proof=LIVE,
        source="calflops.calculate_flops, its first result",
        weights=_CALFLOPS,
        sees=(MODULES, BY_MODULE),
        shared=1,
    ),
    Convention(
        name="deepspeed",
        tool="deepspeed",
        release="0.19.8",
        unit="FLOP",
        called="FLOPs",
        proof=RECORDED,
        source="deepspeed.profiling.flops_profiler.get_model_profile, its first result",
        weights=_CALFLOPS,
    ),
    Convention(
        name="torchscan-macs",
        tool="torchscan",
        release="0.2.0",
        unit="mixed",
        called="MACs",
        proof=LIVE,
        source="torchscan.crawl_module(model, input_shape), the sum of its layers' macs; batch 1 only",
        image_weights={**_MACS, **_NORM_TWO_OR_ONE},
        rules=_TORCHSCAN_POOLS,
        remark="it marks totals with LRN or soft-max as partial",
        sees=(ONE_IMAGE,),
    ),
    Convention(
        name="torchscan",
        tool="torchscan",
        release="0.2.0",
        unit="FLOP",
        called="FLOPs",
        proof=LIVE,
        source="torchscan.crawl_module(model, input_shape), the sum of its layers' flops; batch 1 only",
        image_weights={
            **_FLOPS,
            "conv_outputs": -1,
            "linear_outputs": -1,
            **_BIASES,
            "relu_elements": 1,
            **_NORM_FOUR_OR_TWO,
            "batch_norm_channels": 2,
            "dropout_elements": 1,
        },
        rules=_TORCHSCAN_POOLS,
        remark="it marks totals with LRN or soft-max as partial",
        sees=(ONE_IMAGE,),
    ),
    Convention(
        name="torchstat",
        tool="torchstat",
        release="0.0.7",
        unit="mixed",
        called="Flops",
        proof=RECORDED,
        source='torchstat.stat(model, input_size), its column "Flops"; batch 1 only',
        image_weights={**_MACS, "conv_bias_adds": 1, "relu_elements": 1, "maxpool_inputs": 1, **_NORM_TWO_OR_ONE},
    ),
    Convention(
        name="torchstat-madd",
        tool="torchstat",
        release="0.0.7",
        unit="FLOP",
        called="MAdd",
        proof=RECORDED,
        source='torchstat.stat(model, input_size), its column "MAdd"; batch 1 only',
        image_weights={
            **_FLOPS,
            "conv_outputs": -1,
            "conv_bias_adds": 1,
            "linear_outputs": -1,
            "relu_elements": 1,
            "maxpool_window_elements": 1,
            "maxpool_outputs": -1,
            **_NORM_FOUR,
            **_SOFTMAX_THREE,
        },
    ),
    Convention(
        name="onnx-tool",
        tool="onnx-tool",
        release="1.0.1",
        unit="mixed",
        called="MACs",
        proof=RECORDED,
        source="onnx_tool.model_profile of what torch.onnx.export writes",
        weights={
            **_MACS,
            **_BIASES,
            "relu_elements": 1,
            "maxpool_window_elements": 1,
            "softmax_elements": 36,
            "add_elements": 1,
        },
        rules={
            "AdaptiveAvgPool2d": "onnx-tool adaptive pool",
            "BatchNorm2d": "onnx-tool folding",
            "LocalResponseNorm": "onnx-tool LRN",
        },
    ),
    Convention(
        name="convnet-burden",
        tool="convnet-burden",
        release="9c7f31b",
        unit="mixed",
        called="flops",
        proof=RECORDED,
        source="the Matlab estimates of many published networks; one fused multiply-add is one",
        image_weights={
            **_MACS,
            **_BIASES,
            "relu_elements": 2,
            "maxpool_stride_elements": 2,
            "adaptive_inputs": 1,
            "lrn_elements": 3,
            "lrn_pixels": 2,
        },
    ),
    Convention(
        name="torchvision",
        tool="torchvision",
        release=None,
        unit="MAC",
        called="GFLOPS",
        proof=DEFINITION,
        source="_ops in the metadata of torchvision's weights, published to three places of a GMAC",
        weights=_MACS,
    ),
    Convention(
        name="thop-2019",
        tool="thop's README",
        release="1023a53",
        unit="mixed",
        called="MACs",
        proof=RECORDED,
        source="the table in thop's README, made by thop of 2019 and stale since; two decimals of a G",
        weights={"conv_macs": 1, "conv_bias_adds": 1, "linear_macs": 2, "linear_outputs": -1, **_NORM_FOUR},
        rules={"AdaptiveAvgPool2d": "thop-2019 pool"},
    ),
    Convention(
        name="conv-only",
        tool="several papers",
        release=None,
        unit="MAC",
        called="FLOPs",
        proof=DEFINITION,
        source="15.3 G for VGG-16: the convolutions' multiply-accumulates alone",
        weights={"conv_macs": 1},
    ),
)
"""Every convention, in the order in which they are shown."""

NAMES: tuple[str, ...] = tuple(row.name for row in CONVENTIONS)
"""Their names, in the same order."""

_BY_NAME = {row.name: row for row in CONVENTIONS}

TEXTBOOK = _BY_NAME[TEXTBOOK_NAME]
"""The convention that holds where none is named."""


def convention(name: str) -> Convention:
    """Return the convention of this name, in any case.

    Raises:
        VggcostError: there is none; the message has the nearest names.

    >>> convention("PTFlops").unit
    'mixed'
    """
    found = _BY_NAME.get(name.strip().lower()) if isinstance(name, str) else None
    if found is None and isinstance(name, str) and name.strip().lower() in ("flop", "flops", "gflops"):
        raise VggcostError(
            f"the convention is {name!r}, which is a unit: 1 MAC = 2 FLOP, and mac, the textbook's, has both",
            nearest=("mac",),
            instead=(name, "mac"),
        )
    if found is None:
        raise unknown("convention", name, NAMES, " (vggcost conventions shows all)")
    return found
