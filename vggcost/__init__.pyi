from vggcost.api import closed_form as closed_form
from vggcost.api import cost as cost
from vggcost.api import fit as fit
from vggcost.api import memory as memory
from vggcost.api import memory_totals as memory_totals
from vggcost.errors import VggcostError as VggcostError
from vggcost.results.audit import Audit as Audit
from vggcost.results.audit import audit as audit
from vggcost.results.cost import Cost as Cost
from vggcost.results.fit import Fit as Fit
from vggcost.results.memory import Memory as Memory
from vggcost.sweep.frames import sweep as sweep

__version__: str
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
