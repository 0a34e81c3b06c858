"""``vggcost bench --space``: every cell of a space on one device or several, each result a file."""

from __future__ import annotations

import os

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE, EXIT_INTERRUPTED
from vggcost.cli.options import Parser, Read, read_count
from vggcost.cli.output import emit, note
from vggcost.cli.progress import ProgressLine
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

USUAL_REFERENCE = 10
"""After so many cells of a device the reference is measured once more."""

OWN = ("space", "engine", "on", "retry_failed", "reference_every")
"""The options that are of a space alone."""

PASSED = (
    *("device", "no_inplace", "compile", "backward", "threads", "whole", "per_layer", "budget", "sustained", "repeat"),
    "cudnn_benchmark",
)
"""The options that each cell is measured with."""

MOST_NAMED = 20
"""How many failures are named; all are files."""


def add_space(result: Parser) -> None:
    """Add the options of a space."""
    group = result.add_argument_group("many cells: --space SPACE.toml -o FOLDER")
    group.add_argument(
        "--space",
        metavar="SPACE.toml",
        help="measure every network, variant, size, batch, dtype and layout of this file; a result a file in --output,"
        " and what is there is not measured again",
    )
    group.add_argument("--engine", metavar="ENGINE", help="here (the default), dask://host:8786, dask-file://FILE")
    group.add_argument(
        "--on", action=Read, read=read_on, metavar="device=TAG,TAG", help="the workers' resource tags: device=h100,t4"
    )
    group.add_argument("--retry-failed", action="store_true", help="try again what failed before")
    group.add_argument(
        "--reference-every",
        action=Read,
        read=read_count,
        metavar="N",
        help=f"repeat a device's first cell after so many, which shows drift ({USUAL_REFERENCE})",
    )


def read_on(text: str, option: str) -> tuple[str, ...]:
    """Return the tags of ``device=h100,t4``.

    Raises:
        VggcostError: it is written otherwise, or a tag stands twice.
    """
    word, sign, rest = text.partition("=")
    tags = tuple(tag.strip() for tag in rest.split(","))
    if word.strip() != "device" or not sign or not all(tags) or len(set(tags)) < len(tags):
        raise VggcostError(f"{option} is {text!r}; give each tag once, as device=h100,t4")
    return tags


def check_no_space(args: Namespace) -> None:
    """Refuse options of a space where none is given.

    Raises:
        VggcostError: there is one.
    """
    given = [name for name in OWN if getattr(args, name)]
    if given:
        raise VggcostError(f"{_option(given[0])} is for --space, and none is given; add --space SPACE.toml")


def run_space(args: Namespace, fresh: Namespace) -> int:
    """Measure the cells, and say what came of them; fresh are the options of a line that has none."""
    for name, value in vars(args).items():
        if name not in (*OWN, *PASSED, "output", "words") and value != getattr(fresh, name):
            word = "a network" if name == "names" else _option(name)
            raise VggcostError(f"--space says what is measured, and {word} is given beside it; leave one of them away")
    folder = _folder(args.output)
    from vggcost import __version__
    from vggcost.engines import engine
    from vggcost.sweep.cell_run import check_tags, run_cells
    from vggcost.sweep.cells import HERE, read_cells, with_references

    tags, name = args.on or (args.device or HERE,), args.engine or "here"
    cells = read_cells(args.space, tags, _settings(args, fresh), __version__)
    cells = with_references(cells, args.reference_every or USUAL_REFERENCE)
    runs = engine(name)
    try:
        if args.on:
            check_tags(runs, args.on, f"--engine {name}")
        os.makedirs(folder, exist_ok=True)
        with ProgressLine() as progress:
            tally = run_cells(cells, folder, runs, progress, retry=args.retry_failed, tagged=bool(args.on))
    except KeyboardInterrupt:
        note(f"interrupted; what was measured is in {folder}, and the same line goes on from there")
        return EXIT_INTERRUPTED
    finally:
        runs.close()
    emit(
        f"{len(cells)} cells: {tally.measured} measured, {tally.failed} failed, {tally.kept} were there;"
        f" vggcost bench-collect {folder} has them in one table\n",
        None,
    )
    for line in tally.failures[:MOST_NAMED]:
        note(f"error: {line}")
    if len(tally.failures) > MOST_NAMED:
        note(f"error: and {len(tally.failures) - MOST_NAMED} more, which are files in {folder}")
    return EXIT_DIFFERS if tally.failed else EXIT_FINE


def _folder(place: str | None) -> str:
    """The folder of the results.

    Raises:
        VggcostError: none is given, or it is no folder that could be written.
    """
    if place is None or place == "-":
        raise VggcostError("--space has a result for each cell; give their folder, as -o results/")
    if os.path.exists(place) and not os.path.isdir(place):
        raise VggcostError(f"--output is {place!r}, which is a file; --space needs a folder, as -o results/")
    return place


def _settings(args: Namespace, fresh: Namespace) -> list[str]:
    """The words with which each cell is measured."""
    found = []
    for name in PASSED:
        value = getattr(args, name)
        if value == getattr(fresh, name):
            continue
        if isinstance(value, bool):
            found.append(_option(name) if value else f"--no-{_option(name)[2:]}")
        else:
            found += [_option(name), f"{value:g}" if isinstance(value, float) else str(value)]
    return found


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
