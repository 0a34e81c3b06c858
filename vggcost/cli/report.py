"""``vggcost report``: the tables that a team keeps in its repository, written or checked."""

from __future__ import annotations

import os

from vggcost import api
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_convention,
    add_input,
    add_network,
    convention_from,
    count_from,
    dtype_from,
    networks_from,
)
from vggcost.cli.output import emit, write_whole
from vggcost.errors import VggcostError
from vggcost.results.report_files import SUMMARY, VARIANTS, report_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from vggcost.results.cost import Cost


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "report",
        "A CSV and a Markdown table a network (D.csv, D-bn.md) and one summary of all, in a directory; all twelve\n"
        "variants without a name. --check writes nothing and ends with 1 where a file is missing or out of date;\n"
        "give it the options that the directory was written with, for a directory holds one report.",
        "vggcost report -o reports --check",
    )
    add_network(result, several=True)
    add_input(result)
    add_convention(result)
    result.add_argument("-o", "--output", metavar="DIR", default="reports", help="the directory (reports)")
    result.add_argument("--check", action="store_true", help="compare only: exit status 1 names every stale file")
    return result


def run(args: Namespace) -> int:
    """Write the files, or compare them with what stands there."""
    folder: str = args.output
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise VggcostError(f"--output is {folder!r}, which is a file; give a directory")
    files = list(report_files(_costs(args)))
    return _check(folder, files) if args.check else _write(folder, files)


def _costs(args: Namespace) -> Iterator[Cost]:
    batch, dtype = count_from(args.batch, "--batch", 1), dtype_from(args)
    convention = convention_from(args)
    networks = networks_from(args, VARIANTS)
    names = [network.short_name for network in networks]
    for name in names:
        if name.lower() == SUMMARY:
            raise VggcostError(f"a network is called {name!r}, which is the file of all networks; give it another name")
        if names.count(name) > 1:
            raise VggcostError(f"two networks are called {name!r}, and a file can hold one; give each another name")
    for network in networks:
        yield api.count(network, network.image, batch, dtype, convention)


def _write(folder: str, files: list[tuple[str, str]]) -> int:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise VggcostError(f"cannot make {folder!r}: {error.strerror}; choose another directory") from None
    for name, text in files:
        write_whole(os.path.join(folder, name), text)
    emit(f"{len(files)} files written to {folder}\n", None)
    return EXIT_FINE


def _check(folder: str, files: list[tuple[str, str]]) -> int:
    stale = [
        f"{os.path.join(folder, name)}: {why}\n" for name, text in files if (why := _difference(folder, name, text))
    ]
    verdict = f"{len(stale)} of {len(files)} files differ; the same command without --check writes them anew\n"
    emit("".join((*stale, verdict)) if stale else f"{len(files)} files in {folder} are up to date\n", None)
    return EXIT_DIFFERS if stale else EXIT_FINE


def _difference(folder: str, name: str, text: str) -> str | None:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
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
