"""The files of a report: a CSV and a Markdown table a network, one summary; and what differs from them in a folder."""

from __future__ import annotations

import os

from vggcost.errors import VggcostError
from vggcost.network.catalogue import TABLE_1
from vggcost.report.compare import distinct
from vggcost.report.formats import FORMATS, rendered
from vggcost.report.formats.markdown import escaped
from vggcost.results import whole_set
from vggcost.results.comparison import summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vggcost.report.document import Document
    from vggcost.report.plots.picture import Drawing
    from vggcost.results.audit import Audit
    from vggcost.results.cost import Cost

VARIANTS = tuple(f"{letter}{ending}" for letter in TABLE_1 for ending in ("", "-bn"))
"""The twelve names that a report holds where none is asked for."""

SUMMARY = "summary"
"""The file of all networks, which no network can be called."""

FIGURES, FIGURE_OF_ALL = ("layers", "conventions", "scaling", "memory", "network"), "configs"
"""The figures that a network can have, and that of all networks."""

FILE_FORMATS = ("csv", "markdown")
"""The formats that a report keeps."""


def report_files(
    costs: Iterable[Cost | Audit], names: Sequence[str], *, figures: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each file, the summary last; names are those of `checked_names`.

    figures: whether pictures as SVG are among them, for which matplotlib must be installed.
    """
    counted = []
    for cost, name in zip(costs, names, strict=True):
        yield from _files(name, cost.short_name, cost.document())
        if figures:
            yield from _pictures(name, cost.plot.drawings())
        counted.append(cost)
    yield from _files(SUMMARY, "Summary", summary(counted))
    if figures:
        yield from _pictures(SUMMARY, _side_by_side(counted))


def _pictures(name: str, drawings: Iterable[tuple[str, Drawing]]) -> Iterator[tuple[str, str]]:
    from vggcost.report.plots.picture import drawn

    for kind, drawing in drawings:
        yield f"{name}-{kind}.svg", drawn(drawing, "svg", command="report").decode("utf-8")


def _side_by_side(counted: Sequence[Cost | Audit]) -> Iterator[tuple[str, Drawing]]:
    from vggcost.report.plots.configs import configs

    discs = [each.plot.disc() for each in counted if each.runs and each.totals.macs is not None]
    if discs:
        yield FIGURE_OF_ALL, configs(discs)


def file_name(name: str) -> str:
    """Return the name of the files of a network or a program, which a target's own text may not be.

    >>> file_name("vgg.py:VGG16"), file_name("D-bn")
    ('vgg.py-VGG16', 'D-bn')
    """
    kept = "".join(sign if sign.isalnum() or sign in "._-+" else "-" for sign in name)
    return kept.lstrip(".-") or "program"


def file_places(names: Sequence[str], *, figures: bool = False) -> list[str]:
    """Return the names of all files that `report_files` may yield for these networks and programs."""
    tables = [f"{name}.{FORMATS[fmt][1]}" for name in (*names, SUMMARY) for fmt in FILE_FORMATS]
    if not figures:
        return tables
    return [*tables, *(f"{name}-{kind}.svg" for name in names for kind in FIGURES), f"{SUMMARY}-{FIGURE_OF_ALL}.svg"]


def _files(name: str, title: str, document: Document) -> Iterator[tuple[str, str]]:
    for fmt in FILE_FORMATS:
        _, ending = FORMATS[fmt]
        heading = f"# {escaped(title)}\n\n" if fmt == "markdown" else ""
        yield f"{name}.{ending}", heading + rendered(document, fmt)


def checked_names(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return the name of each network's or program's files; names are pairs, the short one and the full one.

    Raises:
        VggcostError: two bear one name, or one that of the summary.
    """
    files = [file_name(name) for name in distinct(names)]
    for name in files:
        if name.lower() == SUMMARY:
            raise VggcostError(f"a network is called {name!r}, which is the file of all networks; give it another name")
        if files.count(name) > 1:
            raise VggcostError(f"two networks are called {name!r}, and a file can hold one; give each another name")
    return files


def can_draw() -> bool:
    """Whether matplotlib is installed, without which a report has no figures."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def drift(folder: str, files: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the path of each file (name, text) that does not stand in the folder as it should, with the reason.

    A file of a report that was cut short between its files is named whatever it holds.
    """
    found = ((os.path.join(folder, name), text) for name, text in files)
    why_left = "left as it was by a report that was cut short, which the next one completes"
    with whole_set.turn(folder, shared=True):
        cut_short = dict.fromkeys(whole_set.unfinished(folder), why_left)
        return {path: why for path, text in found if (why := _difference(path, text))} | cut_short


def _difference(path: str, text: str) -> str | None:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            found = file.read()
    except FileNotFoundError:
        return "missing"
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read ({error})"
    if found == text:
        return None
    lines = zip(found.splitlines(), text.splitlines(), strict=False)
    for number, (old, new) in enumerate(lines, 1):
        if old != new:
            return f"out of date from line {number}\n  - {old}\n  + {new}"
    return "out of date at its end"
