"""Programs written in many ways: what a tool prints for them is what its convention says, or is said to be unknown."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vggcost import audit
from vggcost.cli.program_options import read_arguments
from vggcost.frameworks.arguments import images
from vggcost.frameworks.peers.programs import run_on_program
from vggcost.frameworks.peers.reading import Program
from vggcost.frameworks.peers.registry import PEERS, Peer, peers_named
from vggcost.frameworks.peers.running import Started, asked, last_words, place_for_prints
from vggcost.frameworks.target import Given

absent = [peer.name for peer in PEERS if peer.installed() is None]
if absent:
    pytest.skip(f"not installed: {', '.join(absent)}", allow_module_level=True)

MODELS = Path(__file__).parents[1] / "models"
SPELLING = f"{MODELS / 'random_spelling.py'}:program"
SEEDS = range(16)
"""The programs of a run; `python tests/against_tools/test_programs.py FIRST LAST TOOLS` takes more by hand."""


@pytest.fixture(scope="module", autouse=True)
def models_importable():
    sys.path.insert(0, str(MODELS))
    yield
    sys.path.remove(str(MODELS))


def runs(seed):
    """Whether torch itself runs the program of a seed."""
    import random_spelling
    import torch

    try:
        with torch.no_grad():
            random_spelling.program(seed)(torch.rand(random_spelling.shape(seed)))
    except (RuntimeError, IndexError):
        return False
    return True


def known(seed, convention):
    """What we say that a tool prints for the program of a seed, and why we do not where we do not."""
    import random_spelling

    read = audit(random_spelling.program(seed), random_spelling.shape(seed), convention=convention)
    if read.totals.count is not None and read.layers:
        assert sum(row.count for row in read.layers) == read.totals.count
    return read.totals.count, read.seen.reason


def compared(peer, seeds):
    """Yield seed, convention, ours and theirs; a tool that crashes on a program is started again behind it."""
    import random_spelling

    todo = [seed for seed in seeds if runs(seed)]
    while todo:
        given = {
            seed: Given(read_arguments(f"seed={seed}", "--call"), images([random_spelling.shape(seed)]))
            for seed in todo
        }
        questions = [(str(seed), Program(SPELLING, given[seed])) for seed in todo]
        with place_for_prints(peer) as said:
            for seed, answered in zip(list(todo), asked(peer, questions, said, (None, Started())), strict=False):
                todo.remove(seed)
                if answered is None:
                    yield from ((seed, name, known(seed, name)[0], last_words(said)) for name in tools_of(peer))
                    break
                for one in answered:
                    yield seed, one["convention"], known(seed, one["convention"])[0], one["total"]


def tools_of(peer):
    return [name for name in peer.conventions if name != "ultralytics-thop"]


@pytest.mark.filterwarnings("ignore")  # torch's own, of what the programs ask for
@pytest.mark.parametrize("name", [peer.name for peer in PEERS])
def test_what_a_tool_prints_is_what_its_convention_says(name):
    (peer,) = peers_named([name])
    rows = list(compared(peer, SEEDS))
    assert [row for row in rows if row[2] is not None and row[2] != row[3]] == []
    assert len([row for row in rows if row[2] is not None]) > len(rows) // 2


SMALL = """
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1)
        self.fc = nn.Linear(width * 64, 10)

    def forward(self, x):
        return self.fc(F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1))


class Vector(nn.Module):
    def forward(self, x):
        return x.flatten(1) @ torch.ones(3 * 16 * 16)
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SMALL)
    return "net.py:Net"


def test_a_program_is_held_against_tools(vggcost, small):
    ran = vggcost("verify", small, "--call", "width=4", "--size", "16", "--batch", "2", "--against", "thop,torch")
    assert ran.status == 0
    rows = [line.split() for line in ran.out.splitlines()]
    conv, fc = 2 * 4 * 256 * 27, 2 * 256 * 10
    assert ["thop", "thop", f"{conv + fc:,}", f"{conv + fc:,}", "0"] in rows
    assert ["torch", "torch", f"{2 * (conv + fc):,}", f"{2 * (conv + fc):,}", "0"] in rows
    assert "2 checks: every residual is 0" in ran.out


def test_without_tools_a_program_is_held_against_itself(vggcost, small):
    document = json.loads(vggcost("verify", small, "--size", "16", "--format", "json").out)
    assert document["schema"] == "vggcost.verify/2"
    assert (document["program"], document["inputs"], document["differing"]) == (small, [[1, 3, 16, 16]], 0)
    sides = {one["quantity"]: (one["ours"], one["theirs"]) for tool in document["tools"] for one in tool["checks"]}
    params = 8 * 28 + 512 * 10 + 10
    assert sides["parameters"] == (params, params)
    assert sides["output elements"] == (10, 10)
    assert set(sides) == {"parameters", "output elements", "fvcore", "torch"}


def test_a_tool_that_crashes_on_a_program_is_shown_with_its_own_words(vggcost, small):
    ran = vggcost("verify", small.replace("Net", "Vector"), "--size", "16", "--against", "fvcore")
    assert ran.status == 1
    text = " ".join(ran.out.split())
    assert "crashed on net.py:Vector: IndexError: list index out of range" in text
    assert "matmul, which is a product with a vector, where it stops" in text
    assert "nothing ran; 1 tool crashed" in text


def test_a_difference_is_shown_with_the_modules_that_make_it(small, tmp_path, monkeypatch):
    """Our reading of another width: each check can fail, and says where."""
    given = Given(read_arguments("width=4", "--call"), images([(1, 3, 16, 16)]))
    monkeypatch.syspath_prepend(tmp_path)
    from net import Net

    reading = audit(Net(8), (1, 3, 16, 16)).reading
    (outcome,) = run_on_program(peers_named(["torch"]), small, given, reading)
    (one,) = outcome.differing
    assert one.residual == -2 * (4 * 256 * 27 + 256 * 10)
    assert one.reason.startswith("conv has 110,592 here and 55,296 there; fc has 10,240 here and 5,120 there")


def test_tools_that_are_not_there_are_skipped_by_name(vggcost, small, monkeypatch):
    absent = Peer("absent", {"no-such-distribution": "fvcore"}, ("fvcore",), "nothing")
    monkeypatch.setattr("vggcost.cli.verify.peers_named", lambda _: (absent, *peers_named(["torch"])))
    ran = vggcost("verify", small, "--size", "16", "--against", "all")
    assert ran.status == 0
    assert "skipped, not installed: absent" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "net.py:Net", "net.py:Vector"), "verify takes one program at a time, and 2 targets are given"),
        (("verify", "net.py:Net", "--size", "20"), "net.py:Net cannot run, so no counter can: takes 512 features"),
        (("verify", "net.py:Net", "--every-network"), "--every-network takes every configuration"),
    ],
)
def test_what_cannot_be_verified_is_refused(refused, small, words, said):
    assert said in refused(*words)


if __name__ == "__main__":
    sys.path.insert(0, str(MODELS))
    first, last, *names = sys.argv[1:]
    for each in peers_named(names or ["all"]):
        found = list(compared(each, range(int(first), int(last))))
        print(each.name, len(found), "numbers,", sum(row[2] is None for row in found), "not known")
        for row in found:
            if row[2] is not None and row[2] != row[3]:
                print("DIFFERS", *row)
