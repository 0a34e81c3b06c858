"""Warm-up, stop rule, budget, interruption: on a clock that the test moves."""

from __future__ import annotations

import gc

import pytest

from vggcost.bench.host_clock import HostClock
from vggcost.bench.protocol import DeviceState, ForwardTimes, StopRule, Work, forward, measure
from vggcost.errors import VggcostError


class Stopwatch:
    """A clock whose time passes only where an operation says so."""

    name = "stopwatch"

    def __init__(self):
        self.time_ns = 0
        self.prepared = 0

    def marks(self, count):
        return StopwatchMarks(self, count)

    def prepare(self):
        self.prepared += 1

    def now_ns(self):
        return self.time_ns

    def begin(self):
        pass

    def settle(self, warm, again):
        return None

    def policy(self):
        return {}

    def work(self, *durations_ns):
        """An operation that takes these times one after the other, the last for ever."""
        left = list(durations_ns)

        def operation(x):
            self.time_ns += left.pop(0) if len(left) > 1 else left[0]
            return x

        return operation


class StopwatchMarks:
    def __init__(self, clock, count):
        self.clock = clock
        self.times = [0] * count

    def record(self, index):
        self.times[index] = self.clock.time_ns

    def read(self):
        elapsed = tuple(time - self.times[0] for time in self.times)
        return ForwardTimes(elapsed, elapsed, None, DeviceState(1410))


def nothing(*_):
    """Progress that nobody watches."""


def test_a_reading_gives_each_layer_its_own_time():
    clock = Stopwatch()
    reading = forward(clock, (clock.work(10), clock.work(0), clock.work(7)), "x")
    assert reading.elapsed_ns == (0, 10, 10, 17)
    assert reading.layers_ns == (10, 0, 7)
    assert reading.whole_ns == 17
    assert clock.prepared == 1


def test_an_operation_gets_what_the_one_before_it_gave():
    clock = Stopwatch()
    seen = []
    forward(clock, (lambda x: x + "a", lambda x: x + "b", seen.append), "x")
    assert seen == ["xab"]


def test_steady_times_end_at_thirty_forwards():
    clock = Stopwatch()
    samples = measure(clock, Work("net", clock.work(1000), "x"), StopRule(), nothing)
    assert (samples.rounds, samples.stopped_by, samples.deviation) == (30, "deviation", 0.0)
    assert len(samples.warm_up_ns) == 3
    assert samples.sm_clock_mhz == [1410] * 30


def test_warm_up_lasts_until_a_round_is_no_faster_than_those_before():
    clock = Stopwatch()
    falling = clock.work(9000, 8000, 7000, 6000, 5000, 1000)
    samples = measure(clock, Work("net", falling, "x"), StopRule(), nothing)
    assert samples.warm_up_ns == [9000, 8000, 7000, 6000, 5000, 1000, 1000]
    assert {reading.whole_ns for reading in samples.readings["whole"]} == {1000}


def test_warm_up_lasts_its_least_time():
    clock = Stopwatch()
    samples = measure(clock, Work("net", clock.work(10_000_000), "x"), StopRule(warm_up_s=0.5), nothing)
    assert len(samples.warm_up_ns) == 50


def test_unsteady_times_go_on_to_the_budget():
    clock = Stopwatch()
    times = [10_000_000, 30_000_000] * 500
    samples = measure(clock, Work("net", clock.work(*times), "x"), StopRule(budget_s=4.0), nothing)
    assert samples.stopped_by == "budget"
    assert samples.rounds > 30
    assert samples.deviation > 0.005


def test_the_most_rounds_are_the_most():
    clock = Stopwatch()
    times = [10, 30] * 500
    samples = measure(clock, Work("net", clock.work(*times), "x"), StopRule(most=40), nothing)
    assert (samples.rounds, samples.stopped_by) == (40, "most")


def test_a_budget_that_ends_early_still_takes_one_round():
    clock = Stopwatch()
    samples = measure(clock, Work("net", clock.work(10**9), "x"), StopRule(budget_s=2.5), nothing)
    assert (samples.rounds, samples.stopped_by) == (1, "budget")


def test_a_budget_too_small_for_one_forward_is_refused():
    clock = Stopwatch()
    with pytest.raises(VggcostError, match=r"budget of 0\.5 s is too small.*took 2 s; give --budget 66"):
        measure(clock, Work("net", clock.work(2 * 10**9), "x"), StopRule(budget_s=0.5), nothing)


def test_passes_alternate():
    clock = Stopwatch()
    order = []

    def layer(x):
        order.append("layer")
        return x

    def whole(x):
        order.append("whole")
        return x

    measure(clock, Work("net", whole, "x", (layer, layer)), StopRule(most=2), nothing)
    assert order[:6] == ["layer", "layer", "whole"] * 2


def test_ctrl_c_keeps_what_was_measured():
    clock = Stopwatch()

    def interrupt(samples, rule, spent_s):
        if samples.rounds == 7:
            raise KeyboardInterrupt

    samples = measure(clock, Work("net", clock.work(1000), "x"), StopRule(), interrupt)
    assert (samples.rounds, samples.stopped_by) == (7, "interrupted")


def test_ctrl_c_before_the_first_sample_measures_nothing():
    def interrupt(*_):
        raise KeyboardInterrupt

    clock = Stopwatch()
    samples = measure(clock, Work("net", clock.work(1000), "x"), StopRule(), interrupt)
    assert (samples.rounds, samples.stopped_by) == (0, "interrupted")


def test_nothing_is_collected_inside_a_forward_and_the_collector_is_put_back():
    clock = Stopwatch()
    seen = []
    measure(clock, Work("net", lambda x: seen.append(gc.isenabled()), "x"), StopRule(most=1), nothing)
    assert not any(seen)
    assert gc.isenabled()


def test_the_host_clock_reads_what_it_recorded():
    clock = HostClock()
    marks = clock.marks(4)
    for index in range(4):
        marks.record(index)
    reading = marks.read()
    assert sum(reading.layers_ns) == reading.whole_ns
    assert reading.elapsed_ns[0] == 0
    assert reading.queued_ahead is None
    assert list(reading.elapsed_ns) == sorted(reading.elapsed_ns)


def test_a_device_without_events_is_waited_for_at_every_mark_and_the_clock_says_so():
    waits = []
    clock = HostClock(lambda: waits.append("wait"))
    forward(clock, (lambda x: x, lambda x: x), "x")
    assert len(waits) == 3
    assert "synchronised at every mark" in clock.name
    assert clock.policy()["synchronised_marks"] is True
