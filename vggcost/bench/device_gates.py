"""Gates that concern the device: its queue, its clock, its graph, and who else is on it. See `gates`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.protocol import GRAPH, LAYERS, WHOLE
from vggcost.bench.result import case_title, ratio_to_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document = Mapping[str, Any]
    Case = Mapping[str, Any]
    Found = Iterator[tuple[str, str]]

SLOW_CLOCK = 0.75
"""Samples under this part of the default SM clock are flagged."""

GRAPH_GAIN = 0.03
"""A replay that is faster by more than this part of the whole says that the whole holds gaps."""

PASSES = {LAYERS: "the pass with marks", WHOLE: "the whole", GRAPH: "the graph replay"}


def bound_layers(case: Case) -> list[str]:
    """Return the layers that the host queued more slowly than the device ran them, in most forwards."""
    return [layer["name"] for layer in case["layers"] if 2 * layer["dispatch_bound"] > len(layer["samples_ns"])]


def late_passes(case: Case) -> list[str]:
    """Return the passes that the host had not queued when the device began them, in most forwards."""
    ahead = {name: measured.get("queued_ahead") or [] for name, measured in case["passes"].items()}
    return [name for name, each in ahead.items() if 2 * each.count(False) > len(each)]


def _dispatch_bound(document: Document) -> Found:
    for case in document["cases"]:
        late, bound = late_passes(case), bound_layers(case)
        replay = GRAPH in case["passes"] and GRAPH not in late
        advice = "try a larger --batch" + (", or read the graph replay" if replay else "")
        if WHOLE in late or GRAPH in late:
            names = " and ".join(PASSES[name] for name in late)
            why = case.get("late_because") or _why_late(document)
            held = "was" if len(late) == 1 else "were"
            text = f"{names} {held} not queued before the device began, in most forwards"
            yield case_title(case), f"{text}: {why}. That time may be the host's; {advice}"
        if bound:
            names = ", ".join(bound[:6]) + (f" and {len(bound) - 6} more" if len(bound) > 6 else "")
            text = f"the host took as long to queue {names} as the device to run it"
            yield case_title(case), f"{text}: that time is Python's, not the device's; {advice}"


def _why_late(document: Document) -> str:
    if document["settings"]["protocol"]["spin"] is None:
        return "torch has no spin for this device, behind which a forward could be queued"
    return "the host was slower than in warm-up"


def _launch_blocking(document: Document) -> Found:
    switch = document["environment"].get("launch_blocking")
    if switch:
        text = f"{switch} is set: the host waits for every kernel, so no forward is queued ahead"
        yield "", f"{text} and all times hold Python's own; unset it, and repeat"


def _other_processes(document: Document) -> Found:
    others = (document["environment"].get("nvml") or {}).get("other_processes")
    if others:
        one = f"{others} other process computes" if others == 1 else f"{others} other processes compute"
        yield "", f"{one} on this GPU (nvidia-smi names them): they share its time and clock; repeat without them"


def _mig(document: Document) -> Found:
    if (document["environment"].get("nvml") or {}).get("mig"):
        text = "this is a slice of a GPU (MIG): the ceilings are the slice's own, and the other slices share clock and"
        yield "", f"{text} power with it; repeat when they are idle"


def _slow_clock(document: Document) -> Found:
    nvml = document["environment"].get("nvml") or {}
    kind = "default" if nvml.get("default_sm_clock_mhz") else "highest"
    reference = nvml.get(f"{kind}_sm_clock_mhz")
    if not reference:
        return
    for case in document["cases"]:
        clocks = [clock for clock in case["sm_clock_mhz"] if clock is not None]
        slow = [clock for clock in clocks if clock < SLOW_CLOCK * reference]
        if slow:
            text = f"{len(slow)} of {len(clocks)} forwards ran under {SLOW_CLOCK:.0%} of the {kind} SM clock"
            clock = f"of {reference} MHz (down to {min(slow)})"
            yield case_title(case), f"{text} {clock}: power or heat; let it cool, or lock its clocks: nvidia-smi -lgc"


def _throttled(document: Document) -> Found:
    for case in document["cases"]:
        load = case.get("under_load") or {}
        reasons = load.get("throttle_reasons") or {}
        if reasons:
            names = " and ".join(f"{name} in {units.counted(rounds, 'round')}" for name, rounds in reasons.items())
            heat = load.get("temperature_c")
            hot = f", at up to {heat['max']} C" if heat else ""
            text = f"the device throttled its clock ({names} of {case['rounds']}{hot})"
            yield (
                case_title(case),
                f"{text}: let it cool, raise its power limit, or read these as times under that limit",
            )


def _no_graph(document: Document) -> Found:
    for case in document["cases"]:
        if case.get("graph_refused"):
            yield case_title(case), f"no graph could be captured ({case['graph_refused']}); the whole stands alone"


def _graph_gain(document: Document) -> Found:
    for case in document["cases"]:
        ratio = ratio_to_whole(case, GRAPH)
        if ratio is not None and ratio < 1 - GRAPH_GAIN:
            text = f"the graph's replay takes {ratio:.1%} of the whole"
            yield case_title(case), f"{text}: the whole holds gaps between kernels; try a larger --batch, or a graph"


DEVICE_GATES = (
    _dispatch_bound,
    _launch_blocking,
    _other_processes,
    _mig,
    _slow_clock,
    _throttled,
    _no_graph,
    _graph_gain,
)
