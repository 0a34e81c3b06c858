"""Random networks, layer by layer: our numbers against torch's modules and hooks, its FLOP counter, and fvcore."""

from __future__ import annotations

import random

from drawn_networks import Drawing

from vggcost.costs.table import table
from vggcost.frameworks.verifier import verify

WHAT = "random networks"
FULL, SHORT = 10_000, 60
FOUND = "differences"


def broken(number, seed, _):
    """Yield each difference; return how many numbers of layers and networks were held against another's."""
    chance = random.Random(seed)  # noqa: S311  # networks, not secrets
    checks = 0
    for _turn in range(number):
        own = chance.getrandbits(32)
        drawn = Drawing(own)
        for outcome in verify([table(drawn.network, drawn.shape)]):
            checks += len(outcome.checks)
            for one in outcome.differing:
                yield (
                    f"Drawing({own}), {one.layer}: {one.quantity} of {outcome.name} is {one.theirs}, ours {one.ours}"
                )
    return f"{checks:,} layer checks"
