"""A bench result as a roofline: this machine's measured ceilings, and one named point a layer under them."""

from __future__ import annotations

from math import atan, degrees, pi
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.algorithms import beaten, compute_kernel, memory_kernel, winograd_lifts
from vggcost.bench.protocol import WHOLE
from vggcost.bench.result import pass_samples, rates, shares
from vggcost.bench.roofline import points
from vggcost.bench.statistics import summary
from vggcost.report.plots.labels import Disc, Names
from vggcost.report.plots.picture import picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vggcost.bench.roofline import Point
    from vggcost.report.plots.labels import Box


WIDTH_INCHES, HEIGHT_INCHES = 7.0, 4.6
SMALLEST_AREA, LARGEST_AREA = 6.0, 900.0
"""Area of a point that takes all of the time [points^2]."""

KIND_NAMES = {"Conv2d": "convolution", "Linear": "fully connected"}
LOOKS = {"Conv2d": ("o", "#1f4e79", ""), "Linear": ("s", "#fdae61", "/////")}
OTHER_LOOK = ("D", "#8073ac", ".....")
NO_MACS_LOOK = ("v", "#d9d9d9", "")
"""Marker, fill and hatch: each pair differs in shape and in lightness too, so that it prints in grey."""
EDGE = "0.15"

NAMED_SHARE = 0.005
"""The least share of the time for which a layer without MACs is named; there are too many of them for all names."""


def roofline(document: Mapping[str, Any], case: Mapping[str, Any], fmt: str) -> bytes:
    """Return the picture as the bytes of a file; fmt is one of FILE_FORMATS.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    size = (WIDTH_INCHES, HEIGHT_INCHES)
    return picture("roofline", size, fmt, lambda figure: _draw(figure, document, case))


def _draw(figure: Any, document: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    ceilings, layers = document["ceilings"], points(case, document["ceilings"])
    moving = _without_macs(case, ceilings)
    grid = figure.add_gridspec(1, 2, width_ratios=[1, 5]) if moving else figure.add_gridspec(1, 1)
    axes = figure.add_subplot(grid[-1])
    lifted = winograd_lifts(document, case)
    frame = _frame(axes, layers, ceilings, lifted)
    path = _roofs(axes, document, case, frame)
    for factor in lifted:
        _winograd_line(axes, ceilings, factor, frame[1])
    quartiles = _quartiles(case)
    for kind in dict.fromkeys((*LOOKS, *sorted(point.kind for point in layers))):
        _scatter(axes, [point for point in layers if point.kind == kind], quartiles, kind)
    axes.set_xlabel("arithmetic intensity [FLOP/B], of the bytes that must move at least")
    axes.set_ylabel("achieved [GFLOP/s]")
    for handle in axes.legend(loc="lower right", frameon=False, fontsize=7).legend_handles:
        handle.set_sizes([30])
    side = _moving_panel(figure.add_subplot(grid[0]), moving, ceilings, quartiles) if moving else None
    figure.suptitle(_title(document, case, layers, moving), x=0.01, ha="left", fontsize=8)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout stands: labels are placed in it and it must not move any more
    named = [(point.name, point.intensity, point.flops_per_s / 1e9, point.share) for point in layers]
    _label(axes, named, frame, path, quartiles)
    if side is not None:
        _label(side, moving, (*side.get_xlim(), *side.get_ylim()), side.lines[0].get_xydata(), quartiles)


def _log(axis: Any) -> None:
    """Ticks with numbers at 1, 2, 5, 10 and so on: an axis of less than a decade would have one alone."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _scatter(axes: Any, layers: Sequence[Point], quartiles: Mapping[str, tuple[float, float]], kind: str) -> None:
    """Draw a kind's layers, each with a bar from the speed at its third quartile to that at its first."""
    if not layers:
        return
    marker, fill, hatch = LOOKS.get(kind, OTHER_LOOK)
    across = [point.intensity for point in layers]
    speeds = [point.flops_per_s / 1e9 for point in layers]
    _bars(axes, across, speeds, [quartiles[point.name] for point in layers])
    axes.scatter(
        across,
        speeds,
        s=[_area(point.share) for point in layers],
        marker=marker,
        facecolor=(fill, 0.6),
        hatch=hatch,
        edgecolor=EDGE,
        linewidth=0.6,
        label=KIND_NAMES.get(kind, kind),
        zorder=3,
    )


def _bars(axes: Any, across: Sequence[float], speeds: Sequence[float], ends: Sequence[tuple[float, float]]) -> None:
    low, high = ([speed * end[side] for speed, end in zip(speeds, ends, strict=True)] for side in (0, 1))
    axes.vlines(across, low, high, color=EDGE, linewidth=1.0, zorder=4)


def _quartiles(case: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Each layer's speed at the third and at the first quartile of its times, as parts of that at the median."""
    found = {}
    for layer in case["layers"]:
        numbers = summary(layer["samples_ns"])
        if numbers and numbers.q1_ns and numbers.q3_ns:
            found[layer["name"]] = (numbers.median_ns / numbers.q3_ns, numbers.median_ns / numbers.q1_ns)
        else:
            found[layer["name"]] = (1.0, 1.0)
    return found


def _without_macs(case: Mapping[str, Any], ceilings: Mapping[str, Any]) -> list[tuple[str, float, float, float]]:
    """Layers that run without MACs: name, place in the forward, GB/s, share of the time."""
    found = []
    for number, (layer, share) in enumerate(zip(case["layers"], shares(case), strict=True), 1):
        achieved = rates(layer, ceilings)
        if achieved["bytes_per_s"] and not layer["flops"]:
            found.append((layer["name"], float(number), achieved["bytes_per_s"] / 1e9, share))
    return found


def _moving_panel(
    axes: Any,
    moving: Sequence[tuple[str, float, float, float]],
    ceilings: Mapping[str, Any],
    quartiles: Mapping[str, tuple[float, float]],
) -> Any:
    """Draw the layers without MACs, which have no place on an axis of FLOP/B: bytes a second in execution order."""
    bandwidth = ceilings["bytes_per_s"] / 1e9
    names, across, speeds, parts = zip(*moving, strict=True)
    axes.set_yscale("log")
    margin = 1 + (max(across) - min(across)) * 0.25
    axes.set_xlim(min(across) - margin, max(across) + margin)
    axes.set_ylim(min(*speeds, bandwidth) / 2, max(*speeds, bandwidth) * 2)
    _log(axes.yaxis)
    axes.plot(axes.get_xlim(), [bandwidth] * 2, color=EDGE, linewidth=1.1, zorder=2)
    axes.text(axes.get_xlim()[0], bandwidth * 1.05, f" {units.three(bandwidth)} GB/s", va="bottom", fontsize=6.5)
    _bars(axes, across, speeds, [quartiles[name] for name in names])
    marker, fill, hatch = NO_MACS_LOOK
    sizes = [_area(part) for part in parts]
    axes.scatter(
        across, speeds, s=sizes, marker=marker, facecolor=fill, hatch=hatch, edgecolor=EDGE, linewidth=0.6, zorder=3
    )
    axes.set_xticks([])
    axes.set_xlabel("layers without MACs,\nin their order")
    axes.set_ylabel("achieved [GB/s]")
    axes.grid(visible=True, which="major", axis="y", color="0.92", linewidth=0.6, zorder=0)
    return axes


def _winograd_line(axes: Any, ceilings: Mapping[str, Any], factor: float, right: float) -> None:
    peak = ceilings["flops_per_s"] / 1e9 * factor
    begin = peak / (ceilings["bytes_per_s"] / 1e9)
    axes.plot([min(begin, right), right], [peak, peak], color=EDGE, linewidth=0.9, linestyle=(0, (5, 3)), zorder=2)
    axes.annotate(
        f"Winograd x{factor:g}",
        (right, peak),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=7,
    )


def _frame(axes: Any, layers: Sequence[Point], ceilings: Mapping[str, Any], lifted: Sequence[float]) -> Box:
    ridge = ceilings["flops_per_s"] / ceilings["bytes_per_s"]
    intensities = [ridge, *(point.intensity for point in layers)]
    peaks = [ceilings["flops_per_s"] * factor for factor in (1.0, *lifted)]
    speeds = [*peaks, *(point.flops_per_s for point in layers)]
    left, right = min(intensities) / 3, max(intensities) * 4
    low, high = min(speeds) / 1e9 / 3, max(speeds) / 1e9 * 2.2
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    _log(axes.xaxis)
    _log(axes.yaxis)
    axes.grid(visible=True, which="major", color="0.92", linewidth=0.6, zorder=0)
    return left, right, low, high


def _roofs(axes: Any, document: Mapping[str, Any], case: Mapping[str, Any], frame: Box) -> list[tuple[float, float]]:
    """Draw both ceilings under their kernels' names and return their line; dotted where it is shown to be none."""
    ceilings, (left, right, _, _) = document["ceilings"], frame
    peak, bandwidth = ceilings["flops_per_s"] / 1e9, ceilings["bytes_per_s"] / 1e9
    ridge = peak / bandwidth
    none = beaten(document, case)
    axes.plot([left, ridge], [left * bandwidth, peak], color=EDGE, linewidth=1.1, zorder=2)
    axes.plot([ridge, right], [peak, peak], color=EDGE, linewidth=1.1, linestyle=":" if none else "-", zorder=2)
    axes.annotate(
        f"{units.three(peak)} GFLOP/s, {compute_kernel(ceilings)}" + ("\nno ceiling: it is beaten" if none else ""),
        (right, peak),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=EDGE,
        fontsize=7,
        fontweight="bold" if none else "normal",
    )
    # Written along the slope, which in pixels is what the axes make of 45 degrees.
    begins = max(left, axes.get_ylim()[0] / bandwidth)
    middle = (begins * ridge) ** 0.5
    axes.text(
        middle,
        middle * bandwidth * 1.06,
        f"{units.three(bandwidth)} GB/s, {memory_kernel(ceilings)}",
        ha="center",
        va="bottom",
        color=EDGE,
        fontsize=7,
        rotation=degrees(atan(bandwidth)),  # in data: one FLOP/B further is that much higher
        transform_rotates_text=True,
        rotation_mode="anchor",
    )
    return [(left, left * bandwidth), (ridge, peak), (right, peak)]


def _title(
    document: Mapping[str, Any],
    case: Mapping[str, Any],
    layers: Sequence[Point],
    moving: Sequence[tuple[str, float, float, float]],
) -> str:
    environment, settings = document["environment"], document["settings"]
    whole = summary(pass_samples(case, WHOLE))
    with_macs, without = sum(point.share for point in layers), sum(share for *_, share in moving)
    threads = f", {units.counted(environment['threads'], 'thread')}" if environment["device"] == "cpu" else ""
    time = f"; whole {whole.median_ns / 1e6:.4g} ms" if whole else ""
    beside = f", those without {100 * without:.0f} %" if moving else ""
    return (
        f"{case['network']['title']}, input {units.shape_text(tuple(case['input']))}, {settings['dtype']}{time};"
        f" {environment['device_name']}{threads}\n"
        f"area: share of the time; layers with MACs take {100 * with_macs:.0f} % of it{beside};"
        " bars: the middle half of the forwards"
    )


def _label(
    axes: Any,
    layers: Sequence[tuple[str, float, float, float]],
    frame: Box,
    path: Sequence[tuple[float, float]],
    quartiles: Mapping[str, tuple[float, float]],
) -> None:
    """Put a name beside every point (name, x, y, share), large points first, for they have the most to say.

    Names keep clear of the points, of their bars, of the line that path gives, and of what is written already.
    """
    left, right, low, high = frame
    renderer = axes.figure.canvas.get_renderer()
    to_pixels = axes.transData.transform
    unit = axes.figure.dpi / 72
    discs = []
    for _, across, up, share in layers:
        x, y = to_pixels((across, up))
        discs.append(Disc(x, y, (_area(share) / pi) ** 0.5 * unit))
    bars = [[to_pixels((across, up * end)) for end in quartiles[name]] for name, across, up, _ in layers]
    taken = [(low_end[0] - unit / 2, low_end[1], high_end[0] + unit / 2, high_end[1]) for low_end, high_end in bars]
    for line in axes.lines:
        across = to_pixels(line.get_xydata())
        if across[0][1] == across[-1][1]:  # a level line: a roof's flat part, Winograd's
            taken.append((across[0][0], across[0][1] - unit / 2, across[-1][0], across[0][1] + unit / 2))
    taken += [text.get_window_extent(renderer).extents for text in axes.texts]
    legend = axes.get_legend()
    if legend is not None:
        taken.append(legend.get_window_extent(renderer).extents)
    inside = (*to_pixels((left, low)), *to_pixels((right, high)))
    names = Names(inside, discs, taken, to_pixels(path), unit)
    for index in sorted(range(len(layers)), key=lambda index: -layers[index][3]):
        name, across, up, share = layers[index]
        if legend is None and share < NAMED_SHARE:
            continue  # only the panel of layers without MACs has no legend
        text = axes.annotate(
            name,
            (across, up),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=6.5,
            zorder=5,
            arrowprops={"arrowstyle": "-", "color": "0.55", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )
        extent = text.get_window_extent(renderer)
        beside, above = names.place(index, extent.width, extent.height)
        text.set_position((beside / unit, above / unit))


def _area(share: float) -> float:
    """A point's area [points^2]; never so small that it cannot be seen."""
    return max(SMALLEST_AREA, LARGEST_AREA * share)
