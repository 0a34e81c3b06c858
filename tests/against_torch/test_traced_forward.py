"""Modules of the user's own as rows of operations: the same numbers, and rows that say what each operation did."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402  # after the skip
from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from vggcost import api  # noqa: E402
from vggcost.bench.subjects import fill  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402
from vggcost.frameworks.pytorch.traced_forward import NotTraceableError, traced_steps  # noqa: E402
from vggcost.network.plan import Variant  # noqa: E402


class Functional(nn.Module):
    """A residual forward as people write it: functions, a shared module, sizes, a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.scale = nn.Parameter(torch.rand(1))
        self.drop = nn.Dropout()
        self.fc = nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        kept = self.act(self.conv1(x))
        x = self.act(self.conv2(kept)) * self.scale
        x = functional.max_pool2d(x + kept, 2)
        x = x.view(x.size(0), -1)
        return functional.log_softmax(self.fc(self.drop(x)), dim=1)


def check(module, x):
    module.eval()
    steps = traced_steps(module, x.clone())
    again = x.clone()
    with torch.inference_mode():
        assert [step.row for step in traced_steps(module, again)] == [step.row for step in steps]
        expected = module(x.clone())
        for _ in range(2):  # nothing of the first forward may be left for the second
            y = x.clone()
            for step in steps:
                y = step.call(y)
            assert torch.equal(y, expected)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(x)
    assert sum(step.row["flops"] for step in steps) == counter.get_total_flops()
    assert len({step.row["name"] for step in steps}) == len(steps)
    return {step.row["name"]: step.row for step in steps}


def test_functions_shared_modules_sizes_and_parameters_are_followed():
    rows = check(Functional(), torch.randn(2, 3, 16, 16))
    names = ("conv1", "act", "conv2", "act#2", "mul", "add", "max_pool2d", "view", "drop", "fc", "log_softmax")
    assert tuple(rows) == names
    assert rows["conv1"]["macs"] == 2 * 3 * 8 * 9 * 16 * 16
    assert rows["conv1"]["min_bytes"] == 4 * (2 * 3 * 256 + 3 * 8 * 9 + 8 + 2 * 8 * 256)
    assert rows["act"]["runs"]  # in place, yet it works
    assert not rows["view"]["runs"]
    assert not rows["drop"]["runs"]
    assert rows["view"]["min_bytes"] == 0
    assert rows["add"]["min_bytes"] == 4 * 3 * 2 * 8 * 256
    assert [name for name, row in rows.items() if row["winograd"]] == ["conv1", "conv2"]


def test_our_own_networks_traced_have_the_rows_of_their_tables():
    network = api.build("A", Variant(classes=10, adaptive_pool=False, head=()), 32)
    module = build_module(network).to_empty(device="cpu")
    fill(module)
    rows = check(nn.Sequential(module.features, nn.Flatten(), module.classifier), torch.randn(2, 3, 32, 32))
    counted = table(network, (2, 3, 32, 32)).rows
    assert [(row["params"], row["macs"], tuple(row["output"])) for row in rows.values()] == [
        (row.params, row.macs, row.output) for row in counted
    ]


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


class NoWork(nn.Module):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("module", "words"), [(Branching(), "TraceError"), (TwoInputs(), "takes 2 inputs"), (NoWork(), "no operation")]
)
def test_what_cannot_be_followed_is_said(module, words):
    with pytest.raises(NotTraceableError, match=words):
        traced_steps(module, torch.randn(2, 3))


def test_a_default_argument_keeps_its_default():
    class Scaled(nn.Module):
        def forward(self, x, by=3.0):
            return x * by

    check(Scaled(), torch.randn(2, 3))
