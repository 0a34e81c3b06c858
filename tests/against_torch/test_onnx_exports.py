"""What torch's exporters write, both of them, against our reading of the module that they wrote it from."""

from __future__ import annotations

import logging
import shutil
import warnings

import pytest
import torch
from torch import nn

from vggcost.frameworks import door
from vggcost.frameworks.pytorch.build import build_module
from vggcost.frameworks.target import Given
from vggcost.network import catalogue
from vggcost.network.plan import Variant
from vggcost.results.audit import Audit
from vggcost.results.audit import audit as audit_of

SMALL = Variant(width=0.0625, head=(24, 16), classes=7)


def exported(module, folder, shape, *, dynamo, name="x.onnx", **options):
    path = str(folder / name)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's advice against its older exporter, and about opsets
        torch.onnx.export(module.eval(), (torch.zeros(shape),), path, dynamo=dynamo, verbose=False, **options)
    return path


def audited(path, **given):
    return Audit(door.read_target(path, Given(**given)))


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
@pytest.mark.parametrize(("name", "batch_norm"), [*((name, False) for name in catalogue.TABLE_1), ("D", True)])
def test_every_configuration_is_told(tmp_path, name, batch_norm, dynamo):
    # The older exporter cannot tell the size behind torch's LRN, which the adaptive pool asks for.
    variant = SMALL.replace(batch_norm=batch_norm, adaptive_pool=dynamo or name != "A-LRN")
    module = build_module(catalogue.network(name, variant), "cpu")
    audit = audited(exported(module, tmp_path, (1, 3, 224, 224), dynamo=dynamo))
    folded = audit_of(build_module(catalogue.network(name, variant.replace(batch_norm=False))), (1, 3, 224, 224))
    assert (audit.paper.letter, audit.paper.same) == (name, True)
    assert audit.macs == folded.macs
    assert audit.params == folded.params  # what a normalization learns is folded into the bias before it
    assert not audit.uncounted
    assert audit.paper.network.variant == folded.paper.network.variant


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_a_normalization_that_is_not_folded_is_one(tmp_path, dynamo):
    module = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3))
    audit = audited(exported(module, tmp_path, (2, 3, 8, 8), dynamo=dynamo))
    rows = {row.kind: row for row in audit.layers}
    assert rows["BatchNorm2d"].params == 6
    assert rows["BatchNorm2d"].buffers == 6
    assert audit.macs == 2 * 4 * 6 * 6 * 3 * 9


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_paths_are_those_of_the_module(tmp_path, dynamo):
    module = build_module(catalogue.network("D", SMALL.replace(batch_norm=False)), "cpu")
    audit = audited(exported(module, tmp_path, (1, 3, 224, 224), dynamo=dynamo))
    paths = {row.name: row.path for row in audit.layers}
    assert (paths["conv1_1"], paths["conv5_3"], paths["fc8"]) == ("features.0", "features.28", "classifier.6")


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_what_is_dynamic_takes_size_and_batch(tmp_path, dynamo):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    axes = {0: "n", 2: "h", 3: "w"}
    options = (
        {"dynamic_shapes": ({axis: torch.export.Dim(name) for axis, name in axes.items()},)}
        if dynamo
        else {"dynamic_axes": {"x": axes}, "input_names": ["x"]}
    )
    path = exported(module, tmp_path, (2, 3, 16, 16), dynamo=dynamo, **options)
    assert audited(path, size=(10, 12), batch=6).macs == 6 * (4 * 8 * 10 * 27 + 20)
    assert audited(path).macs == 4 * 222 * 222 * 27 + 20  # an image of 224


class Convolutions(nn.Module):
    """Groups, dilation, uneven padding and strides."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding=(1, 2))
        self.b = nn.Conv2d(8, 8, 3, groups=8, padding=1, bias=False)
        self.c = nn.Conv2d(8, 12, 3, dilation=2, groups=4, padding="same")
        self.d = nn.Conv2d(12, 6, 2, padding="same")

    def forward(self, x):
        return self.d(self.c(self.b(self.a(x))))


class Products(nn.Module):
    """Linear layers over more axes, and products of activations."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(7, 9), nn.Linear(9, 5, bias=False)

    def forward(self, x):
        x = self.b(torch.relu(self.a(x)))
        return x @ x.transpose(-1, -2), torch.bmm(x[0], x[0].transpose(1, 2))


class Shared(nn.Module):
    """One layer that is called twice, and an addition beside it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return x + self.conv(torch.relu(self.conv(x)))


class Pools(nn.Module):
    """Pools with padding, over the edge, and of averages."""

    def forward(self, x):
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        x = nn.functional.max_pool2d(x, 2, ceil_mode=True)
        return nn.functional.avg_pool2d(nn.functional.pad(x, (1, 0, 2, 1)), 2, 1)


class Steps(nn.Module):
    """A recurrent layer, of which the outputs are taken."""

    def __init__(self, kind, **options):
        super().__init__()
        self.steps = kind(6, 5, **options)

    def forward(self, x):
        return self.steps(x)[0]


class Attends(nn.Module):
    """Scaled-dot-product attention, and a contraction with a matrix that is learned."""

    def __init__(self):
        super().__init__()
        self.matrix, self.scale = nn.Parameter(torch.rand(8, 7)), nn.Parameter(torch.rand(7))

    def forward(self, x):
        x = nn.functional.scaled_dot_product_attention(x, x, x)
        return torch.einsum("bhsf,fo->bhso", x, self.matrix) * self.scale


def trained(module):
    """The module with weights that are all different, which an exporter does not take for one another."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.rand(parameter.shape) + 0.5)
    return module


MODULES = {
    "lstm": (lambda: Steps(nn.LSTM, num_layers=2, batch_first=True), (2, 4, 6)),
    "gru": (lambda: Steps(nn.GRU, bidirectional=True), (4, 2, 6)),
    "attention": (Attends, (2, 3, 5, 8)),
    "group norm": (lambda: nn.GroupNorm(2, 6), (2, 6, 5, 5)),
    "instance norm": (lambda: nn.InstanceNorm2d(6), (2, 6, 5, 5)),
    "layer norm": (lambda: nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 3)), (2, 5, 8)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), (2, 4, 5, 6)),
    "one axis": (lambda: nn.Conv1d(4, 6, 3, 2, 1), (2, 4, 9)),
    "three axes": (lambda: nn.Sequential(nn.Conv3d(2, 6, 3, padding=1), nn.MaxPool3d(2)), (2, 2, 4, 6, 8)),
    "enlarged": (lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.PReLU(3)), (1, 3, 4, 4)),
    "convolutions": (Convolutions, (2, 3, 17, 15)),
    "products": (Products, (2, 3, 4, 7)),
    "shared": (Shared, (2, 4, 9, 9)),
    "pools": (Pools, (1, 3, 23, 23)),
}


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
@pytest.mark.parametrize("name", MODULES)
def test_the_file_counts_as_the_module(tmp_path, name, dynamo):
    make, shape = MODULES[name]
    module = trained(make())
    audit, direct = audited(exported(module, tmp_path, shape, dynamo=dynamo), batch=shape[0]), audit_of(module, shape)
    assert (audit.macs, audit.params) == (direct.macs, direct.params)
    assert not audit.uncounted


def test_weights_in_a_file_of_their_own_are_not_needed(tmp_path):
    module = build_module(catalogue.network("A", SMALL), "cpu")
    path = exported(module, tmp_path, (1, 3, 224, 224), dynamo=True, external_data=True)
    weights = tmp_path / "x.onnx.data"
    assert weights.exists()
    weights.unlink()
    assert audited(path).paper.same


def test_a_file_can_be_moved_alone_to_be_read(tmp_path):
    module = build_module(catalogue.network("A", SMALL), "cpu")
    path = exported(module, tmp_path, (1, 3, 224, 224), dynamo=True)
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(path, tmp_path / "elsewhere" / "y.onnx")
    assert audited(str(moved)).params == audit_of(module, (1, 3, 224, 224)).params


def test_the_command_says_what_an_onnx_file_is(tmp_path, vggcost):
    module = build_module(catalogue.network("D", SMALL), "cpu")
    path = exported(module, tmp_path, (1, 3, 224, 224), dynamo=True)
    ran = vggcost("audit", path)
    assert ran.status == 0
    assert "D (VGG-16) with width 0.063, head 24,16, 7 classes" in ran.out
    assert vggcost("audit", path, "--strict").status == 0
    assert vggcost("audit", path, "--like", "E").status == 1


def test_a_model_that_is_loaded_is_audited(tmp_path):
    import onnx

    module = MODULES["convolutions"][0]()
    model = onnx.load(exported(module, tmp_path, (2, 3, 17, 15), dynamo=False))
    assert audit_of(model, (2, 3, 17, 15)).macs == audit_of(module, (2, 3, 17, 15)).macs
