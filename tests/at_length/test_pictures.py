"""Pictures as files: the same picture is the same file, names are text, and no text lies on another."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from odd_network import ODD_NAME, odd_network

import vggcost
from vggcost.report.plots import style
from vggcost.report.plots.picture import drawn

pytest.importorskip("matplotlib")


@pytest.fixture
def net(tmp_path):
    return odd_network(tmp_path)


def texts(svg):
    root = ET.fromstring(svg)  # noqa: S314  # our own file
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


KINDS = ("layers", "conventions", "scaling", "memory", "network")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_the_same_file_twice_and_names_are_text(net, kind):
    drawing = getattr(vggcost.cost(file=net, size=32).plot, f"{kind}_drawing")()
    first = drawn(drawing, "svg")
    assert drawn(drawing, "svg") == first
    assert drawn(drawing, "svg", dark=True) != first
    assert any(ODD_NAME in text for text in texts(first))
    assert b"<img" not in first


def test_settings_of_the_user_change_nothing():
    import matplotlib as mpl

    drawing = vggcost.cost("A", size=32).plot.layers_drawing()
    plain = drawn(drawing, "svg")
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        assert drawn(drawing, "svg") == plain
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize(("fmt", "head"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_other_formats_are_the_same_file_twice_too(fmt, head):
    drawing = vggcost.cost("A", size=32).plot.disc()
    from vggcost.report.plots.configs import configs

    first = drawn(configs([drawing]), fmt)
    assert first.startswith(head)
    assert drawn(configs([drawing]), fmt) == first


def written(figure):
    """Every text that is drawn: matplotlib has more, of ticks beyond an axis."""
    panels = [panel for outer in figure.axes for panel in (outer, *outer.child_axes)]
    for panel in panels:
        yield from (*panel.texts, panel.title, panel._left_title)
        if panel.get_legend() is not None:
            yield from (*panel.get_legend().get_texts(), panel.get_legend().get_title())
        for axis in (panel.xaxis, panel.yaxis) if panel.axison else ():
            low, high = sorted(axis.get_view_interval())
            yield axis.label
            yield from (tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)


@pytest.mark.parametrize("width", [3.3, 7.0])
@pytest.mark.parametrize("kind", [*KINDS, "configs"])
def test_no_text_lies_on_another_and_none_leaves_the_picture(net, kind, width):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    costs = [vggcost.cost(file=net, size=32), vggcost.cost("E", batch_norm=True)]
    for cost in costs:
        if kind == "configs":
            from vggcost.report.plots.configs import configs

            drawing = configs([each.plot.disc() for each in costs])
        else:
            drawing = getattr(cost.plot, f"{kind}_drawing")()
        with style.styled(style.LIGHT):
            figure = Figure(figsize=(width, drawing.height(width)), layout="constrained")
            renderer = FigureCanvasAgg(figure).get_renderer()
            drawing.draw(figure.add_subplot(), style.LIGHT, width)
            figure.draw_without_rendering()
        shown = [text for text in written(figure) if text.get_text()]
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in shown]
        assert boxes
        assert all(text.get_fontsize() >= 6 for text in shown)
        for place, (words, box) in enumerate(boxes):
            assert box.x0 > -1 and box.x1 < figure.bbox.x1 + 1, words
            assert box.y0 > -1 and box.y1 < figure.bbox.y1 + 1, words
            for other, beside in boxes[:place]:
                apart = min(box.x1, beside.x1) - max(box.x0, beside.x0) < 1
                above = min(box.y1, beside.y1) - max(box.y0, beside.y0) < 1.5
                assert apart or above, (words, other)


@pytest.mark.parametrize("kind", ["layers", "conventions", "scaling", "memory", "network", "configs"])
def test_each_kind_writes_a_picture(vggcost, tmp_path, kind):
    place = tmp_path / "x.svg"
    assert vggcost("plot", kind, "A", "--size", "32", "-o", str(place), "--width-in", "4").status == 0
    text = place.read_text()
    assert 'width="288pt"' in text
    assert "1x3x32x32" in text
