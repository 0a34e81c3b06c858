"""What makes a timing doubtful: each gate says what was seen, the likely cause, and the flag to try.

A gate reads the document alone, so a loaded result is judged as a fresh one is. It yields (case, text), where the case
is empty for what concerns the whole run.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.algorithms import SLACK, beaten, compute_kernel, memory_kernel
from vggcost.bench.device_gates import DEVICE_GATES, bound_layers
from vggcost.bench.protocol import LAYERS, WHOLE
from vggcost.bench.result import best_pass, case_title, pass_samples, rates, ratio_to_whole
from vggcost.bench.statistics import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Document = Mapping[str, Any]
    Case = Mapping[str, Any]
    Found = Iterator[tuple[str, str]]

LAYERS_OVER_WHOLE = 0.03
"""How far the layers' sum may lie from the pass without instruments."""

NOISY_SPREAD = 0.1
"""An interquartile range of this part of the median is worth a warning."""

LOADED = 1.25
"""A run queue this much longer than the cores that the run leaves free means that others ran too."""

PAPER_ORDER = ("A", "B", "D", "E")


def verdict(document: Document) -> list[dict[str, str]]:
    """Return every gate that tripped, as gate, case and text."""
    return [
        {"gate": gate.__name__.strip("_"), "case": case, "text": text}
        for gate in GATES
        for case, text in gate(document)
    ]


def _incomplete(document: Document) -> Found:
    # What was refused has lines of its own.
    if document.get("interrupted", not document["complete"]):
        yield "", "the run was ended before it was complete; this is what was measured until then"


def _refused(document: Document) -> Found:
    for refusal in document.get("refused", ()):
        yield refusal["case"], f"it was refused, and is not among these numbers: {refusal['reason']}"


def _few_forwards(document: Document) -> Found:
    rule = document["settings"]["rule"]
    for case in document["cases"]:
        if case["stopped_by"] != "budget" or case["rounds"] >= rule["forwards"]:
            continue
        needed_s = max(ceil(1.2 * _needed_s(case, rule["forwards"])), floor(rule["budget_s"]) + 1)
        text = f"the budget of {rule['budget_s']:g} s ended after {case['rounds']} of {rule['forwards']} forwards"
        yield case_title(case), f"{text}; give --budget {needed_s}"


def _needed_s(case: Case, forwards: int) -> float:
    """Seconds on the host's clock for warm-up and that many rounds, each with its spins, by those that were taken."""
    warm_up_s, spent_s = case.get("warm_up_spent_s", 0.0), case.get("spent_s", 0.0)
    if not spent_s:  # a result of before: the times between the marks alone
        warm_up_s = sum(case["warm_up_ns"]) / 1e9
        spent_s = warm_up_s + sum(sum(pass_samples(case, name)) for name in case["passes"]) / 1e9
    return float(warm_up_s + forwards * (spent_s - warm_up_s) / max(1, case["rounds"]))


def _spread(document: Document) -> Found:
    for case in document["cases"]:
        numbers = summary(best_pass(case))
        if numbers and numbers.spread > NOISY_SPREAD:
            text = f"the middle half of the forwards spreads over {numbers.spread:.0%} of the median: other work on the"
            advice = "machine, or clocks that change; stop it, or give a larger --budget and compare minima"
            yield case_title(case), f"{text} {advice}"


def _loaded(document: Document) -> Found:
    environment = document["environment"]
    load, threads, cores = (environment.get(key) for key in ("load_average", "threads", "cpu_cores"))
    # A minute's mean before the first forward: what it holds is not ours.
    if environment["device"] == "cpu" and load and threads and cores and load > LOADED * max(1, cores - threads):
        mine = f"{units.counted(threads, 'thread')} on {units.counted(cores, 'core')}"
        text = f"the load average was {load:g} before the first forward, for {mine}"
        fewer = ", or give fewer --threads" if threads > 1 else ""
        yield "", f"{text}: others ran beside it; repeat when the machine is idle{fewer}"


def _layers_over_whole(document: Document) -> Found:
    for case in document["cases"]:
        ratio = ratio_to_whole(case, LAYERS)
        if ratio is not None and abs(ratio - 1) > LAYERS_OVER_WHOLE:
            text = f"the layers sum to {ratio:.1%} of the pass without instruments"
            yield case_title(case), f"{text}: {_why_layers_differ(document, case, ratio)}"


def _why_layers_differ(document: Document, case: Case, ratio: float) -> str:
    if document["settings"]["protocol"].get("synchronised_marks"):
        return "the host clock has to wait for this device at every layer; believe --whole"
    if ratio > 1 and bound_layers(case):
        return "the host queued kernels more slowly than the device ran them; try a larger --batch, or believe --whole"
    numbers = summary(best_pass(case))
    if numbers and numbers.n < document["settings"]["rule"]["forwards"]:
        return f"{numbers.n} forwards are too few to say; give a larger --budget"
    if numbers and numbers.spread > LAYERS_OVER_WHOLE:
        apart = f"single forwards differ by more than that themselves (quartiles {numbers.spread:.0%} apart)"
        return f"{apart}; repeat on an idle machine, or give a larger --budget"
    return "marks cost time where layers are this short; believe --whole, or try a larger --batch"


def _above_memory(document: Document) -> Found:
    """A layer moves more than memory can, even if the cache has held all that it can of what goes in and comes out."""
    ceilings, cache = document["ceilings"], document["environment"].get("cache_bytes")
    if not ceilings or not cache:
        return
    for case in document["cases"]:
        for layer in case["layers"]:
            fraction = rates(layer, ceilings)["bytes_fraction"]
            # Of the input that much may come from the cache, and of the output that much may still stand there.
            from_memory = layer["min_bytes"] - 2 * cache
            if fraction and from_memory > 0 and fraction * from_memory / layer["min_bytes"] > SLACK:
                moved, held = units.human_bytes(layer["min_bytes"]), units.human_bytes(cache)
                text = f"{layer['name']} moves {moved} at {fraction:.0%} of the speed of the {memory_kernel(ceilings)}"
                causes = f"more than the cache of {held} explains: that was disturbed, or the layer did not do its work"
                yield case_title(case), f"{text}, {causes}; repeat, and compare with --whole"


def _above_compute(document: Document) -> Found:
    """One line a network, for what is wrong with the ceiling is wrong for all of its layers."""
    for case in document["cases"]:
        found = beaten(document, case)
        if found:
            names = ", ".join(f"{one.name} at {one.fraction:.0%}" for one in found[:6])
            names += f" and {len(found) - 6} more" if len(found) > 6 else ""
            limit = " or ".join(f"{saving:.3g}x" for saving in sorted({one.saving for one in found}))
            text = f"the ceiling is none: {names} of the FLOP/s of the {compute_kernel(document['ceilings'])}"
            cause = f"above the {limit} that the algorithms can save: {_why_above_compute(document)}"
            yield case_title(case), f"{text}, {cause}"


def _why_above_compute(document: Document) -> str:
    tried, dtype = len(document["ceilings"].get("compute") or (1,)), document["settings"]["dtype"]
    all_of_them = "the only kernel tried takes" if tried == 1 else f"all {tried} kernels tried take"
    slow = f"in {dtype} {all_of_them} a slower path here than the network's own"
    return f"it was disturbed, or {slow}; repeat on an idle machine, and believe the times, not Roof or FLOP peak"


def _paper_order(document: Document) -> Found:
    """A < B < D < E: each does all that the one before it does, and more."""
    for group in _grouped(document, lambda case: (_variant(case), tuple(case["input"]))):
        by_name = {case["network"]["name"]: case for case in group}
        chain = [by_name[name] for name in PAPER_ORDER if name in by_name]
        yield from _not_below(document, chain, "does all that it does and more")


def _batch_norm_costs(document: Document) -> Found:
    def identity(case: Case) -> Any:
        return case["network"]["name"], _variant(case, "batch_norm"), tuple(case["input"])

    for group in _grouped(document, identity):
        plain = [case for case in group if not (case["network"]["options"] or {}).get("batch_norm")]
        normed = [case for case in group if (case["network"]["options"] or {}).get("batch_norm")]
        if plain and normed:
            yield from _not_below(document, [plain[0], normed[0]], "has batch normalization on top")


def _not_below(document: Document, chain: list[Case], reason: str) -> Found:
    on_cuda = document["environment"]["device"].startswith("cuda")
    tuned = on_cuda and document["settings"]["cudnn_benchmark"]
    fix = "repeat, or fix the algorithm with --no-cudnn-benchmark" if tuned else "repeat on an idle machine"
    for less, more in pairwise(chain):
        small, large = summary(best_pass(less)), summary(best_pass(more))
        if small and large and large.q3_ns < small.q1_ns:
            times = (
                f"{units.milliseconds(large.median_ns)} and {case_title(less)} {units.milliseconds(small.median_ns)}"
            )
            causes = "the machine changed between them, or another algorithm was chosen"
            yield case_title(more), f"it takes {times}, yet it {reason}: {causes}; {fix}"


def _batch_doubling(document: Document) -> Found:
    """Twice the images take at most twice the time: the device could have run them one half after the other."""
    for group in _grouped(document, lambda case: (case["network"]["name"], _variant(case), tuple(case["input"][1:]))):
        for one, more in pairwise(sorted(group, key=lambda case: int(case["input"][0]))):
            times = more["input"][0] / one["input"][0]
            small, large = summary(best_pass(one)), summary(best_pass(more))
            if small and large and times > 1 and large.q1_ns > times * small.q3_ns:
                longer = f"{large.median_ns / small.median_ns:.2f} times as long"
                text = f"{times:g} times the images of batch {one['input'][0]} take {longer}"
                causes = "memory runs short, clocks fell, or other work ran"
                between = ", try a batch in between" if more["input"][0] - one["input"][0] > 1 else ", and repeat"
                yield case_title(more), f"{text}: {causes}; watch memory and temperature{between}"


def _no_autotuning(document: Document) -> Found:
    if document["environment"]["device"].startswith("cuda") and not document["settings"]["cudnn_benchmark"]:
        text = "cuDNN's autotuning was off, without which VGG-16 has taken twice as long elsewhere"
        yield "", f"{text}; --cudnn-benchmark shows what the device can do"


def _no_layers(document: Document) -> Found:
    for case in document["cases"]:
        if case.get("layers_refused"):
            text = f"torch.fx could not follow its forward ({case['layers_refused']})"
            yield case_title(case), f"{text}, so there are no per-layer times; the whole stands alone"


def _variant(case: Case, without: str = "") -> str:
    options = case["network"]["options"] or {}
    return repr(sorted((key, repr(value)) for key, value in options.items() if key != without))


def _grouped(document: Document, key: Callable[[Case], Any]) -> list[list[Case]]:
    groups: dict[Any, list[Case]] = {}
    for case in document["cases"]:
        if pass_samples(case, WHOLE):
            groups.setdefault(key(case), []).append(case)
    return list(groups.values())


GATES: tuple[Callable[[Document], Found], ...] = (
    _incomplete,
    _refused,
    _few_forwards,
    _spread,
    _loaded,
    _layers_over_whole,
    _above_memory,
    _above_compute,
    _paper_order,
    _batch_norm_costs,
    _batch_doubling,
    _no_autotuning,
    _no_layers,
    *DEVICE_GATES,
)
