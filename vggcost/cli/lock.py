"""``vggcost lock``: writes down what networks and programs are and cost, for ``vggcost check`` to hold them to."""

from __future__ import annotations

import os

from vggcost import units
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, Read, add_input, add_network, read_convention
from vggcost.cli.output import emit, note, prints_to_stderr
from vggcost.cli.program_options import add_program
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import request
from vggcost.errors import VggcostError
from vggcost.lock.budgets import headroom
from vggcost.lock.definition import Definition
from vggcost.lock.lock_file import DEFAULT_PLACE, entry_data, lock_text
from vggcost.results import whole_file
from vggcost.results.checking import LockFolder, failure
from vggcost.results.recording import default_name, recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from typing import Any

    from vggcost.cli.request import Request
    from vggcost.results.recording import Recorded


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "lock",
        "Writes down what each TARGET is and costs, layer by layer, for vggcost check: parameters, MACs, memory,\n"
        "kernel, stride, padding, what is trained. NAME=TARGET calls an entry NAME. Without TARGET the entries are\n"
        "those of [tool.vggcost.entries.NAME] in pyproject.toml, or, where there are none, those of the lock,\n"
        "written anew.",
        "vggcost lock D resnet_vgg=models.py:ResNetVGG",
    )
    add_network(result, several=True)
    add_program(result)
    add_input(result, dtype=False)
    group = result.add_argument_group("what is counted")
    group.add_argument(
        "--convention",
        dest="conventions",
        action=Read,
        read=lambda text, option: tuple(read_convention(word, option).name for word in text.split(",")),
        metavar="NAME",
        help="also as these tools count, a comma list: fvcore,thop (vggcost conventions; parameters and MACs always)",
    )
    group = result.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="FILE", help=f"write there, whole or not at all ({DEFAULT_PLACE})")
    result.set_defaults(labelled=True)
    return result


def run(args: Namespace) -> int:
    """Read every target and write the lock."""
    asked = request(args, default=())
    place = asked.place or DEFAULT_PLACE
    whole_file.check_writable(place)
    whole_file.sweep(place)
    lock = LockFolder(DEFAULT_PLACE if place == "-" else place)
    wanted = list(_definitions(asked, args.conventions or ())) or _unnamed(asked, args.conventions, lock)
    made: list[Recorded] = []
    with ProgressLine() as progress, prints_to_stderr():
        for definition in wanted:
            progress(f"{definition.name}: {definition.target}")
            made.append(_recorded(definition, lock.folder))
    failing = [each for each in made if each.reading.failures]
    if failing:
        lines = [f"{each.entry.name}: {failure(each.reading)}\n" for each in failing]
        emit(f"{''.join(lines)}nothing was written\n", None)
        return EXIT_DIFFERS
    kept = [entry for entry in lock.locked if entry["target"] is None]  # those that tests wrote down
    entries = [*(entry_data(each.entry) for each in made), *_others(kept, made)]
    if place == "-":
        emit(lock_text(entries), None)
        return EXIT_FINE
    lock.write(entries)
    _say_gone(lock.locked, entries, place)
    emit(_summary(made, wanted, place), None)
    return EXIT_FINE


def _definitions(asked: Request, conventions: tuple[str, ...]) -> Iterator[Definition]:
    """What the command line names.

    Raises:
        VggcostError: two entries would have one name.
    """
    given = _given(asked)
    seen: dict[str, str] = {}
    for name, target in zip(asked.labels, asked.texts, strict=True):
        own = name or default_name(target)
        if own in seen:
            raise VggcostError(
                f"two entries would be called {own!r}: {seen[own]!r} and {target!r}; write NAME={target} for one"
            )
        seen[own] = target
        yield Definition(own, target, given, conventions)


def _given(asked: Request) -> dict[str, Any]:
    """What is given beside the targets, as `Definition.given` has it."""
    values = {
        "call": None if asked.call is None else asked.call.words,
        "input": asked.inputs or None,
        "size": asked.size,
        "batch": asked.batches[0] if asked.batches else None,
        **asked.options,
    }
    return {key: value for key, value in values.items() if value is not None}


def _unnamed(asked: Request, conventions: tuple[str, ...] | None, lock: LockFolder) -> list[Definition]:
    """The entries of the table, or of the lock.

    Raises:
        VggcostError: there are none; an option is given that they have for themselves.
    """
    option = next(iter(_given(asked)), "convention" if conventions else None)
    if option is not None:
        raise VggcostError(
            f"--{option.replace('_', '-')} is given without a TARGET, and the entries that are there have their own;"
            " name a TARGET, or write it into pyproject.toml"
        )
    found = lock.definitions()
    if not found:
        raise VggcostError(
            "no TARGET is given, and pyproject.toml here has no [tool.vggcost.entries.NAME]; as in: vggcost lock D, or"
            " vggcost lock models.py:VGG16"
        )
    return found


def _recorded(definition: Definition, folder: str) -> Recorded:
    try:
        return recorded(definition, folder)
    except VggcostError as error:
        raise VggcostError(f"entry {definition.name!r}: {error}") from None


def _others(kept: list[dict[str, Any]], made: list[Recorded]) -> list[dict[str, Any]]:
    names = {each.entry.name for each in made}
    return [entry for entry in kept if entry["name"] not in names]


def _say_gone(before: list[dict[str, Any]], now: list[dict[str, Any]], place: str) -> None:
    names = {entry["name"] for entry in now}
    gone = [entry["name"] for entry in before if entry["name"] not in names]
    if gone:
        note(
            f"no longer in {place}: {', '.join(gone)}; a lock has what is named, so name all, or list them in"
            " pyproject.toml"
        )


def _summary(made: list[Recorded], wanted: list[Definition], place: str) -> str:
    """The lock in a line an entry, with what is left of its budgets."""
    lines = []
    width = max(len(each.entry.name) for each in made)
    for each, definition in zip(made, wanted, strict=True):
        totals = each.entry.totals
        parts = [f"{units.exact(totals['params'] or 0)} parameters"]
        if totals["macs"] is not None:
            parts.append(f"{units.exact(totals['macs'])} MACs")
        parts.append(units.counted(len(each.entry.layers), "layer"))
        lines.append(f"{each.entry.name.ljust(width)}  {', '.join(parts)}")
        lines += [f"{' ' * width}  {room.text}" for room in headroom(each.entry, definition.budgets)]
    number = "1 entry" if len(made) == 1 else f"{len(made)} entries"
    return "\n".join((*lines, f"{number} in {os.path.basename(place)}; vggcost check holds them to it")) + "\n"
