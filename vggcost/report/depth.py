"""The rows of a program folded by module, as counters of modules show them."""

from __future__ import annotations

from vggcost import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Rows = Sequence[Mapping[str, Any]]

SUMS = (
    *("params", "macs", "flops", "count"),
    *("params_trainable", "params_frozen", "weight_bytes", "buffers", "buffer_bytes"),
)
"""What is summed."""

FORWARD = "forward"
"""The row of what the model's own forward does, in no module of it."""


def by_module(rows: Rows, depth: int, whole: str) -> list[dict[str, Any]]:
    """Return one row a module of this depth: 0 is the whole program, 1 its children, 2 theirs.

    A row has the sums of all that runs inside its module, and as `operations` how many that are; its input is that of
    the first and its output that of the last. What runs in no module that deep stands under the one that it is in, or
    under ``forward``. Modules stand in the order in which they first run. A sum is None where nothing in it is known.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        parts = (row["path"] or "").split(".")[:depth]
        name = ".".join(part for part in parts if part)
        groups.setdefault(name or (FORWARD if depth else whole), []).append(row)
    return [_folded(name, inside, known=bool(depth)) for name, inside in groups.items()]


def _folded(name: str, rows: Rows, *, known: bool) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "module",
        "path": name if known and name != FORWARD else None,
        "source": None,
        "input": next((row["input"] for row in rows if row["input"] is not None), None),
        "output": next((row["output"] for row in reversed(rows) if row["output"] is not None), None),
        **{key: _sum(rows, key) for key in SUMS},
        "note": _note(rows),
        "operations": len(rows),
    }


def _sum(rows: Rows, key: str) -> int | None:
    found = [row[key] for row in rows if row[key] is not None]
    return sum(found) if found else None


def _note(rows: Rows) -> str | None:
    """Where the program fails, and how many of the operations have no count in the sum."""
    notes = [row["note"] for row in rows]
    for note in ("fails", "not reached"):
        if note in notes:
            return note
    missing = sum(row["count"] is None for row in rows)
    return f"without {units.counted(missing, 'operation')}" if missing else None
