"""The files of a report: tables and figures a network, a summary, a page of all; and what differs from them."""

from __future__ import annotations

import os

from vggcost.conventions.rows import CONVENTIONS
from vggcost.errors import VggcostError
from vggcost.network.catalogue import TABLE_1
from vggcost.record import Record
from vggcost.report.compare import distinct
from vggcost.report.conventions import remarks_document
from vggcost.report.formats import FORMATS, rendered
from vggcost.report.formats.markdown import escaped
from vggcost.report.shaping import shaped
from vggcost.results import whole_set
from vggcost.results.comparison import by_convention, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.report.document import Document, Shape
    from vggcost.report.page import PageFigure, PageSection
    from vggcost.report.plots.picture import Drawing
    from vggcost.results.audit import Audit
    from vggcost.results.cost import Cost

VARIANTS = tuple(f"{letter}{ending}" for letter in TABLE_1 for ending in ("", "-bn"))
"""The twelve names that a report holds where none is asked for."""

SUMMARY = "summary"
"""The file of all networks, which no network can be called."""

FIGURES, FIGURE_OF_ALL = ("layers", "conventions", "scaling", "memory", "network"), "configs"
"""The figures that a network can have, and that of all networks."""

HTML, PAGE = "html", "index.html"
"""The format of the page that shows all of a report, and its file in a report's directory."""

TABLE_FORMATS = ("csv", "markdown")
"""The formats of which a network has a file."""

FILE_FORMATS = (*TABLE_FORMATS, HTML)
"""The formats that a report keeps."""


class ReportContents(Record):
    """What a report has in it.

    formats are some of FILE_FORMATS; page is what the file of the page is called. figures: whether there are pictures,
    for which matplotlib must be installed, in the page and as SVG beside tables. documents makes the table of each
    network or program, which shape shapes. bench is a bench result for the page.
    """

    formats: tuple[str, ...] = FILE_FORMATS
    figures: bool = False
    documents: Callable[[Cost | Audit], Document] = lambda cost: cost.document()
    shape: Shape | None = None
    bench: Mapping[str, Any] | None = None
    page: str = PAGE

    @property
    def tables(self) -> tuple[str, ...]:
        """The formats of which a network has a file."""
        return tuple(fmt for fmt in self.formats if fmt != HTML)

    @property
    def figure_files(self) -> bool:
        """Whether figures are files of their own."""
        return self.figures and bool(self.tables)


def report_files(
    costs: Iterable[Cost | Audit], names: Sequence[str], contents: ReportContents
) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each file, the summary and the page last; names are those of `checked_names`."""
    from vggcost.report.page import PagePart, PageSection, page

    counted, sections = [], []
    for cost, name in zip(costs, names, strict=True):
        document = contents.documents(cost).replace(shape=contents.shape)
        yield from _tables(name, cost.short_name, document, contents)
        figures = _figures(cost.plot.drawings()) if contents.figures else {}
        yield from _figure_files(name, figures, contents)
        parts = [PagePart(shaped(document, "table"), figures=tuple(figures.values()))]
        if cost.runs and cost.totals.macs is not None:
            parts.append(PagePart(by_convention(cost, brief=True), "What each tool counts"))
        sections.append(PageSection(cost.short_name, parts))
        counted.append(cost)
    document = summary(counted)
    yield from _tables(SUMMARY, "Summary", document, contents)
    figures = _figures(_side_by_side(counted)) if contents.figures else {}
    yield from _figure_files(SUMMARY, figures, contents)
    if HTML in contents.formats:
        head = PageSection("Summary", [PagePart(document, figures=tuple(figures.values()))])
        tail = [_bench_section(contents.bench, figures=contents.figures)] if contents.bench else []
        tail.append(PageSection("The tools", [PagePart(remarks_document(CONVENTIONS))]))
        title = counted[0].short_name if len(counted) == 1 else f"{len(counted)} networks"
        yield contents.page, page(f"What it costs: {title}", [head, *sections, *tail])


def _bench_section(result: Mapping[str, Any], *, figures: bool) -> PageSection:
    from vggcost.bench.curve import curves
    from vggcost.report.bench import document
    from vggcost.report.page import PagePart, PageSection

    drawn = {}
    if figures and curves(result):
        from vggcost.report.plots.curve import curve

        drawn = _figures([("curve", curve(result))])
    return PageSection("Measured", [PagePart(document(result), figures=tuple(drawn.values()))])


def _figures(drawings: Iterable[tuple[str, Drawing]]) -> dict[str, PageFigure]:
    from vggcost.report.page import PageFigure
    from vggcost.report.plots.kinds import shows
    from vggcost.report.plots.picture import drawn

    return {
        kind: PageFigure(
            svg=drawn(drawing, "svg", command="report").decode("utf-8"),
            title=drawing.title,
            caption=shows(kind),
            width_inches=drawing.width_inches,
        )
        for kind, drawing in drawings
    }


def _figure_files(name: str, figures: Mapping[str, PageFigure], contents: ReportContents) -> Iterator[tuple[str, str]]:
    if contents.figure_files:
        for kind, figure in figures.items():
            yield f"{name}-{kind}.svg", figure.svg


def _side_by_side(counted: Sequence[Cost | Audit]) -> Iterator[tuple[str, Drawing]]:
    from vggcost.report.plots.configs import configs

    discs = [each.plot.disc() for each in counted if each.runs and each.totals.macs is not None]
    if discs:
        yield FIGURE_OF_ALL, configs(discs)


DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
"""Names that Windows lets no file have."""


def file_name(name: str) -> str:
    """Return the name of the files of a network or a program, which a target's own text may not be.

    It is one that every system can hold: Windows keeps the names of its devices to itself, whatever the ending.

    >>> file_name("vgg.py:VGG16"), file_name("D-bn"), file_name("con"), file_name("Aux.py:f")
    ('vgg.py-VGG16', 'D-bn', 'con-', 'Aux-.py-f')
    """
    kept = "".join(sign if sign.isalnum() or sign in "._-+" else "-" for sign in name).lstrip(".-") or "program"
    stem, dot, rest = kept.partition(".")
    return f"{stem}-{dot}{rest}" if stem.lower() in DEVICES else kept


def file_places(names: Sequence[str], contents: ReportContents) -> list[str]:
    """Return the names of all files that `report_files` may yield for these networks and programs."""
    places = [f"{name}.{FORMATS[fmt][1]}" for name in (*names, SUMMARY) for fmt in contents.tables]
    if contents.figure_files:
        places += [f"{name}-{kind}.svg" for name in names for kind in FIGURES]
        places.append(f"{SUMMARY}-{FIGURE_OF_ALL}.svg")
    return [*places, contents.page] if HTML in contents.formats else places


def _tables(name: str, title: str, document: Document, contents: ReportContents) -> Iterator[tuple[str, str]]:
    for fmt in contents.tables:
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
