"""``vggcost fit``: the screen, the JSON, and what is refused in one line."""

from __future__ import annotations

import json
import math

import pytest

from vggcost.costs import variants
from vggcost.network import catalogue
from vggcost.predict import devices, parameters
from vggcost.predict.classes import Choice
from vggcost.predict.timer import Timer
from vggcost.results.budgets import Budget
from vggcost.results.fit import Fit
from vggcost.results.settings import Setting


def fit(vggcost, *words):
    return json.loads(vggcost("fit", *words, "--format", "json").out)


def test_the_json_has_both_values_and_the_budget_as_understood(vggcost):
    document = fit(vggcost, "D", "--memory", "24GB")
    assert document["schema"] == "vggcost.fit/1"
    assert (document["solve"], document["batch"], document["confirmed"]) == ("batch", 891, True)
    assert document["given"] == {"memory_bytes": "24GB"}
    assert document["budget"] == {"memory_bytes": 24_000_000_000}
    assert document["used"]["memory_bytes"] + document["headroom"]["memory_bytes"] == 24_000_000_000
    assert document["next"] == {"batch": 892, "used": {"memory_bytes": 24_006_093_984}, "over": ["memory_bytes"]}
    assert document["input"] == [891, 3, 224, 224]
    assert "size" not in document and "width" not in document


def test_both_values_are_what_memory_says(vggcost):
    options = (
        "--training",
        "--optimizer",
        "adam",
        "--checkpoint",
        "--dtype",
        "bfloat16",
        "--freeze",
        "conv1_1,conv1_2",
    )
    document = fit(vggcost, "B", "--memory", "6 GiB", *options)
    for value, used in ((document["batch"], document["used"]), (document["next"]["batch"], document["next"]["used"])):
        memory = json.loads(vggcost("memory", "B", "--batch", str(value), *options, "--format", "json").out)
        assert memory["totals"]["training_peak_bytes"] == used["memory_bytes"]
    assert document["used"]["memory_bytes"] <= 6 * 2**30 < document["next"]["used"]["memory_bytes"]
    assert document["training"]["frozen"] == ["conv1_1", "conv1_2"]


@pytest.mark.parametrize(
    "options",
    [
        ("--mixed", "bfloat16"),
        ("--mixed", "float16", "--training", "--optimizer", "adam"),
        ("--dtype", "bfloat16", "--training", "--optimizer", "adam", "--master-weights"),
    ],
)
def test_what_fits_in_a_low_precision_is_what_memory_says(vggcost, options):
    document = fit(vggcost, "A", "--memory", "6 GiB", *options)
    for value, used in ((document["batch"], document["used"]), (document["next"]["batch"], document["next"]["used"])):
        memory = json.loads(vggcost("memory", "A", "--batch", str(value), *options, "--format", "json").out)
        assert memory["peak"]["bytes"] == used["memory_bytes"]
    assert document["mixed"] == (options[1] if options[0] == "--mixed" else None)
    assert not any(lever["option"].startswith("--dtype") for lever in document["levers"])


@pytest.mark.parametrize(
    ("words", "key", "option"),
    [
        (("--macs", "5G"), "macs", "--width"),
        (("--params", "60M"), "params", "--width"),
        (("--macs", "5 GMACs", "--solve", "size"), "macs", "--size"),
        (("--macs", "500G", "--solve", "batch"), "macs", "--batch"),
    ],
)
def test_both_values_are_what_table_says(vggcost, words, key, option):
    document = fit(vggcost, "D", *words)
    solve = option[2:]
    for value, used in ((document[solve], document["used"]), (document["next"][solve], document["next"]["used"])):
        table = json.loads(vggcost("table", "D", option, str(value), "--format", "json").out)
        assert table["totals"][key] == used[key]


def test_a_width_has_its_channels(vggcost):
    document = fit(vggcost, "D", "--macs", "5G")
    assert (document["width"], document["channels"]) == (0.565, [36, 72, 144, 289])
    shown = " ".join(vggcost("fit", "D", "--macs", "5G").out.split())
    assert "Channels: 36, 72, 144, 289 in place of 64, 128, 256, 512." in shown
    assert "Width 0.565 fits; 0.567, the next, takes too much of MACs." in shown


def test_the_screen_has_budget_answer_next_and_levers(vggcost):
    shown = vggcost("fit", "D", "--memory", "24GiB", "--training", "--accumulate", "4").out
    assert "memory 24GiB  25,769,803,776 B" in shown
    assert "That is a pass's batch; a step has 4 passes" in " ".join(shown.split())
    assert "--checkpoint" in shown
    assert "--accumulate" not in shown[shown.index("With this too") :]
    assert "GiB" in vggcost("fit", "D", "--memory", "24GB", "--human").out


def test_a_network_file_is_asked_like_a_name(vggcost, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'features = [7, "M", { residual = [9, 11], shortcut = "conv1-11" }]\nhead = [50]\nsize = [40, 60]\n'
    )
    document = fit(vggcost, str(path), "--memory", "1MiB")
    assert document["input"][1:] == [3, 40, 60]
    assert fit(vggcost, str(path), "--params", "60k")["channels"] == [2, 3, 3]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("D",), "no budget is given; give --memory 24GiB, --time 5ms, --macs 5G, --params 20M, or several of them"),
        (("D", "--memory", "24"), "without a unit; write 24GB (24,000,000,000 B) or 24GiB (25,769,803,776 B)"),
        (("D", "--memory", "24 gb"), "gb is bits; write 24GB"),
        (("D", "--memory", "24Gb"), "Gb is bits; write 24GB"),
        (("D", "--memory", "0GiB"), "give at least 1B"),
        (
            (
                "D",
                "--memory=-1GiB",
            ),
            "give a number with its unit",
        ),
        (("D", "--memory", "100EiB"), "above the limit of 10^18 B"),
        (
            ("D", "--memory", "100MiB"),
            "less than the weights of D alone, 553,430,176 B; with batch 1, the smallest, it takes 579,722,400 B; give",
        ),
        (("D", "--memory", "2GiB", "--training", "--optimizer", "adam"), "--dtype float16 would give batch 24"),
        (("D", "--memory", "553.5MB", "--solve", "size"), "with size 32, the smallest, it takes"),
        (("D", "--params", "20M"), "with width 0.001, the smallest, it takes 21,083,260; --head none would give width"),
        (("D", "--params", "0"), "--params: the number is '0'; give one above 0"),
        (("D", "--params", "20MB"), "give a number such as 20M (parameters); bytes are --memory's"),
        (("D", "--macs", "10 GFLOPs"), "a MAC is 2 FLOP: write half the number, in MACs"),
        (("D", "--macs", "20M params"), "give a number such as 5G (MACs)"),
        (("D", "--macs", "1e30"), "give a number from 1 to 10^18"),
        (("D", "--params", "20M", "--solve", "batch"), "--params does not change with the batch, and --solve batch"),
        (("D", "--params", "20M", "--memory", "1GiB", "--solve", "size"), "--params does not change with the size"),
        (("D", "--memory", "1GiB", "--solve", "depth"), "unknown value of --solve 'depth'"),
        (("D", "--memory", "1GiB", "--batch", "3"), "--batch is given, and the batch is what is asked for"),
        (("D", "--macs", "5G", "--width", "0.5"), "ask for another with --solve batch or --solve size"),
        (("D", "--memory", "1GiB", "--solve", "size", "--size", "64"), "--size is given, and the size is what"),
        (("D", "--macs", "5G", "--training"), "--training is for --memory, and --macs is given alone"),
        (("D", "--macs", "5G", "--dtype", "float16"), "--dtype is for --memory"),
        (("D", "--memory", "1GiB", "--optimizer", "adam"), "--optimizer is given without --training"),
        (("D", "--memory", "1GiB", "--training", "--optimizer", "adm"), "the nearest are adam, adamw"),
        (("D", "--memory", "1GiB", "--training", "--dtype", "int8"), "--dtype int8 has no gradients"),
        (("D", "--memory", "1GiB", "--training", "--freeze", "conv9"), "--freeze 'conv9' is no layer that learns"),
        (("D", "--time", "3ms"), "--time is that of a device, and none is given; give --device NAME"),
        (("D", "--time", "3", "--device", "3090"), "--time is '3'; give a time with its unit, as 5ms"),
        (("D", "--time", "3 GiB", "--device", "3090"), "give a time with its unit, as 5ms"),
        (("D", "--time", "0ms", "--device", "3090"), "give at least 1ns and at most a day"),
        (("D", "--time", "2ms", "--device", "4091"), "the nearest are RTX 4090"),
        (("D", "--time", "2ms", "--device", "k80"), "no forecast for the K80"),
        (("D", "--time", "2ms", "--device", "3090", "--dtype", "int8"), "no forecast for int8"),
        (("D", "--time", "2ms", "--device", "3090", "--mixed", "bfloat16"), "--time has no forecast of --mixed"),
        (("D", "--memory", "1GiB", "--device", "3090"), "--device is for --time, which is not given"),
        (("D", "--time", "100us", "--device", "3090"), "with batch 1, the smallest, it takes"),
        (("model.py:Net", "--memory", "1GiB"), "is no configuration and no network file"),
    ],
)
def test_what_has_no_answer_is_refused_in_one_line(refused, words, reason):
    assert reason in refused("fit", *words)


def test_the_largest_batch_within_a_time_is_what_predict_says(vggcost):
    words = ("--device", "3090", "--dtype", "float16", "--channels-last")
    document = fit(vggcost, "D", "--time", "20ms", *words)
    assert document["budget"] == {"time_ns": 20_000_000}
    assert document["next"]["batch"] == document["batch"] + 1
    for batch, used in ((document["batch"], document["used"]), (document["next"]["batch"], document["next"]["used"])):
        ran = vggcost("predict", "D", *words, "--batch", str(batch), "--format", "json")
        (forecast,) = json.loads(ran.out)["predictions"]
        assert used["time_ns"] == math.ceil(forecast["likely_ms"] * 1e6)
    assert document["used"]["time_ns"] <= 20_000_000 < document["next"]["used"]["time_ns"]
    assert document["forecast"]["low_ms"] < document["forecast"]["likely_ms"] < document["forecast"]["high_ms"]
    assert {lever["option"] for lever in document["levers"]} == {"--compile"}
    shown = vggcost("fit", "D", "--time", "20ms", *words).out
    assert "80% of cards like these fall inside" in " ".join(shown.split())


def test_a_time_and_a_memory_are_both_kept(vggcost):
    words = ("--memory", "4GiB", "--device", "h100", "--dtype", "float16")
    slow, fast = fit(vggcost, "D", "--time", "10ms", *words), fit(vggcost, "D", "--time", "1s", *words)
    assert slow["next"]["over"] == ["time_ns"]
    assert fast["next"]["over"] == ["memory_bytes"]
    assert slow["batch"] < fast["batch"]
    assert fit(vggcost, "D", "--time", "50ms", "--device", "h100", "--training")["training"] is not None


def test_a_time_that_falls_where_a_wave_begins_hides_no_larger_batch():
    plan = catalogue.find("A")
    choice = Choice("float16", "compiled", channels_last=True)
    timer = Timer(devices.shipped().find("H100"), choice, parameters.shipped())
    setting = Setting(plan, variants.varied(plan, {}), (32, 32), dtype="float16", timer=timer)
    times = [timer.ns(setting.replace(batch=batch).counted()) for batch in range(1, 61)]
    assert sorted(times) != times  # the 9th image begins a wave that is fuller
    for limit in (times[8], times[7] - 1, times[16], times[32], times[33] + 1):
        largest = max(batch for batch, time in enumerate(times, 1) if time <= limit)
        assert largest < 60
        assert Fit(setting, "batch", (Budget("time", limit, "limit"),)).batch == largest
