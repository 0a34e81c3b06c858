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
    from collections.abc import Callable, Mapping, Sequence

    Operation = Callable[[Any], Any]

ENDINGS = ("deviation", "budget", "most", "interrupted")
"""What may end a measurement: the medians are known, the budget is spent, enough is enough, Ctrl-C."""

LAYERS, WHOLE, GRAPH = "layers", "whole", "graph"
"""The passes: marks between the layers, two marks around the module, two marks around its graph's replay."""


WARM_ROUNDS = 3
"""How many warm-up rounds the clock is set by."""

FURTHER_SHARE = 0.02
"""Where rounds take more than this part of the budget, it is set by fewer."""


class DeviceState(Record):
    """What a device says of itself while a forward runs; None where nobody says."""

    sm_clock_mhz: int | None = None
    temperature_c: int | None = None
    throttle_reasons: tuple[str, ...] = ()
    """What holds its clock down, in NVML's words; empty where nothing does, or nobody says."""

    def slower(self, sm_clock_mhz: int | None) -> DeviceState:
        """Return this with the slower of two readings of the clock."""
        clocks = [clock for clock in (self.sm_clock_mhz, sm_clock_mhz) if clock is not None]
        return self.replace(sm_clock_mhz=min(clocks, default=None))


class ForwardTimes(Record):
    """One forward, read after it ended: all times in integer nanoseconds since mark 0, which is the first."""

    elapsed_ns: tuple[int, ...]
    """When the device reached each mark."""
    queued_ns: tuple[int, ...]
    """When the host queued each mark, on the host's clock."""
    queued_ahead: bool | None
    """Whether the host had queued everything before the device reached mark 0; None where nothing queues."""
    state: DeviceState = DeviceState()
    """What the device was like meanwhile."""

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


def mostly_ahead(readings: Sequence[ForwardTimes]) -> bool:
    """Whether at least half of these forwards were queued before the device began, or nothing queues."""
    return 2 * sum(reading.queued_ahead is False for reading in readings) <= len(readings)


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

    def begin(self) -> None:
        """Forget what `settle` found for the work before."""

    def settle(
        self, warm: Mapping[str, Sequence[ForwardTimes]], again: Callable[[], Mapping[str, Sequence[ForwardTimes]]]
    ) -> str | None:
        """Set what `prepare` does by warm forwards of each pass; again takes further ones.

        Return why the host cannot queue forwards ahead of the device, None where it can or nothing queues.
        """

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
    """The least time that the device works in warm-up, spins not counted: in half a second a GPU's clocks settle."""
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
        """The slowest clock of each round."""
        self.temperature_c: list[int | None] = []
        self.throttle_reasons: dict[str, int] = {}
        """In how many rounds each held the clock down."""
        self.graph_refused: str | None = None
        self.late_because: str | None = None
        """Why the host cannot queue a forward ahead of the device; None where it can."""
        self.stopped_by = "interrupted"
        self.deviation: float | None = None
        self.sustained: dict[str, Any] | None = None
        """What forwards back to back gave, where they were asked for."""
        self.warm_up_spent_s = 0.0
        """Seconds on the host's clock until the first counted round, the graph's capture and every spin in them."""
        self.spent_s = 0.0
        """Seconds until the last one ended."""

    @property
    def rounds(self) -> int:
        """Complete rounds."""
        return min(map(len, self.readings.values()), default=0)

    def note(self, readings: Sequence[ForwardTimes]) -> None:
        """Keep what the device was like in a round."""
        states = [reading.state for reading in readings]
        clocks = [state.sm_clock_mhz for state in states if state.sm_clock_mhz is not None]
        self.sm_clock_mhz.append(min(clocks, default=None))
        heats = [state.temperature_c for state in states if state.temperature_c is not None]
        self.temperature_c.append(max(heats, default=None))
        for reason in {reason for state in states for reason in state.throttle_reasons}:
            self.throttle_reasons[reason] = self.throttle_reasons.get(reason, 0) + 1


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
        clock.begin()
        run = _Measurement(clock, work, rule, progress, samples)
        run.first_round()
        run.add_graph()  # before the warm-up: a capture empties the allocator's cache
        run.warm_up()
        samples.late_because = clock.settle(run.last_readings(), run.further_readings)
        samples.warm_up_spent_s = run.spent_s()
        samples.readings = {name: [] for name in run.passes}
        samples.stopped_by = run.sample()
    except KeyboardInterrupt:
        samples.stopped_by = "interrupted"
    finally:
        if collecting:
            gc.enable()
    return samples


class _Measurement:
    """One piece of work on its way: its passes, and the rounds taken of them."""

    def __init__(self, clock: Clock, work: Work, rule: StopRule, progress: Progress, samples: Samples) -> None:
        self._clock = clock
        self._work = work
        self._rule = rule
        self._progress = progress
        self._samples = samples
        self._begun = clock.now_ns()
        self._warm: list[dict[str, ForwardTimes]] = []
        self._alike_from = 0  # the first warm-up round with the passes that all later ones have
        self.passes: dict[str, tuple[Operation, ...]] = {WHOLE: (work.whole,)}
        if work.layers is not None:
            self.passes = {LAYERS: work.layers, WHOLE: (work.whole,)}

    def spent_s(self) -> float:
        """Seconds on the host's clock since the beginning."""
        return (self._clock.now_ns() - self._begun) / 1e9

    def first_round(self) -> None:
        """Run every pass once, cold.

        Raises:
            VggcostError: that alone took the budget.
        """
        self._warm_round()
        spent_s, rule = self.spent_s(), self._rule
        if spent_s >= rule.budget_s:
            # The first forward is a cold one; a warm one costs less, so the advice is on the safe side.
            advice = spent_s * (rule.warm_up_rounds + rule.forwards)
            raise VggcostError(
                f"the budget of {rule.budget_s:g} s is too small: the first forward of {self._work.name} took"
                f" {spent_s:.3g} s; give --budget {advice:.2g} for {rule.forwards} forwards"
            )

    def add_graph(self) -> None:
        """Capture the graph where there is one, and run all passes once with it, without marks.

        Where the capture fails, or the graph's memory and a forward's do not fit together, it is left out.
        """
        if self._work.capture is None:
            return
        try:
            self.passes[GRAPH] = (self._work.capture(),)
            self._run_unmarked()
            self._alike_from = len(self._warm)
        except RuntimeError as error:  # what torch raises for an operation that cannot be captured, and out of memory
            self.passes.pop(GRAPH, None)
            self._samples.graph_refused = " ".join(str(error).split())[:200]
        if GRAPH not in self.passes:
            self._run_unmarked()  # the allocator's cache may be empty all the same

    def warm_up(self) -> None:
        """Take rounds that are not counted, until a round is no longer faster than the ones before it."""
        rule, rounds_ns = self._rule, self._samples.warm_up_ns
        while True:
            spent_s, busy_s = self.spent_s(), sum(rounds_ns) / 1e9
            if len(rounds_ns) >= rule.warm_up_rounds:
                if spent_s >= rule.budget_s * rule.warm_up_share:
                    return
                alike = rounds_ns[self._alike_from :]
                if busy_s >= rule.warm_up_s and len(alike) > 1 and alike[-1] >= 0.98 * min(alike[:-1]):
                    return
            if spent_s >= rule.budget_s:
                return
            self._warm_round()

    def last_readings(self) -> dict[str, list[ForwardTimes]]:
        """The last warm-up rounds, pass by pass."""
        return {
            name: [readings[name] for readings in self._warm[-WARM_ROUNDS:] if name in readings]
            or [self._forward(operations)]
            for name, operations in self.passes.items()
        }

    def further_readings(self) -> dict[str, list[ForwardTimes]]:
        """A few more warm-up rounds; one where a round is long."""
        begun = self.spent_s()
        taken: dict[str, list[ForwardTimes]] = {name: [] for name in self.passes}
        for _ in range(WARM_ROUNDS):
            for name, reading in self._warm_round().items():
                taken[name].append(reading)
            if self.spent_s() - begun > FURTHER_SHARE * self._rule.budget_s:
                break
        return taken

    def sample(self) -> str:
        """Take rounds, at least one; return what ended them."""
        samples, rule = self._samples, self._rule
        while True:
            for name, operations in self.passes.items():
                samples.readings[name].append(self._forward(operations))
            samples.note([readings[-1] for readings in samples.readings.values()])
            samples.deviation = _worst_deviation(samples)
            samples.spent_s = spent_s = self.spent_s()
            self._progress(samples, rule, spent_s)
            known = samples.deviation is not None and samples.deviation <= rule.deviation
            if samples.rounds >= rule.forwards and known:
                return "deviation"
            if spent_s >= rule.budget_s:
                return "budget"
            if samples.rounds >= rule.most:
                return "most"

    def _warm_round(self) -> dict[str, ForwardTimes]:
        readings = {name: self._forward(operations) for name, operations in self.passes.items()}
        self._warm.append(readings)
        self._samples.warm_up_ns.append(sum(reading.whole_ns for reading in readings.values()))
        self._progress(self._samples, self._rule, self.spent_s())
        return readings

    def _forward(self, operations: tuple[Operation, ...]) -> ForwardTimes:
        return forward(self._clock, operations, self._work.x, self._work.reset)

    def _run_unmarked(self) -> None:
        for operations in self.passes.values():
            x = self._work.x
            for operation in operations:
                x = operation(x)


def _worst_deviation(samples: Samples) -> float | None:
    """The largest relative deviation among the passes; None while one has too few samples."""
    worst = 0.0
    for readings in samples.readings.values():
        deviation = relative_deviation([reading.whole_ns for reading in readings])
        if deviation is None:
            return None
        worst = max(worst, deviation)
    return worst
