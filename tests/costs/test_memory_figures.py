"""Figures of memory and training as they are quoted: what torch 2.13 held and counted, in bytes and FLOP."""

from __future__ import annotations

import pytest

from vggcost import cost
from vggcost.costs.training import Training, frozen_layers
from vggcost.results.memory import Memory


def memory(name, batch=1, training=None, *, dtype="float32", in_place=True, **options):
    counted = cost(name, batch=batch, **options).table
    return Memory(counted, dtype, training or Training(), in_place=in_place)


PEAKS = {
    "A": 22_478_848,
    "A-LRN": 51_380_224,
    "B": 25_690_112,
    "C": 25_690_112,
    "D": 25_690_112,
    "E": 25_690_112,
}
SAVED = {"A": 48_869_376, "A-LRN": 101_052_416, "B": 68_136_960, "D": 73_355_264, "E": 78_573_568}
STEP_FLOPS = {"A": 45_481_132_032, "B": 67_677_388_800, "D": 92_648_177_664, "E": 117_618_966_528}
STEP_PEAKS = {
    ("A", 1): 1_106_228_552,
    ("B", 1): 1_126_234_184,
    ("C", 1): 1_133_911_112,
    ("D", 1): 1_169_562_696,
    ("E", 1): 1_212_891_208,
    ("A", 8): 1_441_494_344,
    ("D", 8): 1_665_586_248,
    ("E", 8): 1_734_799_432,
}


@pytest.mark.parametrize("name", PEAKS)
@pytest.mark.parametrize("batch", [1, 8])
def test_a_forward_and_a_step_at_batch_1_and_8(name, batch):
    found = memory(name, batch)
    totals = found.totals
    assert totals.peak_bytes == batch * PEAKS[name]
    assert totals.saved_bytes == batch * SAVED.get(name, totals.saved_bytes // batch)
    assert totals.step_flops == batch * STEP_FLOPS.get(name, totals.step_flops // batch)
    assert totals.training_peak_bytes == STEP_PEAKS.get((name, batch), totals.training_peak_bytes)
    assert totals.step_flops == 3 * totals.forward_flops - 2 * found.table.rows[0].macs
    assert (totals.gradient_bytes, totals.optimizer_bytes) == (totals.weight_bytes, 0)


def test_the_figures_of_d():
    totals = memory("D", training=Training("adam")).totals
    assert totals.output_bytes == 114_804_640
    assert totals.weight_layer_output_bytes == 54_226_848
    assert totals.optimizer_bytes == 1_106_860_352
    assert totals.saved_bytes - memory("D").totals.input_bytes == 73_355_264 - 602_112
    assert memory("D", 64).totals.saved_bytes == 4_694_736_896
    with_norms = memory("D", batch_norm=True).totals
    assert (with_norms.saved_bytes, with_norms.buffer_bytes) == (127_579_136, 33_896)
    # The running mean and variance of each norm are among what other tools call saved.
    assert with_norms.saved_bytes + 2 * 4224 * 4 == 127_612_928


def test_the_places_of_maxima_are_eight_bytes_each_of_what_d_keeps():
    pools = [row.output_elements for row in memory("D").table.rows if row.kind == "MaxPool2d"]
    assert 8 * sum(pools) == 12_242_944


def test_lrn_keeps_its_input_four_times_but_for_the_borders():
    rows = memory("A-LRN").table.rows
    lrn = next(row for row in rows if row.kind == "LocalResponseNorm")
    n, c, h, w = lrn.output
    assert SAVED["A-LRN"] - SAVED["A"] == 4 * n * h * w * (4 * c + 5 - 1)
    assert SAVED["A-LRN"] - SAVED["A"] == memory("A-LRN").totals.saved_bytes - memory("A").totals.saved_bytes


@pytest.mark.parametrize("name", ["A", "A-LRN", "D"])
def test_out_of_place_keeps_the_same_and_holds_more(name):
    beside, over = memory(name, in_place=False).totals, memory(name).totals
    assert beside.saved_bytes == over.saved_bytes
    assert memory("A", in_place=False).totals.peak_bytes == 25_690_112
    assert beside.peak_bytes >= over.peak_bytes


def test_frozen_features_of_d():
    counted = memory("D").table
    totals = memory("D", training=Training(frozen=frozen_layers(counted, ["features"]))).totals
    assert (totals.saved_bytes, totals.step_flops) == (198_656, 31_229_542_400)


def test_a_block_of_the_residual_network_waits():
    assert memory("residual-vgg16", size=64).totals.peak_bytes == 3_145_728


def test_statistics_of_a_batch_are_float32_at_any_dtype_and_dropouts_mask_is_an_element():
    half, full = memory("D", batch_norm=True, dtype="float16").totals, memory("D", batch_norm=True).totals
    places = 12_242_944
    statistics = 2 * 4224 * 4
    assert 2 * (half.saved_bytes - places - statistics) == full.saved_bytes - places - statistics


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_the_breakdown_of_d_at_batch_64_in_half_precision_adds_up(optimizer):
    found = memory("D", 64, Training(optimizer), dtype="float16")
    parts = [getattr(found.peak, name) for name in found.peak._fields if name.endswith("_bytes")]
    assert sum(parts) == found.peak.bytes == found.totals.training_peak_bytes
    for name in ("weight_bytes", "buffer_bytes", "gradient_bytes", "optimizer_bytes", "output_bytes", "saved_bytes"):
        assert sum(getattr(row, name) for row in found.layers) == getattr(found.totals, name), name
