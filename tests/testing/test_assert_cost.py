"""What `assert_cost` says of a live model."""

import pytest

from vggcost.testing import assert_cost

pytestmark = pytest.mark.torch

IMAGE = (1, 3, 32, 32)
PARAMS = 3 * 8 * 9 + 8 + 8 * 16 * 9 + 16 + 16 * 49 * 10 + 10
MACS = 32 * 32 * 3 * 8 * 9 + 16 * 16 * 8 * 16 * 9 + 16 * 49 * 10


def net(classes=10, *, bias=True, kernel=3):
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=bias),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(7),
        nn.Flatten(),
        nn.Linear(16 * 49, classes),
    )


def vgg16(*, bias=True, classes=1000):
    import torch
    from torch import nn

    layers, channels = [], 3
    with torch.device("meta"):
        for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=bias), nn.ReLU()]
                channels = width
        head = [nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, classes)]
        return nn.Sequential(*layers, nn.Flatten(), *head)


def said(*given, **held):
    with pytest.raises(AssertionError) as caught:
        assert_cost(*given, **held)
    return str(caught.value).splitlines()


def test_a_model_that_costs_what_it_should_passes(tmp_path):
    assert_cost(net(), IMAGE, params=PARAMS, macs=MACS)
    assert_cost(net(), input=IMAGE, params=PARAMS)
    assert_cost(net(), IMAGE, like=net())
    assert_cost(vgg16(), params=138_357_544, macs=15_470_264_320, like="D")
    file = tmp_path / "net.toml"
    file.write_text('features = [8, "M", 16]\nhead = []\nclasses = 10\nbias = true\n')
    assert_cost(net(), IMAGE, like=file)


def test_other_sums_are_said_with_what_each_layer_costs():
    assert said(net(bias=False), IMAGE, params=PARAMS, macs=MACS) == [
        "Sequential is not what it should be",
        f"{PARAMS - 8:,} parameters, and not {PARAMS:,} (- 8)",
        "What its layers cost:",
        "  0 Conv2d: 216 parameters, 221,184 MACs",
        "  3 Conv2d: 1,168 parameters, 294,912 MACs",
        "  7 Linear: 7,850 parameters, 7,840 MACs",
    ]
    assert f"{MACS + 524_288:,} MACs, and not {MACS:,} (+ 524,288)" in said(net(kernel=5), IMAGE, macs=MACS)


def test_sums_of_a_configuration_are_explained_by_its_layers():
    assert said(vgg16(bias=False), params=138_357_544) == [
        "Sequential is not what it should be",
        "138,353,320 parameters, and not 138,357,544 (- 4,224)",
        "It is D (VGG-16) with bias-less convolutions, no adaptive pool",
        "  beside that: no dropout layers in place of 2",
        "D (VGG-16) with no adaptive pool has what is expected, and here is 1 difference:",
        "  ~ conv1_1, conv1_2, conv2_1, conv2_2, conv3_1 and 8 more: without bias, -4,224 parameters",
    ]
    assert said(vgg16(classes=7), params=138_357_544)[-1].startswith("  ~ fc8")


def test_another_model_is_held_against_layer_by_layer():
    assert said(net(kernel=5), IMAGE, like=net()) == [
        "Sequential is not what it should be",
        "Compared with Sequential:",
        "  3 kernel 3x3 -> 5x5, padding 1x1 -> 2x2: + 2,048 parameters, + 524,288 MACs",
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"classes": 7}, "fc2 width 10 -> 7 (classes): "),
        ({"bias": False}, "conv1_1 bias removed: - 8 parameters"),
    ],
)
def test_a_network_file_is_held_against_layer_by_layer(tmp_path, options, line):
    file = tmp_path / "net.toml"
    file.write_text('features = [8, "M", 16]\nhead = []\nclasses = 10\nbias = true\n')
    first, compared, difference = said(net(**options), IMAGE, like=str(file))
    assert first == "Sequential is not what it should be"
    assert compared.startswith("Compared with net")
    assert difference.strip().startswith(line)


def test_a_network_file_says_what_image_there_is_where_nothing_else_does(tmp_path):
    from torch import nn

    file = tmp_path / "net.toml"
    keys = 'features = [8, "M", 16]\nhead = []\nclasses = 10\nadaptive_pool = false\n'
    file.write_text(f"{keys}size = [16, 32]\nin_channels = 1\n")
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 8 * 16, 10))
    assert_cost(model, like=file)
    assert "  input 1x1x16x32 -> 1x1x32x16" in said(model, (1, 1, 32, 16), like=file)


def test_a_name_that_a_terminal_would_obey_is_written_out():
    from torch import nn

    model = nn.Sequential()
    model.add_module("a\x1b[31m", nn.Conv2d(3, 8, 3))
    assert "  a\\x1b[31m Conv2d: 224 parameters, 194,400 MACs" in said(model, IMAGE, params=1)


def test_a_model_that_cannot_run_fails_with_its_layer():
    from torch import nn

    lines = said(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3)), IMAGE, macs=1)
    assert lines[1] == "MACs are not known, and should be 1"
    assert "It cannot run: 1 takes 9 channels and gets 8" in lines
    assert "It cannot run: 1 takes 9 channels and gets 8" in said(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3)), IMAGE, params=872
    )


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "assert_cost has nothing to hold the model to; give params=, macs= or like="),
        ({"params": "138M"}, "assert_cost: params is '138M'; give a whole number, such as params=138_357_544"),
        ({"macs": True}, "assert_cost: macs is True; give a whole number"),
        ({"params": 1.5}, "assert_cost: params is 1.5; give a whole number"),
        ({"like": "Q"}, "unknown configuration 'Q'"),
        ({"like": 3}, "int is 3; give a torch.nn.Module"),
    ],
)
def test_what_cannot_be_held_is_refused_in_a_line(held, words):
    from vggcost import VggcostError

    with pytest.raises(VggcostError) as caught:
        assert_cost(net(), IMAGE, **held)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
