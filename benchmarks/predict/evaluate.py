"""Tables of errors of `vggcost predict`: ``python benchmarks/predict/evaluate.py``, behind fit.py.

It writes vggcost/predict/evaluation.json, which `vggcost predict --evaluate` prints: every device left out in turn,
every source left out in turn, two baselines, what the error is without each term, and layers.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fit
from fit import ROWS, STATED, factors, left_out, name_of, residuals

from vggcost.predict import devices, evaluation, parameters, rows, scores
from vggcost.predict.classes import Choice, machine_of, sheet
from vggcost.predict.evaluation import works_of
from vggcost.predict.model import terms
from vggcost.predict.scores import ForecastResidual
from vggcost.predict.work import ACTIVATION, BIAS, CONVOLUTION, ELEMENTWISE, OTHER, SHALLOW, LayerWork, Pass, Product

if TYPE_CHECKING:
    from vggcost.predict.rows import Measured

LAYER_ROWS = Path(__file__).parent / "layer_rows.csv"


def with_intervals(found: list[ForecastResidual]) -> list[ForecastResidual]:
    """Each with the factor that the rows of all other devices give: what it would have been told."""
    made = []
    for device in sorted({row.device for row in found}):
        others = factors([row for row in found if row.device != device])
        for row in (row for row in found if row.device == device):
            value = max(others[name][80] for name in ("all", name_of(row)) if name in others)
            made.append(row.replace(factor=value))
    return made


def tables(found: list[ForecastResidual]) -> dict[str, Any]:
    """The figures of all, of each class, each mode on tensor cores, and each device."""
    return {
        **scores.tables(found),
        "tensor_modes": scores.by_mode(found),
        "by_device": scores.by_device(found),
    }


def without_intervals(found: list[ForecastResidual]) -> dict[str, Any]:
    """The same for a way that has none: all, and each class."""
    return {
        group: {key: value for key, value in its.items() if not key.startswith("coverage")}
        for group, its in scores.tables(found).items()
    }


def by_device(row: Measured) -> str:
    """What is left out together: a card."""
    return row.device.name


def by_source(row: Measured) -> str:
    """What is left out together: all that one source measured."""
    return row.family


def roofline(row: Measured) -> float:
    """log(predicted / measured) of a plain roofline: the longer of compute and least bytes, layer by layer."""
    rates = sheet(row.device, row.wanted)
    seconds = 0.0
    for work in works_of(row.model, row.batch, row.size):
        size = 4 if row.choice.dtype in ("float32", "tf32") else 2
        if work.product is None:
            seconds += sum(each.moved for each in work.passes) * size / rates.bytes_per_s
            continue
        product = work.product
        peak = rates.convolution_flops_per_s if work.part == CONVOLUTION else rates.linear_flops_per_s
        moved = (product.inputs + product.outputs + product.params) * size
        seconds += max(product.flops / peak, moved / rates.bytes_per_s)
    return math.log((seconds + evaluation.copy_seconds(row, STATED)) / row.seconds)


def flop_ratios(given: list[Measured]) -> list[float]:
    """The same of FLOPs alone: each class runs at the share of the peak that is the median of its other devices'."""
    shares = [flops_of(row) / sheet(row.device, row.wanted).convolution_flops_per_s / row.seconds for row in given]
    found = []
    for row, share in zip(given, shares, strict=True):
        others = [
            each
            for each, other in zip(shares, given, strict=True)
            if other.wanted == row.wanted and other.device.name != row.device.name
        ]
        found.append(math.log(share / scores.median(others)) if others else math.log(share))
    return found


def flops_of(row: Measured) -> int:
    """FLOPs of a row's network."""
    return sum(work.product.flops for work in works_of(row.model, row.batch, row.size) if work.product)


WITHOUT = {
    "boost": ("clock of GeForce and Titan boards", {"boost": 1.0}),
    "conversions": ("layout conversions", {"conversions": 1e-9}),
    "cache_speed": ("second-level cache", {"cache_speed": 1 + 1e-9}),
    "idle": ("waves", {"idle": 1e-9}),
    "prologue": ("depth of products", {"prologue": 1e-9}),
    "kernel_us": ("launches", {"kernel_us": 1e-9}),
    "copy_gb_per_s": ("copies that sources time", {"copy_gb_per_s": 1e9}),
}


def without(given: list[Measured], over: dict[str, float]) -> dict[str, float]:
    """The median errors of the model without a term: devices left out, and sources left out."""
    stated, free = dict(fit.STATED), dict(fit.FITTED)
    try:
        for name, value in over.items():
            fit.FITTED.pop(name, None)
            fit.STATED[name] = value
        out = [scores.score(residuals(given, left_out(given, key))) for key in (by_device, by_source)]
    finally:
        fit.STATED.clear()
        fit.STATED.update(stated)
        fit.FITTED.clear()
        fit.FITTED.update(free)
    return {"device_out": out[0]["median"], "source_out": out[1]["median"]}


def layer_ratios(table: list[dict[str, str]]) -> list[ForecastResidual]:
    """log(predicted / measured) of single layers, by the shipped parameters; those by FFT are left out."""
    shipped, known = parameters.shipped(), devices.shipped()
    found = []
    for row in table:
        if "fft" in row["algo"].lower() or row["dtype"] != "fp32":
            continue
        device = known.find(row["card"]).device
        _, machine = machine_of(device, Choice(), shipped.values)
        seconds = terms(layer_work(row), machine).seconds
        ratio = math.log(seconds * 1e3 / float(row["fwd_ms"]))
        found.append(ForecastResidual(device.name, "fp32", "eager", row["source"].split("/")[0], ratio, 1.0))
    return found


def layer_work(row: dict[str, str]) -> LayerWork:
    """The work of a layer of the table: a 3x3 convolution, a ReLU, a pool, a linear layer."""
    batch, c_in, c_out, side = (int(float(row[name])) for name in ("batch", "Cin", "Cout", "H"))
    outputs = batch * c_out * side * side
    if "relu" in row["layer"]:
        return LayerWork(row["layer"], "ReLU", ELEMENTWISE, None, (Pass(ACTIVATION, 2 * outputs, outputs),))
    if "pool" in row["layer"]:
        moved = outputs + outputs // 4
        return LayerWork(row["layer"], "MaxPool2d", ELEMENTWISE, None, (Pass(OTHER, moved, moved),))
    depth = 9 * c_in
    product = Product(
        flops=2 * depth * outputs,
        rows=batch * side * side,
        columns=c_out,
        depth=depth,
        inputs=batch * c_in * side * side,
        outputs=outputs,
        params=depth * c_out,
        winograd=depth >= SHALLOW,
    )
    # DeepBench, which names the algorithm, times the convolution alone; Caffe its bias, too.
    passes = () if row["algo"] else (Pass(BIAS, 2 * outputs, outputs),)
    return LayerWork(row["layer"], "Conv2d", CONVOLUTION, product, passes)


def main() -> None:
    """Evaluate, and write the tables."""
    read = rows.read(str(ROWS), devices.shipped())
    given, shipped = list(read.scored), parameters.shipped()
    if shipped.data["rows_sha256"] != read.sha256:
        raise SystemExit("the parameters were fitted on other rows; run fit.py first")
    device_out = with_intervals(residuals(given, left_out(given, by_device)))
    ratios = left_out(given, by_source)
    factor = {(row.device, row.wanted, row.mode): row.factor for row in device_out}
    source_out = [row.replace(factor=factor[row.device, row.wanted, row.mode]) for row in residuals(given, ratios)]
    with LAYER_ROWS.open(encoding="utf-8", newline="") as file:
        layers = layer_ratios([row for row in csv.DictReader(file) if "fc" not in row["layer"]])
    data = {
        "schema": "vggcost.predict-tables/1",
        "rows_sha256": read.sha256,
        "parameters_sha256": parameters.shipped_sha256(),
        "left_out": dict(read.left_out),
        "device_out": tables(device_out),
        "source_out": tables(source_out),
        "roofline": without_intervals(residuals(given, [roofline(row) for row in given])),
        "flop_ratio": without_intervals(residuals(given, flop_ratios(given))),
        "without": {name: {"what": what, **without(given, over)} for name, (what, over) in WITHOUT.items()},
        "layers": without_intervals(layers)["all"],
    }
    text = json.dumps(data, indent=1) + "\n"
    Path(evaluation.EVALUATION_FILE).write_text(text, encoding="utf-8")
    for name in ("device_out", "source_out", "roofline", "flop_ratio"):
        for group, its in data[name].items():
            if "median" in its:
                print(name, group, {key: round(value, 3) for key, value in its.items()})
    for name in ("without", "layers"):
        print(data[name])
    for name, its in data["device_out"]["tensor_modes"].items():
        print(name, {key: round(value, 3) for key, value in its.items()})


if __name__ == "__main__":
    main()
