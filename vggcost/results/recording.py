"""What an entry of a lock is made of: a target is read, and what it is and costs is written down."""

from __future__ import annotations

import os

from vggcost import units
from vggcost.conventions.rows import convention
from vggcost.costs import training, variants
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.frameworks.target import NAME, PROGRAM, STORED, Given, kind_of
from vggcost.lock.definition import VARIANT, Definition
from vggcost.lock.facts import entry_of
from vggcost.network import catalogue
from vggcost.programs.followed import Asked
from vggcost.programs.network_reading import DTYPE, reading_of
from vggcost.record import Record
from vggcost.results.audit import Audit
from vggcost.results.program_memory import ProgramMemory, network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.lock.entry import Entry
    from vggcost.programs.reading import ProgramReading


class Recorded(Record):
    """An entry as it was made now, and the reading that it was made of."""

    entry: Entry
    reading: ProgramReading


def recorded(definition: Definition, folder: str, *, constructors: bool = False) -> Recorded:
    """Read a target and return its entry, whose target is written relative to the folder; this runs programs.

    constructors asks for the lines that make the model's modules, too.

    Raises:
        VggcostError: it cannot be read, or does not take what is given.
    """
    conventions = tuple(map(convention, definition.conventions))
    kind = kind_of(definition.target)
    if kind in (PROGRAM, STORED):
        reading, peak = _read(definition, kind, constructors=constructors)
    else:
        counted = _counted(definition)
        peak = training_peak_bytes(counted)
        reading = reading_of(counted, definition.target, kind)
    entry = entry_of(
        definition.name,
        reading,
        target=written_target(definition.target, folder),
        given=definition.given,
        conventions=conventions,
        training_peak_bytes=peak,
    )
    return Recorded(entry, reading)


def training_peak_bytes(counted: Table) -> int:
    """Return the memory at the worst moment of a step with plain SGD [B]; see `vggcost.costs.training`."""
    how, size = training.Training(), units.dtype_bytes(DTYPE)
    lives = training.lived(counted, size, how, in_place=True)
    return int(max(moment.bytes for moment in training.moments(counted, size, how, lives)))


def _counted(definition: Definition) -> Table:
    given = definition.given
    for key in ("call", "input"):
        if key in given:
            raise VggcostError(f"{key} is for a program, and {definition.target!r} is none; leave it away")
    options = {key: given[key] for key in VARIANT if key in given}
    network = variants.unfolded(catalogue.named(definition.target), options, given.get("size"))
    return table(network, (given.get("batch", 1), network.variant.in_channels, *network.image))


def _read(definition: Definition, kind: str, *, constructors: bool) -> tuple[ProgramReading, int | None]:
    """The reading, and the memory of a training step [B], None where it is not known."""
    from vggcost.frameworks import door

    options = [key for key in VARIANT if key in definition.given]
    if options:
        raise VggcostError(f"{options[0]} is for a configuration, and {definition.target!r} is a {kind}; leave it away")
    given = given_of(definition.given, constructors=constructors)
    try:
        reading, followed = door.follow_target(definition.target, given, _step)
    except VggcostError:
        return door.read_target(definition.target, given), None  # what cannot be trained can be read
    if followed is None:
        return reading, None
    memory = ProgramMemory(Audit(reading), followed, training.Training())
    return reading, None if memory.lower_bound else memory.peak.bytes


def _step(reading: ProgramReading) -> Asked:
    """How a step is followed, as `vggcost memory --training` does where nothing is said."""
    return Asked(training=True, device="cpu" if network_of(Audit(reading)) is None else "meta")


def given_of(given: Mapping[str, Any], *, constructors: bool = False) -> Given:
    """Return what a program or a stored model gets.

    Raises:
        VggcostError: call or input is written otherwise; input and size are both given.
    """
    from vggcost.frameworks.call_text import read_call
    from vggcost.frameworks.input_text import read_inputs

    batch = given.get("batch")
    if "input" in given and "size" in given:
        raise VggcostError("input and size are both given; input has the size in it, so give one of them")
    return Given(
        read_call(given["call"], "call") if "call" in given else None,
        read_inputs(given["input"], batch, "input") if "input" in given else None,
        given.get("size"),
        batch or 1,
        constructors,
    )


def written_target(target: str, folder: str) -> str:
    """Return a target as a lock in this folder has it: files relative to the folder, with slashes."""
    return _moved(target, os.curdir, folder).replace(os.sep, "/")


def found_target(target: str, folder: str) -> str:
    """Return a target of a lock in this folder as it is from the working directory."""
    return _moved(target, folder, os.curdir)


def _moved(target: str, start: str, end: str) -> str:
    """A target that is relative to one directory, relative to another; names and modules are what they are anywhere."""
    kind = kind_of(target)
    path, colon, rest = target.partition(":") if kind == PROGRAM else (target, "", "")
    if kind == NAME or (kind == PROGRAM and not (path.endswith(".py") or "/" in path or os.sep in path)):
        return target
    if not os.path.isabs(path):
        path = os.path.join(start, path)
    return f"{os.path.relpath(path, end)}{colon}{rest}"


def default_name(target: str) -> str:
    """Return what an entry is called where nobody says it: ``D-bn``, ``VGG16`` of ``models.py:VGG16``, a file's stem.

    Raises:
        VggcostError: an unknown configuration, or a file that is no network.
    """
    kind = kind_of(target)
    if kind == NAME:
        own, batch_norm = catalogue.resolve(target)
        return f"{own}-bn" if batch_norm else own
    if kind == PROGRAM:
        path, _, callable_name = target.partition(":")
        if callable_name:
            return callable_name
        target = path
    return os.path.splitext(os.path.basename(target))[0]
