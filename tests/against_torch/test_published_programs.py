"""Published structures, re-built in tests/models: what their authors and torch's own counter give, and what we give."""

import importlib.util
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from vggcost.cli import main

torch = pytest.importorskip("torch")

from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402  # behind the check for torch, as all that follows
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

MODELS = Path(__file__).parents[1] / "models"

IMAGE = (3, 224, 224)

CONV1, CONV2 = 224 * 224 * 9 * (3 * 64 + 64 * 64), 112 * 112 * 9 * (64 * 128 + 128 * 128)
CONV3, CONV4 = 56 * 56 * 9 * (128 * 256 + 2 * 256 * 256), 28 * 28 * 9 * (256 * 512 + 2 * 512 * 512)
CONV5 = 14 * 14 * 9 * 3 * 512 * 512
"""The MACs of the five blocks of VGG-16 at 224x224."""


class Published(NamedTuple):
    target: str
    inputs: tuple[tuple[int, ...], ...]
    params: int
    macs: int


PROGRAMS = (
    Published("unet11.py:UNet11", (IMAGE,), 22_927_393, 19_683_442_688),
    Published("unet.py:UNet", (IMAGE,), 31_037_698, 36_881_367_040),
    Published("vit.py:ViT", (IMAGE,), 86_567_656, 17_563_828_224),
    Published("r3d.py:R3D18", ((3, 8, 112, 112),), 33_371_472, 20_348_379_136),
    Published("ssd300.py:SSD300", ((3, 300, 300),), 26_285_486, 31_373_537_792),
    Published("fcn32s.py:FCN32s", (IMAGE,), 136_152_917, 62_787_564_288),
    # The paper's Table 1: 131.44M parameters and 9.58B FLOPs, which are 4.79G MACs.
    Published("on_vgg16.py:ThiNet", (IMAGE,), 131_452_552, 4_791_205_888),
    Published("on_vgg16.py:Truncated", (IMAGE,), 1_735_488, CONV1 + CONV2 + CONV3),
    Published(
        "on_vgg16.py:Siamese", (IMAGE, IMAGE), 14_714_688 + 513, 2 * (CONV1 + CONV2 + CONV3 + CONV4 + CONV5) + 512
    ),
    Published("on_vgg16.py:PerceptualLoss", (IMAGE, IMAGE), 7_635_264, 2 * (CONV1 + CONV2 + CONV3 + CONV4)),
)


def built(target):
    """A program of tests/models, without memory."""
    file, name = target.split(":")
    spec = importlib.util.spec_from_file_location(Path(file).stem, MODELS / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.device("meta"):
        return getattr(module, name)().eval()


each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.target.split(":")[1])


@each_program
def test_the_structure_is_the_published_one(program):
    model = built(program.target)
    # Attention's fast path is one operator, which torch's counter takes for nothing.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(*(torch.empty(1, *shape, device="meta") for shape in program.inputs))
    finally:
        torch.backends.mha.set_fastpath_enabled(value=fast)
    assert sum(parameter.numel() for parameter in model.parameters()) == program.params
    assert counter.get_total_flops() == 2 * program.macs


@each_program
def test_a_published_program_is_counted_whole(program, capsys):
    words = [word for shape in program.inputs for word in ("--input", "x".join(map(str, shape)))]
    status = main(["audit", str(MODELS / program.target), *words, "--strict", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert (status, document["uncounted"], document["cannot_run"]) == (0, [], None)
    assert (document["totals"]["params"], document["totals"]["macs"]) == (program.params, program.macs)
