"""`vggcost verify`, and that each of its checks can fail."""

from __future__ import annotations

import builtins
import json
import sys

import pytest

from vggcost import cost
from vggcost.frameworks.outcome import Check
from vggcost.frameworks.peers.registry import Peer
from vggcost.frameworks.verifier import verify

torch = pytest.importorskip("torch")
QUANTITIES = ("parameters", "output shape", "fvcore", "torch")


@pytest.fixture(scope="module")
def small():
    return cost("A", batch_norm=True, classes=10, size=32).table


def checks_of(*outcomes):
    return [check for outcome in outcomes for check in outcome.checks]


def test_a_network_and_its_module_agree_in_every_layer(small):
    checks = checks_of(*verify([small]))
    assert [check for check in checks if check.differs] == []
    for quantity in QUANTITIES:
        layers = [check.layer for check in checks if check.quantity == quantity]
        assert layers == [*(row.name for row in small.rows if row.path), "total"]
    (by_fvcore,) = (check.theirs for check in checks if (check.quantity, check.layer) == ("fvcore", "total"))
    assert by_fvcore == small.macs + small.ledger["batch_norm_elements"] * 2 + 512


def doctored(table, index, **changes):
    """Our numbers of one network beside the network of another, which is what is built and run."""
    layers = list(table.network.layers)
    layers[index] = layers[index].replace(**changes)
    return table.replace(network=table.network.replace(layers=tuple(layers)))


WIDER = {"index": 0, "kernel": (5, 5), "padding": (2, 2)}
UNBIASED = {"index": 0, "bias": False}
STRIDED = {"index": 3, "stride": (2, 2)}


@pytest.mark.parametrize(
    ("changes", "layer", "quantities"),
    [
        (WIDER, "conv1_1", {"parameters", "fvcore", "torch"}),
        (UNBIASED, "conv1_1", {"parameters"}),
        (STRIDED, "conv2_1", {"output shape", "fvcore", "torch"}),
    ],
)
def test_every_check_can_fail(changes, layer, quantities):
    checks = checks_of(*verify([doctored(cost("A", classes=10, size=64).table, **changes)]))
    assert {check.quantity for check in checks if check.layer == layer and check.differs} == quantities
    assert {check.quantity for check in checks if check.layer == "total" and check.differs} <= quantities


def test_residuals_are_theirs_less_ours(small):
    assert Check(small, "c", "parameters", 10, 12).residual == 2
    assert Check(small, "c", "fvcore", None, 12).residual is None
    assert Check(small, "c", "fvcore", None, 12).differs
    assert Check(small, "c", "output shape", (1, 2), (1, 2)).residual == 0
    assert Check(small, "c", "output shape", (1, 2), (2, 1)).residual == 1
    assert Check(small, "c", "output shape", (1, 2), None).residual == 2


def test_the_command_prints_both_sides_and_ends_with_0(vggcost):
    ran = vggcost("verify", "A-LRN", "--size", "32", "--classes", "10", "--layers")
    assert ran.status == 0
    assert "lrn1" in ran.out
    assert "every residual is 0" in ran.out
    document = json.loads(vggcost("verify", "A", "--size", "32", "--format", "json").out)
    assert document["schema"] == "vggcost.verify/2"
    assert document["networks"][0]["differing"] == 0
    assert {check["quantity"] for check in document["networks"][0]["checks"]} == set(QUANTITIES)


def test_one_network_is_shown_layer_by_layer_and_what_a_tool_counts_beyond_macs_is_explained(vggcost):
    lines = vggcost("verify", "A", "--batch-norm", "--size", "32", "--classes", "10").out.splitlines()
    table = cost("A", batch_norm=True, classes=10, size=32).table
    extras = f"+ {table.ledger['batch_norm_elements']:,} batch-norm elements"
    assert any(line.split()[0] == "conv1_1" for line in lines if line)
    assert any(line.startswith("fvcore = MACs + 512 adaptive-pool inputs") and extras in line for line in lines), lines
    assert f"torch = MACs + {table.macs:,} MACs again (1 MAC = 2 FLOP)" in lines
    assert lines[-1].endswith("checks, 4 of them totals, on 1 network: every residual is 0")


def test_every_format_has_the_checks_and_the_verdict(vggcost):
    for fmt in ("table", "markdown", "latex", "html", "csv"):
        ran = vggcost("verify", "A", "--size", "32", "--classes", "10", "--format", fmt)
        assert (ran.status, ran.err) == (0, "")
        assert "fvcore" in ran.out
        for fact in ("every residual is 0", "adaptive-pool inputs"):
            assert (fact in ran.out) == (fmt != "csv")


@pytest.mark.parametrize("fmt", ["table", "markdown", "latex", "html", "csv", "json"])
def test_the_command_names_what_differs_and_ends_with_1(vggcost, monkeypatch, fmt):
    def of_another(tables, tools, progress):
        return verify([doctored(table, **WIDER) for table in tables], tools, progress)

    monkeypatch.setattr("vggcost.cli.verify.verify", of_another)
    ran = vggcost("verify", "B", "--size", "32", "--format", fmt)
    assert ran.status == 1
    assert "conv1_1" in ran.out.replace("\\_", "_")
    assert str((5 * 5 - 3 * 3) * 3 * 64) in ran.out.replace(",", "")  # the parameters that differ
    if fmt in ("table", "markdown", "latex"):
        assert "6 differ" in ran.out  # parameters, fvcore and torch, of the layer and in the total


def test_all_takes_the_twelve_of_the_paper(vggcost):
    document = json.loads(
        vggcost("verify", "--every-network", "--size", "32", "--classes", "4", "--format", "json").out
    )
    titles = [network["network"]["title"] for network in document["networks"]]
    assert len(set(titles)) == 12
    assert sum(network["differing"] for network in document["networks"]) == 0


def test_at_full_size_the_weights_are_never_written():
    # Peak memory of a process and of those that it starts: the weights of E alone would take 548 MiB.
    import subprocess

    # A process begins with the peak of the one that forked it in getrusage, and with its own in VmHWM.
    code = (
        "import resource; from vggcost.cli import main; main(['verify', 'E']);"
        "own = next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM'));"
        "print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "19,632,062,464" in done.stdout
    assert int(done.stdout.splitlines()[-1]) < 1024


def test_without_torch_one_line_says_what_to_install(refused, monkeypatch):
    original = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    for words, feature, extra in ((("D",), "verify", "torch"), (("--against", "all"), "verify --against", "peers")):
        said = f"vggcost {feature} needs torch, which is not installed; run: pip install 'vggcost[{extra}]'"
        assert said in refused("verify", *words)


def test_without_fvcore_one_line_says_what_to_install(refused, monkeypatch):
    monkeypatch.setattr(Peer, "installed", lambda _: None)
    line = refused("verify", "D")
    assert "vggcost verify needs fvcore, which is not installed; run: pip install 'vggcost[torch]'" in line


def test_a_forward_that_does_not_fit_into_memory_is_refused(refused):
    batch = 10**11  # of images of 588 KiB: more bytes than a process has addresses for
    line = refused("verify", "A", "--batch", str(batch))
    assert f"a real forward of A (VGG-11) at {batch}x3x224x224 does not fit into memory; give a smaller --batch" in line


def test_another_fault_of_a_counter_is_not_hidden(small, monkeypatch):
    def fail(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr("vggcost.frameworks.peers.fvcore_adapter.read", fail)
    with pytest.raises(RuntimeError, match="something else"):
        verify([small])
