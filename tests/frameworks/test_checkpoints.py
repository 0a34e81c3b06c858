"""Files of weights that need no package to be read: safetensors, and what is refused by its first bytes."""

from __future__ import annotations

import json
import random

import pytest

import vggcost
from vggcost.costs.table import table
from vggcost.frameworks import door
from vggcost.frameworks.checkpoints.contents import layers_in
from vggcost.frameworks.checkpoints.order import breaks, natural
from vggcost.frameworks.checkpoints.parts import parts_of
from vggcost.frameworks.checkpoints.stored import Stored, StoredTensor
from vggcost.frameworks.target import Given
from vggcost.network import catalogue
from vggcost.network.layers import BatchNorm2d, Conv2d, Linear
from vggcost.network.plan import Variant
from vggcost.results.audit import Audit

D_PARAMS, D_MACS = 138357544, 15470264320
SMALL = Variant(width=0.0625, head=(24, 16), classes=7)


def state(network):
    """A network's tensors as torch has them, by name: shapes alone."""
    tensors = {}
    for layer in network.layers:
        if isinstance(layer, Conv2d):
            tensors[f"{layer.path}.weight"] = (layer.c_out, layer.c_in, *layer.kernel)
            if layer.bias:
                tensors[f"{layer.path}.bias"] = (layer.c_out,)
        elif isinstance(layer, Linear):
            tensors[f"{layer.path}.weight"] = (layer.out_features, layer.in_features)
            tensors[f"{layer.path}.bias"] = (layer.out_features,)
        elif isinstance(layer, BatchNorm2d):
            for name in ("weight", "bias", "running_mean", "running_var"):
                tensors[f"{layer.path}.{name}"] = (layer.channels,)
            tensors[f"{layer.path}.num_batches_tracked"] = ()
    return tensors


def elements(shape):
    product = 1
    for side in shape:
        product *= side
    return product


def write(path, tensors, dtype="F32", size=4):
    """A safetensors file whose values are a hole: nothing but the header takes room on the disk."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors.items():
        begin, end = end, end + elements(shape) * size
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return str(path)


def test_a_file_of_ds_weights_is_d_whatever_the_order_of_its_names(tmp_path):
    tensors = dict(sorted(state(catalogue.network("D", Variant(batch_norm=True, classes=10))).items()))
    assert next(iter(tensors)).startswith("classifier")  # as the library sorts them
    reading = door.read_target(write(tmp_path / "vgg16_bn.safetensors", tensors), Given())
    audit = Audit(reading)
    assert audit.verdict == "D (VGG-16) with batch normalization, 10 classes"
    assert audit.params == 138365992 - 990 * 4097
    assert audit.macs == D_MACS - 990 * 4096
    assert [row.path for row in audit.layers if row.name == "conv5_3"] == ["features.40"]


def test_the_command_says_what_a_file_of_weights_is(tmp_path, vggcost):
    path = write(tmp_path / "d.safetensors", state(catalogue.network("D", Variant())))
    ran = vggcost("audit", path, "--format", "json", "--batch", "2", "--size", "256")
    document = json.loads(ran.out)
    assert ran.status == 0
    assert (document["is"]["letter"], document["input"]) == ("D", [2, 3, 256, 256])
    assert (document["totals"]["params"], document["network"]["framework"]) == (D_PARAMS, "safetensors file")
    assert document["totals"]["macs"] == 2 * vggcost_macs("D", 256)
    assert vggcost("audit", path, "--like", "E").status == 1


def vggcost_macs(name, size):
    return vggcost.cost(name, size=(size, size)).totals.macs


@pytest.mark.torch  # for its time
@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("order", ["file", "sorted"])
def test_every_configuration_is_told_from_its_weights(tmp_path, name, batch_norm, order):
    configuration = catalogue.find(name)
    variant = configuration.variant.replace(width=0.125, batch_norm=batch_norm or configuration.variant.batch_norm)
    network = catalogue.unfolded(configuration, variant)
    tensors = state(catalogue_flat(network))
    if order == "sorted":
        tensors = dict(sorted(tensors.items()))
    reading = door.read_target(write(tmp_path / "x.safetensors", tensors), Given())
    audit = Audit(reading)
    own = {"A-LRN": "A"}.get(name, name)
    assert (audit.paper.letter if audit.paper.same else audit.same_as) == own
    expected = catalogue.unfolded(catalogue.find(own), variant)
    assert audit.macs == table(expected, (1, 3, *expected.image)).macs
    assert audit.params == sum(layer.params() for layer in network.layers)


@pytest.mark.parametrize("name", ["A", "B", "D", "E"])  # C's 3x3 and 1x1 kernels of one width could stand anywhere
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_names_that_say_nothing_leave_the_widths(tmp_path, name, batch_norm, seed):
    network = catalogue.network(name, Variant(width=0.125, batch_norm=batch_norm))
    tensors = renamed(state(network), random.Random(seed))  # noqa: S311  # a shuffle
    audit = Audit(door.read_target(write(tmp_path / "x.safetensors", tensors), Given()))
    assert (audit.paper.letter, audit.paper.same) == (name, True)


def catalogue_flat(network):
    """A network with the layers of its residual blocks in a row, under paths of their own."""
    flat = []
    for layer in network.layers:
        inner = (*layer.body, *layer.shortcut) if hasattr(layer, "shortcut") else (layer,)
        flat += inner
    return network.replace(layers=tuple(layer.replace(path=f"stage.{place}") for place, layer in enumerate(flat)))


def renamed(tensors, source):
    """The same tensors with layers whose names say nothing of their order."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in tensors))
    words = [f"layer_{chr(97 + place)}" for place in range(len(layers))]
    source.shuffle(words)
    own = dict(zip(layers, words, strict=True))
    moved = {f"{own[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": shape for name, shape in tensors.items()}
    return dict(sorted(moved.items()))


def test_what_is_no_configuration_has_its_layers_and_no_macs(tmp_path, vggcost):
    tensors = state(catalogue.network("D", SMALL))
    tensors["features.28.weight"] = (32, 32, 5, 5)  # conv5_3
    path = write(tmp_path / "x.safetensors", tensors)
    document = json.loads(vggcost("audit", path, "--format", "json").out)
    assert document["is"] is None
    assert (document["input"], document["inputs"], document["nearest"]) == (None, [], "D")
    assert document["totals"]["params"] == sum(map(elements, tensors.values()))
    assert (document["totals"]["macs"], document["totals"]["flops"]) == (None, None)
    assert [each["text"] for each in document["differences"]] == [
        "~ conv5_3 3x3 32->32: is 5x5 32->32, +16,384 parameters"
    ]
    assert document["notes"][0] == "MACs are not known: neither pools nor strides are in a file of weights"
    row = next(row for row in document["layers"] if row["path"] == "features.0")
    assert (row["input"], row["output"], row["macs"], row["note"]) == (None, None, None, "3x3 3->4")


def test_a_head_on_one_place_fixes_the_image(tmp_path):
    tensors = state(catalogue.network("D", Variant(batch_norm=True)))
    tensors = {name: shape for name, shape in tensors.items() if name.startswith("features")}
    tensors |= {"classifier.weight": (10, 512), "classifier.bias": (10,)}
    path = write(tmp_path / "cifar.safetensors", tensors)
    reading = door.read_target(path, Given(batch=4))
    assert reading.inputs == ((4, 3, 32, 32),)
    assert reading.macs == 4 * (313196544 + 5120)  # D's convolutions at 32x32, and one linear layer
    with pytest.raises(vggcost.VggcostError, match="512 features"):
        door.read_target(path, Given(size=(224, 224)))


@pytest.mark.parametrize(
    ("dtype", "size", "ours"), [("F16", 2, "float16"), ("BF16", 2, "bfloat16"), ("F64", 8, "float64")]
)
def test_dtypes_are_those_of_the_file(tmp_path, dtype, size, ours):
    path = write(tmp_path / "x.safetensors", state(catalogue.network("A", SMALL)), dtype, size)
    audit = Audit(door.read_target(path, Given()))
    assert audit.reading.dtype == ours
    assert audit.totals.weight_bytes == size * audit.params


def test_features_alone_are_a_configuration_without_classifier(tmp_path):
    tensors = state(catalogue.network("B", SMALL))
    tensors = {name: shape for name, shape in tensors.items() if name.startswith("features")}
    audit = Audit(door.read_target(write(tmp_path / "x.safetensors", tensors), Given()))
    assert audit.verdict == "B (VGG-13) with width 0.063, no classifier"


def test_moving_averages_stand_beside_the_weights(tmp_path):
    tensors = state(catalogue.network("A", SMALL))
    both = tensors | {f"model_ema.{name}": shape for name, shape in tensors.items()}
    reading = door.read_target(write(tmp_path / "x.safetensors", both), Given())
    assert reading.params == sum(map(elements, tensors.values()))
    assert any("22 tensors of a moving average" in note for note in reading.notes)
    averages = {f"ema.{name}": shape for name, shape in tensors.items()}
    alone = door.read_target(write(tmp_path / "y.safetensors", averages), Given())
    assert alone.params == reading.params


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["conv.weight_g", "conv.weight_v", "conv.bias"], {"weight", "magnitude", "bias"}),
        (["conv.weight_orig", "conv.weight_mask", "conv.bias"], {"weight", "beside", "bias"}),
        (["conv.weight_orig", "conv.weight_u", "conv.weight_v"], {"weight", "beside"}),
        (["conv.parametrizations.weight.original0", "conv.parametrizations.weight.original1"], {"weight", "magnitude"}),
        (["conv.parametrizations.weight.original", "conv.parametrizations.weight.0._u"], {"weight", "beside"}),
        (["block1_conv1/block1_conv1_W_1:0", "block1_conv1/block1_conv1_b_1:0"], {"weight", "bias"}),
        (
            ["bn/gamma:0", "bn/beta:0", "bn/moving_mean:0", "bn/moving_variance:0"],
            {"weight", "bias", "mean", "variance"},
        ),
        (["module._orig_mod.conv.weight", "module._orig_mod.conv.bias"], {"weight", "bias"}),
    ],
)
def test_names_say_what_tensors_are_to_their_layer(names, expected):
    tensors = [StoredTensor(name, (8,), "float32", 32) for name in names]
    parts = parts_of(tensors)
    assert len(parts) == 1
    assert {role for role, _ in parts[0].tensors} == expected
    assert not parts[0].path.startswith("module")


def test_a_list_of_tensors_is_put_together_by_widths():
    shapes = [(8, 3, 3, 3), (8,), (8,), (8,), (4, 8, 3, 3), (4,), (7, 4), (7,)]
    tensors = tuple(StoredTensor(str(place), shape, "float32", 4) for place, shape in enumerate(shapes))
    layers = layers_in(Stored("x", "list", "OIHW", tensors))
    assert [each.words for each in layers] == [
        "3x3 3->8",
        "8, 8",  # a scale and a shift of no known normalization
        "3x3 8->4",
        "linear 4->7",
    ]
    assert [each.layer.bias for each in layers if hasattr(each.layer, "bias")] == [True, True, True]


@pytest.mark.parametrize(
    ("layout", "conv", "linear"),
    [("OIHW", (16, 3, 3, 3), (5, 16)), ("HWIO", (3, 3, 3, 16), (16, 5)), ("OHWI", (16, 3, 3, 3), (5, 16))],
)
def test_layouts_are_told_by_what_fits(layout, conv, linear):
    second = {"OIHW": (24, 16, 3, 3), "HWIO": (3, 3, 16, 24), "OHWI": (24, 3, 3, 16)}[layout]
    last = (linear[0], 24) if layout != "HWIO" else (24, linear[1])
    shapes = {"a.weight": conv, "a.bias": (16,), "b.weight": second, "b.bias": (24,), "c.weight": last, "c.bias": (5,)}
    tensors = tuple(StoredTensor(name, shape, "float32", 4) for name, shape in shapes.items())
    layers = layers_in(Stored("x", "file", "OIHW", tensors))
    assert [each.words for each in layers] == ["3x3 3->16", "3x3 16->24", "linear 24->5"]
    assert breaks(layers) == 0


def test_groups_are_what_makes_a_kernel_fit():
    shapes = {
        "a.weight": (32, 3, 3, 3),
        "b.weight": (32, 1, 3, 3),
        "c.weight": (64, 32, 1, 1),
        "d.weight": (64, 16, 3, 3),
    }
    tensors = tuple(StoredTensor(name, shape, "float32", 4) for name, shape in shapes.items())
    groups = [each.layer.groups for each in layers_in(Stored("x", "file", "OIHW", tensors))]
    assert groups == [1, 32, 1, 4]


def test_natural_order():
    names = ["layers.10.b", "layers.9.b", "layers.9.a", "conv2d", "conv2d_10", "conv2d_2"]
    assert sorted(names, key=natural) == ["conv2d", "conv2d_2", "conv2d_10", "layers.9.a", "layers.9.b", "layers.10.b"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.pth", b"", ["is empty"]),
        (
            "x.pth",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
            ["git-lfs pointer", "git lfs pull"],
        ),
        ("x.pth", b"\x89HDF\r\n\x1a\n" + bytes(64), ["a torch file", "an HDF5 file", "x.h5"]),
        ("x.safetensors", b"PK\x03\x04" + bytes(64), ["truncated or damaged"]),
        ("x.safetensors", (900).to_bytes(8, "little") + b'{"a":', ["truncated or damaged"]),
        ("x.safetensors", (2).to_bytes(8, "little") + b"{]", ["header"]),
        ("x.safetensors", (2).to_bytes(8, "little") + b"{}", ["holds no tensors"]),
        ("x.safetensors", (17).to_bytes(8, "little") + b'{"a":{"dtype":1}}', ["header"]),
        ("x.h5", b"<!DOCTYPE html>", ["an HDF5 file", "<!DOCTYPE ht"]),
        ("x.keras", b"\x80\x02}", ["a Keras archive", "a torch file", "x.pth"]),
        ("x.bin", bytes(20), ["a torch file", "begins with"]),
    ],
)
def test_what_is_no_file_of_weights_is_one_line(tmp_path, refused, name, content, words):
    (tmp_path / name).write_bytes(content)
    message = refused("audit", str(tmp_path / name))
    for word in (name, *words):
        assert word in message


def test_a_safetensors_file_that_ends_early_is_refused(tmp_path, refused):
    path = tmp_path / "x.safetensors"
    write(path, state(catalogue.network("A", SMALL)))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    assert "truncated or damaged" in refused("audit", str(path))


def test_a_tensor_whose_bytes_are_not_those_of_its_shape_is_refused(tmp_path, refused):
    entry = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 25]}}
    text = json.dumps(entry).encode()
    (tmp_path / "x.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(25))
    assert "header" in refused("audit", str(tmp_path / "x.safetensors"))


def test_what_a_file_of_weights_does_not_take_is_refused(tmp_path, refused):
    path = write(tmp_path / "x.safetensors", state(catalogue.network("A", SMALL)))
    assert "--call is for a program" in refused("audit", path, "--call", "a=1")
    assert "--input 3xHxW" in refused("audit", path, "--input", "1x32x32")
    (tmp_path / "d.pth").mkdir()
    assert "directory" in refused("audit", str(tmp_path / "d.pth"))
    assert "cannot read" in refused("audit", str(tmp_path / "none.pth"))
