"""The protocol's promises on a simulated device, and for each a mutation of the code that must break it."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest
from simulated_device import Entry, SimulatedDevice

from vggcost.bench import event_clock, graph_replay, protocol

LAYERS = {"conv1": 900_123, "relu1": 40_017, "conv2": 2_500_031, "drop": 3_001, "fc": 700_009}
"""Busy times [ns]; together 4.1 ms."""
SLOW_DISPATCH_NS = 800_000
"""Five of these are 4 ms: longer than the first spin, so the spin has to grow."""


def run(protocol=protocol, event_clock=event_clock, *, dispatch_ns=SLOW_DISPATCH_NS, graph=True, reset=True, **rule):
    """Measure five layers on a simulated device; return the device, the samples and the clock."""
    device = SimulatedDevice()
    clock = event_clock.EventClock(device.torch, "cuda:0", 1 << 20, None, device.now_ns)
    device.log.clear()
    made = clock.marks
    clock.marks = lambda count: (device.note("begin"), made(count))[1]
    layers = tuple(device.layer(name, busy_ns, dispatch_ns) for name, busy_ns in LAYERS.items())

    def whole(x):
        for layer in layers:
            x = layer(x)
        return x

    work = protocol.Work(
        "five layers",
        whole,
        "x",
        layers,
        (lambda: device.note("reset")) if reset else None,
        (lambda: graph_replay.capture(device.torch, whole, "x")) if graph else None,
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
    """What was queued, and in which order."""
    whats = [entry.what for entry in log]
    kernels = len(LAYERS)
    chain = ["event", *["kernel", "event"] * kernels] if layered else ["event", *["kernel"] * kernels, "event"]
    first = whats.index("event")
    kept = {
        "order" if layered else "no marks inside the whole": [what for what in whats if what in ("event", "kernel")]
        == chain,
        "one wait": whats.count("sync") == 1 and whats[-1] == "sync",
        "flush and spin first": [what for what in whats[:first] if what in ("flush", "spin")] == ["flush", "spin"],
        "nothing else between the marks": not {"flush", "spin"} & set(whats[first:]),
        "reset outside the marks": whats.count("reset") == 1 and "reset" in whats[:first],
    }
    return {promise for promise, held in kept.items() if not held}


def broken_times(log: list[Entry], reading, *, layered: bool) -> set[str]:
    """What the reading says, held against what the device did; float32 milliseconds are good to 2 ns here."""
    events = [entry for entry in log if entry.what == "event"]
    busy = [entry.ends_ns - entry.begins_ns for entry in log if entry.what == "kernel"]
    ahead = events[-1].host_ns < events[0].begins_ns
    device_ns = events[-1].begins_ns - events[0].begins_ns
    expected = busy if layered else [sum(busy)]
    kept = {
        "spin covers the dispatch": ahead,
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


MUTATIONS = [
    ("flush and spin first", "protocol", "    clock.prepare()\n", ""),
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
        "        x = operation(x)\n        record(index)\n        clock.prepare()\n",
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
        "        _warm_up(clock, work, passes, rule, samples, progress)\n",
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
        "            self._sleep(round(self.spin_ns * self._cycles_per_ns))\n",
        "            self._sleep(1)\n",
    ),
    (
        "spin covers the dispatch",
        "event_clock",
        "            self._clock.lengthen_spin(queued[-1])\n",
        "            pass\n",
    ),
    (
        "a layer's time is its kernel's",
        "event_clock",
        "            self._sleep(round(self.spin_ns * self._cycles_per_ns))\n",
        "            self._sleep(1)\n",
    ),
    (
        "tells whether the queue was ahead",
        "event_clock",
        "        ahead = not events[0].query()\n        events[-1].synchronize()\n",
        "        events[-1].synchronize()\n        ahead = not events[0].query()\n",
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


@pytest.mark.parametrize(("promise", "room", "old", "new"), MUTATIONS)
def test_a_mutation_breaks_its_promise(promise, room, old, new):
    rooms = {"protocol": protocol, "event_clock": event_clock}
    rooms[room] = mutated(rooms[room], old, new)
    # A mutated protocol brings its own ForwardTimes, which the clock has to make then.
    if room == "protocol":
        rooms["event_clock"] = mutated(event_clock, "import ForwardTimes\n", "import ForwardTimes as _ForwardTimes\n")
        rooms["event_clock"].ForwardTimes = rooms["protocol"].ForwardTimes
    device, samples, _ = run(**rooms)
    assert promise in broken_promises(device, samples)


def test_without_a_wait_the_device_refuses_to_be_read():
    late = mutated(event_clock, "        events[-1].synchronize()\n", "")
    with pytest.raises(RuntimeError, match="must be completed"):
        run(event_clock=late)


def test_the_spin_grows_until_it_covers_the_dispatch_and_the_result_says_how_long_it_is():
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
    def refuse(torch, module, x):
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
    _, samples, _ = run(budget_s=0.2, forwards=1000)
    assert samples.stopped_by == "budget"
    assert 1 <= samples.rounds < 30


def test_a_mutation_that_no_longer_applies_is_an_error():
    with pytest.raises(AssertionError, match="stands 0 times"):
        mutated(event_clock, "nothing like this", "")
