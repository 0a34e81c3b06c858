"""A program as a network file, and back: the same network, or one line that says why there is none."""

import pytest
from program_readings import fitting, reading_of

from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network import catalogue, network_file
from vggcost.network.foreign_layers import Free
from vggcost.network.foreign_pools import AvgPool2d
from vggcost.network.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Softmax
from vggcost.network.plan import Configuration, ResidualToken, Variant
from vggcost.network.unfold import unfold
from vggcost.programs.configuration import configuration_of

LAYERS = catalogue.network("A", Variant(batch_norm=True)).layers


def round_trip(plan, variant, image, tmp_path):
    """What stands in the file that is written of a plan's program."""
    network = unfold(plan, variant, image)
    reading = reading_of(network.layers, (2, variant.in_channels, *image), "models/net.py:Net")
    path = tmp_path / "net.toml"
    path.write_text(network_file.toml_text(configuration_of(reading)))
    read = network_file.read(path)
    again = unfold(read, read.variant, read.size)
    rows = table(again, (2, again.variant.in_channels, *read.size)).rows
    assert (sum(row.params for row in rows), sum(row.macs for row in rows)) == (reading.params, reading.macs)
    assert [row.layer.alike() for row in rows] == [operation.layer.alike() for operation in reading.operations]
    assert read.name == "Net"
    return read


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_norm": True, "bias": False, "classes": 10, "in_channels": 1},
        {"width": 0.25, "head": (100, 20)},
        {"adaptive_pool": False, "head": (), "softmax": True},
        {"classifier": False},
    ],
)
def test_a_configuration_goes_to_a_file_and_back(name, options, tmp_path):
    plan = catalogue.find(name)
    variant = plan.variant.replace(**options)
    read = round_trip(plan, variant, (224, 224) if variant.head is None else (96, 64), tmp_path)
    if not plan.variant.departures() and variant.width == 1:
        assert (read.features, read.variant) == (plan.features, variant)


def test_kernels_strides_and_residual_blocks_go_to_a_file_and_back(tmp_path):
    features = (
        *("conv7-32/2", "LRN", "M", "conv1-16"),
        ResidualToken((16, "conv5-16")),
        ResidualToken((24, 24), "conv1-24"),
        "M",
    )
    plan = Configuration("own", features)
    assert round_trip(plan, Variant(head=(50,), classes=3), (64, 96), tmp_path).features == features


def test_the_papers_head_on_other_features_is_said_to_be_ones_own(tmp_path):
    plan = catalogue.find("A")
    variant = Variant(adaptive_pool=False, head=(4096, 4096))
    assert round_trip(plan, variant, (64, 64), tmp_path).variant.head == (4096, 4096)


def changed(**by_name):
    """A with batch normalization, some layers of which are others; None takes one out, a list is several."""
    layers = []
    for layer in LAYERS:
        new = by_name.get(layer.name, layer)
        layers += new if isinstance(new, list) else [] if new is None else [new]
    return reading_of(fitting(layers))


NAMED = {layer.name: layer for layer in LAYERS}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"relu1_1": None}, "no ReLU is behind conv1_1 but max-pool, and a network file has one there"),
        ({"pool1": AvgPool2d("pool1", None, (2, 2), (2, 2))}, "pool1 is average-pool 2x2 of stride 2, which it has no"),
        ({"pool1": MaxPool2d("pool1", None, (3, 3))}, "pool1 is max-pool 3x3 of stride 2, and a network file has"),
        (
            {"conv2_1": NAMED["conv2_1"].replace(padding=(0, 0))},
            "conv2_1 is 3x3 64->128, padding 0, and a network",
        ),
        ({"conv2_1": NAMED["conv2_1"].replace(groups=2)}, "conv2_1 is 3x3 64->128, 2 groups"),
        ({"conv2_1": NAMED["conv2_1"].replace(bias=False)}, "some convolutions have a bias and others not"),
        ({"bn2_1": None}, "some convolutions have batch normalization and others not"),
        ({"bn1_1": BatchNorm2d("bn1_1", None, 64, affine=False)}, "bn1_1 is batch normalization of 64 channels, not"),
        ({"relu6": None}, "no ReLU is behind fc6 but linear layer, and a network file has one there"),
        ({"fc7": NAMED["fc7"].replace(bias=False)}, "fc7 is linear 4,096->4,096 without bias"),
        ({"fc8": [NAMED["fc8"], ReLU("end", None)]}, "end is ReLU, behind the last linear layer"),
        ({"avgpool": NAMED["avgpool"].replace(output_size=(1, 1))}, "avgpool is adaptive average-pool to 1x1"),
        (dict.fromkeys(("fc6", "fc7", "fc8", "relu6", "relu7")), "no linear layer is behind its features"),
        ({"flatten": None, "avgpool": None}, "no flatten is behind its features but linear layer"),
    ],
)
def test_what_no_file_has_words_for_is_refused_in_a_line(changes, words):
    with pytest.raises(VggcostError) as refused:
        configuration_of(changed(**changes))
    said = str(refused.value)
    assert said.startswith("by hand cannot be written as a network file: ")
    assert words in said
    assert "\n" not in said


def test_other_programs_are_refused():
    with pytest.raises(VggcostError, match="it has no convolution"):
        configuration_of(reading_of([Flatten("flat", None), Linear("fc", None, 12, 3)], (1, 3, 2, 2)))
    with pytest.raises(VggcostError, match="takes something else than one image"):
        configuration_of(reading_of([Linear("fc", None, 12, 3)], (1, 12)))
    shared = reading_of([Conv2d("a", None, 3, 3), ReLU("r", None), Conv2d("b", None, 3, 3), ReLU("s", None)])
    twice = [each.replace(shares=0) if each.layer.name == "b" else each for each in shared.operations]
    with pytest.raises(VggcostError, match="b runs on the parameters of another layer"):
        configuration_of(shared.replace(operations=tuple(twice)))


def test_a_soft_max_is_written_and_a_function_of_ones_own_is_not():
    assert configuration_of(changed(fc8=[NAMED["fc8"], Softmax("softmax", None)])).variant.softmax
    reading = changed()
    odd = reading.operations[2].replace(layer=Free("act", "act", "sigmoid"))
    operations = tuple(odd if place == 2 else each for place, each in enumerate(reading.operations))
    with pytest.raises(VggcostError, match="no ReLU is behind conv1_1 but sigmoid"):
        configuration_of(reading.replace(operations=operations))
