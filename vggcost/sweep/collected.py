"""The results of a bench over a space, a row a cell, from the folder that they were written to."""

from __future__ import annotations

import json
import os
from statistics import median
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COLUMNS = (
    *("tag", "device_name", "host", "network", "height", "width_px", "batch", "dtype", "layout", "repeat", "status"),
    *("median_ms", "q1_ms", "q3_ms", "forwards", "images_per_s", "driver", "uuid", "message", "file"),
)
"""What a row has beside the axes of the space."""

NS_OF_MS = 1e6

AXES = ("width", "batch_norm", "bias", "adaptive_pool", "head", "in_channels", "classes")
"""The axes of a variant; a row has those that its cell names."""


def collected(folder: str) -> list[dict[str, Any]]:
    """Return a row for each result of a folder, in the order of device, network, size and batch.

    Raises:
        VggcostError: the folder cannot be read, or has no result in it; a file is damaged.
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError as error:
        raise unreadable(folder, error) from None
    rows = [row for name in names for row in _rows(os.path.join(folder, name), name)]
    if not rows:
        raise VggcostError(f"{folder!r} has no results; vggcost bench --space SPACE.toml -o {folder} writes them")
    axes = [name for name in AXES if any(name in row for row in rows)]
    whole = [{name: row.get(name) for name in (*COLUMNS[:4], *axes, *COLUMNS[4:])} for row in rows]
    return sorted(
        whole, key=lambda row: tuple(str(row[name]).rjust(12) for name in ("tag", "network", "height", "batch"))
    )


def _rows(path: str, name: str) -> Iterator[dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError:
        raise VggcostError(
            f"{path!r} is damaged: it is no JSON; take it away, and bench --space measures it again"
        ) from None
    if not isinstance(document, dict) or "cell" not in document:
        return  # a result of another command
    try:
        yield _row(document, name)
    except (KeyError, TypeError, IndexError, AttributeError):
        raise VggcostError(
            f"{path!r} is damaged or was edited; take it away, and bench --space measures it again"
        ) from None


def _row(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    cell = document["cell"]
    side = cell.get("size") or (224, 224)
    row = {
        **{key: cell[key] for key in ("tag", "network", "layout", "repeat")},
        **{key: _plain(cell[key]) for key in AXES if key in cell},
        "host": document["host"],
        "height": side[0],
        "width_px": side[1],
        "batch": cell["batch"],
        "dtype": cell["dtype"],
        "file": name,
    }
    if "failure" in document:
        return {**row, "status": document["failure"]["kind"], "message": document["failure"]["message"]}
    case, environment = document["cases"][0], document["environment"]
    times = case["passes"]["whole"]
    middle = median(times["samples_ns"])
    return {
        **row,
        "status": "measured",
        "device_name": environment["device_name"],
        "driver": (environment["nvml"] or {}).get("driver"),
        "uuid": environment.get("uuid"),
        "height": case["input"][2],
        "width_px": case["input"][3],
        "median_ms": middle / NS_OF_MS,
        "q1_ms": _ms(times["q1_ns"]),
        "q3_ms": _ms(times["q3_ns"]),
        "forwards": times["n"],
        "images_per_s": case["input"][0] / (middle / 1e9),
        "message": None,
    }


def _ms(time_ns: int | None) -> float | None:
    return None if time_ns is None else time_ns / NS_OF_MS


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) or "none" if isinstance(value, list) else value


def _what(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row measured, and where, whichever repeat of it."""
    names = ("tag", "network", *AXES, "height", "width_px", "batch", "dtype", "layout")
    return tuple(row.get(name) for name in names)


def drift(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return of each device how far its reference went: how often it was measured, the least and the largest median."""
    found: dict[str, dict[str, Any]] = {}
    references = {_what(row) for row in rows if row["repeat"]}
    for row in rows:
        if row["median_ms"] is not None and _what(row) in references:
            own = found.setdefault(row["tag"], {"n": 0, "least_ms": row["median_ms"], "most_ms": row["median_ms"]})
            own["n"] += 1
            own["least_ms"] = min(own["least_ms"], row["median_ms"])
            own["most_ms"] = max(own["most_ms"], row["median_ms"])
    for own in found.values():
        own["spread"] = own["most_ms"] / own["least_ms"] - 1
    return found
