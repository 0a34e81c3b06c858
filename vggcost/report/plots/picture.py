"""A picture as the bytes of a file: what all of them share, whatever is drawn."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from vggcost.errors import MissingExtraError
from vggcost.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_FORMATS = ("svg", "png", "pdf")


def picture(command: str, size_inches: tuple[float, float], fmt: str, draw: Callable[[Any], None]) -> bytes:
    """Return the bytes of a figure of this width and height that `draw` fills; fmt is one of FILE_FORMATS.

    The same drawing gives the same file: it bears no date. command is who asks.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise MissingExtraError(command, "matplotlib", "plot") from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    settings: dict[Any, Any] = {
        "svg.hashsalt": "vggcost",  # the same result gives the same file
        "svg.fonttype": "none",  # text stays text: it can be searched, and a paper's font put in its place
        "text.parse_math": False,  # a name with two $ is no formula
        "font.size": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A name in signs that the font has not is drawn as boxes, and an SVG keeps its text.
        warnings.filterwarnings("ignore", r"Glyph \d+ ", UserWarning)
        figure = Figure(figsize=size_inches, dpi=200, layout="constrained")
        FigureCanvasAgg(figure)  # measures texts; the file's own format draws them
        draw(figure)
        for text in figure.findobj(Text):
            text.set_text(printable_lines(text.get_text()))
        buffer = BytesIO()
        undated = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}[fmt]
        figure.savefig(buffer, format=fmt, metadata=undated)
    return buffer.getvalue()
