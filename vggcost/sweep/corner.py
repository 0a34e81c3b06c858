"""The space's corner in ints of any size: the largest value of each axis, for each configuration and head."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from vggcost.conventions.counting import total
from vggcost.conventions.rows import convention as convention_named
from vggcost.costs.arrays import Structure
from vggcost.costs.table import table_if_it_runs
from vggcost.costs.training import INTEGERS, STATES, Training
from vggcost.network.unfold import scaled_by, unfold
from vggcost.units import dtype_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vggcost.costs.table import Table
    from vggcost.sweep.space import Space


def _always(training: Training | None) -> Callable[[Table], Training | None]:
    return lambda _: training


def corner_numbers(space: Space, convention: str | None = None) -> Iterator[tuple[str, int]]:
    """Yield the largest numbers of a space, and what each is called."""
    row = convention_named(convention or space.convention or "mac")
    weights = {**row.weights, **{name: row.weights.get(name, 0) + each for name, each in row.image_weights.items()}}
    magnitudes = row.replace(weights={name: abs(each) for name, each in weights.items()}, image_weights={}, rules={})
    plans = [len(space.plans) - 1] if space.plans.depths else range(len(space.plans))
    dtype = max(space.values["dtype"], key=dtype_bytes)
    learns = [each for each in space.values["dtype"] if each not in INTEGERS]
    optimizer = max(space.values["optimizer"], key=STATES.__getitem__)
    blocks = tuple(max(axis) for axis in space.block_axes)
    for number, head, pool in product(plans, space.values["head"], space.values["adaptive_pool"]):
        plan = space.plans[number]
        given = {
            name: max(values)
            for name in ("in_channels", "batch_norm", "bias", "classes")
            if (values := space.values[name]) != (None,)
        }
        if head is not None:
            given |= {"head": head, "classifier": True}
        if pool is not None:
            given["adaptive_pool"] = pool
        variant = plan.variant.replace(**given)
        factor = plan.variant.width if space.values["width"] == (None,) else max(space.values["width"])
        scaled = scaled_by(factor)

        def channels(own: int, block: int, scaled: object = scaled) -> int:
            return scaled(blocks[block - 1] if blocks else own, block)  # type: ignore[operator,no-any-return]

        sizes = [each or plan.size for each in space.values["size"]]
        batch = max(space.values["batch"])
        for image in sorted(sizes, key=lambda each: each[0] * each[1], reverse=True):
            network = unfold(plan, variant, image, channels=channels)
            counted = table_if_it_runs(network, (batch, variant.in_channels, *image))
            if counted is None:
                continue
            yield "flops", counted.flops
            yield "count", total(magnitudes, counted) or 0
            for each in {dtype, *(learns and [max(learns, key=dtype_bytes)])}:
                training = None if each in INTEGERS else Training(optimizer)
                structure = Structure(plan, variant, dtype_bytes(each), _always(training), channels=channels)
                whole = structure.whole(counted)
                yield from ((name, getattr(whole, name) or 0) for name in whole._fields)
            if image[0] == image[1]:
                break
