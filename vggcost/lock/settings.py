"""``[tool.vggcost]`` of pyproject.toml: the entries of a lock, how each is made, and their budgets."""

from __future__ import annotations

import os

from vggcost.conventions.rows import convention
from vggcost.errors import VggcostError, unreadable
from vggcost.lock.budgets import read_budget
from vggcost.lock.definition import BUDGETS, GIVEN, VARIANT, Definition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FILE = "pyproject.toml"
TABLE = "tool.vggcost"


def definitions(folder: str) -> tuple[Definition, ...]:
    """Return the entries of the table in a folder's pyproject.toml, by name; none where there is no file or no table.

    Targets stand there relative to the folder.

    Raises:
        VggcostError: the file cannot be read or is no TOML; a key of the table is unknown, missing or of another kind;
            an unknown convention; a budget without its unit.
    """
    place = os.path.join(folder, FILE)
    try:
        with open(place, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise unreadable(place, error) from None
    if b"vggcost" not in data:
        return ()  # nobody pays for a table that is not there
    table = _table(data, place)
    found = (_definition(name, entry, table, place) for name, entry in table.get("entries", {}).items())
    return tuple(sorted(found, key=lambda each: each.name))


def _table(data: bytes, place: str) -> Mapping[str, Any]:
    import tomllib

    try:
        document = tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise VggcostError(f"{place}: not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise VggcostError(f"{place}: {error}") from None
    except (RecursionError, ValueError):
        raise VggcostError(f"{place}: nested too deeply, or a number has too many digits") from None
    tools = document.get("tool", {})
    table = tools.get("vggcost", {}) if isinstance(tools, dict) else {}
    from vggcost.lock.file_schema import EntryTable, ToolTable
    from vggcost.schema import complaint, first_fault

    if not isinstance(table, dict):
        raise VggcostError(f"{place}: {TABLE} is no table; write [{TABLE}.entries.NAME]")
    fault = first_fault(table, ToolTable)
    if fault is not None:
        raise VggcostError(f"{place}: in [{TABLE}]: {complaint(fault)}")
    for name, entry in table.get("entries", {}).items():
        where = f"{place}: in [{TABLE}.entries.{name}]"
        if not isinstance(entry, dict):
            raise VggcostError(f'{where}: an entry is a table; write target = "..." below the heading')
        fault = first_fault(entry, EntryTable)
        if fault is not None:
            raise VggcostError(f"{where}: {complaint(fault).replace('the file has no', 'there is no')}")
    return table


def _definition(name: str, entry: Mapping[str, Any], table: Mapping[str, Any], place: str) -> Definition:
    where = f"{place}: in [{TABLE}.entries.{name}]"
    conventions = tuple(dict.fromkeys((*table.get("conventions", ()), *entry.get("conventions", ()))))
    for word in conventions:
        try:
            convention(word)
        except VggcostError as error:
            raise VggcostError(f"{where}: {error}") from None
    return Definition(
        name,
        entry["target"],
        given_from(entry),
        conventions,
        {key: read_budget(key, entry[key], where) for key in (*BUDGETS, "max_time") if key in entry},
    )


def given_from(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table gives beside a target, in the order and the kinds of `Definition.given`."""
    given = {key: table[key] for key in (*GIVEN, *VARIANT) if key in table}
    if "input" in given:
        given["input"] = (given["input"],) if isinstance(given["input"], str) else tuple(given["input"])
    if "size" in given:
        size = given["size"]
        given["size"] = (size, size) if isinstance(size, int) else tuple(size)
    if "head" in given:
        given["head"] = tuple(given["head"])
    return given
