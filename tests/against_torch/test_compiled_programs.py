"""Programs that run below Python: exported, traced and scripted ones, operators called directly, custom operators.

All of them are one small network, so that all of them have the same right answer.
"""

import warnings

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  # behind the check for torch, as all that follows; usual name
from torch import nn  # noqa: E402
from torch.func import functional_call  # noqa: E402

import vggcost  # noqa: E402
from vggcost.cli import main  # noqa: E402
from vggcost.frameworks.pytorch.program import construct, read_module  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # torch deprecates half of what is tried here

IMAGE = (1, 3, 32, 32)
CONVS = 1024 * 27 * 32 + 1024 * 288 * 32 + 256 * 288 * 64 + 256 * 576 * 64 + 64 * 576 * 128 + 64 * 1152 * 128
MACS = CONVS + 2048 * 256 + 256 * 10
PARAMS = 28 * 32 + 289 * 32 + 289 * 64 + 577 * 64 + 577 * 128 + 1153 * 128 + 2049 * 256 + 257 * 10
OWNERS = {f"features.{place}" for place in (0, 2, 5, 7, 10, 12)} | {"classifier.0", "classifier.3"}
KINDS = ["Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d"] * 3 + ["Flatten", "Linear", "ReLU", "Linear"]
ASIDE = ("Dropout", "_guards_fn", "sum", "gt", "__gt__", "clone")
"""What some ways of writing it do beside."""


class Small(nn.Module):
    """Six convolutions, three pools, two linear layers."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width in (32, 64, 128):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)]
            layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(2048, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def small():
    torch.manual_seed(0)
    return Small().eval()


def image(batch=1):
    return torch.zeros(batch, *IMAGE[1:])


def exported():
    return torch.export.export(small(), (image(),))


def fx_graph(mode):
    """A graph of operators whose parameters are inputs, held by what has the parameters."""
    from torch.fx.experimental.proxy_tensor import make_fx

    model = small()
    with torch.no_grad():
        made = make_fx(lambda held, x: functional_call(model, held, (x,)), tracing_mode=mode)
        graph = made(dict(model.named_parameters()), image())

    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.graph = model, graph

        def forward(self, x):
            return self.graph(dict(self.model.named_parameters()), x)

    return Held()


def lifted_graph():
    """A graph of operators that has its parameters as constants."""
    from torch.fx.experimental.proxy_tensor import make_fx

    with torch.no_grad():
        return make_fx(small())(image())


class Part(nn.Module):
    """A scripted or traced part between parts in Python."""

    def __init__(self, compiled):
        super().__init__()
        model = small()
        self.features, self.classifier = compiled(model.features), model.classifier

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Asking(Part):
    """The same, run on values."""

    def forward(self, x):
        return super().forward(x) if float(x.sum()) < 1e9 else x


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = small()

    def forward(self, x):
        return functional_call(self.model, dict(self.model.named_parameters()), (x,))


class Checkpointed(Small):
    def forward(self, x):
        from torch.utils.checkpoint import checkpoint

        y = checkpoint(self.features, x, use_reentrant=False)
        return checkpoint(lambda y: self.classifier(torch.flatten(y, 1)), y, use_reentrant=True)


class Overloads(Small):
    """Calls operators by their overloads, and by their packets."""

    def forward(self, x):
        aten = torch.ops.aten
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                x = aten.convolution.default(x, module.weight, module.bias, [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
            elif isinstance(module, nn.ReLU):
                x = aten.relu.default(x)
            else:
                x = aten.max_pool2d_with_indices(x, [2, 2], [2, 2])[0]
        x = aten.view.default(x, [x.shape[0], -1])
        first, last = self.classifier[0], self.classifier[3]
        x = aten.relu_(aten.addmm.default(first.bias, x, aten.t.default(first.weight)))
        return aten.addmm(last.bias, x, aten.t(last.weight))


class Hidden(Small):
    """Calls the functions under torch.nn.functional."""

    def forward(self, x):
        first, last = self.classifier[0], self.classifier[3]
        x = torch.relu(torch._C._nn.linear(torch.flatten(self.features(x), 1), first.weight, first.bias))
        return torch._C._nn.linear(x, last.weight, last.bias)


class OwnFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x)
        return F.linear(x, weight, bias)


class WithOwnFunction(Small):
    def forward(self, x):
        first, relu, _, last = self.classifier
        x = relu(OwnFunction.apply(torch.flatten(self.features(x), 1), first.weight, first.bias))
        return OwnFunction.apply(x, last.weight, last.bias)


class WithoutGradients(Small):
    """Has a block that an exported program hands over as a function."""

    def forward(self, x):
        with torch.no_grad():
            x = self.features(x)
        return self.classifier(torch.flatten(x, 1))


class Branching(Small):
    def forward(self, x):
        x = torch.flatten(self.features(x), 1)
        return torch.cond(x.sum() > 0, self.classifier, lambda y: self.classifier(2 * y), (x,))


PROGRAMS = {
    "exported": lambda: exported().module(),
    "decomposed": lambda: exported().run_decompositions().module(),
    "unflattened": lambda: torch.export.unflatten(exported()),
    "exported without gradients": lambda: torch.export.export(WithoutGradients().eval(), (image(),)).module(),
    "exported with a branch": lambda: torch.export.export(Branching().eval(), (image(),)).module(),
    "make_fx": lifted_graph,
    "make_fx, real": lambda: fx_graph("real"),
    "make_fx, fake": lambda: fx_graph("fake"),
    "make_fx, symbolic": lambda: fx_graph("symbolic"),
    "symbolic_trace": lambda: torch.fx.symbolic_trace(small()),
    "scripted": lambda: torch.jit.script(small()),
    "traced": lambda: torch.jit.trace(small(), image()),
    "scripted part": lambda: Part(torch.jit.script),
    "traced part": lambda: Part(lambda part: torch.jit.trace(part, image())),
    "scripted part on values": lambda: Asking(torch.jit.script),
    "compiled": lambda: torch.compile(small()),
    "functional_call": Functional,
    "checkpoint": Checkpointed,
    "overloads": Overloads,
    "torch._C._nn": Hidden,
    "autograd.Function": WithOwnFunction,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_network_is_the_same_however_it_runs(name):
    reading = read_module(PROGRAMS[name](), [IMAGE], name)
    assert (MACS, PARAMS) == (39_160_320, 814_122)
    assert (reading.macs, reading.params, reading.failures) == (MACS, PARAMS, ())
    assert not [operation for operation in reading.operations if not operation.counted]
    assert not [operation for operation in reading.operations if operation.note]
    kinds = [operation.layer.kind for operation in reading.operations]
    assert [kind for kind in kinds if kind not in ASIDE] == KINDS


@pytest.mark.parametrize(
    "name", ["exported", "decomposed", "unflattened", "scripted", "traced", "scripted part", "traced part", "compiled"]
)
def test_parameters_stand_at_their_layers(name):
    operations = read_module(PROGRAMS[name](), [IMAGE], name).operations
    assert {operation.layer.path for operation in operations if operation.params} == OWNERS
    assert {operation.layer.name for operation in operations if operation.params} == OWNERS


def test_an_exported_program_has_the_paths_and_the_lines_of_its_source():
    operations = read_module(exported().module(), [IMAGE], "exported").operations
    assert [operation.layer.path for operation in operations[:3]] == ["features.0", "features.1", "features.2"]
    assert all("test_compiled_programs.py:" in operation.source for operation in operations)


def test_an_exported_vgg16_is_named():
    from vggcost.frameworks.pytorch.build import build_module

    model = build_module(vggcost.cost("D").network, "cpu").eval()
    exported_model = torch.export.export(model, (torch.zeros(1, 3, 224, 224),)).module()
    audit = vggcost.audit(exported_model, (1, 3, 224, 224))
    assert (audit.paper.same, audit.paper.letter, audit.macs) == (True, "D", 15_470_264_320)


@pytest.mark.parametrize("make", ["exported", "make_fx", "traced", "scripted"])
def test_a_constructor_may_export_and_trace(make):
    model, _ = construct(PROGRAMS[make])
    assert read_module(model, [IMAGE], make).macs == MACS


def test_a_scripted_model_is_left_as_it_was():
    class Counting(Small):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(3)
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x):
            self.calls.add_(1)
            x = self.norm(x)
            if self.training:
                x = self.features(x)
            return self.classifier(torch.flatten(x, 1)[:, :2048])

    for training in (True, False):
        model = torch.jit.script(Counting().train(training))
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        assert read_module(model, [IMAGE], "counting").macs == MACS - CONVS
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
        assert {module.training for module in model.modules()} == {training}


LIBRARY = torch.library.Library("vggcost_test", "DEF")
LIBRARY.define("linear(Tensor x, Tensor weight) -> Tensor")
LIBRARY.define("with_shape(Tensor x, Tensor weight) -> Tensor")
LIBRARY.define("composed(Tensor x, Tensor weight) -> Tensor")
for name in ("linear", "with_shape"):
    LIBRARY.impl(name, lambda x, weight: x @ weight.t(), "CPU")
LIBRARY.impl("with_shape", lambda x, weight: x.new_empty(len(x), len(weight)), "Meta")
LIBRARY.impl("composed", lambda x, weight: torch.relu(x @ weight.t()), "CompositeImplicitAutograd")


class Custom(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.operator = getattr(torch.ops.vggcost_test, name)
        self.fc = nn.Linear(32, 5, bias=False)

    def forward(self, x):
        return self.operator(x.flatten(0, 2), self.fc.weight)


@pytest.mark.parametrize("name", ["linear", "with_shape"])
@pytest.mark.parametrize("compiled", [lambda model: model, lambda model: torch.jit.trace(model, image())])
def test_a_custom_operator_is_named_and_takes_its_parameters(name, compiled):
    audit = vggcost.audit(compiled(Custom(name)), IMAGE)
    assert [operation.layer.kind for operation in audit.uncounted] == [f"vggcost_test::{name}"]
    assert (audit.uncounted[0].params, audit.macs) == (32 * 5, 0)
    assert f"Not counted, for there is no formula: 1 x vggcost_test::{name} on 96x32" in audit.to_text()


def test_an_operator_composed_of_others_is_counted_by_them():
    reading = read_module(Custom("composed"), [IMAGE], "composed")
    assert [operation.layer.kind for operation in reading.operations] == ["Flatten", "Linear", "ReLU"]
    assert (reading.macs, reading.params) == (96 * 32 * 5, 160)


def test_strict_fails_where_an_operator_beneath_is_not_counted(tmp_path, capsys):
    program = tmp_path / "odd.py"
    program.write_text(
        "import torch\n"
        "class Odd(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return torch.linalg.svdvals(x)\n"
        "def scripted():\n"
        "    return torch.jit.script(Odd())\n"
    )
    for name in ("Odd", "scripted"):
        assert main(["audit", f"{program}:{name}", "--size", "8"]) == 0
        shown = capsys.readouterr().out
        assert "Not counted, for there is no formula: 1 x " in shown
        assert main(["audit", f"{program}:{name}", "--size", "8", "--strict"]) == 1
        assert "--strict: 1 operation has no formula" in capsys.readouterr().err


class Scalars(nn.Module):
    """What losses and gates do: scalars, and batches of nothing."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 10)

    def forward(self, x):
        y = F.relu(self.norm(self.conv(x)))
        rows = self.fc(y.mean((2, 3)))
        none = self.fc(F.adaptive_avg_pool2d(self.norm(self.conv(x[:0])), 1).flatten(1))
        loss = F.cross_entropy(rows, torch.zeros(len(x), dtype=torch.long)) + y.mean() * 2 + rows.sum().softmax(0)
        gate = torch.sigmoid(rows.mean()).clamp(min=0.1) * torch.cat([rows, none]).max()
        return loss + gate + F.mse_loss(none, rows[:0]).nan_to_num() + F.dropout(rows.sum()) + F.relu(rows.sum()).mean()


@pytest.mark.parametrize("convention", ["mac", "fvcore", "thop", "ptflops", "torchinfo", "torch", "torchscan"])
def test_scalars_and_empty_batches_stop_nothing(convention):
    Scalars()(image(2))  # torch takes it
    audit = vggcost.audit(Scalars(), (2, 3, 8, 8), convention=convention)
    assert (audit.macs, audit.reading.failures, audit.uncounted) == (2 * (36 * 27 * 4 + 40), (), ())
    assert audit.to_text()


def broken(*_, **__):
    raise ZeroDivisionError("no size is to blame")


@pytest.mark.parametrize("program", ["exported", "scripted", "symbolic_trace"])
def test_a_rule_that_raises_is_a_row_without_a_count(program, monkeypatch):
    from vggcost.frameworks.pytorch import rules

    model = PROGRAMS[program]()
    ruled = rules.rule_of
    monkeypatch.setattr(rules, "rule_of", lambda name: broken if name == "conv2d" else ruled(name))
    audit = vggcost.audit(model, IMAGE)
    assert len(audit.uncounted) == 6
    assert {each.note for each in audit.layers if each.macs is None} == {
        "its rule raises ZeroDivisionError: no size is to blame"
    }
    assert (audit.macs, audit.params) == (MACS - CONVS, PARAMS)


def test_a_rule_that_gives_another_shape_than_torch_is_not_believed(monkeypatch):
    from vggcost.frameworks.pytorch import rules

    ruled = rules.rule_of

    def wrong(name):
        rule = ruled(name)
        return (lambda *args, **kwargs: rule(*args, **kwargs).replace(output=(1, 2))) if name == "conv2d" else rule

    model = PROGRAMS["scripted"]()
    monkeypatch.setattr(rules, "rule_of", wrong)
    audit = vggcost.audit(model, IMAGE)
    assert len(audit.uncounted) == 6
    assert "its rule gives 1x2, and torch 1x32x32x32" in {each.note for each in audit.layers}


class Mapped(nn.Module):
    """Three networks as one, by torch.func."""

    def __init__(self):
        super().__init__()
        self.models = nn.ModuleList(small() for _ in range(3))

    def forward(self, x):
        held, buffers = torch.func.stack_module_state(list(self.models))

        def one(held, buffers):
            return functional_call(self.models[0], (held, buffers), (x,))

        return torch.vmap(one)(held, buffers)


class MappedOverImages(Small):
    def forward(self, x):
        return torch.vmap(lambda one: super(MappedOverImages, self).forward(one[None])[0])(x)


def test_what_torch_func_maps_is_counted_as_often_as_it_is_done():
    reading = read_module(Mapped(), [IMAGE], "mapped")
    assert (reading.macs, reading.params) == (3 * MACS, 3 * PARAMS)
    assert read_module(MappedOverImages(), [(5, *IMAGE[1:])], "mapped").macs == 5 * MACS


class Gradient(Small):
    def forward(self, x):
        with torch.enable_grad():
            x = x.clone().requires_grad_()
            return torch.autograd.grad(super().forward(x).sum(), x)[0]


class GradientByFunc(Small):
    def forward(self, x):
        return torch.func.grad(lambda given: super(GradientByFunc, self).forward(given).sum())(x)


@pytest.mark.parametrize("kind", [Gradient, GradientByFunc])
def test_a_gradient_inside_a_forward_is_no_zero(kind):
    audit = vggcost.audit(kind(), IMAGE)
    assert audit.params == PARAMS
    assert audit.macs >= MACS
    assert audit.uncounted


class LeavesTorch(Small):
    def forward(self, x):
        y = torch.flatten(self.features(x), 1).numpy() @ self.classifier[0].weight.detach().numpy().T
        return torch.from_numpy(y)


class Looping(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(32, 32)

    def forward(self, x):
        from torch._higher_order_ops.while_loop import while_loop

        start = (torch.zeros((), dtype=torch.int64), x)
        return while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, self.fc(y)), start)[1]


@pytest.mark.parametrize(
    "compiled", [lambda model: model, lambda model: torch.export.export(model, (image(),)).module()]
)
def test_every_round_of_a_loop_is_counted(compiled):
    reading = read_module(compiled(Looping().eval()), [IMAGE], "looping")
    assert (reading.macs, reading.params) == (3 * 3 * 32 * 32 * 32, 33 * 32)
    assert not [operation for operation in reading.operations if not operation.counted]


def test_an_attention_that_is_given_functions_is_counted_as_a_whole_one():
    from torch.nn.attention.flex_attention import flex_attention

    class Attending(nn.Module):
        def forward(self, x):
            return flex_attention(x, x, x)

    for model in (Attending(), torch.export.export(Attending(), (torch.zeros(1, 2, 32, 16),)).module()):
        audit = vggcost.audit(model, (1, 2, 32, 16))
        assert (audit.macs, audit.uncounted) == (2 * 2 * 32 * 32 * 16, ())


def test_a_forward_may_compile_its_own_parts():
    class Compiling(Small):
        def forward(self, x):
            features = torch.compile(dynamic=True)(self.features)
            return self.classifier(torch.flatten(features(x), 1))

    assert read_module(Compiling().eval(), [IMAGE], "compiling").macs == MACS


def test_what_leaves_torch_is_named():
    audit = vggcost.audit(LeavesTorch(), IMAGE)
    assert [operation.layer.kind for operation in audit.uncounted] == ["numpy", "numpy"]
    assert audit.macs == CONVS


def test_frozen_code_has_its_weights_as_constants():
    reading = read_module(torch.jit.freeze(torch.jit.script(small())), [IMAGE], "frozen")
    assert (reading.macs, reading.params) == (MACS, PARAMS)
    assert f"{PARAMS:,} parameters are constants of compiled code" in reading.notes[0]


def test_convolutions_that_reach_no_operator_are_named():
    frozen = torch.jit.optimize_for_inference(torch.jit.script(small()))
    audit = vggcost.audit(frozen, IMAGE)
    assert {operation.layer.kind for operation in audit.uncounted} <= {"prim::mkldnn_convolution"}
    assert audit.macs + CONVS * bool(audit.uncounted) == MACS
    if audit.uncounted:
        assert "Not counted, for there is no formula: 6 x prim::mkldnn_convolution" in audit.to_text()


@pytest.mark.parametrize("compiled", [lambda model: model, torch.jit.script])
def test_quantized_layers_have_their_weights_and_their_macs(compiled):
    model = nn.Sequential(torch.ao.quantization.QuantStub(), small(), torch.ao.quantization.DeQuantStub()).eval()
    model.qconfig = torch.ao.quantization.get_default_qconfig("x86")
    torch.ao.quantization.prepare(model, inplace=True)
    model(torch.rand(IMAGE))
    reading = read_module(compiled(torch.ao.quantization.convert(model)), [IMAGE], "quantized")
    assert (reading.macs, reading.params) == (MACS, PARAMS)


def test_the_guard_of_these_tests_can_fail():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read_module(small(), [(2, *IMAGE[1:])], "two").macs == 2 * MACS
