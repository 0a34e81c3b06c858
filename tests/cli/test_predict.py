"""``vggcost predict`` as it is typed."""

from __future__ import annotations

import json
import re

import pytest

FAST = ("--dtype", "float16", "--batch", "32")


def made(vggcost, *words):
    return json.loads(vggcost("predict", *words, "--format", "json").out)["predictions"]


def test_the_interval_stands_first(vggcost):
    lines = vggcost("predict", "D", "--device", "3090", *FAST, "--channels-last").out.splitlines()
    assert lines[0] == "VGG D (VGG-16); input 32x3x224x224 float16, eager, channels last; RTX 3090"
    assert re.fullmatch(r"[\d.]+ to [\d.]+ ms, [\d.]+ ms likely; 80% of cards like these fall inside", lines[2])
    assert "images/s" in lines[3]
    assert lines[-1].strip()


def test_json_has_every_term_the_device_and_the_hash(vggcost):
    (one,) = made(vggcost, "D", "--device", "a100", *FAST)
    assert one["device"]["name"] == "A100-SXM4-40GB"
    assert one["device"]["source"]
    assert len(one["basis"]["parameters_sha256"]) == 64
    assert one["basis"]["class"] == "tensor"
    assert sum(one["parts_ms"].values()) == pytest.approx(one["likely_ms"])
    assert sum(layer["ms"] for layer in one["layers"]) == pytest.approx(one["likely_ms"])
    assert {"compute_ms", "memory_ms", "conversion_ms", "pass_ms", "launch_ms"} <= set(one["layers"][0])
    assert any("taken for the A100-SXM4-40GB" in line for line in one["warnings"])
    assert one["fits"] is True


def test_widths_and_sizes_are_lists_as_batches_are(vggcost, refused):
    words = ("D", "--device", "3090", "--dtype", "float16")
    found = made(vggcost, *words, "--width", "0.5,1", "--size", "160,192x224", "--batch", "8,32")
    seen = [(one["network"]["options"]["width"], *one["input"][2:], one["input"][0]) for one in found]
    assert seen == [
        (width, *size, batch) for width in (0.5, 1) for size in ((160, 160), (192, 224)) for batch in (8, 32)
    ]
    for one, (width, height, across, batch) in zip(found, seen, strict=True):
        alone = ("--width", str(width), "--size", f"{height}x{across}", "--batch", str(batch))
        assert made(vggcost, *words, *alone) == [one]
    text = vggcost("predict", *words, "--width", "0.5,1", "--size", "160,192x224").out
    assert "192x224" in text and "D (VGG-16) with width 0.5" in text
    assert "'224,224'; give each size once; one image is 224x224" in refused("predict", *words, "--size", "224,224")
    assert "'0.5,1,0.5'; give each factor once" in refused("predict", *words, "--width", "0.5,1,0.5")
    assert "--size is 'x'" in refused("predict", *words, "--size", "160,x")


def test_a_grid_has_a_row_each(vggcost):
    found = made(vggcost, "A,D", "--device", "3090,v100", "--batch", "8,32", "--dtype", "float16", "--width", "0.5")
    assert [(one["network"]["name"], one["input"][0], one["device"]["name"]) for one in found] == [
        (name, batch, device) for batch in (8, 32) for name in "AD" for device in ("RTX 3090", "V100-SXM2")
    ]
    shown = vggcost("predict", "A,D", "--device", "3090,v100", "--batch", "8,32", "--dtype", "float16").out
    assert shown.count("V100-SXM2") >= 4


def test_a_shopping_list_marks_what_does_not_fit(vggcost):
    found = made(
        vggcost, "E", "--device", "all", "--sort", "time", "--batch", "1024", "--backward", "--dtype", "float16"
    )
    times = [one["likely_ms"] for one in found]
    assert times == sorted(times)
    fits = {one["device"]["name"]: one["fits"] for one in found}
    assert not fits["RTX 3060"]
    assert fits["B200-SXM"]
    shown = vggcost("predict", "E", "--device", "3060,b200", "--batch", "1024", "--backward", "--dtype", "float16").out
    assert shown.count("does not fit") == 1
    names = [one["device"]["name"] for one in made(vggcost, "A", "--device", "all", "--sort", "device")]
    assert names == sorted(names, key=str.lower)
    assert "K80" not in names


def test_a_wider_interval_holds_the_narrower(vggcost):
    (narrow,), (wide,) = (made(vggcost, "D", "--device", "4090", "--interval", level) for level in ("80", "90"))
    assert wide["low_ms"] < narrow["low_ms"] < narrow["high_ms"] < wide["high_ms"]
    assert wide["likely_ms"] == narrow["likely_ms"]


def test_a_step_a_compiled_network_and_a_cap_change_the_time(vggcost):
    (plain,) = made(vggcost, "D", "--device", "3090", *FAST)
    for words, slower in (
        (("--backward",), True),
        (("--compile",), False),
        (("--channels-last",), False),
        (("--power", "200"), True),
        (("--clock", "1000MHz"), True),
    ):
        (other,) = made(vggcost, "D", "--device", "3090", *FAST, *words)
        assert (other["likely_ms"] > plain["likely_ms"]) is slower, words


def test_a_small_batch_warns_that_the_host_may_decide(vggcost):
    assert "the host" in vggcost("predict", "D", "--device", "3090", "--batch", "7").out.partition("Left out")[0]
    assert "may decide" not in vggcost("predict", "D", "--device", "3090", "--batch", "8").out
    assert "may decide" not in vggcost("predict", "D", "--device", "3090", "--compile").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("D",), "no device is given; give --device NAME"),
        (("D", "--device", "rtx 4091"), "the nearest are RTX 4090"),
        (("D", "--device", "4090", "--dtype", "int8"), "no forecast for int8"),
        (("D", "--device", "4090", "--dtype", "float64"), "no forecast for float64"),
        (("D", "--device", "4090", "--dtype", "float8"), "no forecast for float8"),
        (("D", "--device", "v100", "--dtype", "tf32"), "does not do tf32"),
        (("D", "--device", "t4", "--dtype", "bfloat16"), "does not do bfloat16"),
        (("D", "--device", "k80"), "Kepler"),
        (("D", "--device", "i9-10940X"), "it is a CPU, where that is off by 27 to 69%"),
        (("D", "--device", "Radeon RX 6800"), "it is AMD's"),
        (("D", "--device", "Jetson Nano"), "it is a Jetson"),
        (("D", "--device", "4090", "--interval", "95"), "--interval"),
        (("D", "--device", "4090", "--power", "lots"), "--power is 'lots'; give watts, as 250"),
        (("D", "--device", "4090", "--clock", "-1"), "--clock is '-1'"),
        (("D", "--device", "4090", "--device-file", "none.toml"), "cannot read 'none.toml'"),
        (("--devices", "D"), "--devices forecasts nothing, and 'D' is named"),
        (("--evaluate", "none.csv"), "cannot read 'none.csv'"),
        (("D", "--evaluate", "none.csv"), "'D' is named beside it"),
        (("D", "--device", "4090", "--size", "8"), "224"),
    ],
)
def test_bad_input_is_one_line(refused, words, said):
    line = refused("predict", *words)
    if said != "224":
        assert said in line


def test_devices_show_how_they_were_checked(vggcost):
    shown = vggcost("predict", "--devices").out
    assert "recalled" in shown
    assert "L40S" in shown
    data = json.loads(vggcost("predict", "--devices", "--format", "json").out)
    assert all(row["source"] and row["checked"] for row in data["devices"])


def test_the_shipped_tables_are_printed(vggcost):
    shown = vggcost("predict", "--evaluate").out
    for words in ("Each card forecast by a fit without it", "Each source", "plain roofline", "FLOPs alone", "SHA-256"):
        assert words in shown
    data = json.loads(vggcost("predict", "--evaluate", "--format", "json").out)
    assert data["schema"] == "vggcost.predict-tables/1"
