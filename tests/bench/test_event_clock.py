"""The protocol's promises on a simulated device, and for each a mutation of the code that must break it."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest
from simulated_device import Entry, SimulatedDevice

from vggcost.bench import event_clock, graph_replay, protocol

LAYERS = {"conv1": 900_123, "relu1": 40_017, "conv2": 2_500_031, "drop": 3_001, "fc": 700_009}
"""Busy times [ns]; together 4.1 ms."""
TWICE = "the spin is twice the dispatch at most, or the first"
SLOW_DISPATCH_NS = 800_000
"""Five of these are 4 ms: longer than the first spin, so the spin has to grow."""


def run(  # each is one thing that a device may do
    protocol=protocol,
    event_clock=event_clock,
    graph_replay=graph_replay,
    *,
    device=None,
    dispatch_ns=SLOW_DISPATCH_NS,
    graph=True,
    waits=False,
    tuning_ns=0,
    takes=1 << 20,
    watch=None,
    **rule,
):
    """Measure five layers on a simulated device; return the device, the samples and the clock."""
    device = device or SimulatedDevice()
    clock = event_clock.EventClock(device.torch, "cuda:0", 1 << 20, watch and watch(device), device.now_ns)
    device.log.clear()
    made = clock.marks
    clock.marks = lambda count: (device.note("begin"), made(count))[1]
    layers = tuple(
        device.layer(name, busy_ns, dispatch_ns, takes=takes, tuning_ns=tuning_ns) for name, busy_ns in LAYERS.items()
    )
    if waits:
        layers = (*layers, device.waits)

    def whole(x):
        for layer in layers:
            x = layer(x)
        return x

    work = protocol.Work(
        "five layers",
        whole,
        "x",
        layers,
        lambda: device.note("reset"),
        (lambda: graph_replay.capture(device.torch, "cuda:0", whole, "x")) if graph else None,
    )
    samples = protocol.measure(clock, work, protocol.StopRule(**rule), lambda *_: None)
    return device, samples, clock


def forwards(device: SimulatedDevice) -> list[list[Entry]]:
    """The log cut where each forward asks for its marks."""
    cut: list[list[Entry]] = []
    for entry in device.log:
        if entry.what == "begin":
            cut.append([])
        elif cut:
            cut[-1].append(entry)
    return cut


def broken_promises(device, samples) -> set[str]:
    """The names of the promises that a run did not keep."""
    names = list(samples.readings)
    taken = forwards(device)[-samples.rounds * len(names) :]
    readings = [samples.readings[name][number] for number in range(samples.rounds) for name in names]
    broken: set[str] = set()
    for number, (log, reading) in enumerate(zip(taken, readings, strict=True)):
        layered = names[number % len(names)] == "layers"
        broken |= broken_order(log, layered=layered) | broken_times(log, reading, layered=layered)
    return broken


def broken_order(log: list[Entry], *, layered: bool) -> set[str]:
    """What was queued, and in which order: an event, the spin, then the marks."""
    whats = [entry.what for entry in log]
    kernels = len(LAYERS)
    chain = ["event", *["kernel", "event"] * kernels] if layered else ["event", *["kernel"] * kernels, "event"]
    first = [place for place, what in enumerate(whats) if what == "event"][1]
    queued = [what for what in whats if what in ("event", "kernel")]
    kept = {
        "order" if layered else "no marks inside the whole": queued == ["event", *chain],
        "one wait": whats.count("sync") == 1 and whats[-1] == "sync",
        "flush and spin first": [what for what in whats[:first] if what in ("flush", "spin")] == ["flush", "spin"],
        "nothing else between the marks": not {"flush", "spin"} & set(whats[first:]),
        "no memory is taken between the marks": "malloc" not in whats[first:],
        "reset outside the marks": whats.count("reset") == 1 and "reset" in whats[:first],
        "all on the first stream": {entry.stream for entry in log} == {0},
    }
    return {promise for promise, held in kept.items() if not held}


def broken_times(log: list[Entry], reading, *, layered: bool) -> set[str]:
    """What the reading says, held against what the device did; float32 milliseconds are good to 2 ns here."""
    events = [entry for entry in log if entry.what == "event"][1:]
    busy = [entry.ends_ns - entry.begins_ns for entry in log if entry.what == "kernel"]
    spun = [entry.ends_ns - entry.begins_ns for entry in log if entry.what == "spin"]
    ahead = events[-1].host_ns < events[0].begins_ns
    device_ns = events[-1].begins_ns - events[0].begins_ns
    expected = busy if layered else [sum(busy)]
    kept = {
        "spin covers the dispatch": ahead,
        TWICE: not layered
        or sum(spun) <= max(2.1 * (events[-1].host_ns - events[0].host_ns), 1.01 * event_clock.FIRST_SPIN_NS),
        "tells whether the queue was ahead": reading.queued_ahead is ahead,
        "layers sum to the whole": sum(reading.layers_ns) == reading.whole_ns,
        "the whole is the device's": abs(reading.whole_ns - device_ns) <= 2,
        "nothing is measured before warm-up ends": busy == list(LAYERS.values()),
        "a layer's time is its kernel's": len(expected) == len(reading.layers_ns)
        and all(abs(got - real) <= 2 for got, real in zip(reading.layers_ns, expected, strict=True)),
    }
    return {promise for promise, held in kept.items() if not held}


def test_every_promise_holds_on_the_simulated_device():
    device, samples, _ = run()
    assert broken_promises(device, samples) == set()
    assert samples.rounds == 30
    assert samples.stopped_by == "deviation"
    assert list(samples.readings) == ["layers", "whole", "graph"]


AHEAD = "        ahead = not events[0].query()\n"
STATE = "        state = self._clock.state()\n"
WAIT = "        events[-1].synchronize()\n"
WARM_UP = """        run.warm_up()
        samples.late_because = clock.settle(run.last_readings(), run.further_readings)
"""
MUTATIONS = [
    ("flush and spin first", "protocol", "    clock.prepare()\n", "    clock._before_spin.record()\n"),
    (
        "nothing else between the marks",
        "protocol",
        "    clock.prepare()\n    record = marks.record\n    record(0)\n",
        "    record = marks.record\n    record(0)\n    clock.prepare()\n",
    ),
    (
        "nothing else between the marks",
        "protocol",
        "        x = operation(x)\n        record(index)\n",
        "        x = operation(x)\n        record(index)\n        if index == 2:\n            clock.prepare()\n",
    ),
    (
        "order",
        "protocol",
        "        x = operation(x)\n        record(index)\n",
        "        record(index)\n        x = operation(x)\n",
    ),
    (
        "reset outside the marks",
        "protocol",
        "    record(0)\n",
        "    record(0)\n    if reset is not None:\n        reset()\n",
    ),
    (
        "no marks inside the whole",
        "protocol",
        "{LAYERS: work.layers, WHOLE: (work.whole,)}",
        "{LAYERS: work.layers, WHOLE: work.layers}",
    ),
    (
        "nothing is measured before warm-up ends",
        "protocol",
        WARM_UP,
        "",
    ),
    (
        "one wait",
        "event_clock",
        "        self._events[index].record()\n",
        "        self._events[index].record()\n        self._events[index].synchronize()\n",
    ),
    (
        "one wait",
        "event_clock",
        "        events[-1].synchronize()\n",
        "        events[0].synchronize()\n        events[-1].synchronize()\n",
    ),
    (
        "flush and spin first",
        "event_clock",
        "        if self._buffer is not None:\n            self._buffer.zero_()\n",
        "",
    ),
    (
        "spin covers the dispatch",
        "event_clock",
        "            self._cycles = round(self.spin_ns * self._cycles_per_ns)\n",
        "            self._cycles = 1\n",
    ),
    (
        "spin covers the dispatch",
        "protocol",
        "        samples.late_because = clock.settle(run.last_readings(), run.further_readings)\n",
        "",
    ),
    (
        "a layer's time is its kernel's",
        "event_clock",
        "            self._cycles = round(self.spin_ns * self._cycles_per_ns)\n",
        "            self._cycles = 1\n",
    ),
    (
        "tells whether the queue was ahead",
        "event_clock",
        AHEAD + STATE + WAIT,
        STATE + WAIT + AHEAD,
    ),
    (
        "layers sum to the whole",
        "protocol",
        "        return self.elapsed_ns[-1]\n",
        "        return self.elapsed_ns[-1] + 1\n",
    ),
    (
        "layers sum to the whole",
        "protocol",
        "        return tuple(end - start for start, end in zip(self.elapsed_ns, self.elapsed_ns[1:], strict=False))\n",
        "        return tuple((end - start) // 10 * 10 for start, end in zip(self.elapsed_ns, self.elapsed_ns[1:]))\n",
    ),
    (
        "the whole is the device's",
        "event_clock",
        "round(events[0].elapsed_time(event) * 1e6) for event in events[1:]",
        "round(events[0].elapsed_time(event) * 1e3) * 1000 for event in events[1:]",
    ),
    (
        "the whole is the device's",
        "event_clock",
        "(0, *(round(events[0].elapsed_time(event) * 1e6) for event in events[1:]))",
        "tuple(moment - self._queued[0] for moment in self._queued)",
    ),
]


def mutated(room: ModuleType, old: str, new: str) -> ModuleType:
    """The module with one piece of its source replaced, which must be there exactly once."""
    source = inspect.getsource(room)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {room.__name__}"
    fresh = ModuleType(f"{room.__name__}_mutated")
    exec(compile(source.replace(old, new), fresh.__name__, "exec"), fresh.__dict__)  # noqa: S102  # that is the test
    return fresh


def with_room(room: str, old: str, new: str) -> dict[str, ModuleType]:
    """The rooms to run, one of them mutated."""
    rooms = {"protocol": protocol, "event_clock": event_clock, "graph_replay": graph_replay}
    rooms[room] = mutated(rooms[room], old, new)
    # A mutated protocol brings its own ForwardTimes, which the clock has to make then.
    if room == "protocol":
        rooms["event_clock"] = mutated(event_clock, "class EventMarks:\n", "class EventMarks:\n")
        rooms["event_clock"].ForwardTimes = rooms["protocol"].ForwardTimes
    return rooms


@pytest.mark.parametrize(("promise", "room", "old", "new"), MUTATIONS)
def test_a_mutation_breaks_its_promise(promise, room, old, new):
    device, samples, _ = run(**with_room(room, old, new))
    assert promise in broken_promises(device, samples)


COLD = {"tuning_ns": 60_000_000}
"""Each layer's first run tries algorithms for 60 ms, longer than any spin."""


def test_a_cold_first_forward_sets_no_spin():
    device, samples, clock = run(**COLD, dispatch_ns=10_000)
    assert broken_promises(device, samples) == set()
    assert clock.spin_ns == event_clock.FIRST_SPIN_NS
    assert max(spins(device)) < 1.01 * event_clock.FIRST_SPIN_NS
    cold = with_room("protocol", "self._warm[-WARM_ROUNDS:]", "self._warm[:1]")
    device, samples, _ = run(**cold, **COLD, dispatch_ns=10_000)
    assert TWICE in broken_promises(device, samples)


def test_the_spin_is_set_by_the_host_and_not_by_doubling_alone():
    device, samples, _ = run(dispatch_ns=3_500_000)
    assert broken_promises(device, samples) == set()
    guessed = with_room("event_clock", "        self.spin_ns = self._covering(needs_ns.values())\n", "")
    device, samples, _ = run(**guessed, dispatch_ns=3_500_000)
    assert "spin covers the dispatch" in broken_promises(device, samples)


def spins(device) -> list[int]:
    return [entry.ends_ns - entry.begins_ns for entry in device.log if entry.what == "spin"]


def test_every_case_begins_with_the_first_spin():
    device, _, clock = run()
    assert clock.spin_ns > event_clock.FIRST_SPIN_NS
    clock.begin()
    assert clock.spin_ns == event_clock.FIRST_SPIN_NS
    forgetful = with_room("protocol", "        clock.begin()\n", "")
    seen = []
    for rooms in ({}, forgetful):
        device = SimulatedDevice()
        clock = event_clock.EventClock(device.torch, "cuda:0", 0, None, device.now_ns)
        clock.spin_ns = event_clock.LONGEST_SPIN_NS
        work = protocol.Work("one", device.layer("conv", 100_000), "x")
        rooms.get("protocol", protocol).measure(clock, work, protocol.StopRule(), lambda *_: None)
        seen.append(max(spins(device)[2:]))
    assert seen[0] < 3 * event_clock.FIRST_SPIN_NS
    assert seen[1] > 0.9 * event_clock.LONGEST_SPIN_NS


def test_a_forward_that_waits_for_the_device_ends_the_search_with_the_first_spin_and_the_reason():
    device, samples, clock = run(waits=True, dispatch_ns=1_000)
    assert "an operation synchronises" in samples.late_because
    assert clock.spin_ns == event_clock.FIRST_SPIN_NS
    assert max(spins(device)) <= 1.01 * event_clock.LONGEST_SPIN_NS
    # The layers take 4.1 ms: what the host waited for, the spin, is not in what it needs.
    assert max(spins(device)) <= 1.01 * 2**event_clock.DOUBLINGS * 2 * 4_200_000
    assert samples.rounds == 30
    stubborn = with_room("event_clock", "        self.spin_ns = self._covering(needs_ns[name] for name in ahead)\n", "")
    _, _, clock = run(**stubborn, waits=True, dispatch_ns=1_000)
    assert clock.spin_ns > event_clock.FIRST_SPIN_NS


def test_more_launches_than_the_queue_holds_are_said_and_the_graph_is_still_ahead():
    _device, samples, clock = run(device=SimulatedDevice(depth=4), dispatch_ns=1_000)
    assert "more launches than the queue holds" in samples.late_because
    assert clock.spin_ns == event_clock.FIRST_SPIN_NS
    assert all(reading.queued_ahead for reading in samples.readings["graph"])
    assert not any(reading.queued_ahead for reading in samples.readings["whole"])


def test_launches_that_wait_are_blamed_on_the_variable_that_makes_them(monkeypatch):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    _, samples, clock = run(device=SimulatedDevice(blocking=True))
    assert samples.late_because.startswith("CUDA_LAUNCH_BLOCKING is set")
    assert clock.spin_ns == event_clock.FIRST_SPIN_NS


def test_a_host_that_no_spin_covers_is_told_with_its_time():
    _, samples, _ = run(dispatch_ns=12_000_000)
    assert "the host needs 58 ms to queue a forward" in samples.late_because


def test_one_late_forward_does_not_lengthen_the_spin():
    device = SimulatedDevice()
    runs = []

    def hiccup(x):
        runs.append(0)
        device.host_ns += 30_000_000 if len(runs) == 40 else 0
        return x

    clock = event_clock.EventClock(device.torch, "cuda:0", 0, None, device.now_ns)
    work = protocol.Work("one", device.layer("conv", 100_000), "x", (hiccup, device.layer("relu", 100_000)))
    samples = protocol.measure(clock, work, protocol.StopRule(), lambda *_: None)
    assert len(runs) > 40
    assert [reading.queued_ahead for reading in samples.readings["layers"]].count(False) == 1
    assert clock.spin_ns == event_clock.FIRST_SPIN_NS


def test_warm_up_counts_what_the_device_works_and_no_spin():
    _, samples, _ = run(warm_up_s=0.2)
    assert sum(samples.warm_up_ns) >= 200_000_000
    spinning = with_room(
        "protocol", "spent_s, busy_s = self.spent_s(), sum(rounds_ns) / 1e9", "spent_s = busy_s = self.spent_s()"
    )
    _, samples, _ = run(**spinning, warm_up_s=0.2)
    assert sum(samples.warm_up_ns) < 200_000_000


RAMP = {"idle_mhz": 345, "boost_mhz": 1980}


def test_the_spin_is_as_long_as_it_says_and_tells_the_clock_under_load():
    device, samples, clock = run(device=SimulatedDevice(**RAMP))
    assert broken_promises(device, samples) == set()
    assert spins(device)[-1] == pytest.approx(clock.spin_ns, rel=0.01)
    assert samples.sm_clock_mhz == pytest.approx([1980] * 30, rel=0.01)
    once = with_room("event_clock", "self._cycles_per_ns = self._cycles / spun_ns\n", "pass\n")
    device, _, clock = run(**once, device=SimulatedDevice(**RAMP))
    assert spins(device)[-1] < 0.3 * clock.spin_ns


def test_amds_spin_tells_no_clock():
    device = SimulatedDevice()
    device.torch.version.hip = "6.4"
    _, samples, _ = run(device=device)
    assert set(samples.sm_clock_mhz) == {None}


def asked(device):
    """NVML as it is: another clock while the device works than when it is idle."""

    def state():
        device.note("nvml")
        busy = device.free_ns > device.host_ns
        reasons = ("power cap",) if busy else ()
        return protocol.DeviceState(900 if busy else 1500, 71 if busy else 45, reasons)

    return state


def test_the_device_is_asked_while_it_works():
    _, samples, _ = run(watch=asked)
    assert set(samples.sm_clock_mhz) == {900}
    assert set(samples.temperature_c) == {71}
    assert samples.throttle_reasons == {"power cap": 30}
    _, samples, _ = run(**with_room("event_clock", STATE + WAIT, WAIT + STATE), watch=asked)
    assert set(samples.sm_clock_mhz) == {1500}


CAPTURE_FIRST = """        run.add_graph()  # before the warm-up: a capture empties the allocator's cache
        run.warm_up()
"""


def test_after_a_capture_everything_is_warm_again():
    late = with_room("protocol", CAPTURE_FIRST, "        run.warm_up()\n        run.add_graph()\n")
    source = inspect.getsource(protocol).replace(CAPTURE_FIRST, "        run.warm_up()\n        run.add_graph()\n")
    assert source.count("self._run_unmarked()") == 2
    late["protocol"]._Measurement._run_unmarked = lambda self: None
    late["protocol"]._Measurement.last_readings = lambda self: {}
    device, samples, _ = run(**late, dispatch_ns=1_000)
    assert "no memory is taken between the marks" in broken_promises(device, samples)


def streams(device) -> set[int]:
    """Where the last forward ran."""
    return {entry.stream for entry in forwards(device)[-1] if entry.what in ("kernel", "event")}


def test_a_capture_that_fails_leaves_the_stream_that_was():
    device, samples, _ = run(waits=True, dispatch_ns=1_000)
    assert "previous error during capture" in samples.graph_refused
    assert device.stream is device.default_stream
    assert streams(device) == {0}
    careless = with_room("graph_replay", "        torch.cuda.set_stream(before)\n", "        pass\n")
    device, _, _ = run(**careless, waits=True, dispatch_ns=1_000)
    assert streams(device) == {1}


def test_one_capture_stream_a_device_and_process():
    device = SimulatedDevice()
    run(device=device)
    run(device=device)
    assert len(device.streams) == 1
    wasteful = with_room("graph_replay", "@cache\n", "")
    device = SimulatedDevice()
    run(**wasteful, device=device)
    run(**wasteful, device=device)
    assert len(device.streams) == 2


TIGHT = {"takes": 40 << 20}
"""Two of a forward's outputs live at once, 80 MiB; a graph's pool holds as much again."""


def test_a_graph_whose_memory_does_not_fit_beside_a_forwards_is_left_out():
    device, samples, _ = run(device=SimulatedDevice(memory=140 << 20), **TIGHT, dispatch_ns=1_000)
    assert "out of memory" in samples.graph_refused
    assert list(samples.readings) == ["layers", "whole"]
    assert broken_promises(device, samples) == set()
    trusting = with_room(
        "protocol",
        "            self._run_unmarked()\n            self._alike_from",
        "            self._alike_from",
    )
    with pytest.raises(RuntimeError, match="out of memory"):
        run(**trusting, device=SimulatedDevice(memory=140 << 20), **TIGHT, dispatch_ns=1_000)


def test_without_a_wait_the_device_refuses_to_be_read():
    late = mutated(event_clock, "        events[-1].synchronize()\n", "")
    with pytest.raises(RuntimeError, match="must be completed"):
        run(event_clock=late)


def test_the_spin_covers_the_dispatch_and_the_result_says_how_long_it_is():
    _, samples, clock = run()
    assert clock.spin_ns >= 5 * SLOW_DISPATCH_NS
    assert all(reading.queued_ahead for readings in samples.readings.values() for reading in readings)
    assert clock.policy()["spin_ns"] == clock.spin_ns
    _, _, quick = run(dispatch_ns=1_000)
    assert quick.spin_ns == event_clock.FIRST_SPIN_NS


def test_layers_that_the_host_holds_up_are_named_where_no_spin_can_cover_them(monkeypatch):
    monkeypatch.setattr(event_clock, "LONGEST_SPIN_NS", 1_000)
    monkeypatch.setattr(event_clock, "FIRST_SPIN_NS", 1_000)
    _, samples, _ = run()
    reading = samples.readings["layers"][-1]
    assert reading.queued_ahead is False
    # 800 us of dispatch each: conv1 (900 us), conv2 (2.5 ms) keep the device busy, the others wait for the host.
    named = [name for name, bound in zip(LAYERS, reading.dispatch_bound(), strict=True) if bound]
    assert "relu1" in named
    assert "drop" in named
    assert "conv2" not in named


def test_the_graph_replays_the_same_kernels_in_one_launch():
    _device, samples, _ = run()
    busy = sum(LAYERS.values())
    assert all(abs(reading.whole_ns - busy) <= 2 for reading in samples.readings["graph"])


def test_a_graph_that_cannot_be_captured_is_left_out_with_its_reason(monkeypatch):
    def refuse(torch, device, module, x):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graph_replay, "capture", refuse)
    _, samples, _ = run()
    assert list(samples.readings) == ["layers", "whole"]
    assert "not permitted" in samples.graph_refused


def test_xpu_has_events_and_no_spin():
    device = SimulatedDevice()
    device.torch.cuda = None
    clock = event_clock.EventClock(device.torch, "xpu:0", 0, None, device.now_ns)
    layer = device.layer("conv", 1_000)
    for _ in range(5):
        device.log.clear()
        reading = protocol.forward(clock, (layer,), "x")
    assert [entry.what for entry in device.log] == ["event", "kernel", "event", "sync"]
    # Nothing covers the dispatch: the launch is in the time, and the reading says that it may be the host's.
    assert reading.queued_ahead is False
    assert reading.dispatch_bound() == (True,)
    assert clock.policy()["spin"] is None
    assert clock.name == "xpu events"


def test_the_host_clocks_seconds_decide_the_budget():
    _, samples, _ = run(budget_s=0.4, forwards=1000)
    assert samples.spent_s > samples.warm_up_spent_s > 0
    assert samples.stopped_by == "budget"
    assert 1 <= samples.rounds < 30


def test_a_mutation_that_no_longer_applies_is_an_error():
    with pytest.raises(AssertionError, match="stands 0 times"):
        mutated(event_clock, "nothing like this", "")
