"""The protocol of a measurement, whatever the clock: warm up, forwards in rounds, a stop rule.

A round is one forward with a mark after every layer, one without any instrument inside, and where the device has
graphs one replay. The passes alternate, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Protocol

from vggcost.bench.statistics import relative_deviation
from vggcost.errors import VggcostError
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Operation = Callable[[Any], Any]

ENDINGS = ("deviation", "budget", "most", "interrupted")
"""What may end a measurement: the medians are known, the budget is spent, enough is enough, Ctrl-C."""

LAYERS, WHOLE, GRAPH = "layers", "whole", "graph"
"""The passes: marks between the layers, two marks around the module, two marks around its graph's replay."""


class ForwardTimes(Record):
    """One forward, read after it ended: all times in integer nanoseconds since mark 0, which is the first."""

    elapsed_ns: tuple[int, ...]
    """When the device reached each mark."""
    queued_ns: tuple[int, ...]
    """When the host queued each mark, on the host's clock."""
    queued_ahead: bool | None
    """Whether the host had queued everything before the device reached mark 0; None where nothing queues."""

    @property
    def whole_ns(self) -> int:
        """From the first mark to the last."""
        return self.elapsed_ns[-1]

    @property
    def layers_ns(self) -> tuple[int, ...]:
        """Between neighbouring marks: differences of one row of times, so they sum to the whole exactly."""
        return tuple(end - start for start, end in zip(self.elapsed_ns, self.elapsed_ns[1:], strict=False))

    def dispatch_bound(self) -> tuple[bool, ...]:
        """Whether each layer's time may be the host's: the queue ran dry and the host took as long as the device."""
        if self.queued_ahead is not False:
            return (False,) * len(self.layers_ns)
        hosts = (end - start for start, end in zip(self.queued_ns, self.queued_ns[1:], strict=False))
        return tuple(host >= device for host, device in zip(hosts, self.layers_ns, strict=True))


class Marks(Protocol):
    """Marks of one forward, made before it starts."""

    def record(self, index: int) -> None:
        """Set a mark on the device's own queue; must not wait."""

    def read(self) -> ForwardTimes:
        """Wait once for the last mark and read all."""


class Clock(Protocol):
    """What the protocol asks of a clock."""

    name: str

    def marks(self, count: int) -> Marks:
        """Return that many marks."""

    def prepare(self) -> None:
        """Bring the device into the state that every forward starts from; outside all marks."""

    def now_ns(self) -> int:
        """The host's time, for budgets."""

    def sm_clock_mhz(self) -> int | None:
        """The device's clock at this moment; None where it cannot be asked."""

    def policy(self) -> dict[str, Any]:
        """What `prepare` does, as plain values for the result."""


class StopRule(Record):
    """When to begin and when to stop."""

    budget_s: float = 30.0
    """Seconds for warm-up and forwards together."""
    forwards: int = 30
    """The fewest rounds, if the budget allows."""
    deviation: float = 0.005
    """Enough: the median's interval lies within this much of it, for every pass."""
    most: int = 1000
    """The most rounds."""
    warm_up_rounds: int = 3
    warm_up_s: float = 0.0
    """The least time to warm up: half a second lets a GPU's clocks settle."""
    warm_up_share: float = 0.34
    """The most of the budget that warming up may take once it has done its rounds."""


class Work(Record):
    """What is timed: the module, its flattened layers (None: the whole alone), its input."""

    name: str
    whole: Operation
    x: Any
    layers: tuple[Operation, ...] | None = None
    reset: Callable[[], None] | None = None
    """Called before every forward, outside the marks: clears gradients."""
    capture: Callable[[], Operation] | None = None
    """Returns the replay of the module's captured graph; None where the device has no graphs."""


class Samples:
    """All that was measured of one piece of work; whole rounds only, but for an interruption."""

    def __init__(self) -> None:
        self.warm_up_ns: list[int] = []
        self.readings: dict[str, list[ForwardTimes]] = {}
        self.sm_clock_mhz: list[int | None] = []
        self.graph_refused: str | None = None
        self.stopped_by = "interrupted"
        self.deviation: float | None = None

    @property
    def rounds(self) -> int:
        """Complete rounds."""
        return min(map(len, self.readings.values()), default=0)


class Progress(Protocol):
    """Told what is going on, after every round."""

    def __call__(self, samples: Samples, rule: StopRule, spent_s: float) -> None:
        """Say what has been measured after this many seconds."""


def forward(
    clock: Clock, operations: Sequence[Operation], x: Any, reset: Callable[[], None] | None = None
) -> ForwardTimes:
    """Run operations one behind the other, a mark before the first and one behind each; wait once, at the end."""
    marks = clock.marks(len(operations) + 1)
    if reset is not None:
        reset()
    clock.prepare()
    record = marks.record
    record(0)
    for index, operation in enumerate(operations, 1):
        x = operation(x)
        record(index)
    return marks.read()


def measure(clock: Clock, work: Work, rule: StopRule, progress: Progress) -> Samples:
    """Warm up, then take rounds until the medians are known well enough, the budget ends, or Ctrl-C.

    What was measured before Ctrl-C is returned, with ``stopped_by`` saying so.

    Raises:
        VggcostError: the budget is too small for one forward.
    """
    samples = Samples()
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()  # a collection inside a forward would be somebody else's time
    try:
        begun = clock.now_ns()
        passes: dict[str, tuple[Operation, ...]] = {WHOLE: (work.whole,)}
        if work.layers is not None:
            passes = {LAYERS: work.layers, WHOLE: (work.whole,)}
        _warm_up(clock, work, passes, rule, samples, progress)
        if work.capture is not None:
            _add_graph(clock, work, passes, samples, work.capture)
        samples.readings = {name: [] for name in passes}
        samples.stopped_by = _sample(clock, work, passes, rule, samples, progress, begun)
    except KeyboardInterrupt:
        samples.stopped_by = "interrupted"
    finally:
        if collecting:
            gc.enable()
    return samples


def _warm_up(
    clock: Clock,
    work: Work,
    passes: dict[str, tuple[Operation, ...]],
    rule: StopRule,
    samples: Samples,
    progress: Progress,
) -> None:
    """Run rounds that are not counted, until a round is no longer faster than the ones before it."""
    begun = clock.now_ns()
    while True:
        readings = [forward(clock, operations, work.x, work.reset) for operations in passes.values()]
        samples.warm_up_ns.append(sum(reading.whole_ns for reading in readings))
        spent_s = (clock.now_ns() - begun) / 1e9
        progress(samples, rule, spent_s)
        if len(samples.warm_up_ns) == 1 and spent_s >= rule.budget_s:
            # The first forward is a cold one; a warm one costs less, so the advice is on the safe side.
            advice = spent_s * (rule.warm_up_rounds + rule.forwards)
            raise VggcostError(
                f"the budget of {rule.budget_s:g} s is too small: the first forward of {work.name} took"
                f" {spent_s:.3g} s; give --budget {advice:.2g} for {rule.forwards} forwards"
            )
        ahead = all(reading.queued_ahead is not False for reading in readings)
        if spent_s >= rule.budget_s * rule.warm_up_share and len(samples.warm_up_ns) >= rule.warm_up_rounds:
            return
        if spent_s >= rule.budget_s:
            return
        if spent_s >= rule.warm_up_s and _settled(samples.warm_up_ns, rule, ahead):
            return


def _settled(rounds_ns: Sequence[int], rule: StopRule, ahead: bool) -> bool:
    if len(rounds_ns) < rule.warm_up_rounds:
        return False
    # The spin grows while the host is found late; ten rounds are enough for it to double past any forward.
    queue_ready = ahead or len(rounds_ns) >= 10
    return queue_ready and rounds_ns[-1] >= 0.98 * min(rounds_ns[:-1])


def _add_graph(
    clock: Clock,
    work: Work,
    passes: dict[str, tuple[Operation, ...]],
    samples: Samples,
    capture: Callable[[], Operation],
) -> None:
    try:
        replay = capture()
        for _ in range(3):
            forward(clock, (replay,), work.x, work.reset)
    except RuntimeError as error:  # what torch raises for an operation that cannot be captured
        samples.graph_refused = " ".join(str(error).split())[:200]
    else:
        passes[GRAPH] = (replay,)


def _sample(
    clock: Clock,
    work: Work,
    passes: dict[str, tuple[Operation, ...]],
    rule: StopRule,
    samples: Samples,
    progress: Progress,
    begun: int,
) -> str:
    """Take rounds, at least one; return what ended them."""
    while True:
        for name, operations in passes.items():
            samples.readings[name].append(forward(clock, operations, work.x, work.reset))
        samples.sm_clock_mhz.append(clock.sm_clock_mhz())
        samples.deviation = _worst_deviation(samples)
        spent_s = (clock.now_ns() - begun) / 1e9
        progress(samples, rule, spent_s)
        if samples.rounds >= rule.forwards and samples.deviation is not None and samples.deviation <= rule.deviation:
            return "deviation"
        if spent_s >= rule.budget_s:
            return "budget"
        if samples.rounds >= rule.most:
            return "most"


def _worst_deviation(samples: Samples) -> float | None:
    """The largest relative deviation among the passes; None while one has too few samples."""
    worst = 0.0
    for readings in samples.readings.values():
        deviation = relative_deviation([reading.whole_ns for reading in readings])
        if deviation is None:
            return None
        worst = max(worst, deviation)
    return worst
