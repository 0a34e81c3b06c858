"""The model against arithmetic that is written out, and against the sum it shows."""

from __future__ import annotations

import math

import pytest

from vggcost.costs import variants
from vggcost.costs.table import table
from vggcost.network import catalogue
from vggcost.predict import datasheet, devices, parameters, subject
from vggcost.predict.classes import Choice

CARD = devices.shipped().find("RTX 3090")
SHIPPED = parameters.shipped()


def forecast(choice, batch=32, found=CARD, name="D"):
    network = variants.unfolded(catalogue.find(name), {}, None)
    return datasheet.predicted(subject.of_table(table(network, (batch, 3, 224, 224))), found, choice, SHIPPED, 80)


def by_hand(layer, choice, batch=32):
    """conv3_2 of VGG-16 on an RTX 3090, term by term [ms], from the datasheet's figures."""
    values = SHIPPED.values
    rows, depth = batch * 56 * 56, 9 * 256
    flops = 2 * rows * depth * 256
    blocks = math.ceil(rows / 128) * 2
    rate = 71.2e12 * values["tensor"] * values["boost"]
    compute = flops / rate * (depth + values["prologue"]) / depth * (1 + values["idle"] * 82 / blocks)
    tensor = 2 * rows * 256
    per_byte = 1 / (936e9 * values["memory"])

    def moved(count, held):
        hit = min(1, 6 * 2**20 / held)
        return count * per_byte * (1 - hit + hit / values["cache_speed"])

    weights = 2 * (depth * 256 + 256)
    eager = choice.mode == "eager"
    return {
        "compute_ms": 1e3 * compute,
        "memory_ms": 1e3 * moved(2 * tensor + weights, 2 * tensor),
        "conversion_ms": 0
        if choice.channels_last or not eager
        else 1e3 * values["conversions"] * moved(4 * tensor, 2 * tensor),
        "pass_ms": 1e3 * moved(2 * tensor, tensor) if eager else 0,
        "launch_ms": values["kernel_us"] * 1e-3 * (2 if eager else 1),
    }


@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_convolution_is_its_arithmetic(mode, channels_last):
    choice = Choice("float16", mode, channels_last)
    (layer,) = (row for row in forecast(choice).layers if row.name == "conv3_2")
    wanted = by_hand(layer, choice)
    assert dict(layer.terms) == pytest.approx(wanted)
    assert layer.bound == "compute"
    told = max(wanted["compute_ms"], wanted["memory_ms"])
    assert layer.ms == pytest.approx(told + sum(wanted[name] for name in ("conversion_ms", "pass_ms", "launch_ms")))


@pytest.mark.parametrize(
    "choice", [Choice(), Choice("tf32"), Choice("float16", "compiled"), Choice("float16", backward=True)]
)
def test_parts_and_layers_sum_to_the_time(choice):
    made = forecast(choice)
    assert sum(made.parts.values()) == pytest.approx(made.likely_ms)
    assert sum(row.ms for row in made.layers) == pytest.approx(made.likely_ms)
    assert made.low_ms < made.likely_ms < made.high_ms
    assert made.low_ms * made.high_ms == pytest.approx(made.likely_ms**2)
