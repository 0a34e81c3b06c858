"""``vggcost predict --from`` as it is typed: one measurement, and what it forecasts."""

from __future__ import annotations

import json

import pytest
from measured_documents import case, document

from vggcost.bench.result import to_json


def even(row):
    return row["flops"] / 100 + row["min_bytes"] / 10


@pytest.fixture
def bench(tmp_path):
    def written(*cases, name="bench.json", **changes):
        path = tmp_path / name
        path.write_text(to_json(document(*(cases or [case("A", even)]), **changes)), encoding="utf-8")
        return str(path)

    return written


def made(vggcost, *words):
    return json.loads(vggcost("predict", *words, "--format", "json").out)["predictions"]


def test_one_measurement_forecasts_networks_widths_sizes_and_batches(vggcost, bench):
    file = bench(case("A", even, 8))
    found = made(vggcost, "B,D", "--batch", "8,32", "--width", "0.5", "--size", "96", "--from", file)
    assert [(one["network"]["name"], one["input"]) for one in found] == [
        (name, [batch, 3, 96, 96]) for batch in (8, 32) for name in "BD"
    ]
    for one in found:
        assert one["basis"]["from"] == "measurement"
        assert one["low_ms"] < one["likely_ms"] < one["high_ms"]
        assert sum(one["parts_ms"].values()) == pytest.approx(one["likely_ms"])
    shown = vggcost("predict", "B,D", "--batch", "8,32", "--from", file).out
    assert "Note: batch 32 is above the largest that was measured (8)" in shown
    assert "80% of cases like these fall inside" in shown


def test_without_a_batch_it_is_that_of_the_measurement_and_so_are_dtype_and_layout(vggcost, bench):
    files = [
        bench(case("A", even, batch, element_bytes=2), name=f"{batch}.json", settings__dtype="float16")
        for batch in (16, 4)
    ]
    found = made(vggcost, "D", *(word for file in files for word in ("--from", file)))
    assert [one["input"][0] for one in found] == [4, 16]
    assert {one["dtype"] for one in found} == {"float16"}
    assert found[0]["basis"]["files"] == ", ".join(files)


def test_a_wider_level_is_wider(vggcost, bench):
    narrow, wide = (
        made(vggcost, "D", "--from", bench(device="cuda:0"), "--interval", level)[0] for level in ("80", "90")
    )
    assert narrow["high_ms"] < wide["high_ms"]
    assert narrow["likely_ms"] == wide["likely_ms"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dtype", "float16"], "measured float32, and --dtype float16 asks for something else"),
        (["--channels-last"], "--channels-last asks for something else"),
        (["--compile"], "--compile asks for something else"),
        (["--backward"], "--backward asks for something else"),
        (["--device", "a100"], "--device is given beside it"),
        (["--power", "200"], "--power is given beside it"),
        (["--from", "no_such_file.json"], "cannot read 'no_such_file.json'"),
    ],
)
def test_what_does_not_go_with_it_is_one_line(vggcost, bench, words, said):
    done = vggcost("predict", "D", "--from", bench(), *words)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert not done.out


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_truncated_result_is_one_line(vggcost, bench, tmp_path, kept):
    file = bench()
    text = (tmp_path / "bench.json").read_text(encoding="utf-8")
    (tmp_path / "bench.json").write_text(text[: int(len(text) * kept)], encoding="utf-8")
    done = vggcost("predict", "D", "--from", file)
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert "is no JSON" in done.err


@pytest.mark.parametrize("schema", ["vggcost.predict/1", "vggcost.bench/9", None])
def test_another_document_is_one_line(vggcost, tmp_path, schema):
    (tmp_path / "other.json").write_text(json.dumps({"schema": schema}), encoding="utf-8")
    done = vggcost("predict", "D", "--from", str(tmp_path / "other.json"))
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert "other.json" in done.err


def test_the_tables_have_the_pairs(vggcost):
    shown = vggcost("predict", "--evaluate").out
    assert "another batch, both 8 and more" in shown
    data = json.loads(vggcost("predict", "--evaluate", "--format", "json").out)
    assert data["pairs"]["same batch"]["all"]["median"] <= 0.04
