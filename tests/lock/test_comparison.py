"""Two entries held against each other: each change is one finding, named by its layer, with what follows from it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lock_entries import WEIGHT_LAYERS, D, held_to_d, layers_of, mutants, network_entry, program_entry, program_reading

from vggcost.lock.comparison import compared
from vggcost.lock.entry import LayerFacts
from vggcost.lock.facts import entry_of
from vggcost.network.layers import AdaptiveAvgPool2d, BatchNorm2d

BASE = network_entry()
PROGRAM = layers_of("D")
LOCKED = program_entry(PROGRAM)


def lines(before, after):
    """What a reviewer reads."""
    found = []
    for finding in compared(before, after).findings:
        found.append(finding.text)
        found += [f"  {finding.text_behind}"] if finding.behind else []
    return found


def test_what_is_the_same_has_no_findings():
    assert compared(BASE, network_entry()).same
    assert compared(LOCKED, program_entry(PROGRAM)).same


@pytest.mark.parametrize(
    ("place", "token", "expected"),
    [
        (13, [512], ["conv4_4 added: + 2,359,808 parameters, + 1,849,688,064 MACs (with relu4_4)"]),
        (
            0,
            [65],
            [
                "conv1_1 width 64 -> 65: + 28 parameters, + 1,354,752 MACs",
                "  conv1_2 (input channels 64 -> 65): + 576 parameters, + 28,901,376 MACs",
            ],
        ),
        (
            1,
            ["conv3-64/2"],
            [
                "conv1_2 stride 1x1 -> 2x2: - 1,387,266,048 MACs",
                "  conv2_1 .. conv5_3, 11 layers: - 10,057,678,848 MACs",
            ],
        ),
        (
            12,
            ["conv1-512"],
            ["conv4_3 kernel 3x3 -> 1x1, padding 1x1 -> 0x0: - 2,097,152 parameters, - 1,644,167,168 MACs"],
        ),
        (16, [], ["conv5_3 dropped: - 2,359,808 parameters, - 462,422,016 MACs (with relu5_3)"]),
    ],
)
def test_a_changed_token_of_a_network_file(place, token, expected):
    features = [*D.features[:place], *token, *D.features[place + (token != [512]) :]]
    assert lines(BASE, network_entry(features)) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"batch_norm": True}, ["bn1_1 .. bn5_3 (13 x BatchNorm2d) added: + 8,448 parameters"]),
        ({"bias": False}, ["conv1_1 .. conv5_3 (13 x Conv2d) bias removed: - 4,224 parameters"]),
        ({"classes": 10}, ["fc8 width 1,000 -> 10 (classes): - 4,056,030 parameters, - 4,055,040 MACs"]),
        (
            {"in_channels": 1},
            [
                "input 1x3x224x224 -> 1x1x224x224",
                "  conv1_1 (input channels 3 -> 1): - 1,152 parameters, - 57,802,752 MACs",
            ],
        ),
        ({"adaptive_pool": False}, ["avgpool dropped"]),
        ({"softmax": True}, ["softmax added"]),
        ({"head": (4096,)}, ["fc7 dropped: - 16,781,312 parameters, - 16,777,216 MACs (with relu7 and drop7)"]),
    ],
)
def test_a_change_of_the_whole_network(options, expected):
    assert lines(BASE, network_entry(**options)) == expected


def test_a_smaller_image_is_the_cause_of_all_that_follows():
    assert lines(BASE, network_entry(size=(32, 32))) == [
        "input 1x3x224x224 -> 1x3x32x32",
        "  conv1_1 .. conv5_3, 13 layers: - 15,033,434,112 MACs",
    ]


HELD = {"check": lambda reading: compared(LOCKED, entry_of("net", reading)), "like": held_to_d}
"""The two that hold a program to what is written down: a lock, and a network file."""


@pytest.mark.parametrize("by", HELD)
@pytest.mark.parametrize("finding", list(mutants(PROGRAM)), ids=lambda each: f"{each[1]}-{each[0]}")
def test_every_change_of_every_weight_layer_is_one_finding_with_its_name(finding, by):
    word, name, layers = finding
    (found,) = HELD[by](program_reading(layers)).findings
    if word == "doubled":
        assert (found.change, found.layers) == ("added", (f"{name}_again",))
    elif word == "dropped":
        assert (found.change, found.layers) == ("dropped", (name,))
    else:
        assert (found.change, found.layers) == ("changed", (name,))
        changed = {each.setting for each in found.changes}
        setting = {"width": "out_features" if name.startswith("fc") else "c_out"}.get(word, word)
        assert changed == ({"kernel", "padding"} if word == "kernel" else {setting})


def numbered(layers):
    """The layers under names that say nothing but where they stand."""
    return [layer.replace(name=f"body.{place}") for place, layer in enumerate(layers)]


WHOLE = {
    "same": (PROGRAM, []),
    "norm": (layers_of(batch_norm=True), ["body.1 .. body.41 (13 x BatchNorm2d) added: + 8,448 parameters"]),
    "classes": (layers_of(classes=7), ["fc8 width 1,000 -> 7 (classes): - 4,068,321 parameters, - 4,067,328 MACs"]),
    "channels": (layers_of(in_channels=1), ["input 1x3x224x224 -> 1x1x224x224", "conv1_1"]),
    "pool": (layers_of(adaptive_pool=False), ["avgpool dropped"]),
    "softmax": (layers_of(softmax=True), ["body.40 added"]),
    "no ReLU": ([layer for layer in PROGRAM if layer.name != "relu4_2"], ["relu4_2 dropped"]),
    "no dropout": ([layer for layer in PROGRAM if layer.kind != "Dropout"], []),
}


@pytest.mark.parametrize("what", WHOLE)
def test_a_network_file_holds_layers_of_whatever_names_in_the_words_of_a_lock(what):
    layers, expected = WHOLE[what]
    channels = layers[0].c_in
    found = held_to_d(program_reading(numbered(layers), (1, channels, 224, 224))).findings
    assert [word for each in found for word in (each.text, *each.behind)] == expected


def test_a_network_file_sees_the_order_of_normalization_and_activation():
    layers = layers_of(batch_norm=True)
    assert held_to_d(program_reading(numbered(layers)), batch_norm=True).same
    layers[1], layers[2] = layers[2], layers[1]
    (found,) = held_to_d(program_reading(numbered(layers)), batch_norm=True).findings
    assert (found.change, found.layers) == ("moved", ("bn1_1",))


def test_a_network_file_has_no_word_for_what_is_frozen():
    assert held_to_d(program_reading(PROGRAM, frozen=WEIGHT_LAYERS)).same


@pytest.mark.parametrize("name", WEIGHT_LAYERS)
def test_a_frozen_layer_is_a_finding_and_so_is_one_set_free(name):
    frozen = program_entry(PROGRAM, frozen=(name,))
    (found,) = compared(LOCKED, frozen).findings
    assert (found.change, found.layers, found.params) == ("frozen", (name,), 0)
    (back,) = compared(frozen, LOCKED).findings
    assert (back.change, back.layers) == ("unfrozen", (name,))


def test_words_of_a_frozen_layer():
    assert lines(LOCKED, program_entry(PROGRAM, frozen=("conv1_1",))) == [
        "conv1_1 frozen (1,792 parameters no longer trained)"
    ]


def test_layers_frozen_together_are_one_finding():
    names = WEIGHT_LAYERS[:2]
    (found,) = compared(LOCKED, program_entry(PROGRAM, frozen=("conv3_2", "conv3_3"))).findings
    assert found.layers == ("conv3_2", "conv3_3")
    assert len(compared(LOCKED, program_entry(PROGRAM, frozen=names)).findings) == 2  # of other numbers of parameters


def test_the_order_of_normalization_and_activation_is_one_finding():
    layers = layers_of("D", batch_norm=True)
    locked = program_entry(layers)
    swapped = list(layers)
    for place, layer in enumerate(layers[:-1]):
        if isinstance(layer, BatchNorm2d):
            swapped[place : place + 2] = [layers[place + 1], layer]
    assert lines(locked, program_entry(swapped)) == ["bn1_1 .. bn5_3 (13 x BatchNorm2d) moved behind ReLU"]
    one = [*layers[:1], layers[2], layers[1], *layers[3:]]
    assert lines(locked, program_entry(one)) == ["bn1_1 moved behind ReLU"]


def test_numbers_of_a_sequential_that_move_up_are_no_finding():
    layers = [layer.replace(name=f"features.{place}") for place, layer in enumerate(PROGRAM)]
    gone = [layer.replace(name=f"features.{place}") for place, layer in enumerate(PROGRAM[:2] + PROGRAM[4:])]
    assert lines(program_entry(layers), program_entry(gone)) == [
        "features.2 dropped: - 36,928 parameters, - 1,849,688,064 MACs (with features.3)"
    ]


def test_a_layer_with_another_name_is_a_finding():
    renamed = [layer.replace(name="first") if layer.name == "conv1_1" else layer for layer in PROGRAM]
    assert lines(LOCKED, program_entry(renamed)) == ["first renamed (was conv1_1)"]


def test_a_layer_of_another_kind_under_the_same_name():
    other = [AdaptiveAvgPool2d("pool5", None, (7, 7)) if layer.name == "pool5" else layer for layer in PROGRAM]
    assert lines(LOCKED, program_entry(other)) == ["pool5 kind MaxPool2d -> AdaptiveAvgPool2d"]


def test_activations_alone_that_are_gone():
    rest = [layer for layer in PROGRAM if layer.name not in ("relu1_1", "relu4_2")]
    assert lines(LOCKED, program_entry(rest)) == ["relu1_1 and relu4_2 dropped"]


def test_a_sum_that_no_layer_explains_is_a_finding():
    other = BASE.replace(totals={**BASE.totals, "training_peak_bytes": 5}, counts={"fvcore": 3})
    assert lines(BASE, other) == ["training peak bytes none -> 5", "fvcore none -> 3"]


def test_a_total_change_beside_a_layer_s_is_no_second_finding():
    found = compared(BASE, network_entry(classes=10))
    assert len(found.findings) == 1
    assert ("params", 138_357_544, 134_301_514) in [(each.setting, each.before, each.after) for each in found.totals]


def test_several_changes_are_told_one_by_one():
    features = [65, *D.features[1:12], 512, *D.features[12:]]
    assert [finding.layers for finding in compared(BASE, network_entry(features)).findings] == [
        ("conv1_1",),
        ("conv4_4",),
    ]


TOKENS = st.lists(st.sampled_from([8, 16, "conv1-8", "conv5-16", "LRN"]), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(TOKENS, TOKENS, st.booleans(), st.booleans())
def test_the_findings_add_up_to_the_difference_of_the_sums(one, other, norm, bias):
    before = network_entry([*one, "M"], (64, 64), head=(8,), classes=5)
    after = network_entry([*other, "M"], (64, 64), head=(8,), classes=5, batch_norm=norm, bias=bias)
    found = compared(before, after).findings
    for name in ("params", "macs"):
        told = sum(getattr(each, name) + getattr(each, f"{name}_behind") for each in found)
        assert told == after.totals[name] - before.totals[name]
    assert compared(before, before).same
    assert bool(found) == (before.layers != after.layers)


@pytest.mark.parametrize("place", [0, 700, 1999])
def test_a_layer_of_thousands_is_found_by_what_it_is(place):
    layers = [LayerFacts(f"body.{n}", "Linear", (1, 8 + n), (("out_features", 8 + n),), 9, 9, 8) for n in range(2000)]
    rest = [each.replace(name=f"body.{n}") for n, each in enumerate([*layers[:place], *layers[place + 1 :]])]
    locked = BASE.replace(layers=tuple(layers), framework="torch")
    (found,) = compared(locked, locked.replace(layers=tuple(rest))).findings
    assert (found.change, found.layers) == ("dropped", (f"body.{place}",))


def test_two_long_networks_with_nothing_in_common():
    layers = [LayerFacts(f"a.{n}", "Linear", (1, n + 1), (("out_features", n + 1),), 9, 9, 8) for n in range(2000)]
    others = [LayerFacts(f"b.{n}", "Linear", (1, n + 2), (("out_features", n + 2),), 9, 9, 8) for n in range(2000)]
    one, other = (BASE.replace(layers=tuple(each), framework="torch") for each in (layers, others))
    found = compared(one, other).findings
    assert sum(each.params + each.params_behind for each in found) == 0
    assert found
