"""``vggcost report``: the tables that a team keeps in its repository, written or checked."""

from __future__ import annotations

import os
from argparse import BooleanOptionalAction

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, add_convention, add_input, add_network
from vggcost.cli.output import emit
from vggcost.cli.program_options import add_program
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import request
from vggcost.report.plots.picture import check_matplotlib
from vggcost.results import report_files, whole_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.cli.request import Request
    from vggcost.network.plan import Configuration


NO_FIGURES = "; without figures, for which matplotlib is not installed (pip install 'vggcost[plot]')"


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "report",
        "A CSV and a Markdown table a network (D.csv, D-bn.md), its figures, and one summary of all, in a\n"
        "directory; all twelve variants without a name. --check writes nothing and ends with 1 where a file is\n"
        "missing or out of date; give it the options that the directory was written with, for a directory holds\n"
        "one report.",
        "vggcost report -o reports --check",
    )
    add_network(result, several=True)
    add_program(result)
    add_input(result)
    add_convention(result)
    result.add_argument(
        "-o", "--output", dest="folder", metavar="DIR", default="reports", help="the directory (reports)"
    )
    result.add_argument(
        "--figures",
        action=BooleanOptionalAction,
        help="figures too, as SVG (D-layers.svg, summary-configs.svg; vggcost plot has the kinds); where matplotlib is"
        " installed they are drawn unless --no-figures is given",
    )
    result.add_argument("--check", action="store_true", help="compare only: exit status 1 names every stale file")
    return result


def run(args: Namespace) -> int:
    """Write the files, or compare them with what stands there."""
    folder: str = args.folder
    whole_set.check_folder(folder)
    asked = request(args, default=report_files.VARIANTS)
    names = report_files.checked_names([_names(subject, asked) for subject in asked.subjects])
    figures = report_files.can_draw() if args.figures is None else args.figures
    if figures:
        check_matplotlib("report --figures")
    if not args.check:
        whole_set.check_places(folder, report_files.file_places(names, figures=figures))
    files = []
    with ProgressLine() as progress:
        for file in report_files.report_files(asked.counted(), names, figures=figures):
            progress(file[0])
            files.append(file)
    without = "" if figures or args.figures is False else NO_FIGURES
    if not args.check:
        whole_set.write(folder, files)
        emit(f"{len(files)} files written to {folder}{without}\n", None)
        return EXIT_FINE
    stale = report_files.drift(folder, files)
    if not stale:
        emit(f"{len(files)} files in {folder} are up to date{without}\n", None)
        return EXIT_FINE
    lines = "".join(f"{path}: {why}\n" for path, why in stale.items())
    number = len({os.path.join(folder, name) for name, _ in files} | stale.keys())
    verdict = f"{len(stale)} of {number} files differ; the same command without --check writes them anew\n"
    emit(lines + verdict, None)
    return EXIT_DIFFERS


def _names(subject: Configuration | str, asked: Request) -> tuple[str, str]:
    """The short name of a network or a target, and the full one."""
    if isinstance(subject, str):
        return os.path.basename(subject), subject
    name = asked.unfolded(subject).short_name
    return name, name
