"""Rows that somebody measured: which are scored, and what a forecast of each is."""

from __future__ import annotations

import json

import pytest

from vggcost.errors import VggcostError
from vggcost.predict import devices, evaluation, parameters, rows
from vggcost.predict.classes import Choice

TABLE = devices.shipped()
HEAD = "model,card,batch,size,dtype,layout,fwd_ms,fwd_bwd_ms,tier,mode,times_host_copy,class,anomaly,family"
GOOD = {
    "model": "vgg16",
    "card": "RTX 3090",
    "batch": "32",
    "size": "",
    "dtype": "amp",
    "layout": "nhwc",
    "fwd_ms": "20",
    "fwd_bwd_ms": "",
    "tier": "A",
    "mode": "eager",
    "times_host_copy": "0",
    "class": "tensor",
    "anomaly": "False",
    "family": "mine",
}


@pytest.fixture
def file(tmp_path):
    """A CSV of the good row, changed a row."""

    def write(*changes, head=HEAD):
        names = head.split(",")
        lines = [",".join(({**GOOD, **change})[name] for name in names) for change in changes]
        path = tmp_path / "rows.csv"
        path.write_text("\n".join([head, *lines]) + "\n")
        return str(path)

    return write


def read(path):
    return rows.read(path, TABLE)


def test_a_row_is_what_ran_where(file):
    (plain, other) = read(file({}, {"size": "96.0", "batch": "8", "layout": "", "times_host_copy": "1"})).scored
    assert (plain.device.name, plain.model, plain.batch, plain.size) == ("RTX 3090", "vgg16", 32, 224)
    assert plain.choice == Choice("float16", "eager", channels_last=True)
    assert (plain.seconds, plain.step_seconds, plain.copied) == (0.02, None, False)
    assert (other.size, other.batch, other.copied, other.choice.channels_last) == (96, 8, True, False)


@pytest.mark.parametrize(
    ("change", "wanted", "dtype"),
    [
        ({}, "tensor", "float16"),
        ({"dtype": "amp_bf16"}, "tensor", "bfloat16"),
        ({"dtype": "fp32", "class": "tf32"}, "tf32", "tf32"),
        ({"dtype": "fp32", "class": ""}, "tf32", "tf32"),
        ({"dtype": "fp32", "class": "fp32"}, "fp32", "float32"),
        ({"dtype": "fp32", "class": "", "card": "Titan Xp"}, "fp32", "float32"),
        ({"dtype": "fp16", "class": "", "card": "P100-PCIE"}, "vector-half", "float16"),
    ],
)
def test_a_class_is_the_rows_or_follows_from_the_card(file, change, wanted, dtype):
    (row,) = read(file(change)).scored
    assert (row.wanted, row.choice.dtype) == (wanted, dtype)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tier": "B"}, "tier B"),
        ({"anomaly": "True"}, "anomaly"),
        ({"fwd_ms": ""}, "no forward"),
        ({"dtype": "int8"}, "dtype int8"),
        ({"card": "K80"}, "Kepler"),
        ({"card": "Radeon RX 6800"}, "AMD"),
        ({"card": "Jetson Nano"}, "Jetson"),
        ({"card": "Core i9-10940X"}, "a CPU"),
        ({"card": "RTX 9999"}, "unknown card 'RTX 9999'"),
    ],
)
def test_what_is_not_scored_is_counted_by_its_reason(file, change, reason):
    found = read(file({}, change, change))
    assert len(found.scored) == 1
    assert dict(found.left_out) == {reason: 2}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fwd_ms": "fast"}, "line 2: fwd_ms is 'fast'; give a number above 0"),
        ({"batch": "0"}, "line 2: batch is '0'"),
        ({"mode": "hasty"}, "line 2: mode is 'hasty'; give eager"),
        ({"dtype": "bf16", "card": "T4"}, "line 2: the T4 does not do bfloat16"),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_line(file, change, words):
    with pytest.raises(VggcostError) as no:
        read(file(change))
    assert words in str(no.value)


def test_columns_that_are_missing_are_named(file, tmp_path):
    with pytest.raises(VggcostError, match="lacks the columns tier, class;"):
        read(file({}, head=HEAD.replace(",tier", "").replace(",class", "")))
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(VggcostError, match="lacks the columns model"):
        read(str(tmp_path / "empty.csv"))
    (tmp_path / "picture.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VggcostError, match="no CSV in UTF-8"):
        read(str(tmp_path / "picture.csv"))
    with pytest.raises(VggcostError, match="cannot read"):
        read(str(tmp_path / "none.csv"))


def test_the_copy_of_a_batch_is_timed_where_its_source_timed_it(file):
    values = parameters.shipped().values
    without, copied = read(file({}, {"times_host_copy": "1"})).scored
    copy = 32 * 3 * 224 * 224 * 2 / (values["copy_gb_per_s"] * 1e9)
    assert evaluation.seconds(copied, values) - evaluation.seconds(without, values) == pytest.approx(copy)


def test_an_evaluation_has_all_and_an_object_a_class(file, vggcost):
    path = file(
        {}, {"fwd_ms": "40"}, {"card": "Titan Xp", "dtype": "fp32", "class": "fp32", "fwd_ms": "100"}, {"tier": "X"}
    )
    ran = vggcost("predict", "--evaluate", path, "--format", "json")
    data = json.loads(ran.out)
    assert [data[name]["rows"] for name in ("all", "fp32", "tensor")] == [3, 1, 2]
    assert data["all"]["devices"] == 2
    assert data["left_out"] == {"tier X": 1}
    assert "tf32" not in data
    first, second, third = (evaluation.residual(row, parameters.shipped()) for row in read(path).scored)
    assert data["all"]["median"] == sorted((first.error, second.error, third.error))[1]
    assert data["tensor"]["coverage80"] == (first.covered + second.covered) / 2
    assert data["tensor_modes"]["eager"]["rows"] == 2
    assert "nothing is fitted on" in vggcost("predict", "--evaluate", path).out


def test_rows_of_which_none_is_scored_are_told_so(file, vggcost):
    ran = vggcost("predict", "--evaluate", file({"tier": "B"}))
    assert ran.status == 0
    assert "None of the rows" in ran.out
    assert "1 tier B" in ran.out
