"""Reads the TOML that vggcost ships for forecasts: tables, and a number, a text or a list of texts a line.

A forecast would spend three bare interpreters' start on importing tomllib and reading a hundred devices with it; this
takes a tenth. Files of users are read by tomllib, and a test reads the shipped ones by both.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(path: str) -> dict[str, Any]:
    """Return what a file has: ``[a.b]`` is a table in a table, ``[[a]]`` one more of a list of tables.

    >>> import os
    >>> from vggcost.predict.devices import HERE
    >>> read(os.path.join(HERE, "parameters.toml"))["values"]["prologue"]
    30
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found: dict[str, Any] = {}
    table = found
    for line in text.split("\n"):
        key, sign, value = line.partition(" = ")
        if line[:1] == "#":
            continue
        if sign:
            table[key.strip('"')] = _value(value)
        elif line[:2] == "[[":
            table = {}
            found.setdefault(line.strip("[]"), []).append(table)
        elif line:
            table = found
            for name in line.strip("[]").split("."):
                table = table.setdefault(name, {})
    return found


def _value(text: str) -> Any:
    """A value: texts have no escaped signs, and lists hold texts alone."""
    first = text[0]
    if first == '"':
        return text[1:-1]
    if first == "[":
        return text[2:-2].split('", "')
    return float(text) if "." in text else int(text)
