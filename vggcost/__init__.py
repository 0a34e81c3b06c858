"""vggcost: what a VGG costs, layer by layer, to the last digit.

>>> import vggcost
>>> vggcost.cost("D").totals.params
138357544
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"
__all__ = [
    "Audit",
    "Cost",
    "Fit",
    "Memory",
    "VggcostError",
    "__version__",
    "audit",
    "closed_form",
    "cost",
    "fit",
    "memory",
    "memory_totals",
    "sweep",
]

_HOMES = {
    "Audit": "vggcost.results.audit",
    "audit": "vggcost.results.audit",
    "Cost": "vggcost.results.cost",
    "closed_form": "vggcost.api",
    "cost": "vggcost.api",
    "fit": "vggcost.api",
    "Fit": "vggcost.results.fit",
    "memory": "vggcost.api",
    "memory_totals": "vggcost.api",
    "Memory": "vggcost.results.memory",
    "sweep": "vggcost.sweep.frames",
    "VggcostError": "vggcost.errors",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first asked for, so that importing vggcost costs nothing.

    A call comes with the reading of what it is given.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'vggcost' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    if name.islower():
        value = import_module("vggcost.costs.arguments").public(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
