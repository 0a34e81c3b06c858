"""How pictures look: colours for every eye and for grey printers, sizes for print, names as they are written."""

from __future__ import annotations

from contextlib import contextmanager
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.printable import printable
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ONE_COLUMN, TWO_COLUMNS = 3.3, 7.0
"""The widths of a column and of the page in a two-column paper [inches]."""

TEXT_POINTS, SMALL_POINTS = 7.0, 6.0
"""Sizes of what is written, at the printed size."""

SIGN_INCHES = 0.052
"""What a sign takes across at SMALL_POINTS, as a rule [inches]."""


class Look(Record):
    """A fill and its hatch: neighbours in LOOKS differ in lightness, and in hatch where they do not."""

    colour: str
    hatch: str = ""


LOOKS = (
    Look("#0072B2"),
    Look("#E69F00", "////"),
    Look("#56B4E9"),
    Look("#D55E00", "\\\\\\\\"),
    Look("#F0E442"),
    Look("#009E73", "++++"),
    Look("#CC79A7", "xxxx"),
    Look("#999999"),
)
"""Okabe and Ito's colours (2008), which people with any colour vision tell apart."""

MARKS = (("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"))
"""Marker and line of curves, which colour alone must not set apart."""


class Theme(Record):
    """What stands around the fills."""

    paper: str
    ink: str
    faint: str


LIGHT = Theme("#ffffff", "#1a1a1a", "#e4e4e4")
DARK = Theme("#14171a", "#ececec", "#3a3f45")


def theme_of(axes: Any) -> Theme:
    """Return the theme for axes that somebody made, by the paper that they stand on."""
    red, green, blue, opaque = axes.figure.get_facecolor()
    return DARK if opaque and 0.3 * red + 0.59 * green + 0.11 * blue < 0.4 else LIGHT


@contextmanager
def styled(theme: Theme) -> Iterator[None]:
    """Draw with these settings and with none of the user's own; text is written as it is, `$` and all."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "svg.hashsalt": "vggcost",  # the same picture gives the same file
                "svg.fonttype": "none",  # text stays text: it can be searched, and a paper's font put in its place
                "pdf.fonttype": 42,  # whole outlines, which publishers ask for
                "text.parse_math": False,
                "text.color": theme.ink,
                "axes.labelcolor": theme.ink,
                "axes.edgecolor": theme.ink,
                "axes.facecolor": theme.paper,
                "figure.facecolor": theme.paper,
                "savefig.facecolor": theme.paper,
                "xtick.color": theme.ink,
                "ytick.color": theme.ink,
                "legend.labelcolor": theme.ink,
                "font.size": TEXT_POINTS,
                "hatch.linewidth": 0.4,
                "hatch.color": theme.ink,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.linewidth": 0.6,
            }
        )
        yield


def tidy(axes: Any, theme: Theme, *, grid: str | None = None) -> Any:
    """Return axes with thin lines and small ticks; grid is the axis whose values have lines, x, y or both."""
    axes.tick_params(labelsize=SMALL_POINTS, length=2, width=0.6, pad=2)
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(visible=True, which="major", axis=grid, color=theme.faint, linewidth=0.5)
    return axes


def panels(axes: Any, count: int, gap_inches: float, width_inches: float, parts: Sequence[float] = ()) -> list[Any]:
    """Return axes side by side in the place of others, which are shown no more; parts are their shares of the width."""
    axes.set_axis_off()
    parts = parts or [1.0] * count
    gap = gap_inches / width_inches
    room = 1 - gap * (count - 1)
    made, left = [], 0.0
    for part in parts:
        across = room * part / sum(parts)
        made.append(axes.inset_axes((left, 0, across, 1)))
        left += across + gap
    return made


def shown(name: str, most: int | None = None) -> str:
    """Return a name as a picture can hold it: in one line, at most that many signs, what nobody sees written out.

    >>> shown("a$b_c$"), shown("features.block_4.conv_17", 12)
    ('a$b_c$', 'featur…nv_17')
    """
    text = printable(name)
    if most is None or len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def lines(text: str, width_inches: float) -> str:
    """Return a text in lines that fit into a width."""
    return "\n".join(wrap(shown(text), max(20, int(width_inches / SIGN_INCHES))))


def legend(axes: Any, handles: Sequence[Any], names: Sequence[str], **where: Any) -> Any:
    """Add a legend; names are written as they are, also where matplotlib would leave one out for its first sign."""
    made = axes.legend(handles, [str(number) for number, _ in enumerate(names)], **_LEGEND, **where)
    for text, name in zip(made.get_texts(), names, strict=True):
        text.set_text(shown(name))
        text.set_fontsize(SMALL_POINTS)
    return made


_LEGEND: dict[str, Any] = {
    "frameon": False,
    "handlelength": 1.4,
    "handleheight": 0.9,
    "handletextpad": 0.5,
    "columnspacing": 1.0,
    "labelspacing": 0.3,
    "borderaxespad": 0.2,
}


def fill(look: Look, theme: Theme) -> dict[str, Any]:
    """Return the words for a filled patch of a look."""
    return {"facecolor": look.colour, "hatch": look.hatch, "edgecolor": theme.ink, "linewidth": 0.4}


def round_below(largest: int, digits: Sequence[int], base: int) -> int:
    """Return the largest round number, a power of the base times a digit, that is not above; 1 at least.

    >>> round_below(102764544, (1, 2, 5), 10), round_below(25690112, (1,), 2)
    (100000000, 16777216)
    """
    power = 1
    while power * base <= largest:
        power *= base
    return power * max((digit for digit in digits if digit * power <= largest), default=1)


def count_axis(axis: Any, ticks: int = 4) -> None:
    """Write counts as 5 G and 20 M."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10], integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))


def short_count(value: float) -> str:
    """Return a count with its prefix.

    >>> short_count(2.5e9), short_count(1e8), short_count(0), short_count(1.5)
    ('2.5 G', '100 M', '0', '1.5')
    """
    return _short(value, 1000, units.SI_PREFIXES)


def byte_axis(axis: Any, largest: int, ticks: int = 4) -> None:
    """Write bytes as 2 GiB, at round numbers of their unit."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    axis.set_major_locator(MultipleLocator(byte_step(largest, ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_bytes(value)))


def byte_step(largest: int, ticks: int) -> int:
    """Return the distance of ticks [B], of which about that many lie below the largest.

    >>> byte_step(3 * 1024**3, 4) == 1024**3, byte_step(1100 * 1024**2, 4) == 512 * 1024**2
    (True, True)
    """
    step = 1
    while step * ticks < largest:
        step *= 2
    return step


def short_bytes(value: float) -> str:
    """Return an amount of memory with its prefix.

    >>> short_bytes(1000 * 1024**2), short_bytes(1536 * 1024**2), short_bytes(0)
    ('1000 MiB', '1.5 GiB', '0')
    """
    return _short(value, 1024, tuple(f"{prefix}B" for prefix in units.IEC_PREFIXES))


def _short(value: float, base: int, prefixes: Sequence[str]) -> str:
    power = 0
    while abs(value) >= base and power + 1 < len(prefixes):
        value, power = value / base, power + 1
    return f"{value:.{4 if value >= 1000 else 3}g} {prefixes[power]}".rstrip() if value else "0"
