"""`vggcost verify`, and that each of its checks can fail."""

from __future__ import annotations

import builtins
import json
import sys

import pytest

from vggcost import cost
from vggcost.frameworks.pytorch.checks import Check, verify

torch = pytest.importorskip("torch")
QUANTITIES = ("parameters", "output shape", "MACs by fvcore", "FLOPs by torch")


@pytest.fixture(scope="module")
def small():
    return cost("A", batch_norm=True, classes=10, size=32).table


def test_a_network_and_its_module_agree_in_every_layer(small):
    result = verify(small)
    assert result.differing == ()
    assert {check.quantity for check in result.checks} == set(QUANTITIES)
    assert {check.layer for check in result.checks} == {row.name for row in small.rows if row.path} | {"total"}
    assert result.fvcore_extras == {"batch_norm": small.ledger["batch_norm_elements"] * 2, "adaptive_avg_pool2d": 512}


def doctored(change):
    """A build that alters the module before it is checked."""

    def build(network):
        from vggcost.frameworks.pytorch.build import build_module

        module = build_module(network)
        change(module)
        return module

    return build


def wider(module):
    module.features[0] = torch.nn.Conv2d(3, 64, 5, padding=2, device="meta")


def unbiased(module):
    module.features[0] = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False, device="meta")


def strided(module):
    module.features[3] = torch.nn.Conv2d(64, 128, 3, padding=1, stride=2, device="meta")


@pytest.mark.parametrize(
    ("change", "layer", "quantities"),
    [
        (wider, "conv1_1", {"parameters", "MACs by fvcore", "FLOPs by torch"}),
        (unbiased, "conv1_1", {"parameters"}),
        (strided, "conv2_1", {"output shape", "MACs by fvcore", "FLOPs by torch"}),
    ],
)
def test_every_check_can_fail(change, layer, quantities):
    result = verify(cost("A", classes=10, size=64).table, doctored(change))
    assert {check.quantity for check in result.differing if check.layer == layer} == quantities


def test_residuals_are_theirs_less_ours():
    assert Check("c", "parameters", 10, 12).residual == 2
    assert Check("c", "output shape", (1, 2), (1, 2)).residual == 0
    assert Check("c", "output shape", (1, 2), (2, 1)).residual == 1
    assert Check("c", "output shape", (1, 2), None).residual == 2


def test_the_command_prints_both_sides_and_ends_with_0(vggcost):
    ran = vggcost("verify", "A-LRN", "--size", "32", "--classes", "10", "--layers")
    assert ran.status == 0
    assert "lrn1" in ran.out
    assert "every residual is 0" in ran.out
    document = json.loads(vggcost("verify", "A", "--size", "32", "--format", "json").out)
    assert document["networks"][0]["differing"] == 0


def test_every_format_has_every_check_and_the_verdict(vggcost):
    for fmt in ("markdown", "latex", "html", "csv"):
        ran = vggcost("verify", "A", "--size", "32", "--classes", "10", "--format", fmt)
        assert (ran.status, ran.err) == (0, "")
        assert "MACs by fvcore" in ran.out
        for fact in ("every residual is 0", "fvcore counts beyond MACs"):
            assert (fact in ran.out) == (fmt != "csv")


def test_the_command_names_what_differs_and_ends_with_1(vggcost, monkeypatch):
    monkeypatch.setattr("vggcost.cli.verify.verify", lambda table: verify(table, doctored(wider)))
    ran = vggcost("verify", "B", "--size", "32")
    assert ran.status == 1
    assert "conv1_1  parameters" in ran.out
    assert "differ" in ran.out


def test_all_takes_the_twelve_of_the_paper(vggcost):
    document = json.loads(vggcost("verify", "--all", "--size", "32", "--classes", "4", "--format", "json").out)
    titles = [network["network"]["title"] for network in document["networks"]]
    assert len(set(titles)) == 12
    assert sum(network["differing"] for network in document["networks"]) == 0


def test_at_full_size_the_weights_are_never_written():
    # Peak memory of a process of its own: the weights of E alone would take 548 MiB.
    import subprocess

    code = (
        "import resource; from vggcost.cli import main; main(['verify', 'E']);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "19,632,062,464" in done.stdout
    assert int(done.stdout.splitlines()[-1]) < 1024


@pytest.mark.parametrize("package", ["torch", "fvcore"])
def test_without_the_extra_one_line_says_what_to_install(refused, monkeypatch, package):
    original = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    line = refused("verify", "D")
    assert f"vggcost verify needs {package}, which is not installed; run: pip install 'vggcost[torch]'" in line


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_a_forward_that_does_not_fit_into_memory_is_refused(refused, monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr("vggcost.frameworks.pytorch.checks._traced", refuse)
    line = refused("verify", "A", "--batch", "1000000")
    assert "a real forward of A (VGG-11) at 1000000x3x224x224 does not fit into memory; give a smaller --batch" in line


def test_another_fault_of_the_forward_is_not_hidden(small, monkeypatch):
    def fail(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr("vggcost.frameworks.pytorch.checks._traced", fail)
    with pytest.raises(RuntimeError, match="something else"):
        verify(small)
