"""Plans unfolded into layers: residual blocks, width, head, and the numbers of published programs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vggcost import cost
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network.blocks import Add, Residual
from vggcost.network.catalogue import find, unfolded
from vggcost.network.layers import Conv2d, Linear
from vggcost.network.plan import Configuration, ResidualToken, Variant
from vggcost.network.unfold import conv_token, exact_factor, total_stride, width_factor


def rows(tokens, shape=(1, 3, 32, 32), **options):
    variant = Variant(in_channels=shape[1], **options)
    return table(unfolded(Configuration("own", tokens), variant, shape[2:]), shape).rows


def widths(network):
    return [layer.c_out for layer in network.layers if isinstance(layer, Conv2d)]


# --- residual blocks


def test_names_and_paths_in_a_residual_block():
    tokens = (8, ResidualToken((8, 8)), ResidualToken(("conv3-16/2",), "conv1-16/2"), "M", ResidualToken((16,)))
    found = [(row.name, row.kind, row.path) for row in rows(tokens, batch_norm=True, classifier=False)]
    assert found == [
        ("conv1_1", "Conv2d", "features.0"),
        ("bn1_1", "BatchNorm2d", "features.1"),
        ("relu1_1", "ReLU", "features.2"),
        ("res1_1_conv1", "Conv2d", "features.3.body.0"),
        ("res1_1_bn1", "BatchNorm2d", "features.3.body.1"),
        ("res1_1_relu1", "ReLU", "features.3.body.2"),
        ("res1_1_conv2", "Conv2d", "features.3.body.3"),
        ("res1_1_bn2", "BatchNorm2d", "features.3.body.4"),
        ("res1_1_relu2", "ReLU", "features.3.body.5"),
        ("res1_1", "Add", None),
        ("res1_2_conv1", "Conv2d", "features.4.body.0"),
        ("res1_2_bn1", "BatchNorm2d", "features.4.body.1"),
        ("res1_2_relu1", "ReLU", "features.4.body.2"),
        ("res1_2_proj", "Conv2d", "features.4.shortcut.0"),
        ("res1_2_proj_bn", "BatchNorm2d", "features.4.shortcut.1"),
        ("res1_2", "Add", None),
        ("pool1", "MaxPool2d", "features.5"),
        ("res2_1_conv1", "Conv2d", "features.6.body.0"),
        ("res2_1_bn1", "BatchNorm2d", "features.6.body.1"),
        ("res2_1_relu1", "ReLU", "features.6.body.2"),
        ("res2_1", "Add", None),
    ]


def test_a_residual_block_costs_its_convolutions_and_one_addition_an_element():
    (conv1, _, conv2, _, projection, add) = rows(
        (ResidualToken(("conv3-8/2", 16), "conv1-16/2"),), (5, 4, 32, 24), classifier=False
    )
    assert (conv1.params, conv1.macs) == (3 * 3 * 4 * 8 + 8, 5 * 16 * 12 * 9 * 4 * 8)
    assert (conv2.params, conv2.macs) == (3 * 3 * 8 * 16 + 16, 5 * 16 * 12 * 9 * 8 * 16)
    assert (projection.input, projection.output) == ((5, 4, 32, 24), (5, 16, 16, 12))
    assert (projection.params, projection.macs) == (4 * 16 + 16, 5 * 16 * 12 * 4 * 16)
    assert (add.kind, add.params, add.macs) == ("Add", 0, 0)
    assert dict(add.ledger.items()) == {"add_elements": 5 * 16 * 16 * 12}


def test_the_ledger_of_a_whole_block_is_the_sum_of_its_steps():
    plan = Configuration("own", (ResidualToken(("conv3-8/2", 16), "conv1-16/2"),))
    (block,) = unfolded(plan, Variant(in_channels=4, classifier=False)).layers
    assert isinstance(block, Residual)
    output, ledger = block.apply((2, 4, 8, 8))
    counted = table(unfolded(plan, Variant(in_channels=4, classifier=False)), (2, 4, 8, 8))
    assert output == (2, 16, 4, 4)
    assert ledger == counted.ledger
    assert block.params() == counted.params


@pytest.mark.parametrize(
    ("token", "body", "shortcut"),
    [
        (ResidualToken((8,)), "1x8x32x32", "1x4x32x32"),
        (ResidualToken(("conv3-4/2",)), "1x4x16x16", "1x4x32x32"),
        (ResidualToken((4,), "conv1-8"), "1x4x32x32", "1x8x32x32"),
        (ResidualToken((8,), "conv1-8/2"), "1x8x32x32", "1x8x16x16"),
    ],
)
def test_a_block_that_does_not_add_up_is_refused_with_both_shapes(token, body, shortcut):
    with pytest.raises(VggcostError) as caught:
        rows((4, token))
    message = str(caught.value)
    assert message.startswith(f"res1_1 cannot add: its body yields {body} and its shortcut {shortcut};")


def test_layers_inside_a_block_are_found_by_name():
    network = unfolded(find("residual-vgg16"), Variant())
    assert isinstance(network.layer("res5_1"), Residual)
    assert isinstance(network.layer("res5_1_conv2"), Conv2d)
    with pytest.raises(VggcostError, match=r"the nearest are res5_1_conv"):
        network.layer("res5_1_conv3")


def test_an_addition_names_no_module():
    assert Add("a", None, (1, 2)).path is None


# --- tokens


@pytest.mark.parametrize(
    "word", ["M", "LRN", "conv", "conv3", "conv3-", "conv-64", "convx-64", "conv3-64/", "conv3-6x"]
)
def test_words_that_are_no_convolution(word):
    assert conv_token(word) is None


def test_a_plan_with_an_unknown_token_fails_loudly():
    with pytest.raises(ValueError, match="no token"):
        rows(("N",))


def test_stride_and_kernel_tokens():
    first, _, second, _ = rows(("conv7-8/2", "conv1-4"), (1, 3, 33, 32), classifier=False)
    assert first.output == (1, 8, 17, 16)
    assert first.params == 7 * 7 * 3 * 8 + 8
    assert second.output == (1, 4, 17, 16)
    assert second.params == 8 * 4 + 4


def test_total_stride():
    assert total_stride(find("D")) == 32
    assert total_stride(Configuration("own", ("conv7-8/2", "M", ResidualToken(("conv3-8/3", "conv1-8/2"))))) == 24


# --- width, head, classifier


@pytest.mark.parametrize(
    ("width", "expected"), [(0.5, 32), (0.7, 44), ("0.1", 6), (1e-9, 1), (1.5, 96), (1, 64), (2, 128)]
)
def test_width_floors_and_leaves_at_least_one_channel(width, expected):
    network = cost("D", width=width).network
    assert widths(network)[0] == expected
    assert [layer.out_features for layer in network.layers if isinstance(layer, Linear)] == [4096, 4096, 1000]


@given(st.integers(1, 4096), st.integers(1, 30000))
def test_width_is_the_decimal_number_that_is_written(channels, myriads):
    network = unfolded(Configuration("own", (channels,)), Variant(width=width_factor(myriads / 10000)))
    assert widths(network) == [max(1, channels * myriads // 10000)]


def test_seven_tenths_of_ten_are_seven():
    # In floats 0.7 * 10 is 7.0 but 0.29 * 100 is 28.999...: the decimal number decides.
    assert int(0.29 * 100) == 28
    assert widths(unfolded(Configuration("own", (100,)), Variant(width=0.29))) == [29]
    assert exact_factor(0.29) * 100 == 29


def test_width_reaches_bodies_projections_and_norms():
    plan = Configuration("own", (64, ResidualToken((32, 64)), ResidualToken((128,), "conv1-128")))
    counted = table(unfolded(plan, Variant(width=0.25, batch_norm=True, classifier=False)), (1, 3, 8, 8))
    convs = [row.layer for row in counted.rows if row.kind == "Conv2d"]
    assert [(conv.c_in, conv.c_out) for conv in convs] == [(3, 16), (16, 8), (8, 16), (16, 32), (16, 32)]
    assert [row.layer.channels for row in counted.rows if row.kind == "BatchNorm2d"] == [16, 8, 16, 32, 32]


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), 10**19, True, "x", "", "1_0", "1/2", None, [1]])
def test_bad_widths(bad):
    with pytest.raises(VggcostError, match="width is"):
        width_factor(bad)


def test_a_width_with_more_digits_than_a_float_keeps_is_refused():
    assert width_factor("0.123456789012345") == 0.123456789012345
    with pytest.raises(VggcostError, match="more digits than are kept"):
        width_factor("0.1234567890123456789")


def test_head_without_adaptive_pool_takes_what_the_features_yield():
    counted = cost("D", head=(100,), adaptive_pool=False, size=(64, 96), classes=10)
    fc6, fc7 = (row for row in counted.table.rows if row.kind == "Linear")
    assert fc6.params == 512 * 2 * 3 * 100 + 100
    assert fc7.params == 100 * 10 + 10
    pooled = cost("D", head=(100,), size=(64, 96), classes=10)
    assert next(row for row in pooled.table.rows if row.kind == "Linear").params == 512 * 7 * 7 * 100 + 100


@pytest.mark.parametrize("bad", [(0,), (1.5,), (-3,), ("8",)])
def test_bad_heads(bad):
    with pytest.raises(VggcostError, match="a width of the head is"):
        cost("D", head=bad)


def test_a_head_that_is_no_list_is_refused():
    with pytest.raises(VggcostError, match=r"head is 512; give hidden widths such as \(512, 512\)"):
        cost("D", head=512)


def test_a_head_given_to_a_network_without_classifier_gives_it_one():
    assert cost("keras-residual-vgg").table.rows[-1].output == (1, 512, 7, 7)
    assert cost("keras-residual-vgg", head=(), classes=5).table.rows[-1].output == (1, 5)


def test_variant_options_are_the_keywords_of_cost():
    options = cost("D", width=0.5, head=(8,), softmax=True, classes=3).network.variant.options()
    assert options["width"] == 0.5
    assert cost("D", **options).network.variant.options() == options


# --- published programs and well-known numbers


@pytest.mark.parametrize(
    ("options", "params", "macs"),
    [
        ({"head": ()}, 14_719_818, 313_201_664),
        ({"head": (), "batch_norm": True}, 14_728_266, 313_201_664),
        ({"head": (512,)}, 14_982_474, 313_463_808),
        ({"head": (512, 512)}, 15_245_130, 313_725_952),
    ],
)
def test_vgg16_for_32x32_images(options, params, macs):
    counted = cost("vgg16", classes=10, size=32, adaptive_pool=False, **options)
    assert counted.totals.params == params
    assert counted.totals.macs == macs


def test_d_without_adaptive_pool_runs_at_224_alone():
    counted = cost("D", adaptive_pool=False)
    assert counted.totals.params == 138_357_544
    assert counted.totals.macs == 15_470_264_320
    assert [row.kind for row in counted.table.rows].count("Conv2d") == 13
    with pytest.raises(VggcostError, match=r"fc6 takes 25,088 features and gets 32,768"):
        cost("D", adaptive_pool=False, size=256)


def test_d_with_batch_norm_and_four_classes():
    assert cost("vgg16_bn", classes=4).totals.params == 134_285_380


def test_d_with_24_classes_and_soft_max():
    counted = cost("D", classes=24, softmax=True, adaptive_pool=False)
    assert counted.totals.params == 134_358_872
    assert [row.params for row in counted.table.rows if row.params] == [
        *(1792, 36928, 73856, 147584, 295168, 590080, 590080, 1180160),
        *(2359808, 2359808, 2359808, 2359808, 2359808),
        *(102764544, 16781312, 98328),
    ]
    last = counted.table.rows[-1]
    assert (last.name, last.kind, last.path) == ("softmax", "Softmax", "classifier.7")
    assert dict(last.ledger.items()) == {"softmax_elements": 24, "softmax_rows": 1}


def test_twelve_conv_vgg_lacks_one_convolution_of_d():
    counted, whole = cost("twelve-conv-vgg"), cost("D")
    assert counted.totals.params == 135_997_736
    assert counted.totals.macs == 13_620_576_256
    assert whole.totals.params - counted.totals.params == 2_359_808
    assert whole.totals.macs - counted.totals.macs == 1_849_688_064


def test_keras_residual_vgg():
    counted = cost("keras-residual-vgg")
    assert counted.totals.params == 20_319_552
    assert counted.table.rows[-1].output == (1, 512, 7, 7)
    assert not [row for row in counted.table.rows if row.kind in ("Linear", "AdaptiveAvgPool2d", "Flatten")]


def test_residual_vgg16():
    counted = cost("residual-vgg16")
    assert counted.totals.params == 149_345_960
    assert counted.totals.macs == 31_192_612_864
    assert cost("Residual_VGG16_bn").totals.params == 149_345_960 + 2 * (64 * 4 + 128 * 4 + (256 + 512 + 512) * 5)


# --- against torch and against other ways to count


@st.composite
def plans(draw, pools=True):
    """A random plan whose residual blocks add up, and the variant of a small network."""
    words = ["conv", "residual", *(["M", "LRN"] if pools else [])]
    # The image's channels do not follow the width, so the first block has something else to be identical to.
    tokens, channels = [4], 4
    for word in draw(st.lists(st.sampled_from(words), min_size=1, max_size=6)):
        if word == "conv":
            channels = draw(st.integers(1, 8))
            kernel, stride = draw(st.sampled_from((1, 3, 5))), draw(st.integers(1, 2))
            tokens.append(channels if (kernel, stride) == (3, 1) else f"conv{kernel}-{channels}/{stride}")
        elif word == "residual":
            body = draw(st.lists(st.integers(1, 8), max_size=2))
            if draw(st.booleans()):
                tokens.append(ResidualToken((*body, channels)))
            else:
                channels, stride = draw(st.integers(1, 8)), draw(st.integers(1, 2))
                tokens.append(ResidualToken((*body, f"conv3-{channels}/{stride}"), f"conv1-{channels}/{stride}"))
        else:
            tokens.append(word)
    return Configuration("random", tuple(tokens), size=(64, 96))


@st.composite
def variants(draw):
    return Variant(
        batch_norm=draw(st.booleans()),
        classes=draw(st.integers(1, 9)),
        bias=draw(st.booleans()),
        adaptive_pool=draw(st.booleans()),
        head=tuple(draw(st.lists(st.integers(1, 9), max_size=2))),
        width=draw(st.sampled_from((1, 0.5, 1.7))),
        classifier=draw(st.booleans()),
        softmax=draw(st.booleans()),
    )


@pytest.mark.torch
@settings(max_examples=60, deadline=None)
@given(plans(), variants(), st.integers(1, 2))
def test_random_plans_equal_torch(plan, variant, batch):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from vggcost.frameworks.pytorch.build import build_module

    counted = table(unfolded(plan, variant, plan.size), (batch, 3, *plan.size))
    module = build_module(counted.network)
    shapes = {}
    for path, child in module.named_modules():
        child.register_forward_hook(
            lambda _module, _input, output, path=path: shapes.__setitem__(path, tuple(output.shape))
        )
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(torch.empty(counted.input, device="meta"))
    assert counted.params == sum(parameter.numel() for parameter in module.parameters())
    assert counted.flops == counter.get_total_flops()
    by_module = counter.get_flop_counts()
    for row in counted.rows:
        if row.path:
            assert row.output == shapes[row.path], row.name
            assert row.flops == sum(by_module.get(f"VGG.{row.path}", {}).values()), row.name
            own = sum(parameter.numel() for parameter in module.get_submodule(row.path).parameters())
            assert row.params == own, row.name


@settings(max_examples=25, deadline=None)
@given(plans(), variants(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_random_plans_have_closed_forms(plan, variant, batch, a, b):
    from vggcost.costs import closed_forms

    symbolic = closed_forms.of_configuration(plan, variant.replace(classes=closed_forms.K))
    size = (a * symbolic.unit, b * symbolic.unit)
    counted = table(unfolded(plan, variant, size), (batch, 3, *size))
    values = symbolic.at(batch, variant.classes, *size)
    assert values["params"] == counted.params
    assert values["macs"] == counted.macs
    assert values["bias_adds"] == counted.ledger["conv_bias_adds"] + counted.ledger["linear_bias_adds"]
    assert values["output_elements"] == sum(row.output_elements for row in counted.rows)


def test_six_pools_count_in_64_pixels():
    from vggcost.costs import closed_forms

    plan = Configuration("six", (4, "M", 4, "M", 4, "M", 4, "M", 4, "M", 4, "M"))
    form = closed_forms.of_configuration(plan, Variant())
    assert form.unit == 64
    assert "floor" not in str(form.macs)
    assert form.at(1, 1000, 128, 64)["macs"] == table(unfolded(plan, Variant()), (1, 3, 128, 64)).macs
    with pytest.raises(VggcostError, match="multiples of 64"):
        form.at(1, 1000, 224, 224)


def test_closed_form_of_a_whole_block_is_the_sum_of_its_layers():
    from vggcost import closed_form

    form = closed_form("residual-vgg16")
    block, one, two = (form.layer(name) for name in ("res4_1", "res4_1_conv1", "res4_1_conv2"))
    assert block.params == one.params + two.params == 2 * 2_359_808
    assert block.macs - one.macs - two.macs == 0
    assert block.output_elements - 2 * (one.output_elements + two.output_elements) == one.output_elements


@pytest.mark.torch
@settings(max_examples=20, deadline=None)
@given(plans(pools=False))
def test_receptive_field_of_residual_blocks_is_where_gradients_reach(plan):
    import torch

    from vggcost.frameworks.pytorch.build import build_module
    from vggcost.network.receptive_field import fields

    size = 192
    network = unfolded(plan, Variant(classifier=False, bias=False), (size, size))
    field = fields(network.layers, (1, 3, size, size))[-1]
    module = build_module(network, device="cpu", dtype=torch.float64)
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 0.05)
    image = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    output = module(image)
    at = output.shape[2] // 2
    output[0, 0, at, at].backward()
    reached = image.grad[0, 0].nonzero()[:, 0]
    assert int(reached.min()) == at * field.stride[0] - field.padding[0]
    assert int(reached.max()) - int(reached.min()) + 1 == field.size[0]
