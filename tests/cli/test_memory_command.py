"""``vggcost memory``: the breakdown adds up, rows sum to totals, and contradictory options are refused."""

from __future__ import annotations

import json

import pytest

ADDITIVE = (
    *("weight_bytes", "buffer_bytes", "output_bytes"),
    *("saved_bytes", "gradient_bytes", "optimizer_bytes", "forward_flops", "backward_flops"),
)


def memory(vggcost, *words):
    return json.loads(vggcost("memory", *words, "--format", "json").out)


def test_a_forward_holds_weights_input_and_what_is_alive(vggcost):
    document = memory(vggcost, "D")
    assert document["schema"] == "vggcost.memory/1"
    totals = document["totals"]
    assert (totals["weight_bytes"], totals["input_bytes"], totals["peak_bytes"]) == (553_430_176, 602_112, 25_690_112)
    assert (totals["output_bytes"], totals["weight_layer_output_bytes"]) == (114_804_640, 54_226_848)
    assert document["peak"]["bytes"] == 553_430_176 + 602_112 + 25_690_112
    assert (document["peak"]["phase"], document["peak"]["layer"]) == ("forward", "conv1_2")
    assert totals["training_peak_bytes"] is document["training"] is None
    assert memory(vggcost, "D", "--batch-norm")["totals"]["buffer_bytes"] == 33_896
    assert memory(vggcost, "A", "--no-inplace")["totals"]["peak_bytes"] == 25_690_112
    assert memory(vggcost, "residual-vgg16", "--size", "64")["totals"]["peak_bytes"] == 3_145_728


@pytest.mark.parametrize(
    "words",
    [
        ("D", "--batch", "64", "--training", "--optimizer", "adam", "--dtype", "float16"),
        ("A", "--batch-norm", "--training", "--checkpoint"),
        ("E", "--training", "--freeze", "features,fc6", "--optimizer", "momentum"),
        ("residual-vgg16", "--training", "--accumulate", "4", "--size", "64"),
    ],
)
def test_rows_sum_to_totals_and_parts_to_the_peak(vggcost, words):
    document = memory(vggcost, *words)
    for key in ADDITIVE:
        assert sum(layer[key] for layer in document["layers"]) == document["totals"][key], key
    peak = document["peak"]
    assert sum(value for key, value in peak.items() if key.endswith("_bytes")) == peak["bytes"]
    assert peak["bytes"] == document["totals"]["training_peak_bytes"]


def test_the_screen_adds_up_and_warns_of_pure_half(vggcost):
    shown = vggcost("memory", "D", "--batch", "64", "--training", "--optimizer", "adam", "--dtype", "float16").out
    lines = shown.splitlines()
    begin, end = (next(i for i, line in enumerate(lines) if line.startswith(word)) for word in ("weights", "total"))
    parts = [int(line.rsplit("  ", 2)[-2].replace(",", "")) for line in lines[begin : end + 1]]
    assert sum(parts[:-1]) == parts[-1]
    assert "adam in pure float16 loses updates" in shown
    assert "loses updates" not in vggcost("memory", "D", "--training", "--optimizer", "adam").out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("D", "--optimizer", "adam"), "--optimizer is given without --training"),
        (("D", "--checkpoint"), "--checkpoint is given without --training"),
        (("D", "--training", "--optimizer", "adm"), "unknown value of --optimizer 'adm'; the nearest are adam, adamw"),
        (("D", "--training", "--optimizer-implementation", "forloop"), "the nearest are for-loop"),
        (("D", "--training", "--freeze", "conv1_9"), "--freeze 'conv1_9' is no layer that learns"),
        (("D", "--training", "--dtype", "int8"), "--dtype int8 has no gradients, and --training is given"),
        (("D", "--training", "--accumulate", "0"), "--accumulate is 0; give a whole number of at least 1"),
        (("model.py:Net",), "is no configuration and no network file"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(vggcost, words, reason):
    result = vggcost("memory", *words)
    assert result.status == 2
    assert reason in result.err
    assert (result.out, result.err.count("\n")) == ("", 1)
