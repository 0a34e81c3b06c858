"""``vggcost report``: the tables that a team keeps in its repository, and the page of them, written or checked."""

from __future__ import annotations

import os
from argparse import BooleanOptionalAction

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, Read, add_convention, add_input, add_network
from vggcost.cli.output import emit
from vggcost.cli.program_options import add_program
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import request
from vggcost.cli.shaping import add_shape
from vggcost.errors import VggcostError, unknown
from vggcost.report.plots.picture import check_matplotlib
from vggcost.results import report_files, whole_set
from vggcost.results.report_files import FILE_FORMATS, HTML, ReportContents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.cli.request import Request
    from vggcost.network.plan import Configuration


NO_FIGURES = "; without figures, for which matplotlib is not installed (pip install 'vggcost[plot]')"
PAGE_NOT_HELD = f"; {report_files.PAGE} is not looked at, as it may have figures, too"


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "report",
        "A CSV and a Markdown table a network (D.csv, D-bn.md), its figures, one summary of all, and index.html, a\n"
        "page of the whole, in a directory; all twelve variants without a name. --format html writes the page alone,\n"
        "one file that needs no other. --check writes nothing and ends with 1 where a file is missing or out of date;\n"
        "give it the options that the directory was written with, for a directory holds one report.",
        "vggcost report -o reports --check",
    )
    add_network(result, several=True)
    add_program(result)
    add_input(result)
    add_convention(result)
    add_shape(result, paper=False)
    group = result.add_argument_group("report")
    group.add_argument(
        "-o",
        "--output",
        dest="folder",
        metavar="DIR",
        default="reports",
        help="the directory (reports); for --format html also the page itself, as costs.html",
    )
    group.add_argument(
        "--format",
        dest="file_formats",
        action=Read,
        read=_read_formats,
        metavar="FORMAT,FORMAT",
        help=f"{', '.join(FILE_FORMATS)} (all of them)",
    )
    group.add_argument(
        "--all", action="store_true", help="in the page also the rows that cost nothing, which the other files have"
    )
    group.add_argument(
        "--bench", metavar="FILE", help="in the page also what vggcost bench --format json measured and wrote"
    )
    group.add_argument(
        "--figures",
        action=BooleanOptionalAction,
        help="figures too, in the page and as SVG (D-layers.svg, summary-configs.svg; vggcost plot has the kinds);"
        " where matplotlib is installed they are drawn unless --no-figures is given",
    )
    group.add_argument("--check", action="store_true", help="compare only: exit status 1 names every stale file")
    return result


def run(args: Namespace) -> int:
    """Write the files, or compare them with what stands there."""
    folder, formats, page = _place(args)
    whole_set.check_folder(folder)
    asked = request(args, default=report_files.VARIANTS)
    asked.check_shape_of_each()
    names = report_files.checked_names([_names(subject, asked) for subject in asked.subjects])
    figures = report_files.can_draw() if args.figures is None else args.figures
    if figures:
        check_matplotlib("report --figures")
    without = "" if figures or args.figures is False else NO_FIGURES
    if args.check and without and HTML in formats:
        if formats == (HTML,):
            raise VggcostError(
                "the page may have figures, and matplotlib is not installed (pip install 'vggcost[plot]'); give"
                " --no-figures where it was written with none"
            )
        formats = tuple(fmt for fmt in formats if fmt != HTML)
        without += PAGE_NOT_HELD
    contents = ReportContents(
        formats=formats,
        figures=figures,
        documents=asked.document,
        shape=asked.shape,
        bench=_bench(args.bench, formats),
        page=page,
    )
    if not args.check:
        whole_set.check_places(folder, report_files.file_places(names, contents))
    files = []
    with ProgressLine() as progress:
        for file in report_files.report_files(asked.counted(), names, contents):
            progress(file[0])
            files.append(file)
    place = folder if page == report_files.PAGE else args.folder
    if not args.check:
        whole_set.write(folder, files)
        emit(f"{_files(len(files))} written to {place}{without}\n", None)
        return EXIT_FINE
    stale = report_files.drift(folder, files)
    if not stale:
        emit(f"{_files(len(files))} in {place} {'is' if len(files) == 1 else 'are'} up to date{without}\n", None)
        return EXIT_FINE
    lines = "".join(f"{path}: {why}\n" for path, why in stale.items())
    number = len({os.path.join(folder, name) for name, _ in files} | stale.keys())
    verdict = f"{len(stale)} of {_files(number)} differ; the same command without --check writes them anew\n"
    emit(lines + verdict, None)
    return EXIT_DIFFERS


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def _place(args: Namespace) -> tuple[str, tuple[str, ...], str]:
    """The directory, the formats and the name of the page; an --output that ends in .html is the page.

    Raises:
        VggcostError: it is the page, and --format asks for more.
    """
    folder: str = args.folder
    formats: tuple[str, ...] = args.file_formats or FILE_FORMATS
    if not folder.lower().endswith(f".{HTML}") or os.path.isdir(folder):
        return folder, formats, report_files.PAGE
    if args.file_formats is not None and formats != (HTML,):
        raise VggcostError(
            f"--output is {folder!r}, one page, and --format {','.join(formats)} asks for other files; give a directory"
        )
    return os.path.dirname(folder) or os.curdir, (HTML,), os.path.basename(folder)


def _bench(path: str | None, formats: tuple[str, ...]) -> dict[str, object] | None:
    """The bench result of --bench.

    Raises:
        VggcostError: it is none, or there is no page for it.
    """
    if path is None:
        return None
    from vggcost.bench.result import load

    result = load(path)
    if HTML not in formats:
        raise VggcostError("--bench is for the page; add html to --format, or leave --bench away")
    return result


def _read_formats(text: str, option: str) -> tuple[str, ...]:
    """The formats of a comma list, in their order.

    Raises:
        VggcostError: one is none of a report's.
    """
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word not in FILE_FORMATS:
            raise unknown(f"format of {option}", word, FILE_FORMATS)
    return tuple(fmt for fmt in FILE_FORMATS if fmt in words)


def _names(subject: Configuration | str, asked: Request) -> tuple[str, str]:
    """The short name of a network or a target, and the full one."""
    if isinstance(subject, str):
        return os.path.basename(subject), subject
    name = asked.unfolded(subject).short_name
    return name, name
