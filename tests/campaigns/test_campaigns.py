"""Each campaign in full, under its marker; and that each would see a broken promise."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from campaigns import __main__ as campaigns
from campaigns import _words, command_lines, kills, processes, sweeps

from vggcost.cli import COMMANDS
from vggcost.network.layers import Linear


@pytest.mark.campaign
@pytest.mark.parametrize("name", campaigns.names())
def test_no_promise_is_broken(name, capsys):
    figure, found = campaigns.run(name, short=False, seed=1)
    with capsys.disabled():
        print(f"\n{figure}")
    assert found == []


FAKE = """
WHAT, FULL, SHORT = "tries", 20, 2

def broken(number, seed, folder):
    yield from (f"{turn} of {seed} in {folder.is_dir()}" for turn in range(number))
    return "4 in all"
"""


def test_a_campaign_is_one_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "fake.py").write_text(FAKE)
    (tmp_path / "_helper.py").write_text("")
    monkeypatch.setattr(campaigns, "HERE", tmp_path)
    package = __import__("campaigns")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    assert campaigns.main(["--short", "--seed", "5"]) == 1
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("fake: 2 tries, 4 in all, 2 broken (seed 5, ")
    assert lines == ["  0 of 5 in True", "  1 of 5 in True"]
    assert campaigns.main(["fake"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 1 + campaigns.SHOWN
    with pytest.raises(SystemExit):
        campaigns.main(["fakes"])


def test_each_has_what_a_campaign_has():
    assert {"command_lines", "kills", "networks", "processes"} <= set(campaigns.names())
    for name in campaigns.names():
        campaign = __import__(f"campaigns.{name}", fromlist=["broken"])
        assert campaign.FULL > campaign.SHORT > 0 and campaign.WHAT and callable(campaign.broken)


@pytest.mark.torch  # for its time
@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"verify"}))
def test_what_a_command_is_tried_with_is_answered(tmp_path, monkeypatch, capsys, command):
    """A command whose lines were refused for want of a word would be tried for nothing."""
    _words.prepare(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert _words.main([*_words.needed(command)]) in (0, 1), capsys.readouterr().err
    assert _words.actions(command)


def raises(words):
    raise TypeError(words)


def talks(words):
    print("half a result")
    return 2


def writes(words):
    Path("old.csv").write_text("cut sho")
    Path(".new.csv.1.part").write_text("")
    return 0


@pytest.mark.parametrize(
    ("main", "seen"),
    [
        (raises, "TypeError"),
        (talks, "refused with 14 characters"),
        (lambda _: 3, "status 3"),
        (writes, "old.csv is not whole"),
        (writes, "is left"),
    ],
)
def test_a_broken_command_line_is_seen(tmp_path, monkeypatch, main, seen):
    monkeypatch.setattr(command_lines, "main", main)
    assert any(seen in str(promise) for promise in command_lines.broken(3, 1, tmp_path))


@pytest.mark.parametrize(
    ("ran", "seen"),
    [((120, b"", ""), "status 120"), ((1, b"", "Traceback"), "a traceback"), ((2, b"", "a\nb\n"), "refused with")],
)
def test_a_broken_process_is_seen(tmp_path, monkeypatch, ran, seen):
    monkeypatch.setattr(processes, "ran", lambda *_: ran)
    assert any(seen in promise for promise in processes.broken(20, 1, tmp_path))


def test_a_result_that_is_cut_short_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "ran", lambda *given: (0, b"whole" if given[2] == "" else b"wh", ""))
    _words.prepare(tmp_path / "here")
    found = list(processes.tried(tmp_path / "here", ("table",), ">out", 1024, {}))
    assert found == ["2 bytes of 5 with status 0"]


def test_a_file_that_is_neither_old_nor_new_is_seen(tmp_path, monkeypatch):
    known = {"d.json": b"old"}, {"d.json": b"new"}, 0.1
    monkeypatch.setattr(kills, "files", lambda _: {"d.json": b"ne"})
    monkeypatch.setattr(kills, "beside", lambda _: [".d.json.1.part"])
    (tmp_path / "set").mkdir()
    met = Counter()
    found = list(kills.killed(tmp_path, "table", known, random.Random(1), met))  # noqa: S311  # moments
    assert found == [
        "d.json is neither old nor new",
        "the next run did not write the new file",
        "['.d.json.1.part'] is left",
    ]
    assert met == {kills.MET[0]: 1, kills.MET[2]: 1}


@pytest.mark.torch
def test_a_number_that_no_other_has_is_seen(tmp_path, monkeypatch):
    from campaigns import networks

    params = Linear.params
    monkeypatch.setattr(Linear, "params", lambda layer: params(layer) + 1)
    found, (checks,) = campaigns.collected(networks.broken(6, 1, tmp_path))
    assert any(line.startswith("Drawing(") and ": parameters of module is " in line for line in found)
    assert int(checks.removesuffix(" layer checks").replace(",", "")) > 3 * len(found)
    monkeypatch.undo()
    assert campaigns.collected(networks.broken(6, 1, tmp_path)) == ([], [checks])


@pytest.mark.parametrize(
    ("status", "rows", "left", "seen"),
    [
        (0, b"rows", False, []),
        (3, b"rows", False, ["status 3: 'said'"]),
        (0, b"others", False, ["other rows"]),
        (0, None, True, ["other rows", "parts are left"]),
    ],
)
def test_a_sweep_that_ends_otherwise_is_seen(tmp_path, status, rows, left, seen):
    if rows is not None:
        (tmp_path / "out.csv").write_bytes(rows)
    if left:
        (tmp_path / "out.csv.parts").mkdir()
    script = ("sh", "-c", f"printf said >&2; exit {status}")
    run = subprocess.Popen(script, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert list(sweeps.ended(run, tmp_path, b"rows")) == seen


def test_a_part_that_is_written_again_is_seen(tmp_path):
    part = tmp_path / "0.part"
    part.write_text("x")
    before = sweeps.state(tmp_path)
    assert before == sweeps.state(tmp_path) != {}
    part.unlink()
    (tmp_path / "1.part").write_text("y")
    part.write_text("x")
    assert sweeps.state(tmp_path)["0.part"] != before["0.part"]
