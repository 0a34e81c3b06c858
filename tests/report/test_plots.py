"""The pictures hold the numbers that the tables hold, to the digit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from odd_network import ODD_NAME, odd_network

import vggcost
from vggcost.conventions.rows import CONVENTIONS
from vggcost.errors import VggcostError
from vggcost.network import network_file
from vggcost.report.plots import conventions as conventions_plot
from vggcost.report.plots import layers as layers_plot
from vggcost.report.plots import memory as memory_plot
from vggcost.report.plots import style
from vggcost.report.plots.network import INPUT, blocks, placed
from vggcost.report.plots.picture import FILE_FORMATS, file_format

pytest.importorskip("matplotlib")


@pytest.fixture
def net(tmp_path):
    return odd_network(tmp_path)


def axes():
    """Axes without a window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(7, 4)).add_subplot()


def widths(panel):
    return [patch.get_width() for patch in panel.patches]


@pytest.mark.parametrize(
    "options",
    [
        {"network": "D", "size": 64},
        {"network": "A-LRN", "batch": 3, "size": 64},
        {"network": "E", "batch_norm": True, "size": 32, "dtype": "float16"},
    ],
)
def test_the_bars_of_the_layers_are_the_tables_numbers(options):
    cost = vggcost.cost(**options)
    memory = vggcost.memory(**options, training=True)
    panels = cost.plot.layers(ax=axes())
    totals = (cost.totals.params, cost.totals.macs, memory.totals.output_bytes, memory.totals.saved_bytes)
    assert [sum(widths(panel)) for panel in panels] == list(totals)
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    weighted = {layer.name: (layer.params, layer.macs) for layer in cost.layers if layer.macs}
    own = {name: pair for name, *pair in zip(names, widths(panels[0]), widths(panels[1]), strict=True)}
    assert {name: own[name][1] for name in weighted} == {name: macs for name, (_, macs) in weighted.items()}
    if "batch_norm" not in options:
        assert {name: own[name][0] for name in weighted} == {name: params for name, (params, _) in weighted.items()}


def test_what_cannot_be_trained_has_no_panel_of_what_is_kept():
    assert len(vggcost.cost("A", size=32, dtype="int8").plot.layers(ax=axes())) == 3


@pytest.mark.parametrize("options", [{"network": "D"}, {"network": "A-LRN", "batch": 2}, {"network": "B", "size": 225}])
def test_the_bars_of_the_conventions_sum_to_their_totals(options):
    whole, _ = vggcost.cost(**options).plot.conventions(ax=axes())
    rows = [label.get_text() for label in whole.get_yticklabels()]
    assert sorted(rows) == sorted(each.name for each in CONVENTIONS)
    for place, name in enumerate(rows):
        total = vggcost.cost(**options, convention=name).totals.count
        bars = [bar for bar in whole.patches if round(bar.get_y() + bar.get_height() / 2) == place]
        assert sum(bar.get_width() for bar in bars) == (total or 0), name
        assert ("no total" in [text.get_text() for text in whole.texts][place]) == (total is None)


def test_what_is_taken_off_goes_to_the_left():
    from matplotlib.figure import Figure

    amounts = {"convolutions": 10, "linear layers": -4, "biases": 3}
    bar = conventions_plot.ConventionBar(CONVENTIONS[0], {**dict.fromkeys(conventions_plot.SEGMENTS, 0), **amounts})
    drawing = conventions_plot.conventions("a title", [bar])
    whole, _ = drawing.draw(Figure(figsize=(4, 4)).add_subplot(), style.LIGHT, 4.0)
    found = {
        name: (container[0].get_x(), container[0].get_width())
        for name, container in zip(conventions_plot.SEGMENTS, whole.containers, strict=True)
        if container.patches
    }
    assert [found[name] for name in amounts] == [(0, 10), (0, -4), (10, 3)]


def test_the_discs_stand_at_parameters_and_macs():
    costs = [vggcost.cost(name, size=64) for name in ("A", "D", "E")]
    (scatter,) = costs[0].plot.configs(*costs[1:], ax=axes()).collections
    assert scatter.get_offsets().data.tolist() == [[each.totals.params, each.totals.macs] for each in costs]
    outputs = [each.summary()["weight_layer_output_bytes"] for each in costs]
    areas = scatter.get_sizes() / max(scatter.get_sizes())
    assert areas.tolist() == pytest.approx([each / max(outputs) for each in outputs])


def test_the_curves_of_scaling_are_what_memory_and_table_say():
    panels = vggcost.cost("A", size=64).plot.scaling(ax=axes())
    over_sizes, over_batches, held_sizes, held_batches = panels
    assert list(over_batches.lines[0].get_xdata()) == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    for batch, macs in zip(*over_batches.lines[0].get_data(), strict=True):
        assert macs == vggcost.cost("A", size=64, batch=int(batch)).totals.macs
    for line, options in zip(
        held_batches.lines, ({}, {"training": True}, {"training": True, "optimizer": "adam"}), strict=True
    ):
        for batch, held in list(zip(*line.get_data(), strict=True))[::4]:
            assert held == vggcost.memory("A", size=64, batch=int(batch), **options).worst_bytes
    for size, macs in zip(*over_sizes.lines[0].get_data(), strict=True):
        assert macs == vggcost.cost("A", size=int(size)).totals.macs
    assert list(held_sizes.lines[0].get_xdata()) == list(over_sizes.lines[0].get_xdata())
    assert 16 not in over_sizes.lines[0].get_xdata()  # too small for five pools


def test_a_network_for_one_image_alone_has_one_point():
    over_sizes, *_ = vggcost.cost("A", adaptive_pool=False).plot.scaling(ax=axes())
    assert list(over_sizes.lines[0].get_xdata()) == [224]
    assert over_sizes.texts[0].get_text() == "one size alone fits"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam"},
        {"optimizer": "adamw", "implementation": "for-loop"},
        {"checkpoint": True, "accumulate": 2},
        {"mixed": "float16"},
        {"dtype": "bfloat16", "master_weights": True, "optimizer": "adam"},
        {"freeze": ("features",)},
    ],
)
def test_the_heights_of_the_moments_are_the_parts_of_memory(options):
    memory = vggcost.memory("A", batch_norm=True, size=64, batch=2, training=True, **options)
    panel = memory.plot(ax=axes())
    tops = [patch.get_data().values.tolist() for patch in panel.patches]  # a StepData's field
    assert max(tops[-1]) == memory.worst_bytes == memory.totals.training_peak_bytes
    assert tops[-1] == [moment.bytes for moment in memory.course]
    assert tops[0] == [memory.totals.weight_bytes] * len(memory.course)
    (peak,) = [line for line in panel.lines if line.get_marker() == "v"]
    assert peak.get_ydata() == [memory.worst_bytes]
    assert max(memory.course, key=lambda moment: moment.bytes) == memory.peak
    parts = memory_plot.heights(memory.course)
    assert [sum(values) for values in zip(*parts.values(), strict=True)] == tops[-1]


def test_a_forward_call_has_no_course():
    with pytest.raises(VggcostError, match="ask for training"):
        vggcost.memory("A", size=32).plot(ax=axes())


@pytest.mark.parametrize("width", [3.3, 7.0])
@pytest.mark.parametrize("options", [{"network": "D"}, {"network": "D", "width": 0.05, "size": (64, 96)}])
def test_blocks_are_to_one_scale_and_stay_in_the_picture(options, width):
    cost = vggcost.cost(**options)
    made, past = blocks(cost.network.layers, cost.input)
    assert past == []
    assert made[0].kind == INPUT
    assert [block.name for block in made if block.kind in ("convolution", "linear layer")] == [
        layer.name for layer in cost.layers if layer.macs
    ]
    boxes = placed(made, width)
    maps = [box for box in boxes if len(box.block.shape) == 3]
    for ratios in (
        [box.across / box.block.shape[0] for box in maps],
        [box.up / box.block.shape[1] for box in maps],
        [box.slant[0] / box.block.shape[2] for box in maps],
        [box.up / box.block.shape[0] for box in boxes if len(box.block.shape) == 1],
    ):
        assert ratios == pytest.approx([ratios[0]] * len(ratios))
    assert all(box.right <= after.left for box, after in pairwise(boxes))
    assert max(box.right + box.slant[0] for box in boxes) <= width


def test_shortcuts_go_from_the_block_before_to_the_last_of_their_own(net):
    cost = vggcost.cost(file=net, size=32)
    made, past = blocks(cost.network.layers, cost.input)
    spans = [(made[one.start].name, made[one.end].name, bool(one.words)) for one in past]
    assert spans == [("conv1_1", "res1_1_conv2", False), ("pool1", "res2_1_conv2", True)]


def test_neighbouring_looks_differ_in_grey_or_in_hatch():
    from matplotlib.colors import to_rgb

    def grey(look):
        red, green, blue = to_rgb(look.colour)
        return 0.3 * red + 0.59 * green + 0.11 * blue

    for one, other in pairwise(style.LOOKS):
        assert abs(grey(one) - grey(other)) > 0.15 or one.hatch != other.hatch
    used = [style.LOOKS[look] for look, _ in memory_plot.PARTS.values()]
    assert len({(look.colour, look.hatch) for look in used}) == len(used)


def test_rows_that_start_none_are_added_to_the_one_before():
    rows = [(False, layers_plot.LayerBars("a", 1, 2, 3, 4)), (False, layers_plot.LayerBars("b", 10, 20, 30, 40))]
    assert layers_plot.grouped(rows) == [layers_plot.LayerBars("a", 11, 22, 33, 44)]
    unknown = [(True, layers_plot.LayerBars("a", 1, 2, 3, None)), (False, layers_plot.LayerBars("b", 1, 2, 3, None))]
    assert layers_plot.grouped(unknown) == [layers_plot.LayerBars("a", 2, 4, 6, None)]


def test_the_ending_names_the_format():
    assert [file_format(f"a.b.{ending.upper()}") for ending in FILE_FORMATS] == list(FILE_FORMATS)
    with pytest.raises(VggcostError, match=r"a picture's name ends in .svg, .png, .pdf"):
        file_format("svg")


def test_axes_of_ones_own_are_handed_back():
    mine = axes()
    assert vggcost.cost("A", size=32).plot.network(ax=mine) is mine
    assert style.theme_of(mine) is style.LIGHT
    mine.figure.set_facecolor("black")
    assert style.theme_of(mine) is style.DARK


def test_the_network_of_a_file_with_odd_names_is_read_as_it_is(net):
    assert network_file.read(net).name == ODD_NAME
