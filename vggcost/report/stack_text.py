"""A stack of small kernels beside the one kernel that sees as much."""

from __future__ import annotations

from vggcost import units
from vggcost.report.grid import Column, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vggcost.costs.stacks import Stack
    from vggcost.network.layer import Size


def stack_text(small: Stack, single: Stack, image: Sequence[Size], fmt: str) -> str:
    """Return the comparison in a format of `vggcost.report.grid`, or as JSON."""
    if fmt == "json":
        return _json(small, single, image)
    columns = (
        Column("what", "Per image"),
        Column("stack", "stack", "number"),
        Column("single", f"one {units.shape_text(single.kernels[0])}", "number"),
        Column("ratio", "stack / one", "number"),
    )
    body = grid(columns, _rows(small, single), fmt)
    if fmt == "csv":
        return body
    head = _header_line(small, image)
    return f"% {head}\n{body}" if fmt == "latex" else f"{head}\n\n{body}"


def _header_line(small: Stack, image: Sequence[Size]) -> str:
    kernels = ", ".join(units.shape_text(kernel) for kernel in small.kernels)
    widths = " -> ".join(str(width) for width in small.widths)
    return f"{kernels} on {widths} channels at {image[0]}x{image[1]}, stride 1, size kept; weights without bias, MAC"


def _rows(small: Stack, single: Stack) -> list[dict[str, str]]:
    return [
        {
            "what": "receptive field",
            "stack": units.shape_text(small.receptive_field),
            "single": units.shape_text(single.receptive_field),
        },
        {"what": "non-linearities", "stack": str(len(small.kernels)), "single": "1"},
        *(
            {"what": name, "stack": _text(ours), "single": _text(theirs), "ratio": _ratio(ours, theirs)}
            for name, ours, theirs in (
                ("weights", small.weights, single.weights),
                ("MACs", small.macs, single.macs),
            )
        ),
    ]


def _text(value: Size) -> str:
    return units.exact(value) if isinstance(value, int) else str(value)


def _ratio(ours: Size, theirs: Size) -> str:
    from fractions import Fraction

    if isinstance(ours, int):
        ratio = Fraction(ours, theirs)
        exact = str(ratio)
    else:
        symbolic = ours / theirs
        if symbolic.free_symbols:
            return str(symbolic)
        ratio = Fraction(int(symbolic.p), int(symbolic.q))
        exact = str(ratio)
    rounded = f"{float(ratio):.3f}"
    return f"{exact} = {rounded}" if len(exact) < 10 else rounded


def _json(small: Stack, single: Stack, image: Sequence[Size]) -> str:
    import json

    document = {
        "schema": "vggcost.stack/1",
        "image": [_plain(side) for side in image],
        "stack": _sides(small),
        "single": _sides(single),
    }
    return json.dumps(document, indent=2) + "\n"


def _sides(side: Stack) -> dict[str, Any]:
    return {
        "kernels": [list(kernel) for kernel in side.kernels],
        "channels": [_plain(width) for width in side.widths],
        "receptive_field": list(side.receptive_field),
        "weights": _plain(side.weights),
        "macs": _plain(side.macs),
    }


def _plain(value: Size) -> int | str:
    return value if isinstance(value, int) else str(value)
