"""Windows that slide over feature maps, padded as an ONNX node says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.formulas import windows as formulas
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.frameworks.onnx.call import Call
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]


def windowed(call: Call, kind: type[Layer], fields: dict[str, Any], shape: Ints, problem: str | None = None) -> Plan:
    """Plan a layer whose window slides over feature maps, padded as the node says."""
    before, behind = _pads(call, fields, shape)
    padding = before if before == behind else tuple(0 for _ in before)
    maps = shape
    if before != behind:
        sides = zip(shape[2:], before, behind, strict=True)
        maps = (*shape[:2], *(side + first + last for side, first, last in sides))
    output, ledger = kind(name="", path=None, **{**fields, "padding": padding}).apply(maps)
    if "maxpool_inputs" in ledger:
        ledger = Ledger(**{**dict(ledger.items()), "maxpool_inputs": forward.elements(shape)})
    if problem is None and min(output[2:]) < 1:
        problem = (
            f"has a window of {shape_text(fields['kernel'])} that does not fit its input of {shape_text(shape[2:])}"
        )
    return Plan(kind, {**fields, "padding": before}, shape, tuple(output), ledger, problem, (shape,))


def _pads(call: Call, fields: Mapping[str, Any], shape: Ints) -> tuple[Ints, Ints]:
    """The padding before and behind each axis."""
    axes = len(fields["kernel"])
    automatic = call.attribute("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        dilation = fields.get("dilation", tuple(1 for _ in range(axes)))
        sides = zip(shape[2:], fields["kernel"], fields["stride"], dilation, strict=True)
        totals = [max(0, formulas.same_padding(*side)) for side in sides]
        less = tuple(total // 2 for total in totals)
        more = tuple(total - half for total, half in zip(totals, less, strict=True))
        return (less, more) if automatic == "SAME_UPPER" else (more, less)
    pads = call.attribute("pads")
    if automatic == "VALID" or not pads:
        return tuple(0 for _ in range(axes)), tuple(0 for _ in range(axes))
    return tuple(map(int, pads[:axes])), tuple(map(int, pads[axes:]))
