"""How far forecasts from a measurement lie from what was measured: the factors of their intervals, as they ship."""

from __future__ import annotations

import os

from vggcost.predict.devices import HERE
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

CPU_GROUP, CPU_WHOLE_GROUP = "cpu", "cpu, whole"
"""CPUs whose layers were timed, and those whose were not."""

PAIRS_FILE = os.path.join(HERE, "pairs.json")

SAME_BATCH, SMALL_BATCH = "same batch", "same batch below 8"
OTHER_BATCH, BETWEEN, BELOW = "other batch", "between two batches", "other batch below 8"
RELATIONS = (SAME_BATCH, SMALL_BATCH, OTHER_BATCH, BETWEEN, BELOW)
"""How what is forecast stands to what was measured: another network at its batch, of 8 images and more or fewer; at
another batch, both of 8 and more; between two measured ones; and at another batch with fewer than 8 on either side."""

ALL = "all"

OF_CPU: Mapping[str, str] = {SAME_BATCH: SMALL_BATCH, BETWEEN: BELOW, OTHER_BATCH: BELOW}
"""What stands in for relations that no CPU run has: launches, which divide batches at 8 images, are a GPU's."""


class Spreads(Record):
    """Factors by relation, kind of machine and level, the errors by relation and kind, and those of FLOPs alone.

    rows_sha256 is that of the rows, parameters_sha256 that of the parameters of the model that scaled them.
    """

    interval: Mapping[str, Mapping[str, Mapping[str, float]]]
    tables: Mapping[str, Mapping[str, Mapping[str, float]]]
    flop_ratio: Mapping[str, Mapping[str, float]]
    rows_sha256: str
    parameters_sha256: str

    def factor(self, relation: str, group: str, level: int) -> float:
        """Return the wider of the factors of a kind of machine and of all."""
        if group.startswith(CPU_GROUP):
            relation = OF_CPU.get(relation, relation)
        factors = self.interval[relation]
        return max(factors[name][str(level)] for name in (group, ALL) if name in factors)


def shipped() -> Spreads:
    """Return what vggcost ships."""
    import json

    with open(PAIRS_FILE, encoding="utf-8") as file:
        data: dict[str, Any] = json.load(file)
    return Spreads(data["interval"], data["pairs"], data["flop_ratio"], data["rows_sha256"], data["parameters_sha256"])
