"""Which configuration a program is, or comes nearest to, and by what names it differs: programs written by hand."""

import random

import pytest
from program_changes import EVERY, WITH_NORMS, WITHOUT_NORMS, drop_a_convolution
from program_readings import IMAGE, fitting, reading_of

from vggcost.network import catalogue
from vggcost.network.blocks import Residual
from vggcost.network.foreign_layers import Idle
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
)
from vggcost.network.ledger import Ledger
from vggcost.network.plan import Variant
from vggcost.programs.identify import among_the_papers, compare
from vggcost.programs.reading import Operation
from vggcost.programs.state import State
from vggcost.report.verdict import UNLIKE, verdict

SEEDS = 200


def layers_of(letter="D", **options):
    return list(catalogue.network(letter, Variant(**options)).layers)


def found(layers, shape=IMAGE):
    return among_the_papers(reading_of(fitting(layers, shape), shape))


def texts(likeness):
    return [difference.text for difference in likeness.differences]


@pytest.mark.parametrize("letter", catalogue.TABLE_1)
@pytest.mark.parametrize(
    "options",
    [{}, {"batch_norm": True, "bias": False}, {"classes": 7, "in_channels": 1}, {"width": 0.5}, {"head": (512,)}],
)
def test_every_configuration_is_itself(letter, options):
    network = catalogue.network(letter, Variant(**options))
    likeness = among_the_papers(reading_of(network.layers, (1, network.variant.in_channels, 224, 224)))
    assert (likeness.same, likeness.letter, likeness.network.variant) == (True, letter, network.variant)
    assert (likeness.like, likeness.found, likeness.cost) == (True, likeness.of, 0)


@pytest.mark.torch  # for its time
def test_one_change_at_random_is_one_difference_of_the_configuration_that_it_was_made_in():
    for seed in range(SEEDS):
        drawn = random.Random(seed)  # noqa: S311  # a draw that everybody can repeat
        letter, batch_norm = drawn.choice(list(catalogue.TABLE_1)), drawn.random() < 0.5
        network = catalogue.network(letter, Variant(batch_norm=batch_norm))
        change = drawn.choice(EVERY + (WITH_NORMS if batch_norm else WITHOUT_NORMS))
        layers, expected = change(list(network.layers), drawn)
        reading = reading_of(fitting(layers))
        likeness = among_the_papers(reading)
        said = (seed, letter, batch_norm, change.__name__, texts(likeness))
        assert likeness.like, said
        if expected[0] == "variant":
            assert (likeness.letter, likeness.same) == (letter, True), said
            assert getattr(likeness.network.variant, expected[1]) == expected[2], said
        elif expected[0] == "departure":
            assert (likeness.letter, likeness.same) == (letter, True), said
            assert expected[1] in "; ".join(likeness.departures), said
        else:
            (difference,) = likeness.differences
            assert letter in (likeness.letter, *likeness.also), said
            params = sum(layer.params() for layer in likeness.network.layers)
            assert difference.params == reading.params - params, said
            if letter == likeness.letter:
                assert difference.change == expected[0], said
                # Of two convolutions one behind the other either may be the one that is missing.
                blocks = 6 if change is drop_a_convolution else None
                assert expected[1] is None or difference.layer[:blocks] == expected[1][:blocks], said


def test_the_nearest_is_by_place_and_not_by_width():
    # B with a fourth block of the third one's width: a configuration with more layers of these widths is farther.
    layers = layers_of("B")
    thin = [layer.replace(c_out=256) if layer.name.startswith("conv4") else layer for layer in layers]
    likeness = found(thin)
    assert likeness.letter == "B"
    assert texts(likeness) == [
        "~ thinner: conv4_1 and conv4_2 have 256, 256 of 512, 512 channels, -3,539,456 parameters, -2,080,899,072 MACs"
    ]


def test_a_thin_configuration_that_ends_before_its_widest_layers_is_known_by_its_first():
    layers = layers_of("B", width=0.5, classes=10, head=(256,), adaptive_pool=False)
    names = [layer.name for layer in layers]
    kept = layers[: names.index("conv4_1")] + layers[names.index("flatten") :]
    likeness = found(kept, (1, 3, 32, 32))
    assert (likeness.letter, likeness.network.variant.width, len(likeness.differences)) == ("B", 0.5, 1)
    assert texts(likeness)[0].startswith("- conv4_1 .. pool5: ")


def test_a_cut_is_one_difference_and_says_which_configurations_begin_so():
    layers = layers_of("D")
    likeness = found(layers[: 1 + next(i for i, layer in enumerate(layers) if layer.name == "relu3_3")])
    assert (likeness.letter, likeness.also, likeness.made_of) == ("D", ("E",), "D (VGG-16) cut behind relu3_3")
    assert verdict(likeness) == "D (VGG-16) cut behind relu3_3"
    assert texts(likeness) == ["- cut behind relu3_3: 12,979,200 parameters, 6,011,486,208 MACs missing"]


def test_features_without_their_last_pool_are_cut_behind_their_last_activation():
    layers = layers_of("D", classifier=False)
    assert texts(found(layers[:-1])) == ["- cut behind relu5_3"]
    assert texts(found(layers[:-2])) == ["- cut behind conv5_3"]


def test_thinner_stages_are_one_difference():
    thin = [
        layer.replace(c_out=layer.c_out // 2) if isinstance(layer, Conv2d) and layer.name < "conv5" else layer
        for layer in layers_of("D")
    ]
    (text,) = texts(found(thin))
    assert text == (
        "~ thinner: conv1_1 .. conv4_3 have 32, 32, 64, 64, ... of 64, 64, 128, 128, ... channels,"
        " -6,904,992 parameters, -10,679,058,432 MACs"
    )


def run_again(reading, places, tail=()):
    """The program with these operations once more, on the same parameters, and other layers behind both."""
    operations = list(reading.operations)
    first = len(operations)
    for number, place in enumerate(places):
        operation = operations[place]
        after = (first + number - 1,) if number else ()
        shares = place if operation.params else None
        operations.append(operation.replace(state=State(), shares=shares, after=after))
    last = (places[-1], len(operations) - 1)
    for layer in tail:
        size = State.of(layer.params(), 4, "float32")
        operations.append(Operation(layer, None, None, size, Ledger(), after=last))
        last = (len(operations) - 1,)
    return reading.replace(operations=tuple(operations))


def test_features_that_run_on_two_images_are_run_twice():
    reading = reading_of(layers_of("D", classifier=False))
    twice = run_again(reading, range(len(reading.operations)), [Linear("alike", None, 512, 1)])
    likeness = among_the_papers(twice)
    assert likeness.made_of == "VGG-16's features, run twice, and more layers behind it"
    assert [difference.change for difference in likeness.differences] == ["behind", "repeated"]
    assert likeness.differences[1].text == "+ run twice: 13 layers again: 15,346,630,656 MACs more"
    thrice = run_again(twice.replace(operations=twice.operations[:-1]), range(len(reading.operations)))
    assert among_the_papers(thrice).made_of == "VGG-16's features, run 3 times"


def test_layers_that_are_never_used_leave_the_rest_what_it_is():
    reading = reading_of(layers_of("D", classifier=False))
    idle = tuple(
        Operation(Idle(name, name, "Linear"), None, None, State.of(10, 4, "float32"), Ledger(), note="never used")
        for name in ("fc6", "fc7")
    )
    likeness = among_the_papers(reading.replace(operations=(*reading.operations, *idle)))
    assert texts(likeness) == ["+ never used: fc6 and fc7: 20 parameters more"]
    assert likeness.made_of == "VGG-16's features and layers that are never used"


def test_layers_beside_the_way_through_are_no_change_of_it():
    layers = layers_of("D")
    reading = reading_of(layers)
    place = next(i for i, layer in enumerate(layers) if layer.name == "pool4")
    side = Conv2d("side", "side", 512, 9, (1, 1), (1, 1), (0, 0))
    shape = reading.operations[place].output
    aside = Operation(side, shape, (1, 9, 14, 14), State.of(side.params(), 4, "float32"), Ledger(), after=(place,))
    operations = [each.replace(after=(i - 1,) if i else ()) for i, each in enumerate(reading.operations)]
    behind = [each.replace(after=(each.after[0] + (each.after[0] > place),)) for each in operations[place + 1 :]]
    likeness = among_the_papers(reading.replace(operations=(*operations[: place + 1], aside, *behind)))
    assert [difference.change for difference in likeness.differences] == ["inside"]
    assert likeness.made_of == "D (VGG-16) and layers beside it"


def test_a_norm_on_the_other_side_of_its_activation_is_a_difference():
    layers = layers_of("A", batch_norm=True)
    for place in [place for place, layer in enumerate(layers) if isinstance(layer, BatchNorm2d)]:
        layers[place : place + 2] = [layers[place + 1], layers[place]]
    assert texts(found(layers)) == ["~ activation before normalization, not behind it, at conv1_1 .. conv5_2"]


def test_a_missing_flatten_is_a_difference():
    layers = [layer for layer in layers_of("D", adaptive_pool=False) if not isinstance(layer, Flatten)]
    reading = reading_of(layers)
    assert texts(among_the_papers(reading)) == ["~ flatten missing before fc6, which gets 1x512x7x7"]


def test_a_flatten_that_folds_the_batch_is_a_difference():
    reading = reading_of(layers_of("D", adaptive_pool=False), (1, 3, 448, 448))
    first = next(place for place, each in enumerate(reading.operations) if isinstance(each.layer, Linear))
    operations = list(reading.operations)
    for place in range(first, len(operations)):
        layer = operations[place].layer
        if isinstance(layer, Linear):
            operations[place] = operations[place].replace(input=(4, layer.in_features), output=(4, layer.out_features))
    assert texts(among_the_papers(reading.replace(operations=tuple(operations)))) == [
        "~ flatten folds the batch: fc6 gets 4 rows for 1 image"
    ]


def block(name, width):
    """A residual block of two 3x3 convolutions."""
    body = []
    for number in (1, 2):
        body += [Conv2d(f"{name}_conv{number}", None, width, width), ReLU(f"{name}_relu{number}", None)]
    return Residual(name, None, tuple(body))


def resnet():
    layers = [Conv2d("conv1", None, 3, 64, (7, 7), (2, 2), (3, 3)), ReLU("relu", None), MaxPool2d("pool", None)]
    width = 64
    for stage, wider in enumerate((64, 128, 256, 512)):
        if wider != width:
            layers += [Conv2d(f"down{stage}", None, width, wider, (1, 1), (2, 2), (0, 0)), ReLU(f"r{stage}", None)]
            width = wider
        layers += [block(f"{stage}a", width), block(f"{stage}b", width)]
    return [*layers, AdaptiveAvgPool2d("gap", None, (1, 1)), Flatten("flat", None), Linear("fc", None, 512, 1000)]


def mobilenet():
    layers, c_in = [Conv2d("stem", None, 3, 32, (3, 3), (2, 2)), ReLU("relu", None)], 32
    for number, (width, stride) in enumerate(((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))):
        layers += [
            Conv2d(f"dw{number}", None, c_in, c_in, (3, 3), (stride, stride), groups=c_in),
            ReLU(f"dwr{number}", None),
            Conv2d(f"pw{number}", None, c_in, width, (1, 1), (1, 1), (0, 0)),
            ReLU(f"pwr{number}", None),
        ]
        c_in = width
    return [*layers, AdaptiveAvgPool2d("gap", None, (1, 1)), Flatten("flat", None), Linear("fc", None, 512, 1000)]


def denoiser():
    layers = [Conv2d("conv0", None, 3, 64), ReLU("relu0", None)]
    for number in range(1, 19):
        layers += [Conv2d(f"conv{number}", None, 64, 64), ReLU(f"relu{number}", None)]
    return [*layers, Conv2d("last", None, 64, 3)]


def perceptron():
    flat = [Flatten("flat", None), Linear("a", None, 3 * 224 * 224, 4096), ReLU("r", None)]
    return [*flat, Linear("b", None, 4096, 4096), ReLU("s", None), Linear("c", None, 4096, 1000)]


def patches():
    return [
        Conv2d("patch", None, 3, 768, (16, 16), (16, 16), (0, 0)),
        *[Linear(f"l{i}", None, 14, 14) for i in range(48)],
    ]


@pytest.mark.parametrize("make", [resnet, mobilenet, denoiser, perceptron, patches])
def test_what_is_like_no_vgg_is_said_to_be_so(make):
    likeness = among_the_papers(reading_of(make()))
    assert not likeness.like
    assert verdict(likeness) == UNLIKE


def test_a_program_of_nothing_is_like_no_vgg():
    assert not among_the_papers(reading_of([ReLU("relu", None)])).like


def test_strict_names_each_activation_that_is_unlike_in_one_way_once():
    layers = [layer for layer in layers_of("D") if layer.name not in ("relu1_1", "relu1_2")]
    likeness = compare(reading_of(layers), catalogue.find("D"), bound=frozenset(("classifier", "head", "width")))
    assert texts(likeness) == ["- ReLU missing behind conv1_1 and conv1_2"]
    assert compare(reading_of(layers), catalogue.find("D")).same


@pytest.mark.torch  # for its time
def test_the_time_of_an_alignment_is_bounded():
    from vggcost.programs.trunks import LONGEST, trunks

    layers = [Conv2d(f"conv{number}", None, 64, 64) for number in range(3000)]
    reading = reading_of([Conv2d("first", None, 3, 64), *layers], (1, 3, 8, 8))
    assert {len(trunk.pieces) for trunk in trunks(reading)} == {LONGEST}
    likeness = among_the_papers(reading)
    assert not likeness.like
    layers = [*layers_of("D", classifier=False), *[Conv2d(f"more{number}", None, 512, 512) for number in range(3000)]]
    likeness = found(layers)
    assert likeness.made_of == "VGG-16's features and more layers behind it"
