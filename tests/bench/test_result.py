"""The document: what goes in comes out, and nothing else is taken for it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from bench_documents import MS, case, document
from msgspec import inspect

from vggcost.bench.protocol import ENDINGS, GRAPH, LAYERS, WHOLE
from vggcost.bench.result import load, rates, ratio_to_whole, shares, to_json
from vggcost.bench.result_schema import ResultCase, ResultPasses
from vggcost.errors import VggcostError
from vggcost.report import bench
from vggcost.report.document import LINE_COLUMNS
from vggcost.report.formats import rendered

WRITTEN_BEFORE = Path(__file__).parents[1] / "golden" / "bench_result_1.json"
"""What the first release wrote."""


@pytest.fixture
def saved(tmp_path):
    def save(made):
        path = tmp_path / "result.json"
        path.write_text(made if isinstance(made, str) else to_json(made), encoding="utf-8")
        return str(path)

    return save


def test_what_is_written_is_read_again(saved):
    made = document(case(), case("E", batch=4))
    assert load(saved(made)) == made
    assert json.loads(to_json(made)) == made


def test_a_result_written_before_is_still_read():
    with WRITTEN_BEFORE.open(encoding="utf-8") as file:
        assert load(str(WRITTEN_BEFORE)) == json.load(file)


def test_memory_under_its_first_names_is_read_under_todays(saved):
    made = document()
    for each in (made["cases"][0], made["cases"][0]["layers"][0]):
        each |= {"in_use_bytes_measured": 7, "in_use_bytes_estimated": 5}
    before = to_json(made).replace('"in_use_bytes_', '"peak_bytes_')
    assert before.count("peak_bytes_") == 4
    assert load(saved(before)) == made


def test_keys_that_are_not_known_are_taken_as_they_are(saved):
    made = document()
    made["later"] = made["cases"][0]["later"] = made["cases"][0]["layers"][0]["later"] = [1]
    assert load(saved(made)) == made


def test_the_types_know_what_the_protocol_knows():
    fields = {field.name: field.type for field in inspect.type_info(ResultCase).fields}
    assert set(fields["stopped_by"].type.values) == set(ENDINGS)
    assert set(ResultPasses.__struct_fields__) == {LAYERS, WHOLE, GRAPH}


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("", "interrupted", 1),
        ("", "refused", [{"case": "D at batch 1"}]),
        ("", "ceiling", {"kernel": "matrix product", "flops_per_s": 0}),
        ("environment", "rocm", 6.4),
        ("ceilings", "compute", [{"kernel": "matrix product", "flops_per_s": 1.0}]),
        ("cases[0]", "under_load", {"throttle_reasons": {"power cap": -1}}),
        ("cases[0]", "sustained", {"seconds": 2.0, "images_per_s": "many", "watts": None, "joules_per_image": None}),
        ("cases[0]", "notes", [1]),
        ("cases[0].layers[0]", "kernels", "gemm"),
    ],
)
def test_a_key_of_a_later_release_is_optional_and_held_against_its_type_where_it_stands(saved, where, key, value):
    made = document()
    holder = {
        "": made,
        "environment": made["environment"],
        "ceilings": made["ceilings"],
        "cases[0]": made["cases"][0],
        "cases[0].layers[0]": made["cases"][0]["layers"][0],
    }[where]
    holder.pop(key, None)
    load(saved(made))
    holder[key] = value
    with pytest.raises(VggcostError, match=re.escape(f"{where}.{key}".lstrip("."))):
        load(saved(made))


def test_a_mile_of_nesting_is_refused_in_one_line(saved):
    def nested(depth):
        return to_json(document()).replace('"options": {', '"options": {"deep": ' + "[" * depth + "]" * depth + ", ", 1)

    assert load(saved(nested(200)))["cases"][0]["network"]["options"]["deep"]
    with pytest.raises(VggcostError, match="no JSON"):
        load(saved(nested(100_000)))


def test_every_sample_is_in_it_and_layers_sum_to_the_whole_in_each_forward():
    only = document(case(count=31))["cases"][0]
    assert all(len(layer["samples_ns"]) == 31 for layer in only["layers"])
    for forward in range(31):
        total = sum(layer["samples_ns"][forward] for layer in only["layers"])
        assert total == only["passes"]["layers"]["samples_ns"][forward]


def damaged():
    def edit(change):
        made = document()
        change(made)
        return to_json(made)

    return [
        ("no JSON", "{"),
        ("no bench result", "[]"),
        ("no bench result", "{}"),
        ("no bench result", '{"schema": "vggcost.table/1"}'),
        ("no bench result", '{"schema": "vggcost.bench/x"}'),
        ("install a later vggcost", '{"schema": "vggcost.bench/2"}'),
        ("lacks a valid complete", '{"schema": "vggcost.bench/1"}'),
        ("lacks a valid cases", edit(lambda made: made.update(cases={}))),
        ("cases[0] is no object", edit(lambda made: made.update(cases=[7]))),
        ("lacks a valid cases[0].layers[1].macs", edit(lambda made: made["cases"][0]["layers"][1].update(macs="many"))),
        ("lacks a valid ceilings.flops_per_s", edit(lambda made: made["ceilings"].pop("flops_per_s"))),
        ("unknown pass", edit(lambda made: made["cases"][0]["passes"].update(other={"samples_ns": []}))),
        ("lacks a valid cases[0].layers[1].macs", edit(lambda made: made["cases"][0]["layers"][1].update(macs=2.0))),
        (
            "has a ceiling that is none in ceilings.bytes_per_s",
            edit(lambda made: made["ceilings"].update(bytes_per_s=0)),
        ),
        ("unknown stopped_by 'rain' in cases[0]", edit(lambda made: made["cases"][0].update(stopped_by="rain"))),
        ("no shape in cases[0].input", edit(lambda made: made["cases"][0].update(input=[]))),
        ("no whole number", edit(lambda made: made["cases"][0]["input"].__setitem__(1, 3.5))),
        ("a clock in cases[0].sm_clock_mhz[0]", edit(lambda made: made["cases"][0].update(sm_clock_mhz=["fast"]))),
        ("no networks in cases", edit(lambda made: made.update(cases=[]))),
        (
            "no samples in cases[0].passes.whole",
            edit(lambda made: made["cases"][0]["passes"]["whole"].update(samples_ns=[])),
        ),
        ("lacks cases[0].passes.whole", edit(lambda made: made["cases"][0]["passes"].pop("whole"))),
        (
            "no time in whole nanoseconds",
            edit(lambda made: made["cases"][0]["passes"]["whole"].update(samples_ns=[1.5])),
        ),
        ("do not sum to their whole", edit(lambda made: made["cases"][0]["layers"][0]["samples_ns"].__setitem__(3, 1))),
        ("do not sum to their whole", edit(lambda made: made["cases"][0]["layers"][0]["samples_ns"].pop())),
    ]


@pytest.mark.parametrize(("words", "text"), damaged())
def test_what_is_not_ours_is_refused_in_one_line(saved, words, text):
    with pytest.raises(VggcostError) as caught:
        load(saved(text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(VggcostError, match="cannot read"):
        load(str(tmp_path / "none.json"))
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VggcostError, match="no JSON"):
        load(str(tmp_path / "binary.json"))


def test_rates_are_the_textbooks():
    made = document()
    layer = made["cases"][0]["layers"][2]  # 1,849,688,064 MACs in 30 ms
    achieved = rates(layer, made["ceilings"])
    assert achieved["flops_per_s"] == pytest.approx(2 * 1_849_688_064 / 0.030)
    assert achieved["intensity"] == pytest.approx(2 * 1_849_688_064 / 25_837_824)
    assert achieved["bound"] == "compute"
    assert achieved["roof_fraction"] == pytest.approx(2 * 1_849_688_064 / 0.030 / 200e9)
    relu = rates(made["cases"][0]["layers"][1], made["ceilings"])
    assert (relu["flops_per_s"], relu["intensity"], relu["bound"]) == (None, None, "memory")
    assert relu["bytes_per_s"] == pytest.approx(25_690_112 / 0.001)
    dropout = rates(made["cases"][0]["layers"][3], made["ceilings"])
    assert dropout["bound"] == "no work"
    assert all(dropout[key] is None for key in dropout if key != "bound")


def test_shares_sum_to_one_and_ratios_are_of_the_same_round():
    drifting = case(whole=[(30 + number) * MS for number in range(30)])
    assert sum(shares(drifting)) == pytest.approx(1)
    ratios = sorted(34 / (30 + number) for number in range(30))
    assert ratio_to_whole(drifting, "layers") == pytest.approx((ratios[14] + ratios[15]) / 2)
    assert ratio_to_whole(drifting, "graph") is None


def test_one_late_sample_moves_no_share():
    made = case()
    before = shares(made)
    made["layers"][1]["samples_ns"][0] *= 1000
    assert shares(made) == pytest.approx(before)
    assert [layer["share"] for layer in made["layers"]] == pytest.approx(before)


def test_tails_are_in_the_document_beside_the_quartiles():
    layer = case(whole=list(range(101)))["passes"]["whole"]
    assert (layer["p90_ns"], layer["p99_ns"]) == (90, 99)


@pytest.mark.parametrize(
    ("number", "version"), [(8907, "8.9.7"), (91300, "9.13.0"), (90100, "9.1.0"), (None, "absent")]
)
def test_cudnns_number_is_printed_as_its_version(number, version):
    text = " ".join(rendered(bench.document(document(device="cuda:0", environment__cudnn=number)), "table").split())
    assert f"cuDNN {version}," in text


def test_amds_software_and_the_clocks_under_load_are_printed_as_what_they_are():
    made = document(
        {
            **case(clocks=[900] * 10 + [1980] * 20),
            "under_load": {"temperature_c": {"min": 60, "median": 70, "max": 81}},
        },
        device="cuda:0",
        environment__rocm="6.4",
        environment__cuda=None,
    )
    text = " ".join(rendered(bench.document(made), "table").split())
    assert "ROCm 6.4" in text
    assert "None" not in text
    assert "SM 900-1980 MHz under load" in text
    assert "60-81 C" in text


def test_the_screen_fits_its_columns_and_has_a_row_a_layer():
    made = document(
        case(times=[2_000_123_456, MS, 30 * MS, 70, MS]),
        case("E", batch=64, count=3, stopped_by="budget"),
        device="cuda:0",
        environment__nvml={
            "driver": "570.124.06",
            "sm_clock_mhz": 1980,
            "default_sm_clock_mhz": 1980,
            "memory_clock_mhz": 3201,
            "power_limit_w": 700.0,
            "temperature_c": 41,
        },
    )
    text = rendered(bench.document(made), "table")
    assert max(map(len, text.splitlines())) <= LINE_COLUMNS
    for name in ("conv1_1", "relu1_1", "drop6", "fc8"):
        assert text.count(f"\n{name} ") == 2
    assert "no work" in text
    assert "driver 570.124.06" in text
    assert "All networks of this run" in text
    assert "! E at batch 64: the budget of 30 s ended after 3 of 30 forwards" in text


def test_a_sound_result_says_that_nothing_speaks_against_it():
    assert "no gate tripped" in rendered(bench.document(document()), "table")


def test_csv_is_plain_and_complete():
    lines = rendered(bench.document(document(case(graph=34 * MS))), "csv").splitlines()
    assert lines[0].startswith("network,input,dtype,name,kind,path,median_ns")
    assert len(lines) == 1 + 5 + 3
    assert lines[3].startswith(
        "D,1x3x224x224,float32,conv1_2,Conv2d,features.2,30000000,30000000,30000000,30000000,30,"
    )
    assert lines[-1].startswith("D,1x3x224x224,float32,graph replay,")


def test_markdown_has_a_table_a_block():
    text = rendered(bench.document(document()), "markdown")
    assert "| conv1_1" in text.replace("|conv", "| conv")
    assert "|:--" in text
