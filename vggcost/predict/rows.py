"""Rows that others measured: read, and each said to be scored or why not."""

from __future__ import annotations

from vggcost.errors import VggcostError, unreadable
from vggcost.predict.classes import CLASSES, TF32, Choice, class_of
from vggcost.predict.devices import AMD, CPU, EMBEDDED
from vggcost.predict.model import MODES
from vggcost.printable import shown
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vggcost.predict.devices import Device, Devices

COLUMNS = (
    "model",
    "card",
    "batch",
    "size",
    "dtype",
    "layout",
    "fwd_ms",
    "tier",
    "mode",
    "times_host_copy",
    "class",
    "anomaly",
    "family",
)
"""The columns that a row is read from; others may stand beside them."""

ALIKE = ("card", "family", "class", "mode", "dtype", "framework", "layout")
"""The columns that make rows those of one machine that ran in one way."""

DEFAULT_SIZE = 224
DTYPES = {"fp32": "float32", "fp16": "float16", "amp": "float16", "bf16": "bfloat16", "amp_bf16": "bfloat16"}
"""The sources' words."""


class Measured(Record):
    """A whole network's forward that somebody timed: what ran where, and how long it took.

    choice.dtype is tf32 where float32 was multiplied so. copied: the time has the batch's copy to the device in it.
    step_ms is that of forward and backward, None where it was not timed. alike is what rows have in common that one
    measurement on a machine would stand for: `ALIKE`, as they are written; note what the source says beside them.
    """

    model: str
    device: Device
    batch: int
    size: int
    choice: Choice
    wanted: str
    family: str
    copied: bool
    seconds: float
    step_seconds: float | None
    alike: tuple[str, ...] = ()
    note: str = ""


class MeasuredRows(Record):
    """Those that are scored, how many are not, by reason, and those of which pairs are made."""

    scored: tuple[Measured, ...]
    left_out: Mapping[str, int]
    sha256: str
    paired: tuple[Measured, ...] = ()


def read(path: str, devices: Devices) -> MeasuredRows:
    """Return the rows of a CSV.

    Raises:
        VggcostError: it cannot be read, columns are missing, or a value is none.
    """
    import csv
    import io
    from hashlib import sha256

    try:
        with open(path, "rb") as file:
            data = file.read()
        text = data.decode()
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise VggcostError(f"{path!r} is no CSV in UTF-8", file=path) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise VggcostError(
            f"{path!r} lacks the columns {', '.join(missing)}; its first line has the names of"
            " benchmarks/predict/rows.csv",
            file=path,
        )
    return of_table(reader, devices, path, sha256(data).hexdigest())


def of_table(table: Iterable[Mapping[str, str]], devices: Devices, path: str, digest: str) -> MeasuredRows:
    """Return the rows of a table whose columns are there.

    Raises:
        VggcostError: a value is none.
    """
    scored, left_out, paired = [], dict[str, int](), []
    for line, row in enumerate(table, 2):
        try:
            reason = why_not(row, devices)
            pairs = why_not(row, devices, PAIRED_TIERS) in PAIRED
            measured = [_measured(row, devices)] if pairs or reason is None else []
            scored += measured if reason is None else []
            paired += measured if pairs else []
        except (ValueError, TypeError, AttributeError) as error:
            raise VggcostError(f"{path!r}, line {line}: {error}", file=path) from None
        if reason is not None:
            left_out[reason] = left_out.get(reason, 0) + 1
    return MeasuredRows(tuple(scored), left_out, digest, tuple(paired))


TIERS = ("A",)
"""The protocol is known."""

PAIRED_TIERS = ("A", "B")
"""In a pair both rows have the same protocol, known or not."""

KINDS = {CPU: "a CPU", AMD: "AMD", EMBEDDED: "Jetson"}
"""The devices that a datasheet says too little of."""

PAIRED = (None, KINDS[AMD], KINDS[EMBEDDED])
"""What forecasts from a measurement are judged on: all but CPUs, whose layers need to have been timed."""


def why_not(row: Mapping[str, str], devices: Devices, tiers: Sequence[str] = TIERS) -> str | None:
    """Return why a row is not scored; None where it is."""
    for reason, holds in (
        (f"tier {row['tier'] or 'not given'}", row["tier"] not in tiers),
        ("anomaly", row["anomaly"].strip().lower() in ("true", "1")),
        ("no forward", not row["fwd_ms"].strip()),
        (f"dtype {row['dtype'] or 'not given'}", row["dtype"] not in DTYPES),
    ):
        if holds:
            return reason
    try:
        device = devices.find(row["card"]).device
    except VggcostError:
        return f"unknown card {shown(row['card'])}"
    return "Kepler" if device.architecture == "Kepler" else KINDS.get(device.segment)


def _measured(row: Mapping[str, str], devices: Devices) -> Measured:
    device = devices.find(row["card"]).device
    dtype = DTYPES[row["dtype"]]
    wanted = row["class"] if row["class"] in CLASSES else ""
    if dtype == "float32" and (wanted == TF32 or (not wanted and device.tf32)):
        dtype = "tf32"
    if dtype == "bfloat16" and not device.tf32:
        raise VggcostError(f"the {device.name} does not do bfloat16")
    if row["mode"] not in MODES:
        raise VggcostError(f"mode is {shown(row['mode'])}; give {', '.join(MODES)}")
    batch, seconds = _number(row, "batch"), _number(row, "fwd_ms") / 1e3
    size = _number(row, "size") if row["size"].strip() else DEFAULT_SIZE
    step = row.get("fwd_bwd_ms") or ""
    return Measured(
        row["model"],
        device,
        int(batch),
        int(size),
        Choice(dtype, row["mode"], row["layout"].strip().lower() == "nhwc"),
        wanted or class_of(device, dtype),
        row["family"],
        row["times_host_copy"].strip() == "1",
        seconds,
        _number(row, "fwd_bwd_ms") / 1e3 if step.strip() else None,
        tuple(row.get(column) or "" for column in ALIKE),
        row.get("note") or "",
    )


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise VggcostError(f"{column} is {shown(row[column])}; give a number above 0")
    return number
