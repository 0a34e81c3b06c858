"""What a sweep keeps: the same rows whoever works and whatever happens on the way."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sweep_points import int_door

import vggcost
from vggcost.cli import main
from vggcost.engines import engine
from vggcost.engines.here import HereEngine
from vggcost.errors import VggcostError
from vggcost.sweep import driver, layout
from vggcost.sweep import space as spaces
from vggcost.sweep.columns import COLUMNS
from vggcost.sweep.driver import answer, largest_number
from vggcost.sweep.parts import Parts
from vggcost.sweep.question import question
from vggcost.sweep.rows import axis_columns, is_square

TEXT = """
[axes]
config = ["A", "B"]
width = [0.1, 0.2]
size = [16, 32, 48]
batch = { powers_of = 2, to = 8 }
classes = [5, 10]
head = ["none", "16"]
"""


@pytest.fixture
def place(tmp_path):
    found = tmp_path / "space.toml"
    found.write_text(TEXT, encoding="utf-8")
    return found


def kept(place, works=None, **asked):
    """The rows of a question, as tuples by flat index."""
    found = question(spaces.read(place), **asked)
    pieces = []
    outcome = answer(found, works or HereEngine(), None, pieces.append)
    pieces += [] if outcome.kept is None else [outcome.kept]
    return outcome, [
        (int(index), *(int(piece.columns[name][row]) for name in COLUMNS))
        for piece in pieces
        for row, index in enumerate(piece.index.tolist())
    ]


def all_points(place):
    space = spaces.read(place)
    found = {index: int_door(space, index, "mac") for index in range(space.points)}
    return {index: numbers for index, numbers in found.items() if numbers is not None}


def test_every_row_is_there_and_what_cannot_run_is_counted(place):
    outcome, rows = kept(place, every=True)
    expected = all_points(place)
    assert rows == [(index, *numbers.values()) for index, numbers in expected.items()]
    assert (outcome.examined, outcome.passed) == (192, len(expected))
    assert sum(points for points, _ in outcome.refused.values()) == 192 - len(expected) == 64
    space = spaces.read(place)
    lines = driver.reasons(space, outcome.refused)
    assert lines[0].startswith("A: 32 points cannot run, as at 16: an image of 16x16 is too small for A: pool5")


def test_a_front_and_a_top_are_those_of_all_rows(place):
    rows = all_points(place)
    passing = {index: each for index, each in rows.items() if each["params"] < 100_000}
    _, front = kept(place, where=["params < 100e3"], pareto="min:training_bytes,max:macs")
    expected = [
        index
        for index, own in passing.items()
        if not any(
            other["training_bytes"] <= own["training_bytes"]
            and other["macs"] >= own["macs"]
            and (other["training_bytes"], other["macs"]) != (own["training_bytes"], own["macs"])
            for other in passing.values()
        )
    ]
    assert [row[0] for row in front] == expected
    _, top = kept(place, top=7, by="min:params")
    assert [row[0] for row in top] == sorted(sorted(rows, key=lambda each: (rows[each]["params"], each))[:7])
    _, widest = kept(place, pareto="max:width,min:params")
    assert {row[1] for row in widest} == {min(each["params"] for i, each in rows.items() if i % 48 >= 24)} or widest


def test_a_sample_is_the_same_for_its_seed_and_a_part_of_all(place):
    rows = {row[0]: row for row in kept(place, every=True)[1]}
    outcome, sample = kept(place, sample=60, seed=3)
    assert outcome.examined == 60
    assert sample == kept(place, sample=60, seed=3)[1] != kept(place, sample=60, seed=4)[1]
    assert all(rows[row[0]] == row for row in sample)


def test_engines_give_the_same_rows(place, monkeypatch):
    monkeypatch.setattr(layout, "TASK_BLOCKS", 1)
    expected = kept(place, every=True)[1]
    pool = engine("pool:2")
    try:
        assert kept(place, pool, every=True)[1] == expected
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"pareto": "min:params"}, "give two or three objectives"),
        ({"pareto": "params,macs"}, "write min:COLUMN or max:COLUMN"),
        ({"pareto": "min:parms,max:macs"}, "unknown column 'parms'; the nearest are params"),
        ({"pareto": "min:macs,max:macs"}, "has a column twice"),
        ({"top": 3, "every": True}, "--top and --all are both given"),
        ({"by": "macs"}, "without --top"),
        ({"top": 0}, "--top is 0"),
        ({"sample": 10**7}, "give at most 1,000,000"),
        ({"convention": "fvcor"}, "fvcore"),
    ],
)
def test_a_question_that_is_none_is_refused(place, asked, says):
    with pytest.raises(VggcostError, match=says):
        question(spaces.read(place), **asked)


def test_a_space_without_end_needs_a_condition():
    axis = {"from": 1, "to": 100_001, "step": 1}
    space = spaces.read({"axes": {"batch": axis, "classes": axis, "size": axis}})
    with pytest.raises(VggcostError, match=r"above 10\^12, and no --where"):
        question(space)
    assert question(space, where=["params < 1M"]).layout.tasks > 0


def test_a_corner_beyond_int64_is_refused():
    assert largest_number(spaces.read({"axes": {"batch": [1, 4]}}))[0] == "step_flops"
    with pytest.raises(VggcostError, match="int64 ends at"):
        largest_number(spaces.read({"axes": {"batch": [10**12]}}))


def test_a_file_its_manifest_and_the_command_back(place, tmp_path, capsys):
    out = tmp_path / "out.csv"
    words = ["sweep", str(place), "-o", str(out), "--where", "macs > 2M", "--all", "--engine", "here"]
    assert main(words) == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    expected = {index: each for index, each in all_points(place).items() if each["macs"] > 2_000_000}
    assert [int(row["index"]) for row in rows] == list(expected)
    assert [int(row["training_bytes"]) for row in rows] == [each["training_bytes"] for each in expected.values()]
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text(encoding="utf-8"))
    assert (manifest["rows"], manifest["passed"], manifest["refused"]) == (len(rows), len(rows), 64)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.manifest.json", "space.toml"]
    capsys.readouterr()
    last = rows[-1]
    assert main(["sweep", str(place), "--show", last["index"]]) == 0
    command = capsys.readouterr().out.split()
    assert command[:3] == ["vggcost", "memory", "B"]
    assert main([*command[1:], "--format", "json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert totals["training_peak_bytes"] == int(last["training_bytes"])


def test_a_front_stands_on_the_screen(place, capsys):
    assert main(["sweep", str(place)]) == 0
    said = capsys.readouterr()
    assert "training_bytes" in said.out.splitlines()[0]
    assert "192 networks, 128 pass, 64 cannot run" in said.err
    assert main(["sweep", str(place), "--dry-run"]) == 0
    assert "points         192" in capsys.readouterr().out


def test_parts_are_taken_up_and_bad_ones_are_done_again(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(layout, "TASK_BLOCKS", 1)
    out = tmp_path / "out.csv"
    words = ["sweep", str(place), "-o", str(out), "--all", "--engine", "here"]
    assert main(words) == 0
    expected = out.read_bytes()
    out.unlink()
    usual, runs = driver.run, []

    def fails_at_the_third(task):
        runs.append(task)
        if len(runs) == 3:
            raise KeyboardInterrupt
        return usual(task)

    monkeypatch.setattr(driver, "run", fails_at_the_third)
    assert main(words) == 130
    folder = tmp_path / "out.csv.parts"
    parts = sorted(path for path in folder.iterdir() if path.suffix == ".part")
    assert len(parts) == 2
    assert not out.exists()
    before = parts[1].stat().st_mtime_ns
    parts[0].write_bytes(parts[0].read_bytes()[:-5])
    assert main([*words, "--where", "macs > 1"]) == 2
    assert "parts of another space or question" in capsys.readouterr().err
    runs.clear()
    monkeypatch.setattr(driver, "run", lambda task: runs.append(task) or usual(task))
    monkeypatch.setattr(Parts, "remove", lambda _: None)
    assert main(words) == 0
    assert out.read_bytes() == expected
    assert len(runs) == 3
    assert parts[1].stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--all"], "give -o out.parquet or -o out.csv"),
        (["-o", "out.txt"], "ends in .parquet or .csv"),
        (["--show", "192"], "indices from 0 to 191"),
        (["--engine", "pol:2", "-o", "x.csv"], "unknown engine"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(place, monkeypatch, capsys, tmp_path, words, says):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(place), *words]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_parquet_has_ints_and_words(place, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    assert main(["sweep", str(place), "-o", str(out), "--all", "--engine", "here"]) == 0
    table = parquet.read_table(out)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (kinds["config"], kinds["width"], kinds["batch_norm"], kinds["params"]) == (
        "string",
        "double",
        "bool",
        "int64",
    )
    expected = all_points(place)
    assert table["index"].to_pylist() == list(expected)
    assert table["saved_bytes"].to_pylist() == [each["saved_bytes"] for each in expected.values()]


@pytest.mark.torch  # takes long
def test_a_command_that_is_terminated_leaves_its_parts(tmp_path, heed_ctrl_c):
    place = tmp_path / "space.toml"
    place.write_text(
        '[axes]\nconfig = ["A", "B", "D", "E"]\nwidth = { from = 0.1, to = 2, step = 0.02 }\n'
        "batch_norm = [false, true]\nin_channels = { from = 1, to = 40, step = 1 }\n"
        "size = { from = 32, to = 544, step = 32 }\nbatch = { powers_of = 2, to = 64 }\n",
        encoding="utf-8",
    )
    out = tmp_path / "out.csv"
    folder = tmp_path / "out.csv.parts"

    def parts():
        return len(list(folder.glob("*.part")))

    for sent, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        before = parts()
        words = [sys.executable, "-m", "vggcost", "sweep", str(place), "-o", str(out), "--engine", "here"]
        run = subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd=tmp_path, preexec_fn=heed_ctrl_c)  # noqa: PLW1509  # it only sets a signal
        for _ in range(600):
            if parts() > before:  # it goes on from those that were there
                break
            time.sleep(0.1)
        os.kill(run.pid, sent)
        assert run.wait(60) == status
        assert parts() > before
        assert not out.exists()


def test_python_has_frames(place):
    frame = vggcost.sweep(place, every=True).frame()
    expected = all_points(place)
    assert frame["index"].tolist() == list(expected)
    for name in COLUMNS:
        assert frame[name].tolist() == [each[name] for each in expected.values()]
    assert str(frame["params"].dtype) == "int64"
    front = vggcost.sweep(place, where="params < 100e3", pareto="min:training_bytes,max:macs").frame()
    assert front["index"].tolist() == [
        row[0] for row in kept(place, where=["params < 100e3"], pareto="min:training_bytes,max:macs")[1]
    ]
    assert vggcost.sweep(place, where="params < 1").frame().empty
    with pytest.raises(TypeError, match="where is 3"):
        vggcost.sweep(place, where=3)


def test_a_number_that_is_not_there_is_missing():
    frame = vggcost.sweep({"axes": {"config": "A", "dtype": ["float32", "int8"]}}, every=True).frame()
    assert frame["training_bytes"].isna().tolist() == [False, True]


def test_every_piece_has_the_same_columns_where_one_network_is_not_square(tmp_path, vggcost):
    (tmp_path / "net.toml").write_text('features = [8, "M"]\nsize = [32, 48]\nclasses = 10\n', encoding="utf-8")
    (tmp_path / "space.toml").write_text('[axes]\nconfig = ["A", "net.toml"]\nbatch = [1, 2]\n', encoding="utf-8")
    space = spaces.read(tmp_path / "space.toml")
    assert not is_square(space)
    for index in ([0, 1], [2, 3], [0, 3]):
        columns = axis_columns(space, np.array(index))
        assert [*map(int, columns["height"])] == [224 if each < 2 else 32 for each in index]
        assert [*map(int, columns["width_px"])] == [224 if each < 2 else 48 for each in index]
    assert vggcost("sweep", str(tmp_path / "space.toml"), "--all", "-o", str(tmp_path / "out.csv")).status == 0
