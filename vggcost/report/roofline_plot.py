"""A bench result as a roofline: this machine's measured ceilings, and one named point a layer under them."""

from __future__ import annotations

import re
from io import BytesIO
from math import atan, degrees, pi
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.protocol import WHOLE
from vggcost.bench.result import case_title, pass_samples, rates, shares
from vggcost.bench.statistics import summary
from vggcost.errors import MissingExtraError, VggcostError
from vggcost.record import Record
from vggcost.report.label_placing import Disc, Names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vggcost.report.label_placing import Box

FILE_FORMATS = ("svg", "png", "pdf")

WIDTH_INCHES, HEIGHT_INCHES = 7.0, 4.6
SMALLEST_AREA, LARGEST_AREA = 6.0, 900.0
"""Area of a point that takes all of the time [points^2]."""

COLOURS = {"Conv2d": "#1f77b4", "Linear": "#d95f02"}
OTHER_COLOUR = "#7570b3"
KIND_NAMES = {"Conv2d": "convolution", "Linear": "fully connected"}


class Point(Record):
    """One layer: where it stands and how much of the time it takes."""

    name: str
    kind: str
    intensity: float
    flops_per_s: float
    share: float


def points(case: Mapping[str, Any], ceilings: Mapping[str, Any]) -> list[Point]:
    """Return the layers that have FLOPs, in execution order."""
    found = []
    for layer, share in zip(case["layers"], shares(case), strict=True):
        achieved = rates(layer, ceilings)
        if achieved["flops_per_s"] and achieved["intensity"]:
            found.append(Point(layer["name"], layer["kind"], achieved["intensity"], achieved["flops_per_s"], share))
    return found


def case_of(document: Mapping[str, Any], network: str | None, batch: int | None) -> Mapping[str, Any]:
    """Return the one case that is meant.

    Raises:
        VggcostError: none, or several; or the result has no layers.
    """
    cases: list[Mapping[str, Any]] = [case for case in document["cases"] if batch is None or case["input"][0] == batch]
    if network is not None:
        wanted = _plain(network)
        exact = [case for case in cases if wanted in _handles(case)]
        # A plain D means the one with batch normalization only where it is the only D.
        cases = exact or [case for case in cases if f"{wanted}bn" in _handles(case)]
    here = ", ".join(case_title(case) for case in document["cases"])
    if not cases:
        raise VggcostError(f"the result has no such network; it has {here or 'none at all'}")
    if len(cases) > 1:
        raise VggcostError(f"the result has several networks, {here}; choose one with --config and --batch")
    if document["ceilings"] is None or not points(cases[0], document["ceilings"]):
        raise VggcostError(
            f"{case_title(cases[0])} was timed as a whole, without layers; bench it again with --per-layer"
        )
    return cases[0]


def _handles(case: Mapping[str, Any]) -> set[str]:
    """What a case may be called: its name, its title, the common name in it (VGG-16), -bn behind them."""
    network = case["network"]
    alias = re.search(r"\((VGG-\d+)\)", network["title"])
    names = [network["name"], *(alias.groups() if alias else ())]
    ending = "bn" if (network["options"] or {}).get("batch_norm") else ""
    return {_plain(network["title"]), *(_plain(name) + ending for name in names)}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def roofline(document: Mapping[str, Any], case: Mapping[str, Any], fmt: str) -> bytes:
    """Return the picture as the bytes of a file; fmt is one of FILE_FORMATS.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise MissingExtraError("roofline", "matplotlib", "plot") from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "vggcost",  # the same result gives the same file
        "svg.fonttype": "none",  # text stays text: it can be searched, and a paper's font put in its place
        "font.size": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=200, layout="constrained")
        FigureCanvasAgg(figure)  # measures texts; the file's own format draws them
        _draw(figure, document, case)
        buffer = BytesIO()
        undated = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}[fmt]
        figure.savefig(buffer, format=fmt, metadata=undated)
    return buffer.getvalue()


def _draw(figure: Any, document: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    ceilings, layers = document["ceilings"], points(case, document["ceilings"])
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.set_yscale("log")
    left, right, low, high = _frame(axes, layers, ceilings)
    _roofs(axes, ceilings, left, right)
    for kind in (*COLOURS, *sorted({point.kind for point in layers} - set(COLOURS))):
        of_kind = [point for point in layers if point.kind == kind]
        colour = COLOURS.get(kind, OTHER_COLOUR)
        if of_kind:
            axes.scatter(
                [point.intensity for point in of_kind],
                [point.flops_per_s / 1e9 for point in of_kind],
                s=[_area(point) for point in of_kind],
                color=colour,
                alpha=0.55,
                edgecolor=colour,
                linewidth=0.8,
                label=KIND_NAMES.get(kind, kind),
                zorder=3,
            )
    from matplotlib.ticker import FuncFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("arithmetic intensity [FLOP/B], of the bytes that must move at least")
    axes.set_ylabel("achieved [GFLOP/s]")
    axes.set_title(_title(document, case, layers), loc="left", fontsize=8)
    handles = axes.legend(loc="lower right", frameon=False, fontsize=7).legend_handles
    for handle in handles:
        handle.set_sizes([30])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout stands: labels are placed in it and it must not move any more
    _label(axes, layers, (left, right, low, high))


def _frame(axes: Any, layers: Sequence[Point], ceilings: Mapping[str, Any]) -> Box:
    ridge = ceilings["flops_per_s"] / ceilings["bytes_per_s"]
    intensities = [ridge, *(point.intensity for point in layers)]
    speeds = [ceilings["flops_per_s"], *(point.flops_per_s for point in layers)]
    left, right = min(intensities) / 3, max(intensities) * 4
    low, high = min(speeds) / 1e9 / 3, max(speeds) / 1e9 * 2.2
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.grid(visible=True, which="major", color="0.92", linewidth=0.6, zorder=0)
    return left, right, low, high


def _roofs(axes: Any, ceilings: Mapping[str, Any], left: float, right: float) -> None:
    peak, bandwidth = ceilings["flops_per_s"] / 1e9, ceilings["bytes_per_s"] / 1e9
    ridge = peak / bandwidth
    axes.plot([left, ridge, right], [left * bandwidth, peak, peak], color="0.2", linewidth=1.1, zorder=2)
    axes.annotate(
        f"matrix product {_three(peak)} GFLOP/s",
        (right, peak),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color="0.2",
    )
    # Written along the slope, which in pixels is what the axes make of 45 degrees.
    begins = max(left, axes.get_ylim()[0] / bandwidth)
    middle = (begins * ridge) ** 0.5
    axes.text(
        middle,
        middle * bandwidth * 1.06,
        f"copy {_three(bandwidth)} GB/s",
        ha="center",
        va="bottom",
        color="0.2",
        rotation=degrees(atan(bandwidth)),  # in data: one FLOP/B further is that much higher
        transform_rotates_text=True,
        rotation_mode="anchor",
    )


def _title(document: Mapping[str, Any], case: Mapping[str, Any], layers: Sequence[Point]) -> str:
    environment, settings = document["environment"], document["settings"]
    whole = summary(pass_samples(case, WHOLE))
    covered = sum(point.share for point in layers)
    threads = f", {units.counted(environment['threads'], 'thread')}" if environment["device"] == "cpu" else ""
    time = f"; whole {whole.median_ns / 1e6:.4g} ms" if whole else ""
    return (
        f"{case['network']['title']}, input {units.shape_text(tuple(case['input']))}, {settings['dtype']}{time};"
        f" {environment['device_name']}{threads}\n"
        f"area: share of the time; shown are the layers with MACs, {100 * covered:.0f} % of it"
    )


def _label(axes: Any, layers: Sequence[Point], frame: Box) -> None:
    """Put a name beside every point, large points first, for they have the most to say."""
    left, right, low, high = frame
    renderer = axes.figure.canvas.get_renderer()
    to_pixels = axes.transData.transform
    unit = axes.figure.dpi / 72
    discs = []
    for point in layers:
        x, y = to_pixels((point.intensity, point.flops_per_s / 1e9))
        discs.append(Disc(x, y, (_area(point) / pi) ** 0.5 * unit))
    taken = [text.get_window_extent(renderer).extents for text in axes.texts]
    taken.append(axes.get_legend().get_window_extent(renderer).extents)
    inside = (*to_pixels((left, low)), *to_pixels((right, high)))
    names = Names(inside, discs, taken, to_pixels(axes.lines[0].get_xydata()), unit)
    for index in sorted(range(len(layers)), key=lambda index: -layers[index].share):
        text = axes.annotate(
            layers[index].name,
            (layers[index].intensity, layers[index].flops_per_s / 1e9),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=6.5,
            zorder=5,
            arrowprops={"arrowstyle": "-", "color": "0.55", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )
        extent = text.get_window_extent(renderer)
        across, up = names.place(index, extent.width, extent.height)
        text.set_position((across / unit, up / unit))


def _area(point: Point) -> float:
    """A point's area [points^2]; never so small that it cannot be seen."""
    return max(SMALLEST_AREA, LARGEST_AREA * point.share)


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
