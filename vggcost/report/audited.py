"""What is shown of an audit, for the modules that show it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from vggcost.conventions.convention import Convention
    from vggcost.conventions.seen import Seen
    from vggcost.lock.comparison import Comparison
    from vggcost.programs.likeness import Likeness
    from vggcost.programs.reading import Operation, ProgramReading

    class Audited(Protocol):
        """What is shown of an audit; `vggcost.results.audit.Audit` is one."""

        reading: ProgramReading
        counted_by: Convention
        convention: str
        unit: str
        like: str | None
        paper: Likeness
        compared: Likeness
        held: Comparison | None
        same_as: str | None

        @property
        def as_like(self) -> bool:
            """Whether nothing differs from what `like` names."""

        @property
        def verdict(self) -> str:
            """What the program is, in a few words."""

        @property
        def layers(self) -> Sequence[Any]:
            """A row an operation, whose fields are the keys of the JSON."""

        @property
        def totals(self) -> Any:
            """The sums of the rows, under the same keys."""

        @property
        def uncounted(self) -> Sequence[Operation]:
            """The operations that there is no formula for."""

        @property
        def seen(self) -> Seen:
            """What the convention's tool counts, or why it is not known."""

        def shown(self, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
            """A shape in the program's own layout."""
