"""What came of holding our numbers against a tool's, or against the module itself: both sides of every one."""

from __future__ import annotations

from vggcost.formulas.forward import elements
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vggcost.costs.table import Table

TOTAL = "total"
"""What takes the place of a layer's name where a number is the whole network's."""

PARAMETERS, OUTPUT_SHAPE = "parameters", "output shape"
"""The quantities of the module itself."""

MODULE = "module"
"""The name of the outcome that has them."""


class Check(Record):
    """One quantity of a layer, or of the whole network, from both sides.

    quantity is PARAMETERS, OUTPUT_SHAPE, or the name of the convention by which a tool counts. ours is None where we
    have no number, theirs where nothing ran.
    """

    table: Table
    layer: str
    quantity: str
    ours: Any
    theirs: Any

    @property
    def differs(self) -> bool:
        """Whether the two sides are not the same; a number that we do not have differs from any."""
        return bool(self.ours != self.theirs)

    @property
    def residual(self) -> int | None:
        """Theirs less ours; for a shape, the elements by which it differs, at least 1 where it does.

        None where we have no number.
        """
        if self.quantity == OUTPUT_SHAPE:
            return abs(elements(self.theirs or (0,)) - elements(self.ours or (0,))) or int(self.differs)
        return None if self.ours is None else int(self.theirs - self.ours)


class Installed(Record):
    """A distribution as it is installed, and the releases of it that are known to count as the conventions say."""

    distribution: str
    release: str
    known: tuple[str, ...]

    @property
    def title(self) -> str:
        """``fvcore 0.1.5.post20221221``."""
        return f"{self.distribution} {self.release}"

    @property
    def proven(self) -> bool:
        """Whether it is one of those that are known; ``2.13`` stands for all of 2.13.x, ``1-2`` is ``1.post2``."""
        release = self.release.replace("-", ".post")
        return any(release == each or release.startswith((f"{each}.", f"{each}+")) for each in self.known)

    @property
    def known_words(self) -> str:
        """The releases that are known: ``2.13 or 2.14``."""
        return " or ".join(self.known)


def installed(distributions: Mapping[str, tuple[str, ...]]) -> Installed | None:
    """Return what is installed of these distributions, each with its known releases, or None; of two the last."""
    from importlib.metadata import PackageNotFoundError, version

    found = None
    for distribution, known in distributions.items():
        try:
            found = Installed(distribution, version(distribution), known)
        except PackageNotFoundError:
            continue
    return found


class ToolOutcome(Record):
    """What came of one tool, or of the module itself: its checks, and why it crashed if it did.

    installed is None where the tool is not there.
    """

    name: str
    installed: Installed | None
    checks: tuple[Check, ...] = ()
    crash: str | None = None

    @property
    def differing(self) -> tuple[Check, ...]:
        """The checks whose two sides differ."""
        return tuple(one for one in self.checks if one.differs)
