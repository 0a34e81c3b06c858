"""One measurement as a forecast needs it: a bench result, read, and refused where nothing can be built on it."""

from __future__ import annotations

from math import prod
from statistics import median

from vggcost.bench import gates
from vggcost.bench.result import best_pass, case_title, load, shares
from vggcost.costs import variants
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.formulas import forward, latency
from vggcost.network import catalogue
from vggcost.predict.classes import Choice, element_bytes
from vggcost.predict.model import COMPILED, EAGER
from vggcost.predict.work import (
    ACTIVATION,
    BIAS,
    CLASSIFIER,
    CONVOLUTION,
    ELEMENTWISE,
    NORM,
    OTHER,
    SHALLOW,
    LayerWork,
    Pass,
    Product,
    works,
)
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

NANO = 1e-9
"""Seconds in a nanosecond."""

CEILINGS_APART = 1.3
"""So many times the ceilings of two results may differ: beyond it one of the runs was disturbed."""

FORBIDDING = ("few_forwards", "above_compute")
"""The gates of a bench result behind which its times are not believed: too few forwards, and ceilings that are none."""

ACTIVATIONS = ("ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softmax")
"""The kinds of module that are one pass over a tensor, each read and written."""


class Case(Record):
    """One network at one input, measured.

    seconds are the whole forward's or step's, timed the parts of it by layer, which sum to it; none where no layer was
    timed. works is all that it does. key says which network it is.
    """

    title: str
    key: str
    input: tuple[int, ...]
    seconds: float
    works: tuple[LayerWork, ...]
    timed: tuple[tuple[LayerWork, float], ...]

    @property
    def batch(self) -> int:
        """Images in one call."""
        return self.input[0]


class Measurement(Record):
    """A bench result: the file, the machine, how the networks ran, its ceilings [FLOP/s, B/s] and cases.

    doubts has the gates of its verdict that forbid nothing.
    """

    path: str
    environment: Mapping[str, Any]
    choice: Choice
    ceilings: Mapping[str, Any]
    cases: tuple[Case, ...]
    doubts: tuple[str, ...]

    @property
    def on_cpu(self) -> bool:
        """Whether a CPU was measured."""
        return str(self.environment["device"]) == "cpu"

    @property
    def machine(self) -> str:
        """The machine, for people; of a CPU with its threads, which make another machine of it."""
        name = str(self.environment["device_name"])
        if not self.on_cpu:
            return name
        threads = self.environment["threads"]
        return f"{name}, {threads} thread{'' if threads == 1 else 's'}"


def read(path: str) -> Measurement:
    """Return the measurement in a file.

    Raises:
        VggcostError: it cannot be read, is no bench result, has too few forwards or ceilings that are none, or timed a
            program whole, of which nobody knows the layers.
    """
    return of_document(load(path), path)


def of_document(document: Mapping[str, Any], path: str) -> Measurement:
    """Return the measurement of a bench result that was loaded.

    Raises:
        VggcostError: it has too few forwards or ceilings that are none, or timed a program whole.
    """
    said = [*document["verdict"], *gates.verdict(document)]
    for each in said:
        if each["gate"] in FORBIDDING:
            of_case = f"{each['case']}: " if each["case"] else ""
            raise VggcostError(f"nothing can be forecast from {path!r}: {of_case}{each['text']}", file=path)
    if document["ceilings"] is None:
        raise VggcostError(
            f"nothing can be forecast from {path!r}: it has no ceilings, which tell a disturbed run; bench again",
            file=path,
        )
    settings = document["settings"]
    mode = COMPILED if settings["compile"] else EAGER
    choice = Choice(settings["dtype"], mode, settings["channels_last"], settings["backward"])
    size = element_bytes(choice.dtype)
    return Measurement(
        path,
        document["environment"],
        choice,
        document["ceilings"],
        tuple(_case(each, size, path) for each in document["cases"]),
        tuple(dict.fromkeys(each["gate"] for each in said)),
    )


def _case(case: Mapping[str, Any], size: int, path: str) -> Case:
    seconds = latency.sustained_rate(median(best_pass(case)), NANO, 1)
    if not seconds:
        raise VggcostError(f"{path!r}: {case_title(case)} took no time; the file is damaged", file=path)
    layers = case["layers"] if any(layer["samples_ns"] for layer in case["layers"]) else []
    known = _of_catalogue(case)
    if known and layers and [row["name"] for row in layers if _works(row)] != [work.name for work in known]:
        known = ()  # a network file of one of our names
    found = known or tuple(_work(row, size, path) for row in layers if _works(row))
    if not found:
        raise VggcostError(
            f"nothing can be forecast from {path!r}: {case_title(case)} was timed whole, and its layers are not known;"
            " bench it without --whole, --compile and --backward, or bench a configuration",
            file=path,
        )
    return Case(
        case_title(case),
        key_of(case["network"]),
        tuple(case["input"]),
        seconds,
        found,
        _timed(case, seconds, found) if layers else (),
    )


def key_of(identity: Mapping[str, Any]) -> str:
    """Return which network this is, as a text to compare."""
    return repr((identity["name"], sorted((identity["options"] or {}).items(), key=str)))


def _of_catalogue(case: Mapping[str, Any]) -> tuple[LayerWork, ...]:
    """The work of one of our configurations; none where it is no such."""
    options, shape = case["network"]["options"], tuple(case["input"])
    if options is None or len(shape) != 4:
        return ()
    try:
        plan = catalogue.find(case["network"]["name"])
        given = {name: value for name, value in options.items() if value is not None}
        return works(table(variants.unfolded(plan, given, shape[2:]), shape).rows)
    except (VggcostError, ValueError, TypeError):
        return ()


def _timed(case: Mapping[str, Any], seconds: float, found: Sequence[LayerWork]) -> tuple[tuple[LayerWork, float], ...]:
    """The layers' parts of the whole, which was timed without marks; what does no work has none of it."""
    parts = [share for row, share in zip(case["layers"], shares(case), strict=True) if _works(row)]
    total = sum(parts) or 1.0
    return tuple(
        (work, latency.sustained_rate(seconds, part, 1 / total)) for work, part in zip(found, parts, strict=True)
    )


def _works(row: Mapping[str, Any]) -> bool:
    """Whether a layer is one of those that `vggcost.predict.work.works` has."""
    stays = row["kind"] == "AdaptiveAvgPool2d" and row.get("input", [])[2:] == row.get("output", [0, 0, 0])[2:]
    return bool(row["runs"]) and not stays


def _work(row: Mapping[str, Any], size: int, path: str) -> LayerWork:
    """The work of a layer of a program, from its row."""
    missing = [key for key in ("input", "output", "params") if not isinstance(row.get(key), list | int)]
    if missing:
        raise VggcostError(f"{path!r}: {row['name']} lacks {missing[0]}; bench again with this vggcost", file=path)
    inputs, outputs = prod(row["input"]), prod(row["output"])
    name, kind = row["name"], row["kind"]
    if row["macs"]:
        convolves = len(row["output"]) > 2
        columns = row["output"][1 if convolves else -1]
        depth = latency.gemm_depth(row["macs"], outputs)
        product = Product(
            flops=forward.flops(row["macs"]),
            rows=latency.gemm_depth(outputs, columns),
            columns=columns,
            depth=depth,
            inputs=inputs,
            outputs=outputs,
            params=row["params"],
            winograd=row["winograd"] and depth >= SHALLOW,
        )
        biased = convolves and row["params"] % columns == 0 and latency.gemm_depth(row["params"], columns) == depth + 1
        passes = (Pass(BIAS, latency.passed_elements(outputs), outputs),) if biased else ()
        return LayerWork(name, kind, CONVOLUTION if convolves else CLASSIFIER, product, passes)
    if kind.startswith("BatchNorm"):
        return LayerWork(name, kind, ELEMENTWISE, None, (Pass(NORM, latency.passed_elements(outputs), outputs),))
    if kind in ACTIVATIONS:
        return LayerWork(name, kind, ELEMENTWISE, None, (Pass(ACTIVATION, latency.passed_elements(outputs), outputs),))
    moved = latency.gemm_depth(row["min_bytes"], size)
    return LayerWork(name, kind, ELEMENTWISE, None, (Pass(OTHER, moved, moved),))


def together(measurements: Sequence[Measurement]) -> Measurement:
    """Return several results of one machine as one.

    Raises:
        VggcostError: they are of different machines, or of networks that ran in different ways, or their ceilings lie
            too far apart for both to be the machine's.
    """
    first = measurements[0]
    for other in measurements[1:]:
        for what, mine, its in (
            ("of", first.machine, other.machine),
            ("in", how_words(first.choice), how_words(other.choice)),
        ):
            if mine != its:
                raise VggcostError(
                    f"{first.path!r} is {what} {mine} and {other.path!r} {what} {its}; give results of one machine and"
                    " one way to run"
                )
    for name, unit in (("flops_per_s", "GFLOP/s"), ("bytes_per_s", "GB/s")):
        low, high = (pick(measurements, key=lambda each: each.ceilings[name]) for pick in (min, max))
        if high.ceilings[name] > latency.sustained_rate(low.ceilings[name], CEILINGS_APART, 1):
            values = [latency.sustained_rate(each.ceilings[name], NANO, 1) for each in (low, high)]
            raise VggcostError(
                f"the ceilings of {low.path!r} and {high.path!r} are {values[0]:.3g} and {values[1]:.3g} {unit}, more"
                f" than {CEILINGS_APART} times apart: one run was disturbed; bench again on an idle machine"
            )
    return first.replace(
        path=", ".join(each.path for each in measurements),
        cases=tuple(case for each in measurements for case in each.cases),
        doubts=tuple(dict.fromkeys(doubt for each in measurements for doubt in each.doubts)),
    )


def check_asked(
    measured: Measurement, dtype: str | None, *, channels_last: bool, compiled: bool, backward: bool
) -> None:
    """Refuse what was asked for otherwise than it was measured; what was not asked for is as it was measured.

    Raises:
        VggcostError: the dtype, the layout or the mode is another.
    """
    choice = measured.choice
    for option, asks, has in (
        (f"--dtype {dtype}", dtype not in (None, choice.dtype), choice.dtype),
        ("--channels-last", channels_last and not choice.channels_last, "channels first"),
        ("--compile", compiled and choice.mode != COMPILED, "eager mode"),
        ("--backward", backward and not choice.backward, "the forward alone"),
    ):
        if asks:
            raise VggcostError(
                f"{measured.path!r} measured {has}, and {option} asks for something else; bench with {option}, or"
                f" leave {option.split()[0]} away",
                file=measured.path,
            )


def how_words(choice: Choice) -> str:
    """How networks ran, for people."""
    layout = "channels last" if choice.channels_last else "channels first"
    return f"{choice.dtype}, {choice.mode}, {layout}, {'forward and backward' if choice.backward else 'forward alone'}"
