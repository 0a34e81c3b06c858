"""What a convention's tool sees of a program as it is written: totals that the tools were seen to print."""

import math
import sys
from pathlib import Path

import pytest

import vggcost
from vggcost.conventions.rows import CONVENTIONS

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # behind the check for torch, as all that follows
from torch.nn import functional as F  # noqa: E402, N812  # as every program calls it

MODELS = Path(__file__).parents[1] / "models"
CONV, LINEAR, ELEMENTS = 8 * 32 * 32 * 27, 2048 * 10, 8 * 32 * 32
BIASES = ELEMENTS + 10


class Small(nn.Module):
    """A convolution, a ReLU and a pool written in one way or another, and a linear layer."""

    def __init__(self, relu, pool):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(2048, 10)
        self.relu, self.pool = relu, pool

    def forward(self, x):
        return self.fc(self.pool(self.relu(self.conv(x))).flatten(1))


class Shared(nn.Module):
    """Two modules that hold the same linear layer, both called."""

    def __init__(self):
        super().__init__()
        linear = nn.Linear(1000, 1000)
        self.left, self.right = nn.Sequential(linear), nn.Sequential(linear)

    def forward(self, x):
        return self.right(self.left(x))


class Written(nn.Module):
    """A module whose forward is the function that it is given."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.written = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.written(self, x)


def counted(model, shape, convention):
    audit = vggcost.audit(model, shape, convention=convention)
    if audit.totals.count is not None:
        assert sum(row.count for row in audit.layers) == audit.totals.count
    return audit


MODULES = (nn.ReLU(), nn.MaxPool2d(2))
# A lambda looks its function up when it is called, as the forward of a program does.
FUNCTIONS = (lambda x: F.relu(x), lambda x: F.max_pool2d(x, 2))  # noqa: PLW0108  # as just said
PLAIN = (lambda x: torch.relu(x), lambda x: F.max_pool2d(x, 2))  # noqa: PLW0108  # the same


@pytest.mark.parametrize(
    ("written", "convention", "count"),
    [
        (MODULES, "ptflops", CONV + LINEAR + BIASES + 4 * ELEMENTS),
        (FUNCTIONS, "ptflops", CONV + LINEAR + BIASES + 2 * ELEMENTS),
        (PLAIN, "ptflops", CONV + LINEAR + BIASES + ELEMENTS),
        (MODULES, "ptflops-modules", CONV + LINEAR + BIASES + 2 * ELEMENTS),
        (FUNCTIONS, "ptflops-modules", CONV + LINEAR + BIASES),
        (MODULES, "calflops", 2 * (CONV + LINEAR) + 3 * ELEMENTS),
        (FUNCTIONS, "calflops", 2 * (CONV + LINEAR) + 3 * ELEMENTS),
        (PLAIN, "calflops", 2 * (CONV + LINEAR) + 2 * ELEMENTS),
        (FUNCTIONS, "fvcore", CONV + LINEAR),
        (FUNCTIONS, "mac", CONV + LINEAR),
    ],
)
def test_a_tool_counts_what_it_sees(written, convention, count):
    assert counted(Small(*written), (1, 3, 32, 32), convention).totals.count == count


def test_the_numbers_of_ptflops_are_those_that_it_prints():
    counts = [counted(Small(*way), (1, 3, 32, 32), "ptflops").totals.count for way in (MODULES, FUNCTIONS, PLAIN)]
    assert counts == [282_634, 266_250, 258_058]


@pytest.mark.parametrize(
    ("convention", "count"),
    [
        ("thop", 2 * 20_000_000 * 2 * 2),  # two calls; two hooks for two holders; and both holders are added up
        ("torchinfo", 2 * 1_001_000),  # parameters, times the first axis
        ("ptflops", 2 * 20_020_000 * 2),
        ("calflops", 2 * 40_000_000 * 2),
        ("fvcore", 2 * 20_000_000),
    ],
)
def test_a_module_that_two_others_hold(convention, count):
    audit = counted(Shared(), (1, 20, 1000), convention)
    assert audit.totals.count == count
    assert (audit.layers[0].note == "counted 4 times, for several modules hold it") is (convention == "thop")


def test_ssd300_as_first_published_is_what_fvcore_prints(monkeypatch):
    monkeypatch.syspath_prepend(MODELS)
    import ssd300  # where the path has just been set

    audit = counted(ssd300.SSD300(), (1, 3, 300, 300), "fvcore")
    assert (audit.params, audit.totals.count, audit.uncounted) == (26_285_486, 31_373_537_792, ())
    sys.modules.pop("ssd300")


@pytest.mark.parametrize("letter", ["A", "A-LRN", "D"])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "softmax": True}])
def test_our_own_modules_are_counted_as_their_networks_are(letter, batch, options):
    from vggcost.frameworks.pytorch.build import build_module

    for one in CONVENTIONS:
        cost = vggcost.cost(letter, size=64, batch=batch, convention=one.name, **options)
        audit = vggcost.audit(build_module(cost.network), cost.input, convention=one.name)
        assert audit.totals.count == cost.totals.count, one.name


@pytest.mark.parametrize(
    ("convention", "written", "modules", "reason"),
    [
        ("fvcore", lambda _, x: x.flatten(1) @ torch.ones(48), {}, "matmul, which is a product with a vector"),
        ("torch", lambda _, x: F.scaled_dot_product_attention(x, x, x), {}, "is another operator on another device"),
        ("calflops", lambda _, x: F.interpolate(x, scale_factor=(2, 2)), {}, "at which it stops"),
        ("torchscan", lambda _, x: x + 1, {"unused": nn.ReLU()}, "no module is called that holds no others"),
        (
            "fvcore",
            lambda self, x: self.attention(*[x.flatten(2)] * 3)[0],
            {"attention": nn.MultiheadAttention(16, 2, batch_first=True)},
            "may be one operator of torch's own where no gradient is asked for",
        ),
        ("thop", lambda self, x: self.softmax(x), {"softmax": nn.Softmax()}, "Softmax, which has no axis, where thop"),
        ("ultralytics-thop", lambda self, x: self.pool(x), {"pool": nn.AvgPool2d(2)}, "a rule that is not known here"),
        ("torchstat", lambda _, x: F.avg_pool2d(x, 2), {}, "what it counts of 1 AvgPool2d is not known"),
    ],
)
def test_where_a_tools_count_is_not_known_it_is_said_why(convention, written, modules, reason):
    audit = counted(Written(written, **modules), (3, 3, 4, 4), convention)
    assert audit.totals.count is None
    assert reason in audit.seen.reason
    assert f"{convention} has no total here: " in " ".join(audit.to_text().split())


def test_parameters_that_no_module_lists_stop_what_traces():
    audit = counted(Written(lambda self, x: self.parts[0](x), parts=[nn.Conv2d(3, 2, 1)]), (1, 3, 4, 4), "fvcore")
    assert audit.totals.count is None
    assert audit.seen.reason == "the model has parameters that it does not list, where torch.jit stops"
    assert (
        counted(
            Written(lambda self, x: self.parts[0](x), parts=[nn.Conv2d(3, 2, 1)]), (1, 3, 4, 4), "thop"
        ).totals.count
        == 0
    )


@pytest.mark.parametrize(
    ("written", "products"),
    [
        (lambda _, x: x.view(x.size(0), x.size(1) * x.size(2) * x.size(3)), 2),
        (lambda _, x: x.view(-1, math.prod(x.shape[1:])), 3),
        (lambda _, x: x.view(-1, x.shape[1:].numel()), 0),
        (lambda _, x: x.view(2, x.numel() // 2), 0),
        (lambda _, x: x.view((x.shape[0] + 0) * 3, -1), 1),
        (lambda _, x: x + (-x.size(0)) * 2 % 5, 1),
        (lambda _, x: x + x.size(1) ** 2 * 2, 1),
        (lambda _, x: x + 1 / x.size(0), 1),
        (lambda _, x: x + x.ndim * 2, 0),
        (lambda _, x: x + len([0] * x.size(0)), 0),
    ],
)
def test_products_of_sizes_are_operators_where_torch_jit_records(written, products):
    audit = counted(Written(written), (2, 3, 4, 4), "torchprofile")
    assert (audit.totals.count, counted(Written(written), (2, 3, 4, 4), "fvcore").totals.count) == (products, 0)


def test_what_is_written_so_that_a_tool_does_not_see_it_is_said():
    rows = counted(Small(*PLAIN), (1, 3, 32, 32), "ptflops-modules").layers
    assert [row.note for row in rows if row.kind == "ReLU"] == ["written so that ptflops-modules does not see it"]


def test_a_sum_that_the_batch_does_not_divide_is_cut_off_once():
    folded = Written(lambda self, x: self.fc(self.fc(x.view(-1, 5))), fc=nn.Linear(5, 5, bias=False))
    assert counted(folded, (2, 15), "ptflops-modules").totals.count == 2 * 6 * 25 // 2
    assert (
        counted(Written(lambda self, x: self.fc(x[:1]), fc=nn.Linear(5, 5)), (4, 5), "ptflops").totals.count == 30 // 4
    )
