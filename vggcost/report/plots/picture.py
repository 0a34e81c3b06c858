"""A picture as the bytes of a file, or in axes of one's own: what all of them share, whatever is drawn."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from vggcost.errors import Needs, VggcostError
from vggcost.printable import printable_lines
from vggcost.record import Record
from vggcost.report.plots import style

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_FORMATS = ("svg", "png", "pdf")


TITLE_LINE_INCHES = 0.12
"""What each line of a title but the first takes."""


class Drawing(Record):
    """What is to be drawn, at any width.

    height: of the whole picture [inches], for its width. draw: fills axes, of that width [inches], in a theme, and
    returns those that have data. title: what stands above it where the picture is a file, and in the file's own data.
    """

    title: str
    width_inches: float
    height: Callable[[float], float]
    draw: Callable[[Any, style.Theme, float], list[Any]]


def file_format(place: str) -> str:
    """Return the format of a picture that is to be written there, by its ending.

    Raises:
        VggcostError: it has none of FILE_FORMATS.
    """
    _, dot, ending = place.rpartition(".")
    if not dot or ending.lower() not in FILE_FORMATS:
        raise VggcostError(f"--output is {place!r}; a picture's name ends in .{', .'.join(FILE_FORMATS)}")
    return ending.lower()


def drawn(
    drawing: Drawing, fmt: str, width_inches: float | None = None, *, dark: bool = False, command: str = "plot"
) -> bytes:
    """Return a drawing as the bytes of a file; fmt is one of FILE_FORMATS.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    width = width_inches or drawing.width_inches
    theme = style.DARK if dark else style.LIGHT

    title = style.lines(drawing.title, width - 0.1)

    def fill(figure: Any) -> None:
        figure.suptitle(title, x=0.05 / width, ha="left", fontsize=style.TEXT_POINTS)
        drawing.draw(figure.add_subplot(), theme, width)

    height = drawing.height(width) + TITLE_LINE_INCHES * title.count("\n")
    return picture(command, (width, height), fmt, fill, dark=dark, title=drawing.title)


def on_axes(drawing: Drawing, axes: Any = None) -> Any:
    """Draw into somebody's axes, or into a new figure of pyplot's, and return the axes with data: one, or a list.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_matplotlib("plot")
    if axes is None:
        import matplotlib.pyplot as plt

        size = (drawing.width_inches, drawing.height(drawing.width_inches))
        _, axes = plt.subplots(figsize=size, layout="constrained")
    theme = style.theme_of(axes)
    width = axes.get_window_extent().width / axes.figure.dpi
    with style.styled(theme):
        filled = drawing.draw(axes, theme, width)
    return filled[0] if len(filled) == 1 else filled


def check_matplotlib(command: str) -> None:
    """Refuse to draw where matplotlib is not installed.

    Raises:
        MissingExtraError: it is not.
    """
    with Needs(command, "matplotlib", "plot"):
        import matplotlib as mpl  # noqa: F401  # whether it is there


def picture(
    command: str,
    size_inches: tuple[float, float],
    fmt: str,
    draw: Callable[[Any], None],
    *,
    dark: bool = False,
    title: str | None = None,
) -> bytes:
    """Return the bytes of a figure of this width and height that `draw` fills; fmt is one of FILE_FORMATS.

    The same drawing gives the same file, with the same release of matplotlib: it bears no date, and none of the
    settings that a user has. command is who asks.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_matplotlib(command)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    with style.styled(style.DARK if dark else style.LIGHT), warnings.catch_warnings():
        # A name may have signs that this font lacks; a viewer of the SVG has others.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        figure = Figure(figsize=size_inches, dpi=300 if fmt == "png" else 72, layout="constrained")
        FigureCanvasAgg(figure)  # measures texts; the file's own format draws them
        draw(figure)
        for text in figure.findobj(Text):
            text.set_text(printable_lines(text.get_text()))
        buffer = BytesIO()
        undated: dict[str, Any] = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}[fmt]
        named = {"Title": style.shown(title)} if title else {}
        figure.savefig(buffer, format=fmt, metadata={**undated, **named})
    return buffer.getvalue()
