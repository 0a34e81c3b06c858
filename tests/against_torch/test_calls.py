"""What is noted of how a torch program is written: by which names it calls functions, and the calls of its modules."""

import pytest

import vggcost

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # behind the check for torch, as all that follows
from torch.nn import functional as F  # noqa: E402, N812  # as every program calls it
from torch.nn.functional import relu  # noqa: E402


class Written(nn.Module):
    """A module whose forward is the function that it is given."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.written = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.written(self, x)


def reading(forward, shape=(2, 4, 6, 6), **modules):
    return vggcost.audit(Written(forward, **modules), shape).reading


@pytest.mark.parametrize(
    ("written", "function", "through"),
    [
        (lambda _, x: F.relu(x), "torch.nn.functional.relu", ("torch.nn.functional.relu",)),
        (lambda _, x: relu(x), "torch.nn.functional.relu", ()),
        (lambda _, x: torch.relu(x), "torch.relu", ()),
        (lambda _, x: x.relu(), "torch.Tensor.relu", ()),
        (lambda _, x: torch.ops.aten.relu(x), "torch.ops.aten.relu", ()),
        (lambda _, x: x + x, "torch.Tensor.add", ()),
        (lambda _, x: x.add(x), "torch.Tensor.add", ("torch.Tensor.add",)),
        (lambda _, x: torch.add(x, x), "torch.add", ("torch.add",)),
        (lambda _, x: x.add_(x), "torch.Tensor.add_", ()),
        (lambda _, x: getattr(F, "".join("relu"))(x), "torch.nn.functional.relu", ("torch.nn.functional.relu",)),
        (
            lambda _, x: F.upsample(x, scale_factor=2),
            "torch.nn.functional.interpolate",
            ("torch.nn.functional.upsample", "torch.nn.functional.interpolate"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:`nn.functional.upsample`")
def test_a_function_is_known_by_the_name_that_it_is_called_by(written, function, through):
    (call,) = reading(written).function_calls
    assert (call.function, call.through) == (function, through)
    assert call.inputs[0] == (2, 4, 6, 6)
    assert (call.first, call.last, call.inside) == (0, 1, 0)


def test_what_is_computed_beside_the_network_is_a_call_too():
    first, second = reading(lambda _, x: x * torch.ones(4).mul(3).sum()).function_calls[:2]
    assert (first.function, first.inputs, first.first, first.last) == ("torch.Tensor.mul", ((4,),), 0, 0)
    assert second.function == "torch.Tensor.sum"


def test_every_call_of_a_module_is_one_and_says_how_many_hold_it():
    shared = nn.Conv2d(4, 4, 1)
    two = reading(
        lambda self, x: self.left(self.right(self.left(x))),
        left=nn.Sequential(shared, nn.ReLU()),
        right=nn.Sequential(shared),
    )
    convs = [call for call in two.module_calls if call.kind == "Conv2d"]
    assert [(call.path, call.ways, call.number) for call in convs] == [("left.0", 2, number) for number in range(3)]
    assert dict(convs[0].parameters) == {"weight": 16, "bias": 4}
    assert [two.module_calls[call.inside].path for call in convs] == ["left", "right", "left"]
    assert two.module_calls[0].path == ""
    assert [(call.first, call.last) for call in convs] == [(0, 1), (2, 3), (3, 4)]


def test_a_class_of_ones_own_is_none_of_torchs():
    class Conv2d(nn.Conv2d):
        """Of the same name."""

    call = reading(lambda self, x: self.conv(x), conv=Conv2d(4, 2, 3)).module_calls[1]
    assert call.kind.endswith(".Conv2d")
    assert call.bases == ("Conv2d", "_ConvNd", "Module")


def test_torch_is_left_as_it_was():
    before = [F.relu, F.conv2d, torch.add, torch.Tensor.add, vars(torch.Tensor).get("add")]

    def fails(_, x):
        raise ValueError("the program's own")

    assert not vggcost.audit(Written(fails), (1, 3, 8, 8)).runs
    assert [F.relu, F.conv2d, torch.add, torch.Tensor.add, vars(torch.Tensor).get("add")] == before
    hooks = torch.nn.modules.module
    assert not hooks._global_forward_hooks  # where torch keeps them
    assert not hooks._global_forward_pre_hooks  # the same
