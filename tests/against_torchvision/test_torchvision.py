"""Every model of torchvision, in the environment that .ci/torchvision makes: torch's own counter is the oracle."""

import json

import pytest

pytest.importorskip("torchvision", reason="torchvision is not installed; .ci/torchvision makes an environment with it")

import torch  # comes with torchvision
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

import vggcost
from vggcost.cli import main

BOX_GAPS = {"nms", "roi_align"}
"""What has no formula in detection: choosing among boxes, and cutting regions out of a feature map."""

ONE_STAGE = (
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
)
"""Detectors whose work does not depend on what they see; the others run a head on as many regions as they find."""


class Weightless(TorchFunctionMode):
    """Parameters without memory; tables, from which some constructors take their widths, keep their values."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if func is torch.empty else {})})


def built(constructor, **options):
    with Weightless():
        return constructor(**options).eval().to("meta")


def learned(model):
    return sum(parameter.numel() for parameter in model.parameters())


def macs(model, *shapes):
    """Half of what torch's FlopCounterMode counts of one forward call.

    Attention's fast path and its fused kernels are operators that it takes for nothing, so they are left out.
    """
    device = next(model.parameters()).device
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(*(torch.zeros(shape, device=device) for shape in shapes))
    finally:
        torch.backends.mha.set_fastpath_enabled(value=fast)
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


@pytest.fixture
def audited(capsys):
    """What the command says of a program that runs: parameters, MACs, and the operations without a formula."""

    def run(target, *shapes, call=None):
        inputs = [word for shape in shapes for word in ("--input", "x".join(map(str, shape[1:])))]
        options = ["--call", call] if call else []
        assert main(["audit", target, *inputs, *options, "--format", "json"]) == 0
        document = json.loads(capsys.readouterr().out)
        totals = document["totals"]
        for key in ("params", "macs"):
            assert sum(row[key] or 0 for row in document["layers"]) == totals[key]
        return totals["params"], totals["macs"], {row["operation"] for row in document["uncounted"]}

    return run


def names(family=None):
    module = models if family is None else getattr(models, family)
    return [name.removeprefix("quantized_") for name in models.list_models(module=module)]


def test_all_that_torchvision_lists_is_held_here():
    families = ("detection", "optical_flow", "quantization", "segmentation", "video")
    assert len(names()) == 80
    assert {family: len(names(family)) for family in families} == dict(zip(families, (12, 2, 12, 6, 9), strict=True))
    assert len(models.list_models()) == 80 + 12 + 2 + 12 + 6 + 9
    assert set(ONE_STAGE) < set(names("detection"))


@pytest.mark.parametrize("name", names())
def test_a_classifier(name, audited):
    """At the size that its constructor takes, or its weights were trained for."""
    # These two would warn that they start from random weights of their own.
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = built(getattr(models, name), **options)
    size = getattr(model, "image_size", models.get_model_weights(name).DEFAULT.transforms().crop_size[0])
    shape = (1, 3, size, size)
    call = ", ".join(f"{key}={value}" for key, value in options.items())
    assert audited(f"torchvision.models:{name}", shape, call=call) == (learned(model), macs(model, shape), set())


@pytest.mark.parametrize("letter", ["A", "B", "D", "E"])
@pytest.mark.parametrize("ending", ["", "_bn"])
def test_a_vgg_is_named_exactly(capsys, letter, ending):
    name = {"A": "vgg11", "B": "vgg13", "D": "vgg16", "E": "vgg19"}[letter] + ending
    status = main(["audit", f"torchvision.models:{name}", "--format", "json", "--like", name])
    document = json.loads(capsys.readouterr().out)
    assert (status, document["is"]["letter"], document["differences"]) == (0, letter, [])
    assert document["is"]["variant"] == ("batch normalization" if ending else "")
    ours = vggcost.cost(name).totals
    assert (document["totals"]["params"], document["totals"]["macs"]) == (ours.params, ours.macs)


@pytest.mark.parametrize("name", names("segmentation"))
def test_a_segmenter(name, audited):
    model = built(getattr(models.segmentation, name), weights_backbone=None)
    shape = (1, 3, 520, 520)
    found = audited(f"torchvision.models.segmentation:{name}", shape, call="weights_backbone=None")
    assert found == (learned(model), macs(model, shape), set())


@pytest.mark.parametrize("name", names("video"))
def test_a_video_model(name, audited):
    model = built(getattr(models.video, name))
    (side,) = set(models.get_model_weights(name).DEFAULT.transforms().crop_size)
    shape = (1, 3, 16, side, side)
    assert audited(f"torchvision.models.video:{name}", shape) == (learned(model), macs(model, shape), set())


@pytest.mark.parametrize("name", names("optical_flow"))
def test_an_optical_flow_model(name, audited):
    model = built(getattr(models.optical_flow, name))
    pair = [(1, 3, 128, 136)] * 2
    assert audited(f"torchvision.models.optical_flow:{name}", *pair) == (learned(model), macs(model, *pair), set())


@pytest.mark.parametrize("name", names("detection"))
def test_a_detector(name, audited):
    # Boxes are chosen by their values, so this model has its weights.
    model = getattr(models.detection, name)(weights_backbone=None).eval()
    shape = (1, 3, 320, 320)
    params, found, gaps = audited(f"torchvision.models.detection:{name}", shape, call="weights_backbone=None")
    assert gaps <= BOX_GAPS
    assert params == learned(model)
    if name in ONE_STAGE:
        assert found == macs(model, shape)


@pytest.mark.filterwarnings("ignore")  # torch tells at length what of its quantization will go, and what is not set
@pytest.mark.parametrize("name", names("quantization"))
def test_a_model_that_can_be_quantized(name, audited):
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = built(getattr(models.quantization, name), **options)
    call = ", ".join(f"{key}={value}" for key, value in options.items())
    (side,) = set(models.get_model_weights(f"quantized_{name}").DEFAULT.transforms().crop_size)
    shape = (1, 3, side, side)
    target = f"torchvision.models.quantization:{name}"
    expected = macs(model, shape)
    assert audited(target, shape, call=call) == (learned(model), expected, set())
    _, found, gaps = audited(target, shape, call=", ".join(filter(None, [call, "quantize=True"])))
    assert (found, gaps) == (expected, set())
