"""Where a result's layers stand under this machine's ceilings, and which of its networks is meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.bench.result import case_title, rates, shares
from vggcost.errors import VggcostError
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class Point(Record):
    """One layer: where it stands and how much of the time it takes."""

    name: str
    kind: str
    intensity: float
    flops_per_s: float
    share: float


def points(case: Mapping[str, Any], ceilings: Mapping[str, Any]) -> list[Point]:
    """Return the layers that have FLOPs, in execution order."""
    found = []
    for layer, share in zip(case["layers"], shares(case), strict=True):
        achieved = rates(layer, ceilings)
        if achieved["flops_per_s"] and achieved["intensity"]:
            found.append(Point(layer["name"], layer["kind"], achieved["intensity"], achieved["flops_per_s"], share))
    return found


def case_of(document: Mapping[str, Any], network: str | None, batch: int | None) -> Mapping[str, Any]:
    """Return the one case that is meant.

    Raises:
        VggcostError: none, or several; or the result has no layers.
    """
    cases: list[Mapping[str, Any]] = [case for case in document["cases"] if batch is None or case["input"][0] == batch]
    if network is not None:
        wanted = _plain(network)
        exact = [case for case in cases if wanted in _handles(case)]
        # A plain D means the one with batch normalization only where it is the only D.
        cases = exact or [case for case in cases if f"{wanted}bn" in _handles(case)]
    here = ", ".join(case_title(case) for case in document["cases"])
    if not cases:
        raise VggcostError(f"the result has no such network; it has {here or 'none at all'}")
    if len(cases) > 1:
        raise VggcostError(f"the result has several networks, {here}; choose one with --config and --batch")
    if document["ceilings"] is None or not points(cases[0], document["ceilings"]):
        raise VggcostError(
            f"{case_title(cases[0])} was timed as a whole, without layers; bench it again with --per-layer"
        )
    return cases[0]


def _handles(case: Mapping[str, Any]) -> set[str]:
    """What a case may be called: its name, its title, the common name in it (VGG-16), -bn behind them."""
    network = case["network"]
    alias = re.search(r"\((VGG-\d+)\)", network["title"])
    names = [network["name"], *(alias.groups() if alias else ())]
    ending = "bn" if (network["options"] or {}).get("batch_norm") else ""
    return {_plain(network["title"]), *(_plain(name) + ending for name in names)}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
