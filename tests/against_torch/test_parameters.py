"""Parameters and buffers of torch programs: how many, in how many bytes, and at which layer each is shown."""

import json
import warnings

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  # behind the check for torch, as all that follows; usual name
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, parametrize, prune  # noqa: E402

import vggcost  # noqa: E402
import vggcost.cli  # noqa: E402
from vggcost.frameworks.pytorch.ownership import Ownership  # noqa: E402
from vggcost.frameworks.pytorch.stored import stored_bytes  # noqa: E402

IMAGE = (2, 3, 8, 8)

CONV = 3 * 3 * 3 * 4 + 4
"""Parameters of the convolution that most of these have: 3 to 4 channels, 3x3, with a bias."""


def conv(**options):
    return nn.Conv2d(3, 4, 3, padding=1, **options)


def audited(model, shape=IMAGE):
    """The audit, whose rows are held against its totals, and these against what torch says of the model."""
    audit = vggcost.audit(model, shape)
    rows, totals = audit.to_dict()["layers"], audit.to_dict()["totals"]
    for key in ("params", "params_trainable", "params_frozen", "weight_bytes", "buffers", "buffer_bytes"):
        assert sum(row[key] for row in rows) == totals[key], key
    assert totals["params"] == totals["params_trainable"] + totals["params_frozen"]
    return audit


def like_torch(audit, model):
    """Whether the totals are what torch itself says of a plain model."""
    totals = audit.totals
    learned, kept = list(model.parameters()), list(model.buffers())
    return (totals.params, totals.params_frozen, totals.weight_bytes, totals.buffers, totals.buffer_bytes) == (
        sum(each.numel() for each in learned),
        sum(each.numel() for each in learned if not each.requires_grad),
        sum(each.numel() * each.element_size() for each in learned),
        sum(each.numel() for each in kept),
        sum(each.numel() * each.element_size() for each in kept),
    )


def params(audit):
    """The rows that have parameters: where, and how many."""
    return {row.name: row.params for row in audit.layers if row.params}


def buffers(audit):
    return {row.name: row.buffers for row in audit.layers if row.buffers}


def lines(audit):
    """What is said of parameters and buffers beside the totals."""
    said = [line for line in audit.lines() if "parameters" in line or "buffers" in line]
    return [line for line in said if not line.startswith("Weights: ") and not line.endswith(" in all")]


class Around(nn.Module):
    """A model whose forward is a function of itself and its input, for the tests below."""

    def __init__(self, forward, **held):
        super().__init__()
        self.function = forward
        for name, value in held.items():
            if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def forward(self, *inputs):
        return self.function(self, *inputs)


# Trainable and frozen


def test_frozen_parameters_stand_apart_and_one_line_says_so():
    model = nn.Sequential(conv(), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 8, 5))
    assert lines(audited(model)) == []
    model[0].requires_grad_(False)
    audit = audited(model)
    assert like_torch(audit, model)
    assert (audit.totals.params_frozen, audit.totals.params_trainable) == (CONV, 256 * 5 + 5)
    assert lines(audit) == [f"{CONV + 1285:,} parameters: {CONV:,} frozen, 1,285 trainable"]
    assert [row.params_frozen for row in audit.layers] == [CONV, 0, 0, 0]


def test_a_part_of_a_layer_is_frozen_by_itself():
    model = nn.Sequential(conv())
    model[0].bias.requires_grad = False
    assert audited(model).totals.params_frozen == 4


def test_a_program_that_freezes_its_backbone_where_it_is_made(tmp_path, capsys):
    program = tmp_path / "frozen.py"
    program.write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 4, 3)\n"
        "        for parameter in self.conv.parameters():\n"
        "            parameter.requires_grad = False\n"
        "        self.norm = nn.BatchNorm2d(4)\n"
        "    def forward(self, x):\n"
        "        return self.norm(self.conv(x))\n"
    )
    assert vggcost.cli.main(["audit", f"{program}:Net", "--format", "json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert {key: totals[key] for key in ("params", "params_frozen", "params_trainable")} == {
        "params": CONV + 8,
        "params_frozen": CONV,
        "params_trainable": 8,
    }
    assert (totals["buffers"], totals["buffer_bytes"]) == (2 * 4 + 1, 2 * 4 * 4 + 8)


# Bare parameters


def vit_like():
    """Tokens of 16 values, with a class token, positions and a scale of the branch."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(16)
            self.mlp = nn.Linear(16, 16)
            self.gamma = nn.Parameter(1e-5 * torch.ones(16))

        def forward(self, x):
            return x + self.gamma * self.mlp(self.norm(x))

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 16, 4, stride=4)
            self.cls = nn.Parameter(torch.zeros(1, 1, 16))
            self.positions = nn.Parameter(torch.zeros(1, 5, 16))
            self.block = Block()
            self.head = nn.Linear(16, 3)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
            return self.head(self.block(x)[:, 0])

    return Tokens()


def test_tokens_positions_and_gammas_are_shown_where_they_serve():
    model = vit_like()
    audit = audited(model)
    assert like_torch(audit, model)
    assert params(audit) == {
        "patches": 3 * 16 * 16 + 16,
        "cat": 16,
        "add": 5 * 16,
        "block.norm": 2 * 16,
        "block.mlp": 16 * 16 + 16,
        "block.mul": 16,
        "head": 16 * 3 + 3,
    }
    assert {row.name: row.path for row in audit.layers if row.params}["block.mul"] == "block"


def test_parameters_in_lists_dictionaries_and_plain_lists():
    def forward(self, x):
        for scale in self.scales:
            x = x * scale
        return x + self.shifts["last"] + self.plain[0] + self.learns

    model = Around(
        forward,
        scales=nn.ParameterList([nn.Parameter(torch.ones(3, 1, 1)), nn.Parameter(torch.ones(8))]),
        shifts=nn.ParameterDict({"last": nn.Parameter(torch.zeros(8, 8))}),
        plain=[nn.Parameter(torch.zeros(1))],
    )
    model.learns = torch.zeros(2, 3, 1, 1, requires_grad=True)  # neither a parameter nor a buffer, and it learns
    audit = audited(model)
    assert list(params(audit).values()) == [3, 8, 64, 1, 6]
    assert audit.params == sum(each.numel() for each in model.parameters()) + 1 + 6
    assert any(
        note.startswith("7 parameters are in use that model.parameters() does not have") for note in lines(audit)
    )


def test_modules_in_a_plain_list_bring_their_buffers():
    model = Around(lambda self, x: self.hidden[1](self.hidden[0](x)), hidden=[conv(), nn.BatchNorm2d(4)])
    audit = audited(model)
    assert (audit.params, audit.totals.buffers) == (CONV + 8, 2 * 4 + 1)


def test_a_table_of_positions_is_shown_at_its_embedding_and_a_table_used_twice_once():
    def forward(self, x):
        places = torch.arange(8)
        return self.embedding(places) + x + self.embedding(places)

    audit = audited(Around(forward, embedding=nn.Embedding(8, 8)))
    assert params(audit) == {"embedding": 64}
    again = next(row for row in audit.layers if row.name == "embedding:2")
    assert (again.params, again.note) == (0, "shares its parameters")


def test_a_table_that_is_indexed_by_the_input_is_used():
    def forward(self, ids):
        return self.linear(self.table[ids])

    model = Around(forward, table=nn.Parameter(torch.zeros(10, 4)), linear=nn.Linear(4, 2))
    audit = audited(model, torch.zeros(2, 5, dtype=torch.int64))
    assert like_torch(audit, model)
    assert not [row for row in audit.layers if row.note == "never used"]


def test_what_is_only_returned_is_used():
    model = Around(lambda self, x: (self.conv(x), F.normalize(self.prototypes)), conv=conv())
    model.prototypes = nn.Parameter(torch.ones(3, 4))
    audit = audited(model)
    assert params(audit) == {"conv": CONV, "normalize": 12}


def test_asking_a_parameter_for_its_shape_is_no_use_of_it():
    model = Around(lambda self, x: self.conv(x.to(self.spare.device))[:, : self.spare.shape[0]], conv=conv())
    model.spare = nn.Parameter(torch.ones(3))
    assert [(row.name, row.params) for row in audited(model).layers if row.note == "never used"] == [("spare", 3)]


# Tied weights


def test_tied_weights_count_once():
    def forward(self, ids):
        return self.last(self.first(ids))

    model = Around(forward, first=nn.Embedding(10, 4), last=nn.Linear(4, 10, bias=False))
    model.last.weight = model.first.weight
    audit = audited(model, torch.zeros(2, 5, dtype=torch.int64))
    assert like_torch(audit, model)
    assert [(row.name, row.params, row.note) for row in audit.layers] == [
        ("first", 40, None),
        ("last", 0, "shares its parameters"),
    ]


# Weights that are made of parameters


def old_weight_norm(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(layer)


class Low(nn.Module):
    """A weight and a product of two thin matrices beside it."""

    def __init__(self, rows, columns, rank=2):
        super().__init__()
        self.left = nn.Parameter(torch.zeros(rows, rank))
        self.right = nn.Parameter(torch.zeros(rank, columns))

    def forward(self, weight):
        return weight + (self.left @ self.right).view_as(weight)


def low_rank(layer):
    parametrize.register_parametrization(layer, "weight", Low(4, 27))
    layer.parametrizations.weight.original.requires_grad_(False)
    return layer


def pruned(layer):
    prune.random_unstructured(layer, "weight", 0.5)
    return layer


MADE = {
    "weight norm": (parametrizations.weight_norm, CONV + 4, 0, 0),
    "weight norm by hook": (old_weight_norm, CONV + 4, 0, 0),
    "spectral norm": (parametrizations.spectral_norm, CONV, 0, 4 + 27),
    "spectral norm by hook": (nn.utils.spectral_norm, CONV, 0, 4 + 27),
    "pruned": (pruned, CONV, 0, 4 * 27),
    "a low rank beside a frozen weight": (low_rank, CONV + 2 * (4 + 27), 4 * 27, 0),
}
"""Each with its parameters, those that are frozen, and its buffers."""


@pytest.mark.parametrize("sort", MADE)
def test_what_a_weight_is_made_of_is_shown_at_the_layer(sort):
    make, learned, frozen, kept = MADE[sort]
    model = Around(lambda self, x: self.body[0](self.body[0](x)[:, :3]), body=nn.Sequential(make(conv())))
    audit = audited(model)
    assert like_torch(audit, model)
    assert (params(audit), buffers(audit)) == ({"body.0": learned}, {"body.0": kept} if kept else {})
    assert audit.totals.params_frozen == frozen
    (first, again) = (row for row in audit.layers if row.kind == "Conv2d")
    assert (first.name, first.note) == ("body.0", None)
    assert (again.name, again.note) == ("body.0:2", "shares its parameters")


@pytest.mark.parametrize("sort", MADE)
def test_a_layer_that_is_the_model_itself(sort):
    make, learned, _, kept = MADE[sort]
    model = make(conv())
    audit = audited(model)
    assert like_torch(audit, model)
    (row,) = (row for row in audit.layers if row.params or row.buffers)
    assert (row.kind, row.params, row.buffers) == ("Conv2d", learned, kept)


def test_a_parametrized_layer_that_is_never_used_is_one_row():
    model = Around(lambda self, x: self.used(x), used=conv(), spare=parametrizations.weight_norm(conv()))
    audit = audited(model)
    assert params(audit) == {"used": CONV, "spare": CONV + 4}
    row = audit.layers[-1]
    assert (row.name, row.kind, row.note) == ("spare", "Conv2d", "never used")


def test_weights_that_another_network_makes_stand_at_that_network():
    def forward(self, x):
        weight = self.maker(self.code).view(4, 3, 3, 3)
        return F.conv2d(x, weight, padding=1)

    model = Around(forward, maker=nn.Linear(5, 108), code=nn.Parameter(torch.zeros(5)))
    audit = audited(model)
    assert like_torch(audit, model)
    assert params(audit) == {"maker": 5 * 108 + 108, "conv2d": 5}
    assert audit.macs == 5 * 108 + 2 * 4 * 8 * 8 * 27  # the weight is made once, whatever the batch


def test_the_weights_of_several_modules_in_one_product_stand_at_the_product():
    def forward(self, x):
        weights = torch.stack([part.weight for part in self.parts])
        shifts = torch.stack([part.bias for part in self.parts])
        return torch.einsum("bi,noi->nbo", x, weights) + shifts[:, None]

    model = Around(forward, parts=nn.ModuleList([nn.Linear(8, 5) for _ in range(3)]))
    audit = audited(model, (2, 8))
    assert like_torch(audit, model)
    assert list(params(audit).values()) == [3 * 8 * 5, 3 * 5]
    assert next(row.params for row in audit.layers if row.macs) == 3 * 8 * 5


def test_a_weight_that_is_given_to_a_module_for_one_call():
    def forward(self, x):
        weight = self.inner.weight * self.scale
        return torch.func.functional_call(self.inner, {"weight": weight, "bias": self.inner.bias}, (x,))

    model = Around(forward, inner=nn.Linear(8, 5), scale=nn.Parameter(torch.ones(())))
    audit = audited(model)
    assert like_torch(audit, model)
    assert params(audit) == {"inner": 8 * 5 + 5 + 1}


def test_a_table_of_codes_that_is_also_measured_is_shown_at_its_embedding():
    def forward(self, x):
        distances = (self.codes.weight**2).sum(1) - x @ self.codes.weight.t()
        return self.codes(distances.argmin(1))

    audit = audited(Around(forward, codes=nn.Embedding(16, 8)), (4, 8))
    assert params(audit) == {"codes": 128}


def test_a_mask_and_a_table_are_shown_where_they_go():
    def forward(self, x):
        scores = x.masked_fill(self.mask[:8, :8] == 0, -1e9)
        return scores + self.table

    model = Around(forward, mask=torch.ones(16, 16, dtype=torch.bool), table=torch.zeros(8, 8))
    audit = audited(model)
    assert like_torch(audit, model)
    assert buffers(audit) == {"masked_fill": 256, "add": 64}
    assert audit.totals.buffer_bytes == 256 + 64 * 4


def test_an_index_that_is_a_buffer_does_not_make_an_activation_a_weight():
    model = Around(
        lambda self, x: self.linear(x[:, self.order].flatten(1)),
        order=torch.tensor([2, 1, 0]),
        linear=nn.Linear(192, 2),
    )
    audit = audited(model)
    assert [row.kind for row in audit.layers] == ["Flatten", "Linear"]
    assert audit.totals.buffers == 3


def test_what_an_activation_is_written_into_is_an_activation():
    def forward(self, x):
        self.seen.copy_(x)
        return self.linear(self.seen.view(2, -1))

    model = Around(forward, seen=torch.zeros(2, 3, 8, 8), linear=nn.Linear(192, 2))
    audit = audited(model)
    assert params(audit) == {"linear": 192 * 2 + 2}
    assert audit.totals.buffers == 2 * 192


# Buffers


def test_running_statistics_stand_at_their_norm():
    model = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.InstanceNorm2d(4, track_running_stats=True))
    audit = audited(model)
    assert like_torch(audit, model)
    assert list(buffers(audit).values()) == [9, 9]
    assert lines(audit) == ["18 elements of buffers, which are no parameters (80 bytes)"]


def test_buffers_that_nothing_uses_are_counted_and_are_no_difference():
    model = Around(lambda self, x: self.conv(x), conv=conv())
    used = vggcost.audit(model, IMAGE)
    model.register_buffer("version", torch.zeros((), dtype=torch.int64))
    model.register_buffer("cache", torch.zeros(7), persistent=False)
    model.add_module("spare", nn.BatchNorm2d(4, affine=False))
    audit = audited(model)
    assert like_torch(audit, model)
    assert buffers(audit) == {"conv": 1 + 7, "spare": 9}
    assert [each.text for each in audit.compared.differences] == [each.text for each in used.compared.differences]


def test_a_model_of_buffers_alone():
    model = nn.Identity()
    model.register_buffer("kept", torch.zeros(5))
    assert audited(model).totals.buffers == 5


# Bytes


def test_each_dtype_has_its_bytes():
    model = nn.Sequential(conv().half(), nn.Flatten(), nn.Linear(256, 5))
    model[0].forward = lambda x: nn.Conv2d.forward(model[0], x.half()).float()
    audit = audited(model)
    assert like_torch(audit, model)
    assert audit.totals.weight_bytes == CONV * 2 + 1285 * 4
    assert audit.to_dict()["dtypes"] == {"float16": CONV, "float32": 1285}
    assert lines(audit) == [f"{CONV + 1285:,} parameters: {CONV} in float16, 1,285 in float32"]


DTYPES = ["float64", "float32", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128", "int8", "uint8"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_counted(dtype):
    stored = getattr(torch, dtype)
    weight = nn.Parameter(torch.zeros(5, 8, dtype=stored), requires_grad=stored.is_floating_point or stored.is_complex)
    model = Around(lambda self, x: F.linear(x, self.weight.to(x.dtype)))
    model.weight = weight
    audit = audited(model)
    assert like_torch(audit, model)
    assert params(audit) == {"linear": 40}
    assert audit.totals.weight_bytes == 40 * stored.itemsize
    assert audit.totals.params_frozen == (40 if dtype in ("int8", "uint8") else 0)


def test_eight_bits_in_buffers_are_said_to_be_the_weights():
    model = Around(
        lambda self, x: F.linear(x, self.codes.float() * self.scale, self.bias),
        codes=torch.zeros(5, 8, dtype=torch.int8),
        scale=torch.ones(5, 1),
        bias=nn.Parameter(torch.zeros(5)),
    )
    audit = audited(model)
    assert like_torch(audit, model)
    row = next(row for row in audit.layers if row.kind == "Linear")
    assert (row.params, row.buffers, row.buffer_bytes) == (5, 40 + 5, 40 + 5 * 4)
    assert row.note == "its weights are buffers"


def test_four_bits_in_a_byte():
    def forward(self, x):
        codes = torch.stack([self.codes & 15, self.codes >> 4], -1).view(5, 8)
        return F.linear(x, codes.to(x.dtype) * self.scales)

    model = Around(forward, codes=torch.zeros(5, 4, dtype=torch.uint8), scales=torch.ones(5, 1))
    audit = audited(model)
    row = next(row for row in audit.layers if row.kind == "Linear")
    assert (row.params, row.buffers, row.buffer_bytes) == (0, 5 * 4 + 5, 5 * 4 + 5 * 4)
    assert row.note == "its weights are buffers"


class EightBits(nn.Parameter):
    """A parameter of a class of its own, as packages have it for weights of 8 bits."""

    def __new__(cls, data):
        return torch.Tensor._make_subclass(cls, data, False)


def test_parameters_of_a_class_of_their_own():
    model = Around(lambda self, x: F.linear(x, self.weight.to(x.dtype) * self.scales), scales=torch.ones(5, 1))
    model.weight = EightBits(torch.zeros(5, 8, dtype=torch.int8))
    audit = audited(model)
    assert like_torch(audit, model)
    assert params(audit) == {"linear": 40}
    assert (audit.totals.weight_bytes, audit.totals.params_frozen) == (40, 40)


class Halves(torch.Tensor):
    """A tensor that shows elements and stores codes and scales, as quantized weights of other packages do."""

    @staticmethod
    def __new__(cls, codes, scales):
        shape = (codes.shape[0], codes.shape[1] * 2)
        return torch.Tensor._make_wrapper_subclass(cls, shape, dtype=torch.float32)

    def __init__(self, codes, scales):
        self.codes, self.scales = codes, scales

    def __tensor_flatten__(self):
        return ["codes", "scales"], None

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return args[0] if func is torch.ops.aten.detach.default else NotImplemented


def test_a_tensor_that_others_stand_behind_has_their_bytes():
    halves = Halves(torch.zeros(4, 3, dtype=torch.uint8), torch.zeros(4))
    assert (halves.numel(), stored_bytes(halves)) == (24, 4 * 3 + 4 * 4)
    sparse = torch.eye(4).to_sparse()
    assert stored_bytes(sparse) == 4 * 4 + 2 * 4 * 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls these layouts new
        assert stored_bytes(torch.eye(4).to_sparse_csr()) == 4 * 4 + (5 + 4) * 8
        assert stored_bytes(torch.eye(4).to_sparse_csc()) == 4 * 4 + (5 + 4) * 8


# Packed weights


def quantized(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that its quantization moves to a package of its own
        return make()


PACKED = {
    "Linear": (lambda ao: ao.quantized.Linear(6, 5), 30 + 5, 30 + 5 * 4),
    "Conv2d": (lambda ao: ao.quantized.Conv2d(3, 4, 3), 108 + 4, 108 + 4 * 4),
    "dynamic Linear": (lambda ao: ao.quantized.dynamic.Linear(6, 5), 30 + 5, 30 + 5 * 4),
    "half Linear": (lambda ao: ao.quantized.dynamic.Linear(6, 5, dtype=torch.float16), 30 + 5, 30 * 2 + 5 * 4),
    "LSTM": (lambda ao: ao.quantized.dynamic.LSTM(6, 5), 20 * (6 + 5) + 2 * 20, 20 * (6 + 5) + 2 * 20 * 4),
    "LSTMCell": (lambda ao: ao.quantized.dynamic.LSTMCell(6, 5), 20 * (6 + 5) + 2 * 20, 20 * (6 + 5) + 2 * 20 * 4),
    "Embedding": (lambda ao: ao.quantized.Embedding(10, 8), 80, 80),
}
"""Quantized modules, each with its parameters [elements] and their memory [B]: weights in 8 bits, biases in 32."""


@pytest.mark.parametrize("sort", PACKED)
def test_packed_weights_are_counted_in_elements_and_bytes(sort):
    make, elements, size = PACKED[sort]
    model = Around(lambda self, x: self.conv(x), conv=conv(), packed=quantized(lambda: make(torch.ao.nn)))
    audit = audited(model)
    assert (audit.params, audit.totals.params_frozen) == (CONV + elements, elements)
    assert audit.totals.weight_bytes == CONV * 4 + size
    assert sum(each.numel() for each in model.packed.parameters()) == 0
    words = f"{elements} parameters are packed in quantized modules ({size:,} bytes)"
    assert any(note.startswith(words) for note in lines(audit))


def test_a_network_that_torch_quantized_has_its_weights_at_its_layers():
    plain = nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.ReLU(), nn.Linear(6, 5))
    model = quantized(lambda: torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}))
    audit = audited(model)
    assert params(audit) == {"1": 192 * 6 + 6, "3": 6 * 5 + 5}
    assert audit.totals.weight_bytes == 192 * 6 + 6 * 4 + 6 * 5 + 5 * 4


# The rules, alone


def test_a_weight_is_counted_where_it_goes_only_inside_its_own_module():
    model = nn.Sequential(conv(bias=False), nn.ReLU())
    ownership = Ownership(model)
    weight, made = model[0].weight, torch.zeros(4, 3, 3, 3)
    ownership.use([weight], 0, "0", active=False)
    ownership.pass_on([weight], [made], derived=True)
    ownership.use([made], 1, "0", active=True)
    assert ownership.prepares == {0}
    assert {place: state.params for place, state in ownership.settled().items()} == {1: 108}
    other = Ownership(model)
    other.use([weight], 0, "0", active=False)
    other.pass_on([weight], [made], derived=True)
    other.use([made], 1, "1", active=True)
    assert {place: state.params for place, state in other.settled().items()} == {0: 108}


# What makes a weight is no part of what the network is


def thin_a(make):
    """Configuration A with an eighth of its widths, each convolution changed."""
    made, channels = [], 3
    for width in (8, "M", 16, "M", 32, 32, "M", 64, 64, "M", 64, 64, "M"):
        if width == "M":
            made.append(nn.MaxPool2d(2))
            continue
        made += [make(nn.Conv2d(channels, width, 3, padding=1)), nn.ReLU()]
        channels = width
    head = [
        nn.Flatten(),
        nn.Linear(64 * 49, 512),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Dropout(),
    ]
    return nn.Sequential(*made, *head, nn.Linear(512, 10))


@pytest.mark.parametrize("sort", ["spectral norm", "spectral norm by hook", "pruned"])
def test_a_configuration_whose_weights_are_made_is_that_configuration(sort):
    plain = vggcost.audit(thin_a(lambda layer: layer), (1, 3, 224, 224))
    made = vggcost.audit(thin_a(MADE[sort][0]), (1, 3, 224, 224))
    assert (made.verdict, made.paper.same) == (plain.verdict, True)
    assert made.lines()[0] == plain.lines()[0]
    assert made.params == plain.params
    assert made.macs - plain.macs == sum(row.macs for row in made.layers if row.kind == "MatMul")


def test_a_weight_that_is_used_outside_before_its_own_module_runs_is_its_modules():
    def forward(self, x):
        first = F.linear(x, self.head.weight, self.head.bias)
        return self.head(first)

    audit = audited(Around(forward, head=nn.Linear(8, 8)))
    assert [(row.name, row.params, row.note) for row in audit.layers] == [
        ("linear", 0, "shares its parameters"),
        ("head", 72, None),
    ]


@pytest.mark.parametrize("sort", MADE)
def test_where_the_program_asks_for_values(sort):
    make, learned, frozen, kept = MADE[sort]

    def forward(self, x):
        return self.body(x) if float(x.sum()) > -1e9 else x

    model = Around(forward, body=make(conv()))
    audit = audited(model)
    assert audit.reading.notes[0].startswith("run on real values")
    assert like_torch(audit, model)
    assert (params(audit), buffers(audit)) == ({"body": learned}, {"body": kept} if kept else {})
    assert audit.totals.params_frozen == frozen
