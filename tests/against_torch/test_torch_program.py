"""Reading torch programs: what is seen, what is left alone, what needs values, what cannot run."""

import random

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  # behind the check for torch, as all that follows; usual name
from torch import nn  # noqa: E402

import vggcost  # noqa: E402
from vggcost.errors import VggcostError  # noqa: E402
from vggcost.frameworks.pytorch.program import construct, read_module  # noqa: E402

IMAGE = (2, 3, 32, 32)


def kinds(reading):
    return [operation.layer.kind for operation in reading.operations]


def test_functional_calls_are_seen_like_modules():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(8, 3, 3, 3))
            self.fc = nn.Linear(8, 5)

        def forward(self, x):
            x = F.relu(F.conv2d(x, self.weight, stride=2, padding=1))
            x = F.max_pool2d(x, 2) + 1
            x = F.adaptive_avg_pool2d(x, (1, 1))
            return F.softmax(self.fc(x.view(x.size(0), -1)), dim=1)

    reading = read_module(Functional(), [IMAGE], "functional")
    assert kinds(reading) == ["Conv2d", "ReLU", "MaxPool2d", "add", "AdaptiveAvgPool2d", "Flatten", "Linear", "Softmax"]
    assert reading.params == 8 * 3 * 3 * 3 + (8 + 1) * 5
    assert reading.macs == 2 * (8 * 16 * 16 * 27 + 8 * 5)


def test_a_shared_module_counts_its_parameters_once_and_its_macs_each_time():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return self.conv(self.conv(x))

    reading = read_module(Shared(), [IMAGE], "shared")
    assert [operation.params for operation in reading.operations] == [84, 0]
    assert [operation.layer.name for operation in reading.operations] == ["conv", "conv:2"]
    assert reading.operations[1].note == "shares its parameters"
    assert reading.macs == 2 * (2 * 3 * 32 * 32 * 27)


def test_what_is_never_used_is_listed_and_in_the_totals():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)
            self.aux = nn.Linear(10, 10)
            self.scale = nn.Parameter(torch.ones(7))

        def forward(self, x):
            return self.conv(x)

    model = Idle()
    reading = read_module(model, [IMAGE], "idle")
    idle = [(operation.layer.name, operation.params) for operation in reading.operations if operation.note]
    assert idle == [("scale", 7), ("aux", 110)]
    assert reading.params == sum(parameter.numel() for parameter in model.parameters())


def test_modules_in_a_plain_list_are_counted_and_named():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = [nn.Conv2d(3, 3, 1)]

        def forward(self, x):
            return self.convs[0](x)

    reading = read_module(Plain(), [IMAGE], "plain")
    assert reading.params == 12
    assert reading.notes[0].startswith("12 parameters are in use that model.parameters() does not have")


class Living(nn.Module):
    """Does in forward what a careless reading would leave behind."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.drop = nn.Dropout()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("average", torch.zeros(4))
        self.calls = 0
        self.kept = []

    def forward(self, x):
        self.calls += 1
        self.seen.add_(1)
        x = self.bn(self.conv(x))
        self.kept.append(x)
        self.average = self.average * 0.9 + 0.1 * x.mean([0, 2, 3])
        self.last = x
        noise = torch.rand(4)
        random.random()  # noqa: S311  # moves the generator, which is what the test looks at
        return self.drop(x) + noise.view(1, 4, 1, 1)


@pytest.mark.parametrize("training", [True, False])
def test_a_live_model_is_left_untouched(training):
    model = Living().train(training)
    model.conv.eval()
    heard = []
    handle = model.conv.register_forward_hook(lambda *_: heard.append(1))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    identities = {name: id(tensor) for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    versions = {name: tensor._version for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    attributes = {name: dict(module.__dict__) for name, module in model.named_modules()}
    torch.manual_seed(5)
    states = (torch.get_rng_state().clone(), random.getstate())

    assert vggcost.audit(model, IMAGE).params == 4 * 28 + 8

    assert {name: id(tensor) for name, tensor in (*model.named_parameters(), *model.named_buffers())} == identities
    assert {name: tensor._version for name, tensor in (*model.named_parameters(), *model.named_buffers())} == versions
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert {name: module.training for name, module in model.named_modules()} == {
        "": training,
        "conv": False,
        "bn": training,
        "drop": training,
    }
    assert {name: set(module.__dict__) for name, module in model.named_modules()} == {
        name: set(content) for name, content in attributes.items()
    }
    assert (model.calls, model.kept, len(model.conv._forward_hooks)) == (0, [], 1)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert all(parameter.device.type == "cpu" and parameter.grad is None for parameter in model.parameters())
    handle.remove()


def test_the_guard_of_a_live_model_can_fail():
    model = Living()
    with torch.no_grad():
        model(torch.zeros(IMAGE))
    assert model.calls == 1
    assert model.kept
    assert model.seen == 1


class AsksForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen.add_(1)
        x = self.conv(x)
        if x.abs().mean().item() < 1e9:
            x = F.relu(self.conv(x))
        return x


def test_a_forward_that_asks_for_values_is_run_on_values():
    model = AsksForward()
    reading = read_module(model, [IMAGE], "asks")
    assert reading.macs == 2 * (2 * 3 * 32 * 32 * 27)
    assert reading.params == 84
    assert [kind for kind in kinds(reading) if kind != "mean"] == ["Conv2d", "abs", "Conv2d", "ReLU"]
    assert "run on real values, because it asks for them (item at" in reading.notes[0]
    assert "test_torch_program.py:" in reading.notes[0]
    assert model.seen == 0


def test_a_live_model_is_left_untouched_where_values_are_computed():
    class Statistics(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(3))
            self.register_buffer("variance", torch.ones(3))
            self.register_buffer("average", torch.zeros(3))

        def forward(self, x):
            x.sum().item()
            self.average.mul_(0.9).add_(x.mean((0, 2, 3)))
            return F.batch_norm(x, self.mean, self.variance, training=True)

    model = Statistics()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(7)
    state = torch.get_rng_state().clone()
    reading = read_module(model, [torch.rand(IMAGE)], "statistics")
    assert reading.notes[0].startswith("run on real values")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    torch.manual_seed(7)
    torch.rand(IMAGE)
    assert not torch.equal(torch.get_rng_state(), state)  # the image took its numbers, reading took none
    with torch.no_grad():
        model(torch.rand(IMAGE))
    assert not torch.equal(model.mean, before["mean"])  # what it is kept from doing


def test_what_stops_without_values_is_tried_with_them():
    class Refuses(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x):
            if x.device.type == "meta":
                raise TypeError("no tensors without memory, please")
            return self.conv(x)

    reading = read_module(Refuses(), [IMAGE], "refuses")
    assert (reading.failures, reading.macs) == ((), 2 * 9 * 32 * 32)
    assert "run on real values, because without them it stops: raises TypeError" in reading.notes[0]


def test_a_model_on_meta_that_asks_for_values_is_refused():
    with pytest.raises(VggcostError, match="weights are on the meta device"):
        read_module(AsksForward().to("meta"), [IMAGE], "asks")


def test_a_model_built_without_weights_is_built_again_where_it_asks_for_values():
    model, notes = construct(AsksForward)
    assert model.conv.weight.is_meta
    assert not notes
    assert read_module(model, [IMAGE], "asks", AsksForward).macs == 2 * (2 * 3 * 32 * 32 * 27)


def test_a_constructor_that_asks_its_weights_for_values_is_called_plainly():
    def make():
        conv = nn.Conv2d(3, 3, 3)
        conv.scale = conv.weight.abs().max().item()
        return conv

    model, notes = construct(make)
    assert not model.weight.is_meta
    assert notes[0].startswith("built with real weights, because its constructor asks for values (item at")


def test_small_tables_keep_their_values_while_a_model_is_built():
    def make():
        rates = [rate.item() for rate in torch.linspace(0, 0.4, 5)]
        return nn.Conv2d(3, int(rates[-1] * 10), 1)

    model, notes = construct(make)
    assert not notes
    assert model.weight.is_meta
    assert model.out_channels == 4


def test_what_a_constructor_raises_comes_through():
    def make():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        construct(make)


def test_construction_allocates_no_weights_and_leaves_the_generator():
    torch.manual_seed(3)
    state = torch.get_rng_state().clone()
    model, _ = construct(lambda: nn.Sequential(nn.Linear(100000, 100000), nn.Conv2d(3, 64, 3)))
    assert all(parameter.is_meta for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_models_for_another_device_are_read_without_it():
    class Elsewhere(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1).cuda()
            self.to("cuda:1")

        def forward(self, x):
            return self.conv(x.cuda()).to("cuda") * torch.ones(3, 1, 1, device="cuda")

    model, notes = construct(Elsewhere)
    reading = read_module(model, [IMAGE], "elsewhere", Elsewhere)
    assert (reading.params, reading.failures, notes) == (84, (), ())


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # torch tells of a copy that nobody here minds
def test_every_rule_gives_the_shapes_that_torch_computes():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=1)
            self.same = nn.Conv2d(8, 8, 4, padding="same", groups=4, bias=False)
            self.bn = nn.BatchNorm2d(8)
            self.lrn = nn.LocalResponseNorm(5)
            self.ceil = nn.MaxPool2d(3, 2, ceil_mode=True)
            self.average = nn.AvgPool2d(2, ceil_mode=True)
            self.fc = nn.Linear(16, 6)
            self.norm = nn.BatchNorm1d(6)

        def forward(self, x):
            x = F.relu_(self.lrn(self.bn(self.same(self.conv(x)))))
            y = torch.cat([F.pad(x, (1, 0, 2, 0)), F.pad(x, (0, 1, 0, 2))], dim=1)
            y = self.average(self.ceil(y))
            y = torch.sigmoid(y) * y - y.mean((2, 3), keepdim=True)
            y += y.amax(1, keepdim=True)
            z = F.adaptive_avg_pool2d(y, (1, None)).sum(3).flatten(1)
            z = F.leaky_relu(self.norm(self.fc(F.dropout(z))))
            return F.log_softmax(z @ torch.ones(6, 6), dim=-1)

    model = Wide().eval()
    without = read_module(model, [(2, 3, 33, 29)], "wide")

    class Asking(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x):
            float(x.reshape(-1)[0])
            return self.inner(x)

    with_values = read_module(Asking(), [(2, 3, 33, 29)], "wide")
    assert with_values.notes[0].startswith("run on real values")
    assert (without.failures, with_values.failures) == ((), ())
    assert not without.notes
    assert not [operation for operation in without.operations if not operation.counted]
    assert [(o.layer.kind, o.input, o.output, o.params, o.macs) for o in without.operations] == [
        (o.layer.kind, o.input, o.output, o.params, o.macs) for o in with_values.operations
    ]
    assert len(without.operations) > 20


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: nn.Conv2d(4, 8, 3), "takes 4 channels and gets 3"),
        (lambda: nn.BatchNorm2d(5), "takes 5 channels and gets 3"),
        (lambda: nn.Linear(30, 8), "takes 30 features and gets 32"),
        (lambda: nn.Conv2d(3, 8, 40), "has a window of 40x40 that does not fit its input of 32x32"),
        (lambda: nn.MaxPool2d(33), "has a window of 33x33 that does not fit its input of 32x32"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Conv2d(3, 8, 3)), "takes feature maps (N x C x H x W) and gets 2x3072"),
    ],
)
def test_what_does_not_fit_is_an_answer(make, problem):
    reading = read_module(make().eval(), [IMAGE], "misfit")
    assert reading.failures[0].problem == problem
    with pytest.raises((RuntimeError, ValueError)), torch.no_grad():
        make().eval()(torch.zeros(IMAGE))


def test_an_error_of_the_program_itself_has_its_line():
    class Raises(nn.Module):
        def forward(self, x):
            assert x.shape[1] == 4, "four channels, please"
            return x

    (failure,) = read_module(Raises(), [IMAGE], "raises").failures
    assert failure.problem == "raises AssertionError: four channels, please"
    assert 'assert x.shape[1] == 4, "four channels, please"' in failure.source


def test_a_view_that_does_not_work_is_followed_further():
    class Miscounted(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3072, 10)

        def forward(self, x):
            return self.fc(x.view(-1, 3000))

    view, behind = read_module(Miscounted(), [IMAGE], "miscounted").failures
    assert view.problem.startswith("cannot turn 2x3x32x32 into -1x3000: ")
    assert behind.problem == "takes 3,072 features and gets 3,000"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # torch deprecates what torch.compile loads
def test_compiled_and_wrapped_models_are_opened():
    inner = nn.Conv2d(3, 3, 1)
    for model in (nn.DataParallel(inner), torch.compile(inner)):
        reading = read_module(model, [IMAGE], "wrapped")
        assert (reading.params, [operation.layer.kind for operation in reading.operations]) == (12, ["Conv2d"])


def test_weight_normalization_counts_its_two_parameters():
    model = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    reading = read_module(model, [IMAGE], "normalized")
    assert reading.params == sum(parameter.numel() for parameter in model.parameters())
    assert reading.macs == 2 * 4 * 30 * 30 * 27
    assert not [operation for operation in reading.operations if operation.note == "never used"]


def test_operations_without_a_formula_are_listed():
    class Distances(nn.Module):
        def __init__(self):
            super().__init__()
            self.centres = nn.Parameter(torch.zeros(5, 1024))

        def forward(self, x):
            return torch.cdist(x, self.centres)

    model = nn.Sequential(nn.Flatten(2), Distances())
    audit = vggcost.audit(model, IMAGE)
    document = audit.to_dict()
    assert document["uncounted"] == [{"operation": "cdist", "count": 1, "shapes": [[2, 3, 1024]]}]
    row = document["layers"][-1]
    assert (row["params"], row["macs"], row["note"]) == (5 * 1024, None, "no formula")
    assert "Not counted, for there is no formula: 1 x cdist on 2x3x1024" in audit.to_text()


def test_sizes_beyond_torch_are_refused_and_others_are_exact():
    model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Flatten(), nn.ReLU())
    assert read_module(model, [(10**12, 3, 32, 32)], "large").macs == 10**12 * 64 * 32 * 32 * 27
    for batch in (10**16, 10**18):
        with pytest.raises(VggcostError, match="is larger than torch can address; give a smaller --size or --batch"):
            read_module(model, [(batch, 3, 32, 32)], "too large")
    with pytest.raises(VggcostError, match="does not fit this machine's memory"):
        read_module(AsksForward(), [(10**12, 3, 32, 32)], "too large for values")


def test_networks_that_are_no_image_networks():
    audit = vggcost.audit(nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 3)), (5, 10))
    assert (audit.params, audit.macs, audit.paper.same) == (10 * 20 + 20 + 20 * 3 + 3, 5 * (200 + 60), False)
    assert "2 linear layers" in audit.to_text()


def test_refusals():
    with pytest.raises(VggcostError, match=r"takes 1 input \(input\) and gets 2"):
        read_module(nn.ReLU(), [IMAGE, IMAGE], "two")
    with pytest.raises(VggcostError, match="or a Keras model, or what makes one"):
        vggcost.audit(3, IMAGE)
    for shape in ((0, 3), "x", 3, [(1, 2.5)]):
        with pytest.raises(VggcostError, match=r"^input "):
            vggcost.audit(nn.ReLU(), shape)


def test_every_operation_says_whose_outputs_it_takes():
    class Forked(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)
            self.side = nn.Conv2d(3, 3, 1)

        def forward(self, x):
            y = F.relu(self.conv(x), inplace=True)
            beside = self.side(x)
            return torch.cat([y.view(-1), (y + beside).view(-1)])

    reading = read_module(Forked(), [IMAGE], "forked")
    taken = {kind: operation.after for kind, operation in zip(kinds(reading), reading.operations, strict=True)}
    assert [operation.after for operation in reading.operations] == [(), (0,), (), (1, 2), (1, 3)]
    assert taken["cat"] == (1, 3)
