"""A bench over a space: its cells, what each comes to, what is not measured twice, and one table of all."""

from __future__ import annotations

import json
import os

import bench_documents
import pytest

from vggcost.engines.here import HereEngine
from vggcost.errors import VggcostError
from vggcost.sweep import cell_run
from vggcost.sweep.cells import Cell, read_cells, with_references
from vggcost.sweep.collected import collected, drift

SPACE = """
[axes]
config = ["A", "own.toml"]
batch_norm = [false, true]
size = [32, [64, 32]]
batch = { powers_of = 2, to = 4 }
head = ["none", "16,8"]
dtype = ["float32", "bfloat16"]
layout = ["contiguous", "channels_last"]
"""


@pytest.fixture
def space(tmp_path):
    def write(text=SPACE):
        (tmp_path / "own.toml").write_text('features = [8, "M", 16, "M"]\nclasses = 10\nsize = 32\n')
        path = tmp_path / "space.toml"
        path.write_text(text)
        return str(path)

    return write


def test_a_cell_is_every_combination_once_on_each_device(space):
    cells = read_cells(space(), ("h100", "t4"), ("--whole",), "1.0")
    assert len(cells) == len({cell.file for cell in cells}) == 2 * 2 * 2 * 3 * 2 * 2 * 2 * 2
    words = {" ".join(cell.words("net.toml" if cell.network_file else None)) for cell in cells}
    assert len(words) == len(cells) / 2
    line = "A --batch-norm --head 16,8 --size 64x32 --batch 4 --dtype bfloat16 --channels-last --whole"
    assert line in words
    assert "--file net.toml --no-batch-norm --head none --size 32 --batch 1 --dtype float32 --whole" in words
    # A network's file goes along, so that a worker needs none.
    assert {cell.network_file is not None for cell in cells if cell.network == "own"} == {True}


def test_the_order_does_not_rise_with_an_axis_and_does_not_change(space):
    cells = read_cells(space(), ("t4",), (), "1.0")
    batches = [cell.options["batch"] for cell in cells]
    assert batches != sorted(batches) and len(set(batches[:12])) == 3
    assert cells == read_cells(space(), ("t4",), (), "1.0")


def test_another_version_or_setting_is_another_cell(space):
    one, other, third = (
        read_cells(space(), ("t4",), words, version) for words, version in (((), "1"), ((), "2"), (("--whole",), "1"))
    )
    assert not {cell.file for cell in one} & {cell.file for cell in (*other, *third)}


def test_the_reference_of_each_device_comes_again(space):
    cells = with_references(read_cells(space(), ("h100", "t4"), (), "1.0"), 50)
    for tag in ("h100", "t4"):
        own = [cell for cell in cells if cell.tag == tag]
        again = [place for place, cell in enumerate(own) if cell.repeat]
        assert again == [50, 101, 152, 195] and [own[place].repeat for place in again] == [1, 2, 3, 4]
        assert {own[place].replace(repeat=0) for place in again} == {own[0]}
    assert len({cell.file for cell in cells}) == len(cells)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[axes]\nlayout = "channel_last"\n', "channels_last"),
        ("[axes]\nlayout = []\n", "each layout once"),
        ('[axes]\noptimizer = "adam"\n', "times one pass"),
        ('convention = "fvcore"\n', "counts nothing"),
        ("[axes]\nbtach = 1\n", "btach"),
        ("[axes]\nbatch = { from = 1, to = 20000, step = 1 }\n", "20,000 cells"),
        ("[blocks]\ndepth = [[1], [1]]\nwidth = [[8], [8]]\n", "blocks.width"),
    ],
)
def test_a_space_that_is_none_of_a_bench_is_refused(space, text, told):
    with pytest.raises(VggcostError, match=told):
        read_cells(space(text), ("t4",), (), "1.0")


@pytest.fixture
def fake(monkeypatch):
    """Cells whose process is a word: what it writes and how it ends, by batch; the words it was started with."""
    started = []

    def run(command, **_):
        words = command[4:]
        started.append(words)
        batch = int(words[words.index("--batch") + 1])
        if batch == 4:
            return cell_run.subprocess.CompletedProcess(command, -9, "", "")
        if batch == 2:
            said = "vggcost: error: A at batch 2 needs 9 GiB of memory, and 8 GiB are free\n"
            return cell_run.subprocess.CompletedProcess(command, 2, "", said)
        with open(words[words.index("--output") + 1], "w", encoding="utf-8") as file:
            json.dump(bench_documents.document(bench_documents.case(batch=batch)), file)
        return cell_run.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(cell_run.subprocess, "run", run)
    return started


def ran(cells, folder, *, retry=False):
    return cell_run.run_cells(cells, str(folder), HereEngine(), lambda _: None, retry=retry, tagged=False)


def few(*batches):
    return [Cell("A", None, {"batch": batch, "dtype": "float32"}, "contiguous", "t4", (), "1.0") for batch in batches]


def test_a_failure_is_a_result_and_nothing_is_measured_twice(fake, tmp_path):
    cells = few(1, 2, 4)
    first = ran(cells, tmp_path)
    assert (first.measured, first.failed, first.kept, len(fake)) == (1, 2, 0, 3)
    assert "out of memory: A at batch 2 needs 9 GiB" in first.failures[0] and "SIGKILL" in first.failures[1]
    before = {name: (tmp_path / name).read_text() for name in os.listdir(tmp_path)}
    assert len(before) == 3
    again = ran(cells, tmp_path)
    assert (again.measured, again.failed, again.kept, len(fake)) == (0, 0, 3, 3)
    retried = ran(cells, tmp_path, retry=True)
    assert (retried.measured, retried.failed, retried.kept, len(fake)) == (0, 2, 1, 5)
    assert (tmp_path / cells[0].file).read_text() == before[cells[0].file]


def test_a_result_that_a_worker_wrote_before_it_died_is_returned_as_it_is(fake, tmp_path):
    (cell,) = few(1)
    task = cell_run.CellTask(tuple(cell.words(None)), None, cell.identity, str(tmp_path), cell.file, again=False)
    written = cell_run.measured(task)
    assert cell_run.measured(task) == written and len(fake) == 1
    (tmp_path / cell.file).write_text("{")  # half of one
    assert cell_run.measured(task) == written and len(fake) == 2


def test_a_network_file_is_written_where_the_cell_runs(fake, space, tmp_path):
    cell = next(
        cell for cell in read_cells(space(), ("t4",), (), "1") if cell.network_file and cell.options["batch"] == 1
    )
    assert ran([cell], tmp_path).measured == 1
    (words,) = fake
    assert words[0] == "--file" and words[1].endswith("network.toml")


def test_all_cells_are_one_table_with_the_drift_of_the_reference(fake, tmp_path):
    ran(with_references(few(1, 2, 4, 8), 2), tmp_path)
    rows = collected(str(tmp_path))
    assert [(row["batch"], row["status"]) for row in rows if not row["repeat"]] == [
        (1, "measured"),
        (2, "out of memory"),
        (4, "crashed"),
        (8, "measured"),
    ]
    measured = rows[0]
    assert measured["images_per_s"] == pytest.approx(1e3 / measured["median_ms"])
    assert drift(rows)["t4"] == {
        "n": 3,
        "least_ms": measured["median_ms"],
        "most_ms": measured["median_ms"],
        "spread": 0,
    }


def test_the_commands_say_what_came_of_it(vggcost, fake, space, tmp_path):
    path, folder = space('[axes]\nconfig = "A"\nsize = 32\nbatch = [1, 2, 8]\n'), str(tmp_path / "results")
    first = vggcost("bench", "--space", path, "-o", folder, "--whole")
    assert first.status == 1 and "4 cells: 3 measured, 1 failed, 0 were there" in first.out
    assert "out of memory" in first.err and all("--whole" in words for words in fake)
    assert vggcost("bench", "--space", path, "-o", folder, "--whole").out.startswith("4 cells: 0 measured, 0 failed, 4")
    table = vggcost("bench-collect", folder)
    assert table.status == 0 and "out of memory" in table.out and "drift" in table.out
    assert len(json.loads(vggcost("bench-collect", folder, "--format", "json").out)["cells"]) == 4
    place = tmp_path / "cells.svg"
    assert vggcost("bench-collect", folder, "-o", str(place)).status == 0 and place.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("bench", "--space", "{space}"), "give their folder"),
        (("bench", "--space", "{space}", "-o", "{space}"), "needs a folder"),
        (("bench", "D", "--space", "{space}", "-o", "{out}"), "a network is given beside it"),
        (("bench", "--space", "{space}", "-o", "{out}", "--batch", "2"), "--batch is given beside it"),
        (("bench", "--space", "{space}", "-o", "{out}", "--on", "h100"), "as device=h100,t4"),
        (
            ("bench", "--space", "{space}", "-o", "{out}", "--on", "device=h100"),
            "no worker of --engine here offers h100",
        ),
        (("bench", "--space", "{space}", "-o", "{out}", "--engine", "pol:2"), "pool"),
        (("bench", "--space", "missing.toml", "-o", "{out}"), "missing.toml"),
        (("bench", "D", "--retry-failed"), "--retry-failed is for --space"),
        (("bench-collect", "{out}"), "cannot read"),
        (("bench-collect", "{folder}"), "has no results"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(vggcost, space, tmp_path, words, told):
    (tmp_path / "empty").mkdir()
    names = {"space": space("[axes]\nsize = 32\n"), "out": str(tmp_path / "out"), "folder": str(tmp_path / "empty")}
    answer = vggcost(*(word.format(**names) for word in words))
    assert answer.status == 2 and answer.out == "" and answer.err.count("\n") == 1
    assert told in answer.err
    assert not (tmp_path / "out").exists()


def test_a_damaged_result_is_named(vggcost, tmp_path):
    (tmp_path / "cell-a.json").write_text("{")
    assert "cell-a.json' is damaged" in vggcost("bench-collect", str(tmp_path)).err
    (tmp_path / "cell-a.json").write_text('{"cell": {"tag": "t4"}, "cases": []}')
    assert "damaged or was edited" in vggcost("bench-collect", str(tmp_path)).err
