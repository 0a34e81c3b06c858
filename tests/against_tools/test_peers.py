"""The other counters, run for real: whole networks, and single layers that pin every weight on its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

from vggcost import api, cli
from vggcost.conventions.convention import DEFINITION, LIVE, RECORDED
from vggcost.conventions.counting import tally
from vggcost.conventions.rows import CONVENTIONS, convention
from vggcost.costs.table import Table, table
from vggcost.errors import VggcostError
from vggcost.frameworks.outcome import Installed, ToolOutcome
from vggcost.frameworks.peers import running
from vggcost.frameworks.peers.registry import PEERS, Peer, peers_named
from vggcost.frameworks.peers.running import run_peer, run_peers
from vggcost.network.blocks import Residual
from vggcost.network.catalogue import TABLE_1, Network, Variant
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Softmax,
)

# Asked for without importing them: they leave torch patched, which is why each runs in a process of its own.
absent = [peer.name for peer in PEERS if peer.installed() is None]
if absent:
    pytest.skip(f"not installed: {', '.join(absent)}", allow_module_level=True)

MATRIX = list(product(TABLE_1, (False, True), (1, 2), (32, 224, 256)))
A_TENTH = [
    ("A", False, 2, 32),
    ("A-LRN", True, 1, 224),
    ("A-LRN", False, 2, 256),
    ("B", True, 2, 32),
    ("C", False, 1, 256),
    ("D", True, 2, 32),
    ("E", False, 1, 32),
    ("D", False, 2, 224),
]
CALFLOPS = ("calflops", "calflops-macs")


def vgg(letter: str, batch_norm: bool, batch: int, size: int) -> Table:
    network = api.build(letter, Variant(batch_norm=batch_norm), size)
    return api.count(network, (size, size), batch).table


def images(channels: int) -> dict[str, tuple]:
    """Layers over feature maps of so many channels, by what is special about them."""
    return {
        "conv with bias": (Conv2d("layer", "layer", channels, 8, (3, 2), (2, 1), (1, 0), True, 2),),
        "conv without bias": (Conv2d("layer", "layer", channels, 8, (3, 2), (2, 1), (1, 0), False, 2),),
        "batch norm, affine": (BatchNorm2d("layer", "layer", channels, True),),
        "batch norm, not affine": (BatchNorm2d("layer", "layer", channels, False),),
        "LRN of 5": (LocalResponseNorm("layer", "layer", 5),),
        "LRN of 3": (LocalResponseNorm("layer", "layer", 3),),
        "ReLU": (ReLU("layer", "layer"),),
        "square max-pool": (MaxPool2d("layer", "layer", (3, 3), (2, 1)),),
        "oblong max-pool": (MaxPool2d("layer", "layer", (2, 3), (1, 2)),),
        "adaptive pool to 3x5": (AdaptiveAvgPool2d("layer", "layer", (3, 5)),),
        "adaptive pool to 7x7": (AdaptiveAvgPool2d("layer", "layer", (7, 7)),),
        "adaptive pool to 1x1": (AdaptiveAvgPool2d("layer", "layer", (1, 1)),),
        "dropout": (Dropout("layer", "layer"),),
        "flatten": (Flatten("layer", "layer"),),
        "addition": (
            Residual("layer", "layer", (Conv2d("body", "layer.body.0", channels, channels, (1, 1), (1, 1), (0, 0)),)),
        ),
    }


def features(width: int) -> dict[str, tuple]:
    return {
        "linear with bias": (Linear("layer", "layer", width, 9, True),),
        "linear without bias": (Linear("layer", "layer", width, 9, False),),
        "ReLU over features": (ReLU("layer", "layer"),),
        "soft-max": (Softmax("layer", "layer"),),
    }


def single_layers(*, with_parameters: bool) -> list[Table]:
    """Every layer kind x two shapes x batch 1 and 2; behind a layer with parameters for the tool that demands some."""
    tables = []
    for batch in (1, 2):
        for channels, height, width in ((6, 9, 12), (4, 5, 7)):
            for title, layers in images(channels).items():
                before = (Conv2d("first", "first", 3, channels, (1, 1), (1, 1), (0, 0)),) if with_parameters else ()
                channels_in = 3 if with_parameters else channels
                network = Network(title, Variant(in_channels=channels_in), (*before, *layers))
                tables.append(table(network, (batch, channels_in, height, width)))
        for width in (11, 6):
            for title, layers in features(width).items():
                before = (Linear("first", "first", 5, width),) if with_parameters else ()
                network = Network(title, Variant(), (*before, *layers))
                tables.append(table(network, (batch, 5 if with_parameters else width)))
    return tables


@pytest.fixture(scope="module")
def outcomes() -> dict[str, ToolOutcome]:
    """Every tool on a tenth of the matrix and on the single layers, each in one process."""
    networks = [vgg(*row) for row in A_TENTH]
    plain = [peer for peer in PEERS if peer.name != "calflops"]
    ran = run_peers(plain, [*networks, *single_layers(with_parameters=False)])
    demanding = run_peers(peers_named(["calflops"]), [*networks, *single_layers(with_parameters=True)])
    return {outcome.name: outcome for outcome in (*ran, *demanding)}


@pytest.mark.parametrize("name", [peer.name for peer in PEERS])
def test_every_number_of_a_tool_is_its_conventions(outcomes, name):
    outcome = outcomes[name]
    assert outcome.crash is None
    assert outcome.differing == ()
    assert outcome.installed is not None
    assert outcome.installed.proven
    (peer,) = peers_named([name])
    heard = {one.quantity for one in outcome.checks}
    assert heard == {word for word in peer.conventions if word != "ultralytics-thop"}
    singles = len(single_layers(with_parameters=False))
    totals = [one for one in outcome.checks if one.layer == "total"]
    assert len(totals) == len(heard) * (len(A_TENTH) + singles)


def test_single_layers_tell_every_two_weights_apart():
    """Each weight of a live convention, off by one, is seen by the single layers."""
    tables = single_layers(with_parameters=False)
    of_networks = {primitive for each in tables for primitive in each.ledger}  # programs have more, held by handlers
    assert {"conv_macs", "linear_macs", "relu_elements"} <= of_networks
    for name in {word for peer in PEERS for word in peer.conventions}:
        one = convention(name)
        for weights in ("weights", "image_weights"):
            for primitive, weight in getattr(one, weights).items():
                if primitive not in of_networks:
                    continue
                wrong = one.replace(**{weights: {**getattr(one, weights), primitive: weight + 1}})
                assert any(tally(one, each).total != tally(wrong, each).total for each in tables), (name, primitive)


def test_a_tenth_is_a_tenth_and_touches_everything():
    assert len(A_TENTH) * 9 >= len(MATRIX)
    for position in range(4):
        assert {row[position] for row in A_TENTH} == {row[position] for row in MATRIX}


@pytest.mark.matrix
def test_the_whole_matrix(capsys):
    assert cli.main(["verify", "--against", "all", "--every-network", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["differing"] == 0
    assert [tool["status"] for tool in document["tools"]] == ["ran"] * len(PEERS)
    checks = [one for network in document["networks"] for one in network["checks"]]
    assert len([one for one in checks if one["layer"] == "total"]) == 12 * len(MATRIX)
    assert all(one["residual"] == 0 for one in checks)


def test_a_wrong_weight_is_found_and_named(vggcost, monkeypatch):
    monkeypatch.setattr(running, "convention", _with_a_wrong_weight)
    ran = vggcost("verify", "--against", "torchinfo", "A", "--size", "32", "--batch", "1")
    assert ran.status == 1
    # 8 convolutions whose every output counts once too often, named one by one, and their sum in the total.
    assert "conv1_1" in ran.out
    assert "-65,536" in ran.out
    assert "9 differ" in ran.out


def _with_a_wrong_weight(name):
    one = convention(name)
    return one.replace(weights={**one.weights, "conv_bias_adds": one.weights.get("conv_bias_adds", 0) + 1})


@pytest.fixture
def adapter(tmp_path, monkeypatch):
    """Stand a tool of our own in the place of fvcore: its adapter's text, and the peer that runs it."""

    def make(source: str, name: str = "an_adapter") -> Peer:
        (tmp_path / f"{name}.py").write_text(source)
        return Peer("fvcore", {"fvcore": "fvcore"}, ("fvcore",), name)

    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return make


SMALL = ("A", False, 1, 32)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def read(module, x):\n    raise ValueError('out of ideas')\n", "ValueError: out of ideas"),
        ("import os\n\ndef read(module, x):\n    os._exit(3)\n", "it ended without a word"),
        ("import no_such_module_here\n", "ModuleNotFoundError: No module named 'no_such_module_here'"),
    ],
)
def test_a_crash_has_name_release_and_last_line(adapter, monkeypatch, vggcost, source, said):
    crashing = adapter(source)
    others = peers_named(["torch"])
    monkeypatch.setattr("vggcost.cli.verify.peers_named", lambda _: (crashing, *others))
    ran = vggcost("verify", "--against", "fvcore,torch", "A,B", "--size", "32")
    assert ran.status == 1
    assert f"fvcore {crashing.installed().release} crashed on A at 1x3x32x32: {said}" in " ".join(ran.out.split())
    assert "1 networks behind it were not run" in " ".join(ran.out.split())
    assert "1 tool crashed" in ran.out
    torch_row = next(line for line in ran.out.splitlines() if line.startswith("torch "))
    assert torch_row.split()[-3:] == ["2", "64", "0"]


def test_what_a_tool_prints_does_not_reach_the_results(adapter):
    chatty = adapter(
        "import os\nfrom vggcost.frameworks.peers.reading import ToolReading\n\n\n"
        "def read(module, x):\n    print('hello')\n    os.write(1, b'hello from C')\n"
        "    return [ToolReading('fvcore', 1)]\n"
    )
    (one,) = run_peer(chatty, [vgg(*SMALL)]).checks
    assert one.theirs == 1
    assert one.differs


def test_ctrl_c_ends_at_once_and_leaves_no_process(tmp_path, heed_ctrl_c):
    """Only our own process is interrupted; the tools' must end with it."""
    started = [sys.executable, "-m", "vggcost", "verify", "--against", "all", "--every-network"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(started, cwd=tmp_path, preexec_fn=heed_ctrl_c, **pipes) as ours:  # noqa: PLW1509  # it only sets a signal
        children = Path(f"/proc/{ours.pid}/task")
        tools = _until(
            lambda: [child for task in children.iterdir() for child in (task / "children").read_text().split()]
        )
        ours.send_signal(signal.SIGINT)
        try:
            out, err = ours.communicate(timeout=60)
        finally:
            ours.kill()  # where it has not ended, leaving the block would wait for it
    assert (ours.returncode, out, err) == (130, b"", b"")
    assert not [tool for tool in tools if Path(f"/proc/{tool}").exists()]


def _until(found):
    for _ in range(600):
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("no tool was started")


def test_a_fraction_is_no_count(adapter):
    fraction = adapter(
        "from vggcost.frameworks.peers.reading import ToolReading, whole\n\n\n"
        "def read(module, x):\n    return [ToolReading('fvcore', whole(1.5, 'the total'))]\n"
    )
    assert "the total is 1.5, which is no whole number" in (run_peer(fraction, [vgg(*SMALL)]).crash or "")


def test_a_tool_that_is_not_installed_is_skipped_by_name(monkeypatch, vggcost):
    absent = Peer("absent", {"no-such-distribution": "fvcore"}, ("fvcore",), "nothing")
    monkeypatch.setattr("vggcost.cli.verify.peers_named", lambda _: (absent, *peers_named(["torch"])))
    ran = vggcost("verify", "--against", "all", "A", "--size", "32")
    assert ran.status == 0
    assert "skipped, not installed: absent" in ran.out
    monkeypatch.setattr("vggcost.cli.verify.peers_named", lambda _: (absent,))
    ran = vggcost("verify", "--against", "all", "A", "--size", "32")
    assert ran.status == 2
    assert "none of the tools is installed (absent)" in ran.err


def test_another_release_is_run_and_said_to_be_unproven(monkeypatch, vggcost):
    monkeypatch.setattr(Peer, "installed", lambda _: Installed("torch", "2.99.0", ("2.13", "2.14")))
    ran = vggcost("verify", "--against", "torch", "A", "--size", "32")
    assert ran.status == 0
    assert "torch 2.99.0 is not the release that its convention was read from (2.13 or 2.14): unproven" in ran.out


@pytest.mark.parametrize(
    ("release", "known", "proven"),
    [
        ("2.13.0+cpu", ("2.13",), True),
        ("2.130.0", ("2.13", "2.14"), False),
        ("2.14.0", ("2.13",), False),
        ("0.1.1-2209072238", ("0.1.1.post2209072238",), True),
        ("0.7.5", ("0.7.5",), True),
        ("0.7.6", ("0.7.5",), False),
    ],
)
def test_which_release_is_proven(release, known, proven):
    assert Installed("a", release, known).proven is proven


def test_torch_has_two_releases_that_count_alike():
    assert convention("torch").releases == ("2.13", "2.14")
    assert all(Installed("torch", release, convention("torch").releases).proven for release in ("2.13.0", "2.14.1+cpu"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fvcor", "unknown tool 'fvcor'; the nearest are fvcore"),
        ("all,nope", "unknown tool 'nope'"),
        ("fvcore,,thop", "unknown tool ''"),
        ("ptflops-aten", "'ptflops-aten' is a convention of the tool ptflops; give --against ptflops"),
        ("deepspeed", "'deepspeed' cannot be run here, its convention is held by recorded totals"),
    ],
)
def test_unknown_tools_are_refused(refused, words, said):
    assert said in refused("verify", "--against", words)


def test_every_convention_is_live_or_recorded():
    live = {name for peer in PEERS for name in peer.conventions}
    assert {one.name for one in CONVENTIONS if one.proof == LIVE} == live - {"ultralytics-thop"}
    assert {one.proof for one in CONVENTIONS} == {LIVE, RECORDED, DEFINITION}


def test_both_sides_as_csv_and_json(vggcost):
    words = ("verify", "--against", "thop,torch", "A", "--size", "32", "--batch", "2")
    lines = vggcost(*words, "--format", "csv").out.splitlines()
    assert lines[0] == "quantity,network,input,layer,ours,theirs,residual"
    assert len(lines) == 1 + 2 * 30
    document = json.loads(vggcost(*words, "--format", "json").out)
    assert document["schema"] == "vggcost.verify/2"
    assert [tool["name"] for tool in document["tools"]] == ["torch", "thop"]
    assert [one["runs"] for tool in document["tools"] for one in tool["quantities"]] == [1, 1]
    (network,) = document["networks"]
    assert network["input"] == [2, 3, 32, 32]
    assert {one["residual"] for one in network["checks"]} == {0}


def test_a_forward_that_does_not_fit_into_memory_is_refused(adapter):
    for index, error in enumerate(("MemoryError()", "RuntimeError('DefaultCPUAllocator: cannot allocate memory')")):
        greedy = adapter(f"def read(module, x):\n    raise {error}\n", f"greedy_{index}")
        with pytest.raises(VggcostError, match=r"a real forward of A \(VGG-11\) at 1x3x32x32 does not fit into memory"):
            run_peer(greedy, [vgg(*SMALL)])


def test_no_place_for_what_a_tool_prints_is_refused(monkeypatch, refused):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    line = refused("verify", "--against", "torch", "A", "--size", "32")
    assert "there is no temporary file for what torch prints: No space left on device; free the place, or" in line
    assert "cannot write the result" not in line
