"""All campaigns, or those that are named, with one figure each: ``python tests/campaigns [NAME ...] [--short]``.

A campaign is one file beside this one: ``WHAT`` it tries, how many in ``FULL`` and in ``SHORT`` form, and
``broken(number, seed, folder)``, which tries so many and yields a line for each promise that was broken. It may return
a second figure in words, and ``FOUND`` may have another word than "broken". What begins with _ or test_ is none. The
exit status is 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent
SHOWN = 20
"""Of the promises that a campaign found broken."""


def names() -> list[str]:
    """The campaigns, in the order of the alphabet."""
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith(("_", "test_")))


def run(name: str, *, short: bool, seed: int) -> tuple[str, list[str]]:
    """Run one: its figure in a line, and the promises that were broken."""
    campaign = import_module(f"campaigns.{name}")
    number = campaign.SHORT if short else campaign.FULL
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found, second = collected(campaign.broken(number, seed, Path(folder).resolve()))
    seconds = time.perf_counter() - start
    counts = [f"{number:,} {campaign.WHAT}", *second, f"{len(found)} {getattr(campaign, 'FOUND', 'broken')}"]
    return f"{name}: {', '.join(counts)} (seed {seed}, {seconds:.0f} s)", found


def collected(broken: Generator[object, None, str | None]) -> tuple[list[str], list[str]]:
    """Run a generator to its end: what it yields as lines, and what it returns, if anything."""
    found = []
    while True:
        try:
            found.append(str(next(broken)))
        except StopIteration as end:
            return found, [end.value] if end.value else []


def main(argv: list[str] | None = None) -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python tests/campaigns", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(names())} (all)")
    parser.add_argument("--short", action="store_true", help="as .ci/run does: a minute or so each")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (1)")
    args = parser.parse_args(argv)
    unknown = set(args.names) - set(names())
    if unknown:
        parser.error(f"no campaign is called {min(unknown)}; there are {', '.join(names())}")
    failed = False
    for name in args.names or names():
        figure, found = run(name, short=args.short, seed=args.seed)
        print(figure, flush=True)
        for line in found[:SHOWN]:
            print(f"  {line}", flush=True)
        failed |= bool(found)
    return int(failed)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))  # campaigns are imported as campaigns.X, here and by pytest
    sys.exit(main())
