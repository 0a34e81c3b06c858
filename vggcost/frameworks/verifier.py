"""Our numbers against what others count: the real module with fvcore and torch's own counter, or any tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.errors import MissingExtraError, VggcostError
from vggcost.frameworks.peers.programs import ITSELF, run_on_program
from vggcost.frameworks.peers.registry import peers_named
from vggcost.frameworks.peers.running import run_here, run_peers
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.frameworks.pytorch.checks import check_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vggcost.costs.table import Table
    from vggcost.frameworks.outcome import ToolOutcome
    from vggcost.frameworks.peers.programs import ProgramOutcome
    from vggcost.frameworks.peers.registry import Peer
    from vggcost.frameworks.target import Given
    from vggcost.programs.reading import ProgramReading

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
    _check_installed(tools)
    return run_peers(tools, tables, progress)


def verify_program_target(
    reading: ProgramReading,
    target: str,
    given: Given,
    tools: Sequence[Peer] | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[ProgramOutcome, ...]:
    """Hold a program against these tools; where none are named, against its own module and then COUNTERS.

    reading is ours of this target, given what it is made and run with.

    Raises:
        MissingExtraError: torch is not installed.
        VggcostError: it is no program of torch, it cannot run, none of the named tools is installed, or a forward does
            not fit into memory.
    """
    require_torch("vggcost verify", "peers")
    if reading.framework != "torch" or not reading.module_calls:
        raise VggcostError(f"{target} is read from {reading.framework}; other counters take a torch.nn.Module")
    if reading.failures:
        raise VggcostError(f"{target} cannot run, so no counter can: {reading.failures[0].problem}; see vggcost audit")
    if tools is None:
        return run_on_program((ITSELF, *peers_named(COUNTERS)), target, given, reading, progress)
    _check_installed(tools)
    return run_on_program(tools, target, given, reading, progress)


def _check_installed(tools: Sequence[Peer]) -> None:
    if not any(peer.installed() for peer in tools):
        names = ", ".join(peer.name for peer in tools)
        raise VggcostError(f"none of the tools is installed ({names}); run: pip install 'vggcost[peers]'")
