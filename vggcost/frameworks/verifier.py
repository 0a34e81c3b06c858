"""Our numbers against what others count: the real module with fvcore and torch's own counter, or any tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.errors import MissingExtraError, VggcostError
from vggcost.frameworks.peers.registry import peers_named
from vggcost.frameworks.peers.running import run_here, run_peers
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.frameworks.pytorch.checks import check_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vggcost.costs.table import Table
    from vggcost.frameworks.outcome import ToolOutcome
    from vggcost.frameworks.peers.registry import Peer

COUNTERS = ("fvcore", "torch")
"""The tools that are run beside the module itself; the extra `torch` brings both, and both leave torch as it was."""


def verify(
    tables: Sequence[Table], tools: Sequence[Peer] | None = None, progress: Callable[[str], None] | None = None
) -> tuple[ToolOutcome, ...]:
    """Hold tables against these tools; where none are named, against the module itself and then COUNTERS.

    progress is told in a few words what runs.

    Raises:
        MissingExtraError: torch is not installed, or without named tools one of COUNTERS.
        VggcostError: none of the named tools is installed, or a forward does not fit into memory.
    """
    if tools is None:
        require_torch("vggcost verify")
        counters = peers_named(COUNTERS)
        for peer in counters:
            if peer.installed() is None:
                raise MissingExtraError("vggcost verify", peer.name, "torch")
        return (check_modules(tables, progress), *(run_here(peer, tables, progress) for peer in counters))
    require_torch("vggcost verify --against", "peers")
    outcomes = run_peers(tools, tables, progress)
    if not any(outcome.installed for outcome in outcomes):
        names = ", ".join(outcome.name for outcome in outcomes)
        raise VggcostError(f"none of the tools is installed ({names}); run: pip install 'vggcost[peers]'")
    return outcomes
