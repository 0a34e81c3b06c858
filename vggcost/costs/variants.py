"""A configuration with some options of its variant changed, each of them checked."""

from __future__ import annotations

from vggcost.costs.table import checked_count
from vggcost.errors import VggcostError
from vggcost.network import catalogue, unfold
from vggcost.printable import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def unfolded(
    plan: catalogue.Configuration, options: Mapping[str, Any], size: int | tuple[int, int] | None = None
) -> catalogue.Network:
    """Return a configuration's network with some options of its variant changed, at its own size or another.

    Raises:
        VggcostError: an option out of range.
    """
    return catalogue.unfolded(plan, varied(plan, options), plan.size if size is None else image_size(size))


def varied(plan: catalogue.Configuration, options: Mapping[str, Any]) -> catalogue.Variant:
    """Return a configuration's variant with some options changed and all of them checked.

    Raises:
        VggcostError: an option out of range.
    """
    if not options:
        return plan.variant
    checked = dict(options)
    for name, what in (("classes", "classes"), ("in_channels", "in-channels")):
        if name in checked:
            checked[name] = checked_count(checked[name], what)
    for name in ("batch_norm", "bias", "adaptive_pool", "classifier", "softmax"):
        if name in checked:
            checked[name] = bool(checked[name])
    if "head" in checked:
        if not isinstance(checked["head"], tuple | list):
            raise VggcostError(f"head is {checked['head']!r}; give hidden widths such as (512, 512), or () for none")
        checked["head"] = tuple(checked_count(hidden, "a width of the head") for hidden in checked["head"])
        checked.setdefault("classifier", True)
    if "width" in checked:
        checked["width"] = unfold.width_factor(checked["width"])
    return plan.variant.replace(**checked)


def image_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of a size that may be one int.

    Raises:
        VggcostError: a side that is no whole number of at least 1.
    """
    sides = size if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise VggcostError(f"size is {shown(size)}; give one number or (height, width)")
    return checked_count(sides[0], "size (height)"), checked_count(sides[1], "size (width)")
