"""``vggcost check``: holds networks and programs to their lock, and names every layer that is another."""

from __future__ import annotations

import os

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, add_output
from vggcost.cli.output import emit, note, prints_to_stderr
from vggcost.cli.program_options import add_isolation
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import output_from
from vggcost.errors import VggcostError
from vggcost.lock.lock_file import DEFAULT_PLACE, entry_data
from vggcost.report import check as check_report
from vggcost.report.check_files import FORMATS, rendered
from vggcost.results import whole_file
from vggcost.results.checking import LockFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from vggcost.lock.outcome import Outcome
    from vggcost.results.recording import Recorded


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "check",
        "Reads every entry of a lock anew and compares: exit status 0 and silence where all is as it was written\n"
        "down, else 1 and a line for each layer that came, went or changed, with what it costs. Budgets of\n"
        "pyproject.toml are held, too. --update writes the lock anew behind that. This runs the programs that the\n"
        "lock names.",
        "vggcost check --format github",
    )
    result.add_argument("entries", nargs="*", metavar="ENTRY", help="the entries to check (all)")
    result.add_argument("--lock", metavar="FILE", default=DEFAULT_PLACE, help=f"the lock ({DEFAULT_PLACE})")
    result.add_argument("--update", action="store_true", help="write the lock anew, once the differences are shown")
    add_isolation(result)
    add_output(result, FORMATS, human=False)
    return result


def run(args: Namespace) -> int:
    """Check the entries, print what differs, and write the lock where that is asked for."""
    fmt, place = output_from(args)
    silent = args.format is None and place is None
    if args.update:
        whole_file.check_writable(args.lock, "--lock")
    whole_file.sweep(args.lock)
    lock = LockFolder(args.lock)
    with ProgressLine() as progress, prints_to_stderr():
        found = list(lock.checked(args.entries, progress))
    outcomes = [outcome for outcome, _ in found]
    good = all(outcome.held for outcome in outcomes)
    if not (silent and good):
        emit(_text(outcomes, fmt, args.lock), place)
    if fmt == "github":
        _add_summary(outcomes, args.lock)
    if args.update:
        return _update(lock, found)
    if not good and fmt == "table":
        note(f"{check_report.verdict(outcomes)}; vggcost check --update writes them as they are")
    return EXIT_FINE if good else EXIT_DIFFERS


def _text(outcomes: Sequence[Outcome], fmt: str, lock: str) -> str:
    if fmt in FORMATS:
        return rendered(outcomes, fmt, lock)
    if fmt == "table":
        rooms = [f"{each.name}: {room.text}" for each in outcomes if each.held for room in each.headrooms]
        lines = check_report.lines(outcomes)
        return "\n".join(lines or [*rooms, check_report.verdict(outcomes)]) + "\n"
    from vggcost.report.formats import rendered as formatted

    return formatted(check_report.document(outcomes, lock), fmt)


def _add_summary(outcomes: Sequence[Outcome], lock: str) -> None:
    """Add the job's summary where GitHub asks for one."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    from vggcost.report.formats import rendered as formatted

    text = formatted(check_report.document(outcomes, lock), "markdown")
    try:
        with open(place, "a", encoding="utf-8") as summary:
            summary.write(f"### vggcost check\n\n{text}\n")
    except OSError as error:
        raise VggcostError(f"cannot write GITHUB_STEP_SUMMARY {place!r}: {error.strerror or error}") from None


def _update(lock: LockFolder, found: Sequence[tuple[Outcome, Recorded | None]]) -> int:
    """Write the entries as they are now, but for those that cannot run; the others of the lock stay as they were."""
    now = {outcome.name: made for outcome, made in found if made is not None and not made.reading.failures}
    before = {entry["name"]: entry for entry in lock.locked}
    entries = {**before, **{name: entry_data(made.entry) for name, made in now.items()}}
    changed = [name for name, entry in entries.items() if before.get(name) != entry]
    if changed:
        lock.write(list(entries.values()))
        note(f"{lock.path} written anew: {', '.join(sorted(changed))}")
    bad = [outcome for outcome, made in found if made is not None and (made.reading.failures or _over(outcome))]
    return EXIT_DIFFERS if bad else EXIT_FINE


def _over(outcome: Outcome) -> bool:
    return any(not room.held for room in outcome.headrooms)
