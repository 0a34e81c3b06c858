"""``vggcost fleet``: the screen, the JSON, where the speed of a GPU may be from, and what is refused in one line."""

from __future__ import annotations

import json

import bench_documents
import pytest

from vggcost.bench.result import to_json
from vggcost.fleet.words import read_link

LINE = ("fleet", "D", "--batch", "64", "--gpus", "1,8,64", "--link", "25Gbit/s", "--per-node", "4")
ONE = ("--measured", "1=130.9img/s")


def test_the_json_has_volume_memory_and_every_number_of_gpus(vggcost):
    document = json.loads(vggcost(*LINE, *ONE, "--format", "json").out)
    assert document["schema"] == "vggcost.fleet/1"
    assert document["gradient_bytes"] == 553_430_176
    assert [row["gpus"] for row in document["weak"]] == [1, 8, 64]
    assert document["weak"][0]["efficiency"] == 1.0
    assert document["weak"][2]["sent_bytes"] == 2 * 63 * 553_430_176 // 64
    memory = vggcost("memory", "D", "--training", "--batch", "64", "--format", "json").out
    assert document["memory"]["peak_bytes"] == json.loads(memory)["totals"]["training_peak_bytes"]
    assert [row["gpus"] for row in document["split_linear_layers"]] == [8, 64]


def test_the_screen_says_what_binds_the_band_and_a_price(vggcost):
    out = vggcost(*LINE, *ONE, "--price", "3.06").out
    assert "Weak scaling: 64 images a GPU" in out and "Strong scaling: 256 images" in out
    assert "compute" in out and "link" in out and "Price" in out
    assert "fc6 to fc8 split over the GPUs" in out and "--evaluate" in out
    assert "Price" not in vggcost(*LINE, *ONE).out


def test_the_evaluation_prints_its_median(vggcost):
    ran = vggcost("fleet", "--evaluate")
    assert ran.status == 0 and "Median error 5.6%" in ran.out
    document = json.loads(vggcost("fleet", "--evaluate", "--format", "json").out)
    assert len(document["runs"]) == 14 and document["errors"]["median"] <= 0.12


def test_a_bench_result_says_how_fast_a_gpu_is(vggcost, tmp_path):
    path = tmp_path / "result.json"
    case = bench_documents.case(batch=8)
    path.write_text(to_json(bench_documents.document(case)), encoding="utf-8")
    name, size = case["network"]["name"], str(case["input"][2])
    words = ("fleet", name, "--batch", "8", "--size", size, "--gpus", "1,4", "--per-node", "4", "--from", str(path))
    document = json.loads(vggcost(*words, "--format", "json").out)
    whole = sorted(case["passes"]["whole"]["samples_ns"])
    median = (whole[(len(whole) - 1) // 2] + whole[len(whole) // 2]) / 2e9
    assert 2.9 < document["one_gpu"]["step_s"] / median < 3.0
    assert "forward pass alone" in document["one_gpu"]["notes"][0]
    refused = vggcost("fleet", name, "--batch", "9", *words[4:])
    assert refused.status == 2 and "it has" in refused.err


def test_a_forecast_says_how_fast_a_gpu_is(vggcost):
    words = ("D", "--batch", "32", "--device", "v100", "--format", "json")
    forecast = json.loads(vggcost("predict", *words, "--backward").out)["predictions"][0]
    found = json.loads(vggcost("fleet", *words, "--gpus", "1,2", "--per-node", "2").out)
    assert found["one_gpu"]["step_s"] == pytest.approx(forecast["likely_ms"] / 1e3)


@pytest.mark.parametrize(
    ("text", "bytes_per_s", "transport"),
    [
        ("25Gbit/s", 3.125e9, "tcp"),
        ("100Gbps:rdma", 12.5e9, "rdma"),
        ("100 Gb/s:TCP", 12.5e9, "tcp"),
        ("3GB/s", 3e9, "tcp"),
        ("2.5GiB/s", 2.5 * 2**30, "tcp"),
        ("800Mbit/s", 1e8, "tcp"),
        ("1.5TB/s", 1.5e12, "tcp"),
    ],
)
def test_a_link_is_read_with_its_unit(text, bytes_per_s, transport):
    link = read_link(text, "--link")
    assert (link.bytes_per_s, link.transport) == (bytes_per_s, transport)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*LINE,), "give --measured 1=130.9img/s"),
        ((*LINE, *ONE, "--device", "v100"), "give one of them"),
        ((*LINE, *ONE, "--link", "25"), "25Gbit/s (bits) or 25GB/s (bytes)"),
        ((*LINE, *ONE, "--link", "fast"), "as 25Gbit/s or 3GB/s"),
        ((*LINE, *ONE, "--link", "25Gbits"), "the nearest are Gbit/s"),
        ((*LINE, *ONE, "--link", "25gbit/s"), "the nearest are Gbit/s"),
        ((*LINE, *ONE, "--link", "0Gbit/s"), "above 0"),
        ((*LINE, *ONE, "--link", "25Gbit/s:rmda"), "the nearest are rdma"),
        ((*LINE, "--measured", "130.9"), "write GPUS=RATE"),
        ((*LINE, "--measured", "1=130.9ms"), "write 1=130.9img/s"),
        ((*LINE, "--measured", "0=130.9"), "above 0"),
        ((*LINE, *ONE, "--measured", "1=131"), "twice"),
        ((*LINE, *ONE, "--price", "3 EUR"), "as a number"),
        ((*LINE, *ONE, "--gpus", "8,8"), "once"),
        ((*LINE, *ONE, "--dtype", "int8"), "no gradients"),
        ((*LINE, *ONE, "--optimizer", "adm"), "adam"),
        (("fleet", "D", *ONE), "give --link 25Gbit/s"),
        ((*LINE, "--device", "v1000"), "v1000"),
        (("fleet", "--evaluate", *ONE), "--measured is given beside it"),
        (("fleet", "D", "--evaluate"), "a network is given beside it"),
        ((*LINE, "--from", "missing.json"), "missing.json"),
    ],
)
def test_bad_input_is_one_line(vggcost, words, told):
    ran = vggcost(*words)
    assert ran.status == 2 and ran.out == "" and ran.err.count("\n") == 1
    assert told in ran.err
