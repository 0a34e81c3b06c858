"""Our numbers of memory and of a training step's products against what torch itself holds and counts, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.costs import training as step
from vggcost.costs.beside_gradients import beside_gradients
from vggcost.errors import VggcostError
from vggcost.formulas.forward import flops, flops_of_passes
from vggcost.frameworks.memory_outcome import MemoryCheck
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.units import dtype_bytes, human_bytes, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from vggcost.costs.training import Training
    from vggcost.frameworks.memory_outcome import Claimed

FOLLOWER = "storage follower"
HOOKS = "saved_tensors_hooks"
COUNTER = "FlopCounterMode"
TRACKER = "MemTracker"
OPTIMIZER = "torch.optim"
MODULE = "torch.nn.Module"
PROFILER = "CPU profiler"

COMPARED_WITH = {
    MODULE: "parameters, buffers and outputs of the module, on meta",
    FOLLOWER: "every storage that torch makes on meta, operator by operator; fused optimizers on fake tensors of a CPU",
    HOOKS: "torch.autograd.graph.saved_tensors_hooks around forward calls in train mode, on meta",
    OPTIMIZER: "the state of torch.optim's own optimizer behind a step, and the gradients that it is given, on meta",
    COUNTER: "torch.utils.flop_counter.FlopCounterMode over forward and backward, on meta",
    TRACKER: "torch.distributed._tools.mem_tracker.MemTracker over a second step, on meta",
    PROFILER: "torch.profiler with profile_memory over a real second step on the CPU",
}
"""What holds a quantity, by its name, and how it is run."""

FAKE = "fake tensors of a CPU"
AUTOCAST = ", torch.autocast around each forward call and its loss"


def compared_with(mixed: str | None, device: str | None = None) -> dict[str, str]:
    """Return what holds a quantity and how it is run; autocast has no effect on meta and is run on fake tensors."""
    words_of = dict(COMPARED_WITH)
    if device is not None:  # a program, which is tracked without an optimizer
        words_of[TRACKER] = words_of[TRACKER].replace(
            "over a second step", "over a forward call, and over one with its backward pass (passes_peak_bytes)"
        )
    if mixed is None and device in (None, "meta"):
        return words_of
    under = {name: words.replace("on meta", f"on {FAKE}") for name, words in words_of.items()}
    return {
        **under,
        FOLLOWER: f"every storage that torch makes on {FAKE}, operator by operator{AUTOCAST if mixed else ''}",
        OPTIMIZER: COMPARED_WITH[OPTIMIZER],
    }


ONE_VALUE = "more than 1 value per channel"
"""What stands in torch's refusal to normalize a batch of one value a channel."""

ONE_VALUE_WORDS = "torch normalizes no batch of one value a channel; give a larger --batch or --size"


def verify_memory(
    claims: Sequence[Claimed],
    progress: Callable[[str], None] | None = None,
    *,
    real: bool = False,
    free: int | None = None,
) -> tuple[MemoryCheck, ...]:
    """Hold memory against torch; of claims with the same table, only the first is held where a step does not matter.

    real: also against a real step on the CPU, which needs that memory: free is what there is [B], None where unknown.
    progress is told in a few words what runs.

    Raises:
        MissingExtraError: torch is not installed.
        VggcostError: torch has no modules in the dtype.
    """
    require_torch("vggcost verify --memory")
    from vggcost.frameworks.pytorch.memory_runs import DTYPES

    checks: list[MemoryCheck] = []
    begun: set[int] = set()
    for claimed in claims:
        if claimed.dtype not in DTYPES:
            raise VggcostError(f"torch has no modules in {claimed.dtype}, so nothing can be held against them")
        place = f"{claimed.table.network.short_name} at {shape_text(claimed.table.input)}"
        comparisons = [] if id(claimed.table) in begun else [*_OF_FORWARD, *(_OF_ANY_STEP if claimed.training else ())]
        comparisons += [*(_OF_STEP if claimed.training else ())]
        if real and claimed.training and id(claimed.table) not in begun:
            comparisons.append((PROFILER, lambda one: _real_step(one, free)))
        begun.add(id(claimed.table))
        for tool, comparison in comparisons:
            if progress:
                progress(f"{tool}: {place}{f', {_words(claimed)}' if claimed.training else ''}")
            checks += _compared(claimed, tool, comparison)
    return tuple(checks)


def _compared(
    claimed: Claimed, tool: str, comparison: Callable[[Claimed], Iterator[MemoryCheck]]
) -> Iterator[MemoryCheck]:
    """Yield a comparison's checks; one that torch refuses says so, one that raises anything else has crashed."""
    try:
        yield from comparison(claimed)
    except Exception as error:  # noqa: BLE001  # whatever torch raises is what came of it
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        refused = isinstance(error, ValueError) and ONE_VALUE in str(error)
        yield _not_run(claimed, "all of it", tool, ONE_VALUE_WORDS if refused else first, crashed=not refused)


def _words(claimed: Claimed) -> str:
    return "forward" if claimed.training is None else step_words(claimed.training)


def step_words(training: Training) -> str:
    """Return a step's optimizer, and how it updates where that is not the default."""
    words = [training.optimizer]
    if training.implementation != step.IMPLEMENTATIONS[0]:
        words.append(training.implementation)
    return ", ".join(words)


def _check(
    claimed: Claimed, quantity: str, held_by: str, ours: int, theirs: int | None, note: str | None = None, **more: Any
) -> MemoryCheck:
    return MemoryCheck(claimed.table, quantity, more.pop("step", None), held_by, ours, theirs, note, **more)


def _not_run(claimed: Claimed, quantity: str, tool: str, why: str, *, crashed: bool = False) -> MemoryCheck:
    ours = getattr(claimed.totals, quantity, 0)
    return _check(claimed, quantity, tool, ours, None, why, crashed=crashed)


def _forward(claimed: Claimed) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.memory_runs import forward_seen

    seen = forward_seen(claimed)
    for name in seen._fields:
        tool = FOLLOWER if name == "peak_bytes" else MODULE
        yield _check(claimed, name, tool, getattr(claimed.totals, name), getattr(seen, name))


def _saved(claimed: Claimed) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.memory_runs import saved_seen

    training = claimed.training
    if training is not None and training.checkpoint:
        yield _not_run(claimed, "saved_bytes", HOOKS, "a checkpoint keeps a block's input past these hooks")
        return
    yield _check(claimed, "saved_bytes", HOOKS, claimed.totals.saved_bytes or 0, saved_seen(claimed))


def _left(claimed: Claimed) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.memory_runs import left_alive

    yield _check(claimed, "saved_bytes", FOLLOWER, claimed.totals.saved_bytes or 0, left_alive(claimed))


def _flops(claimed: Claimed) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.memory_runs import flops_seen

    training = claimed.training
    if training is None:
        raise AssertionError("there is a step")
    forward, backward, whole = flops_seen(claimed)
    dense = _dense(claimed)
    note = None
    if dense:
        note = f"less {dense:,} FLOP a pass: it counts the gradient of a grouped convolution's weights as a dense one's"
    every_pass = flops_of_passes(dense, training.accumulate)
    totals = claimed.totals
    yield _check(claimed, "forward_flops", COUNTER, totals.forward_flops or 0, forward)
    yield _check(claimed, "backward_flops", COUNTER, totals.backward_flops or 0, backward - dense, note)
    yield _check(claimed, "step_flops", COUNTER, totals.step_flops or 0, whole - every_pass, note)


def _dense(claimed: Claimed) -> int:
    """What FlopCounterMode counts too much for weights of grouped convolutions in one pass [FLOP]."""
    training = claimed.training
    if training is None:
        return 0
    lives = step.lived(claimed.table, dtype_bytes(claimed.dtype), training, in_place=claimed.in_place)
    rows = zip(claimed.table.rows, step.step_macs(claimed.table, lives), strict=True)
    return flops(sum((getattr(row.layer, "groups", 1) - 1) * macs.weight_gradient for row, macs in rows))


def _tracked(claimed: Claimed) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.memory_runs import tracked_seen

    why = _not_tracked(claimed)
    ours, how = claimed.totals.training_peak_bytes or 0, _words(claimed)
    if why:
        yield _check(claimed, "training_peak_bytes", TRACKER, ours, None, why, step=how)
        return
    yield _check(claimed, "training_peak_bytes", TRACKER, ours, tracked_seen(claimed), step=how)


def _not_tracked(claimed: Claimed) -> str | None:
    training = claimed.training
    if training is None:
        raise AssertionError("there is a step")
    if training.frozen:
        return "it refuses frozen parameters"
    if training.implementation == "fused" and claimed.mixed is None:
        return "it follows meta tensors here, which fused kernels refuse"
    return None


def _step(claimed: Claimed) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.memory_runs import step_seen

    training, totals, peak = claimed.training, claimed.totals, claimed.peak
    if training is None:
        raise AssertionError("there is a step")
    seen, how = step_seen(claimed), {"step": _words(claimed)}
    made = step.temporary_bytes(claimed.table, dtype_bytes(claimed.dtype), training)
    yield _check(claimed, "gradient_bytes", OPTIMIZER, totals.gradient_bytes or 0, seen.gradient_bytes, **how)
    yield _check(claimed, "optimizer_bytes", OPTIMIZER, totals.optimizer_bytes or 0, seen.optimizer_bytes, **how)
    yield _check(claimed, "temporary_bytes", FOLLOWER, made, seen.temporary_bytes, **how)
    yield _check(
        claimed, "training_peak_bytes", FOLLOWER, totals.training_peak_bytes or 0, seen.training_peak_bytes, **how
    )
    yield _check(claimed, "live_gradient_bytes", FOLLOWER, peak.live_gradient_bytes, seen.live_gradient_bytes, **how)
    if claimed.mixed:
        yield _check(claimed, "live_cast_bytes", FOLLOWER, peak.live_cast_bytes, seen.live_cast_bytes, **how)
    if seen.live_saved_bytes is None:
        both = peak.live_saved_bytes + peak.working_bytes
        note = "kept and on its way together: a checkpoint hides from the hooks which is which"
        yield _check(claimed, "working_bytes", FOLLOWER, both, seen.working_bytes, note, **how)
        return
    yield _check(claimed, "live_saved_bytes", HOOKS, peak.live_saved_bytes, seen.live_saved_bytes, **how)
    yield _check(claimed, "working_bytes", FOLLOWER, peak.working_bytes, seen.working_bytes, **how)


def _real_step(claimed: Claimed, free: int | None) -> Iterator[MemoryCheck]:
    from vggcost.frameworks.pytorch.real_steps import real_step_bytes

    training = claimed.training
    if training is None:
        raise AssertionError("there is a step")
    quantity, how = "beside_gradients_bytes", {"step": _words(claimed)}
    bounds = beside_gradients(claimed.table, dtype_bytes(claimed.dtype), training, in_place=claimed.in_place)
    why = None
    if training.checkpoint or training.accumulate > 1:
        why = "only a step of one pass without checkpoints is run"
    elif claimed.mixed:
        why = f"a CPU takes other ways under autocast to {claimed.mixed}; without --mixed it is run"
    elif claimed.dtype not in ("float32", "tf32"):
        why = f"a CPU takes other ways in {claimed.dtype}; float32 is run"
    elif free is not None and free < claimed.peak.bytes:
        why = f"{human_bytes(claimed.peak.bytes)} are needed and {human_bytes(free)} are free; give a smaller --batch"
    if why:
        yield _check(claimed, quantity, PROFILER, bounds.least_bytes, None, why, **how)
        return
    yield _check(
        claimed,
        quantity,
        PROFILER,
        bounds.least_bytes,
        real_step_bytes(claimed),
        f"at most {bounds.most_bytes:,}, with oneDNN's copies of one convolution",
        at_most=bounds.most_bytes,
        **how,
    )


Comparison = tuple[str, "Callable[[Claimed], Iterator[MemoryCheck]]"]

_OF_FORWARD: tuple[Comparison, ...] = ((FOLLOWER, _forward),)
_OF_ANY_STEP: tuple[Comparison, ...] = ((HOOKS, _saved), (FOLLOWER, _left), (COUNTER, _flops))
_OF_STEP: tuple[Comparison, ...] = ((FOLLOWER, _step), (TRACKER, _tracked))
