"""The numbers that people come for, to the last digit."""

from __future__ import annotations

import pytest

from vggcost import cost
from vggcost.network.catalogue import TABLE_2_MILLIONS

PARAMS = {
    "A": (132_863_336, 132_868_840),
    "A-LRN": (132_863_336, 132_868_840),
    "B": (133_047_848, 133_053_736),
    "C": (133_638_952, 133_647_400),
    "D": (138_357_544, 138_365_992),
    "E": (143_667_240, 143_678_248),
}
MACS_AT_224 = {
    "A": 7_609_090_048,
    "A-LRN": 7_609_090_048,
    "B": 11_308_466_176,
    "C": 11_770_888_192,
    "D": 15_470_264_320,
    "E": 19_632_062_464,
}


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", PARAMS)
def test_parameters_and_macs_of_the_paper(name, batch_norm):
    totals = cost(name, batch_norm=batch_norm).totals
    assert totals.params == PARAMS[name][batch_norm]
    assert totals.macs == MACS_AT_224[name]
    assert totals.flops == 2 * totals.macs
    assert totals.weight_bytes == 4 * totals.params


@pytest.mark.parametrize(("dtype", "element_bytes"), [("float64", 8), ("float32", 4), ("float16", 2), ("bfloat16", 2)])
def test_the_weights_memory_is_that_of_their_type(dtype, element_bytes):
    assert cost("D", dtype=dtype).totals.weight_bytes == 138_357_544 * element_bytes


@pytest.mark.parametrize("name", PARAMS)
def test_the_papers_table_2_is_ours_rounded_to_millions(name):
    assert (cost(name).totals.params + 500_000) // 10**6 == TABLE_2_MILLIONS[name]


def test_published_programs():
    assert cost("D", batch_norm=True, classes=4).totals.params == 134_285_380
    assert cost("D", classes=24).totals.params == 134_358_872
    keras_rows = [1792, 36928, 73856, 147584, 295168, *[590080] * 2, 1180160, *[2359808] * 5, 102764544, 16781312]
    assert [layer.params for layer in cost("D", classes=24).layers if layer.params] == [*keras_rows, 98328]


def test_what_a_batch_and_an_image_do():
    one, eight = cost("D"), cost("D", batch=8)
    assert eight.totals.macs == 8 * one.totals.macs
    assert eight.totals.params == one.totals.params
    assert cost("D", in_channels=1).totals.params == 138_357_544 - 2 * 3 * 3 * 64
    assert cost("D", bias=False).totals.params == 138_357_544 - (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512)
    assert cost("D", size=(224, 320)).layers[-1].output == (1, 1000)


@pytest.mark.parametrize("name", PARAMS)
def test_rows_sum_to_the_totals(name):
    result = cost(name, batch_norm=True, classes=10, size=(256, 320), batch=3)
    for key in ("params", "macs", "flops", "count"):
        assert sum(getattr(layer, key) for layer in result.layers) == getattr(result.totals, key)


def test_the_feature_maps_of_d():
    outputs = {layer.name: layer.output for layer in cost("D").layers}
    assert outputs["conv1_1"] == (1, 64, 224, 224)
    assert outputs["pool5"] == (1, 512, 7, 7)
    assert outputs["flatten"] == (1, 25088)
    assert outputs["fc8"] == (1, 1000)


def test_configuration_c_has_its_1x1_convolutions_third_in_blocks_3_to_5():
    network = cost("C").network
    kernels = {layer.name: layer.kernel for layer in network.layers if layer.kind == "Conv2d"}
    assert [name for name, kernel in kernels.items() if kernel == (1, 1)] == ["conv3_3", "conv4_3", "conv5_3"]


def test_layers_bear_the_literatures_names_and_torchvisions_paths():
    layers = cost("A-LRN", batch_norm=True).layers
    assert [layer.name for layer in layers[:6]] == ["conv1_1", "bn1_1", "relu1_1", "lrn1", "pool1", "conv2_1"]
    assert [layer.path for layer in layers[:2]] == ["features.0", "features.1"]
    assert {layer.name: layer.path for layer in layers}["fc7"] == "classifier.3"
    assert {layer.name: layer.path for layer in layers}["flatten"] is None
