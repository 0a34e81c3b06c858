"""Our numbers of a program's memory against what torch itself holds and counts while it runs, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.errors import VggcostError
from vggcost.frameworks.door import live_target
from vggcost.frameworks.memory_outcome import MemoryCheck
from vggcost.frameworks.memory_verifier import COUNTER, FOLLOWER, HOOKS, MODULE, OPTIMIZER, TRACKER, step_words
from vggcost.frameworks.own_lines import told
from vggcost.frameworks.pytorch.build import require_torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol

    from vggcost.costs.memory_totals import MemoryTotals
    from vggcost.costs.training import Training
    from vggcost.frameworks.memory_outcome import HeldProgram
    from vggcost.frameworks.pytorch.program_memory_runs import ProgramRun
    from vggcost.frameworks.target import Given
    from vggcost.programs.followed import Asked, Followed

    class ClaimedOfProgram(Protocol):
        """Our numbers of a program and a step; `vggcost.results.program_memory.ProgramMemory` is one."""

        training: Training | None
        mixed: str | None
        followed: Followed

        @property
        def totals(self) -> MemoryTotals:
            """The whole program's numbers."""


DENSE = "it counts the gradient of a grouped convolution's weights as a dense one's"


def verify_program_memory(
    claims: Sequence[ClaimedOfProgram],
    subject: HeldProgram,
    given: Given,
    asked: Asked,
    progress: Callable[[str], None] | None = None,
) -> tuple[MemoryCheck, ...]:
    """Hold what following a program has shown against torch's own tools, and each claim's step against torch.optim.

    given is what it is made and run with, asked how it was followed. Where torch's tools cannot run it, that is said.

    Raises:
        MissingExtraError: torch is not installed.
        VggcostError: the program cannot be built.
    """
    require_torch("vggcost verify --memory")
    from vggcost.frameworks.pytorch.program_memory_runs import program_run

    if progress:
        progress(f"torch's own tools: {subject.short_name}")
    with live_target(subject.short_name, given) as (model, arguments):
        try:
            with program_run(model, arguments, subject.short_name, asked) as run:
                return tuple(_checks(claims, subject, run))
        except VggcostError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever the program raises without values is what came of it
            why = f"without values the program does not run: {told(error)}"
            return (MemoryCheck(subject, "all of it", None, FOLLOWER, 0, None, why),)


def _checks(claims: Sequence[ClaimedOfProgram], subject: HeldProgram, run: ProgramRun) -> Iterator[MemoryCheck]:
    first = claims[0]
    totals, followed = first.totals, first.followed

    def check(
        quantity: str, tool: str, theirs: int | None, ours: int | None = None, note: str | None = None, **of: str
    ) -> MemoryCheck:
        ours = getattr(totals, quantity) if ours is None else ours
        return MemoryCheck(subject, quantity, of.get("step"), tool, ours or 0, theirs, note)

    held = run.held()
    for quantity, size in held.items():
        yield check(quantity, MODULE, size)
    yield check("peak_bytes", FOLLOWER, run.forward_peak())
    outside = sum(held.values())
    refused = "it refuses frozen parameters" if first.training is not None and first.training.frozen else None
    yield check("peak_bytes", TRACKER, None if refused else run.tracked(training=False) - outside, note=refused)
    if first.training is None:
        return
    yield check("saved_bytes", HOOKS, run.saved())
    forward, backward = run.flops()
    yield check("forward_flops", COUNTER, forward)
    grouped = run.has_groups()
    yield check("backward_flops", COUNTER, None if grouped else backward, note=DENSE if grouped else None)
    several = run.modules_of_several_inputs()
    why = f"its hooks hold gradients of modules that get several tensors: {', '.join(several)}" if several else None
    why = refused or why
    if first.training.accumulate == 1 and followed.step is not None:
        seen = None if why else run.tracked(training=True) - outside
        yield check("passes_peak_bytes", TRACKER, seen, followed.step.bytes, why)
    for claim in claims:
        training, own = claim.training, claim.totals
        if training is None:
            raise AssertionError("there is a step")
        gradients, state, _, peak = run.step(training)
        way = {"step": step_words(training)}
        yield check("gradient_bytes", OPTIMIZER, gradients, own.gradient_bytes, **way)
        yield check("optimizer_bytes", OPTIMIZER, state, own.optimizer_bytes, **way)
        yield check("training_peak_bytes", FOLLOWER, peak, own.training_peak_bytes, **way)
