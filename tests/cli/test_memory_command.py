"""``vggcost memory``: the breakdown adds up, rows sum to totals, and contradictory options are refused."""

from __future__ import annotations

import csv
import io
import json

import pytest

import vggcost as vggcost_api

ADDITIVE = (
    *("weight_bytes", "buffer_bytes", "output_bytes"),
    *("saved_bytes", "gradient_bytes", "optimizer_bytes"),
)
WORK = ("forward", "input_gradient", "weight_gradient", "recomputed", "backward", "step")


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
        ("A-LRN", "--training", "--mixed", "float16", "--optimizer", "momentum"),
        ("A", "--batch", "64", "--training", "--mixed", "bfloat16", "--checkpoint", "--accumulate", "2"),
        ("D", "--training", "--dtype", "bfloat16", "--master-weights", "--optimizer", "adam", "--freeze", "fc6"),
    ],
)
def test_rows_sum_to_totals_and_parts_to_the_peak(vggcost, words):
    document = memory(vggcost, *words)
    for key in ADDITIVE:
        assert sum(layer[key] for layer in document["layers"]) == document["totals"][key], key
    copies = [layer["master_weight_bytes"] for layer in document["layers"]]
    assert (sum(copies) if "--master-weights" in words else None) == document["totals"]["master_weight_bytes"]
    for unit, each in (("macs", 1), ("flops", 2)):
        totals = document["totals"][unit]
        for key in WORK:
            assert sum(layer[unit][key] for layer in document["layers"]) == totals[key], key
            assert totals[key] == each * document["totals"]["macs"][key]
        gradients = totals["input_gradient"] + totals["weight_gradient"] + totals["recomputed"]
        assert totals["backward"] == gradients
        assert totals["step"] == (totals["forward"] + gradients) * document["training"]["accumulate"]
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
    assert "--mixed float16" in shown
    assert "--master-weights" in shown
    assert "loses updates" not in vggcost("memory", "D", "--training", "--optimizer", "adam").out


def test_autocast_casts_weights_and_keeps_their_casts(vggcost):
    plain, mixed = (memory(vggcost, "D", *words) for words in ((), ("--mixed", "bfloat16")))
    low = plain["totals"]["weight_bytes"] // 2
    assert mixed["totals"]["weight_bytes"] == plain["totals"]["weight_bytes"]
    assert mixed["totals"]["output_bytes"] == plain["totals"]["output_bytes"] // 2
    assert (mixed["mixed"], plain["mixed"]) == ("bfloat16", None)
    # All casts are held when fc8 runs: beside them what the classifier was called with, fc8's input and its output.
    assert mixed["peak"]["live_cast_bytes"] == low
    assert mixed["totals"]["peak_bytes"] == low + 2 * (25_088 + 4_096 + 1_000)
    kept = memory(vggcost, "D", "--training", "--mixed", "bfloat16")["totals"]["saved_bytes"]
    # What float32 keeps, half as wide but for max-pool's places; and the weights' casts, not those of biases.
    places = 8 * sum(each**2 * width for each, width in ((112, 64), (56, 128), (28, 256), (14, 512), (7, 512)))
    biases = 64 * 2 + 128 * 2 + 256 * 3 + 512 * 6 + 4096 * 2 + 1000
    assert kept == (73_355_264 - places) // 2 + places + low - 2 * biases
    shown = " ".join(vggcost("memory", "A-LRN", "--training", "--mixed", "float16").out.split())
    assert "a GPU's list differs in LocalResponseNorm" in shown
    assert "GradScaler" in shown
    assert "loses updates" not in shown


@pytest.mark.parametrize(("optimizer", "each"), [("sgd", 8), ("momentum", 12), ("adam", 16), ("adamw", 16)])
def test_float32_copies_take_what_is_commonly_quoted(vggcost, optimizer, each):
    words = ("D", "--training", "--dtype", "bfloat16", "--master-weights", "--optimizer", optimizer)
    totals = memory(vggcost, *words)["totals"]
    keys = ("weight_bytes", "gradient_bytes", "master_weight_bytes", "optimizer_bytes")
    assert sum(totals[key] for key in keys) == each * 138_357_544
    shown = " ".join(vggcost("memory", *words).out.split())
    assert f"{each} bytes a trained parameter (2 weight + 2 gradient + 4 copy" in shown
    assert "no comparison with torch ran" in shown
    assert "loses updates" not in shown


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("D", "--optimizer", "adam"), "--optimizer is given without --training"),
        (("D", "--time"), "--time is no part of memory; vggcost predict --device NAME"),
        (("D", "--training", "--time", "3ms"), "vggcost fit --time 5ms"),
        (("D", "--checkpoint"), "--checkpoint is given without --training"),
        (("D", "--training", "--optimizer", "adm"), "unknown value of --optimizer 'adm'; the nearest are adam, adamw"),
        (("D", "--training", "--optimizer-implementation", "forloop"), "the nearest are for-loop"),
        (("D", "--training", "--freeze", "conv1_9"), "--freeze 'conv1_9' is no layer that learns"),
        (("D", "--training", "--dtype", "int8"), "--dtype int8 has no gradients, and --training is given"),
        (("D", "--training", "--accumulate", "0"), "--accumulate is 0; give a whole number of at least 1"),
        (("D", "--mixed", "bfloat16", "--dtype", "bfloat16"), "--mixed bfloat16 casts from weights in float32"),
        (("D", "--mixed", "bloat16"), "unknown value of --mixed 'bloat16'; the nearest are bfloat16"),
        (("D", "--master-weights", "--dtype", "float16"), "--master-weights is given without --training"),
        (("D", "--training", "--master-weights"), "and --dtype is float32; give --dtype bfloat16 or float16"),
        (("D", "--training", "--master-weights", "--dtype", "int8"), "--dtype int8 has no gradients"),
        (("D", "--training", "--master-weights", "--mixed", "float16"), "--mixed has its weights in float32"),
        (
            ("D", "--training", "--master-weights", "--dtype", "float16", "--optimizer-implementation", "fused"),
            "--optimizer-implementation is of torch.optim",
        ),
        (("model.py:Net", "--no-inplace"), "--no-inplace is for a configuration, and a program decides that itself"),
        (("model.py:Net", "--checkpoint"), "--checkpoint is for a configuration, and a program decides that itself"),
        (("model.py:Net", "--freeze", "a"), "--freeze is given without --training"),
        (("D", "--call", "3"), "--call is for a program"),
        (("model.py:Net", "--training", "--master-weights"), "--master-weights is for a configuration"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(vggcost, words, reason):
    result = vggcost("memory", *words)
    assert result.status == 2
    assert reason in result.err
    assert (result.out, result.err.count("\n")) == ("", 1)


PAPERS = ("--images", "1281167", "--epochs", "74")


def test_the_papers_run_is_one_images_step_for_each_image_of_each_epoch(vggcost):
    flops = memory(vggcost, "D", "--training", *PAPERS)["totals"]["flops"]
    assert flops["epoch"] == 1_281_167 * 92_648_177_664
    assert flops["run"] == 74 * flops["epoch"] == 8_783_636_299_660_787_712
    assert memory(vggcost, "D", "--training", "--images", "1281167")["totals"]["flops"]["run"] == flops["epoch"]
    # Neither the batch nor accumulation nor the optimizer changes what each image takes.
    other = memory(vggcost, "D", "--training", *PAPERS, "--batch", "64", "--accumulate", "4", "--optimizer", "adam")
    assert other["totals"]["flops"]["step"] == 4 * 64 * flops["step"]
    assert (other["totals"]["flops"]["epoch"], other["totals"]["flops"]["run"]) == (flops["epoch"], flops["run"])
    assert (other["training"]["images"], other["training"]["epochs"]) == (1_281_167, 74)
    assert memory(vggcost, "D", "--training")["totals"]["flops"]["run"] is None
    assert memory(vggcost, "D")["totals"]["flops"] is None
    shown = " ".join(vggcost("memory", "D", "--training", *PAPERS).out.split())
    assert "An epoch of 1,281,167 images is 118,697,787,833,253,888 FLOP (118.7 P); 74 epochs are" in shown
    assert "8,783,636,299,660,787,712 (8.784 E)" in shown


def test_which_gradients_are_multiplied_out(vggcost):
    layers = {
        layer["name"]: layer["macs"] for layer in memory(vggcost, "D", "--training", "--freeze", "conv1_2")["layers"]
    }
    # The image needs no gradient; a frozen layer hands one on and has none of its weights.
    assert [layers["conv1_1"][key] for key in WORK[:4]] == [86_704_128, 0, 86_704_128, 0]
    assert [layers["conv1_2"][key] for key in WORK[:4]] == [1_849_688_064, 1_849_688_064, 0, 0]
    frozen = memory(vggcost, "D", "--training", "--freeze", "features")
    assert frozen["totals"]["flops"]["step"] == 31_229_542_400
    again = memory(vggcost, "D", "--training", "--checkpoint")["totals"]["macs"]
    assert again["recomputed"] == sum(macs["forward"] for name, macs in layers.items() if name.startswith("conv"))


def test_the_cost_of_training_is_in_the_csv_too(vggcost):
    rows = list(csv.DictReader(io.StringIO(vggcost("memory", "D", "--training", *PAPERS, "--format", "csv").out)))
    totals = memory(vggcost, "D", "--training")["totals"]
    for unit in ("macs", "flops"):
        for key in WORK:
            assert int(rows[-1][f"{key}_{unit}"]) == totals[unit][key]
            assert sum(int(row[f"{key}_{unit}"]) for row in rows[:-1]) == totals[unit][key]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--images", "5"), "--images is given without --training"),
        (("--epochs", "5"), "--epochs is given without --training"),
        (("--training", "--epochs", "74"), "--epochs 74 is given without --images; add --images 1281167"),
        (("--training", "--images", "0"), "--images is 0; give a whole number of at least 1"),
        (("--training", "--images", "1e6"), "--images is '1e6'; give a whole number"),
    ],
)
def test_a_run_that_cannot_be_is_refused(refused, words, message):
    assert message in refused("memory", "D", *words)


def test_python_has_the_cost_of_training():
    made = vggcost_api.memory("D", training=True, images=10, epochs=3)
    assert made.cost.one_pass.backward == 30_853_824_512
    assert made.cost.run == 3 * made.cost.epoch == 30 * made.cost.step
    assert vggcost_api.memory("D").cost is None
    assert made.to_dict()["totals"]["macs"]["run"] == made.cost.run
    for wrong, message in (
        ({"images": 10}, "--images is given without --training"),
        ({"training": True, "epochs": 2}, "--epochs 2 is given without --images"),
        ({"training": True, "images": 0}, "images is 0; give at least 1"),
    ):
        with pytest.raises(vggcost_api.VggcostError, match=message):
            vggcost_api.memory("D", **wrong)
