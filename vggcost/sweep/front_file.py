"""The front that a sweep has written, read back with what its manifest says of it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from vggcost.errors import Needs, VggcostError, in_part, unreadable
from vggcost.report.plots.front import DrawnFront, FrontAxis, grouped
from vggcost.sweep.columns import EVERY_COLUMN
from vggcost.sweep.files import SCHEMA
from vggcost.sweep.query import FRONT, USUAL_FRONT, objective

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_front(place: str) -> DrawnFront:
    """Return the front in a file of rows, as `vggcost.report.plots.front` draws it.

    Raises:
        VggcostError: it cannot be read, no manifest of a sweep stands beside it, its rows are no front, or none.
        MissingExtraError: it is Parquet and pyarrow is not installed.
    """
    if not os.path.isfile(place):
        raise VggcostError(
            f"{in_part(place)!r} is not there, or is no file; give what vggcost sweep SPACE.toml -o FILE wrote"
        )
    manifest = _manifest(place)
    if manifest["kept"] != FRONT:
        raise VggcostError(
            f"{in_part(place)!r} has the {manifest['kept']} of a sweep and no front; vggcost sweep SPACE.toml --pareto"
            f" {USUAL_FRONT} -o FILE writes one"
        )
    asked = [objective(text, place) for text in manifest["objectives"]]
    rows = _rows(place, [each.column for each in asked])
    if not rows["index"]:
        raise VggcostError(f"{in_part(place)!r} has no network in it: none of the space passed; nothing can be drawn")
    return front_of(asked, rows, manifest["points"], manifest["passed"])


def front_of(asked: Sequence[Any], rows: Mapping[str, Sequence[Any]], points: int, passed: int) -> DrawnFront:
    """Return the front of rows, column by column."""
    axes = tuple(
        FrontAxis(
            each.column,
            each.largest,
            each.column in EVERY_COLUMN and EVERY_COLUMN[each.column].is_bytes,
            tuple(float(value) for value in rows[each.column]),
        )
        for each in asked
    )
    return DrawnFront(axes, grouped([str(name) for name in rows["config"]]), points, passed)


def _manifest(place: str) -> dict[str, Any]:
    path = f"{place}.manifest.json"
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        raise VggcostError(
            f"{in_part(path)!r} is not there, which a sweep writes beside its rows; give the file that vggcost sweep"
            " SPACE.toml -o FILE wrote, in its place"
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError:
        found = None
    wanted = {"kept": str, "objectives": list, "points": int, "passed": int}
    whole = isinstance(found, dict) and found.get("schema") == SCHEMA
    if not whole or any(not isinstance(found.get(name), kind) for name, kind in wanted.items()):
        raise VggcostError(f"{in_part(path)!r} is no manifest of a sweep ({SCHEMA}); have the sweep write it again")
    return dict(found)


def _rows(place: str, columns: Sequence[str]) -> dict[str, list[Any]]:
    """The columns of a file that are asked for, and index and config."""
    wanted = dict.fromkeys(("index", "config", *columns))
    try:
        found = _csv(place, wanted) if place.lower().endswith(".csv") else _parquet(place, wanted)
    except OSError as error:
        raise unreadable(place, error) from None
    except (ValueError, KeyError) as error:
        raise VggcostError(f"{in_part(place)!r} is not the rows of its manifest: {error}; sweep again") from None
    return found


def _csv(place: str, wanted: Mapping[str, None]) -> dict[str, list[Any]]:
    import csv

    with open(place, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = [name for name in wanted if name != "config"]
    found: dict[str, list[Any]] = {name: [float(row[name]) for row in rows] for name in numbers}
    return {**found, "config": [row["config"] for row in rows]}


def _parquet(place: str, wanted: Mapping[str, None]) -> dict[str, list[Any]]:
    with Needs("a Parquet file", "pyarrow", "sweep"):
        from pyarrow import parquet
    table = parquet.read_table(place, columns=list(wanted))
    found: dict[str, list[Any]] = table.to_pydict()
    missing = wanted.keys() - found.keys()
    if missing:
        raise KeyError(min(missing))
    return found
