"""The words that calls of the Python API share, made one value of them."""

from __future__ import annotations

from vggcost.costs.table import checked_count
from vggcost.costs.training import checked, with_run
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.costs.training import Training


def way_of(words: Mapping[str, Any]) -> Callable[[Table], Training | None]:
    """Return what says for a table how a training step is done, by a call's arguments; None where there is no training.

    Raises:
        VggcostError: a count that is none; master_weights, images or epochs without what they need.
    """
    counts = {name: words.get(name) for name in ("images", "epochs")}
    run = [None if value is None else checked_count(value, name) for name, value in counts.items()]
    if not words["training"]:
        if words["master_weights"]:
            raise VggcostError("master_weights is given without training; give training=True, or leave it away")
        with_run(None, *run)
        return lambda _: None
    passes = checked_count(words["accumulate"], "accumulate")
    how = (words["optimizer"], words["implementation"], passes, words["freeze"])
    whether = {name: words[name] for name in ("checkpoint", "master_weights")}
    return lambda counted: with_run(checked(counted, *how, **whether), *run)
