"""Random programs of what VGG's descendants are made of, against torch's own counter, operation by operation and whole.

torch's counter counts nothing for some operations on the CPU (LSTMs, matrix-vector and dot products, bilinear layers,
quantized ones): there it counts the same program written out in products of matrices, a piece's `written`.

50 programs run by themselves; VGGCOST_RANDOM_PROGRAMS=500 runs as many.
"""

import math
import os
import random
import warnings
from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # behind the check for torch, as all that follows
from torch.nn import functional as F  # noqa: E402, N812  # torch's own name
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import vggcost  # noqa: E402

PROGRAMS = int(os.environ.get("VGGCOST_RANDOM_PROGRAMS", "50"))


class Piece(nn.Module):
    """One operation: `forward` as a program has it, `written` in products of matrices where torch does not count it."""

    def written(self, x):
        return self.forward(x)


class Does(Piece):
    """A module, or a function, as it is."""

    def __init__(self, function, written=None):
        super().__init__()
        self.function, self.in_words = function, written

    def forward(self, x):
        return self.function(x)

    def written(self, x):
        return (self.in_words or self.function)(x)


def of_rank(x, rank):
    """x with so many axes, by views alone: its first stay, the rest goes into the last."""
    if x.dim() < rank:
        return x.reshape(*x.shape, *(1,) * (rank - x.dim()))
    return x.flatten(rank - 1)


class Turned(Piece):
    """A piece over an input of the rank that it takes."""

    def __init__(self, rank, piece):
        super().__init__()
        self.rank, self.piece = rank, piece

    def forward(self, x):
        return self.piece(of_rank(x, self.rank))

    def written(self, x):
        return self.piece.written(of_rank(x, self.rank))


def conv(dice, shape, axes):
    groups = dice.choice((1, 1, shape[1]))
    kernel = tuple(dice.choice([side for side in (1, 2, 3) if side <= size]) for size in shape[2:])
    options = {"stride": dice.choice((1, 2)), "padding": dice.choice((0, 1)), "bias": dice.random() < 0.5}
    made = getattr(nn, f"Conv{axes}d")
    return Does(made(shape[1], groups * dice.choice((1, 2)), kernel, groups=groups, **options))


def conv_transpose(dice, shape, axes):
    groups = dice.choice((1, 1, shape[1]))
    stride = dice.choice((1, 2, 3))
    options = {
        "padding": dice.choice((0, 1)),
        "output_padding": dice.randrange(stride),
        "dilation": dice.choice((1, 2)),
    }
    made = getattr(nn, f"ConvTranspose{axes}d")
    kernel = dice.choice((3, 4))
    return Does(made(shape[1], groups * dice.choice((1, 2)), kernel, stride, groups=groups, **options))


def linear(dice, shape):
    return Does(nn.Linear(shape[-1], dice.choice((1, 3, 5)), bias=dice.random() < 0.5))


class Recurrent(Piece):
    """An LSTM, GRU or RNN over (batch, steps, features)."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)[0]

    def written(self, x):
        if not isinstance(self.module, nn.LSTM):
            return self.forward(x)
        lstm = self.module
        steps, batch = (1, 0) if lstm.batch_first else (0, 1)
        state_width = lstm.proj_size or lstm.hidden_size
        for layer in range(lstm.num_layers):
            outputs = []
            for ending in ("", "_reverse")[: 2 if lstm.bidirectional else 1]:
                state = torch.zeros(x.shape[batch], state_width)
                weights = {key: getattr(lstm, f"weight_{key}_l{layer}{ending}", None) for key in ("ih", "hh", "hr")}
                ways = []
                for at in range(x.shape[steps]):
                    gates = F.linear(x.select(steps, at), weights["ih"]) + F.linear(state, weights["hh"])
                    hidden = gates[:, : lstm.hidden_size].tanh()
                    state = hidden if weights["hr"] is None else F.linear(hidden, weights["hr"])
                    ways.append(state)
                outputs.append(torch.stack(ways, steps))
            x = torch.cat(outputs, -1)
        return x


def recurrent(dice, shape):
    kind = dice.choice((nn.LSTM, nn.LSTM, nn.GRU, nn.RNN))
    options = {"num_layers": dice.choice((1, 2)), "bidirectional": dice.random() < 0.4, "bias": dice.random() < 0.7}
    options["batch_first"] = dice.random() < 0.7
    if kind is nn.LSTM and dice.random() < 0.3:
        options["proj_size"] = 2
    return Recurrent(kind(shape[-1], dice.choice((3, 4)), **options))


def cell(dice, shape):
    kind = dice.choice((nn.LSTMCell, nn.GRUCell, nn.RNNCell))
    module = kind(shape[-1], dice.choice((2, 3)))

    class Cell(Piece):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, x):
            made = self.module(x)
            return made[0] if isinstance(made, tuple) else made

    return Cell()


class Attends(Piece):
    """Multi-head attention over (batch, steps, features), of a width that heads divide."""

    def __init__(self, dice, width):
        super().__init__()
        heads = dice.choice((1, 2))
        self.into = nn.Linear(width, 4 * heads)
        options = {"add_bias_kv": dice.random() < 0.3, "add_zero_attn": dice.random() < 0.3}
        other = {"kdim": width, "vdim": width} if dice.random() < 0.3 else {}
        self.other = bool(other)
        self.module = nn.MultiheadAttention(4 * heads, heads, batch_first=True, **options, **other)
        self.weights = dice.random() < 0.5

    def forward(self, x):
        query = self.into(x)
        key = x if self.other else query
        return self.module(query, key, key, need_weights=self.weights)[0]


def encoder(dice, shape):
    heads = dice.choice((1, 2))
    width = 4 * heads
    layer = nn.TransformerEncoderLayer(width, heads, 7, batch_first=True, norm_first=dice.random() < 0.5)
    layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False) if dice.random() < 0.3 else layer
    return Does(nn.Sequential(nn.Linear(shape[-1], width), layers))


class ScaledDotProduct(Piece):
    """scaled_dot_product_attention over heads made of the features, grouped or not, masked or not."""

    def __init__(self, dice, width):
        super().__init__()
        self.heads, self.groups = dice.choice(((1, 1), (2, 1), (2, 2), (4, 2)))
        self.into = nn.Linear(width, 3 * self.heads)
        self.keys, self.values = nn.Linear(width, 3 * self.groups), nn.Linear(width, 5 * self.groups)
        self.causal = dice.random() < 0.5

    def forward(self, x):
        query, key, value = (
            made.unflatten(-1, (heads, -1)).transpose(1, 2)
            for made, heads in ((self.into(x), self.heads), (self.keys(x), self.groups), (self.values(x), self.groups))
        )
        grouped = {"enable_gqa": True} if self.heads != self.groups else {}
        return F.scaled_dot_product_attention(query, key, value, is_causal=self.causal, **grouped)


class Bilinear(Piece):
    def __init__(self, dice, width):
        super().__init__()
        self.module = nn.Bilinear(width, width, dice.choice((1, 3)), bias=dice.random() < 0.5)

    def forward(self, x):
        return self.module(x, x)

    def written(self, x):
        rows = x.flatten(0, -2)
        made = torch.einsum("bi,oij,bj->bo", rows, self.module.weight, rows)
        if x.shape[-1] == 1:  # where a contracted axis is 1 torch multiplies element by element
            extra = len(rows) * self.module.out_features * 2
            torch.mm(torch.ones(1, extra), torch.ones(extra, 1))
        return made.reshape(*x.shape[:-1], -1)


LETTERS = "abcde"


class Contracts(Piece):
    """A random einsum of the input with one or two constants."""

    def __init__(self, dice, shape):
        super().__init__()
        own = LETTERS[: len(shape)]
        sizes = dict(zip(own, shape, strict=True)) | {"x": 2, "y": 3}
        texts = [own]
        for _ in range(dice.choice((1, 1, 2))):
            letters = dice.sample(own, dice.randint(1, len(own))) + dice.sample("xy", dice.randint(0, 2))
            texts.append("".join(letters))
        every = sorted(set("".join(texts)))
        self.equation = ",".join(texts) + "->" + "".join(dice.sample(every, dice.randint(0, len(every))))
        for place, text in enumerate(texts[1:]):
            self.register_buffer(f"other{place}", torch.ones([sizes[letter] for letter in text]))
        self.others = len(texts) - 1

    def forward(self, x):
        return torch.einsum(self.equation, x, *(getattr(self, f"other{place}") for place in range(self.others)))


def product(dice, shape):  # noqa: PLR0911  # one line a product
    """One of torch's products of the input with something that fits."""
    last = shape[-1]
    vector, matrix = torch.ones(last), torch.ones(last, dice.choice((1, 4)))
    sort = dice.randrange(9)
    if sort == 0:
        return Does(lambda x: x @ vector, lambda x: (x.reshape(-1, last) @ vector[:, None]).reshape(x.shape[:-1]))
    if sort == 1:
        return Does(lambda x: torch.mv(x.flatten(0, -2), vector), lambda x: x.flatten(0, -2) @ vector[:, None])
    if sort == 2:
        return Does(
            lambda x: torch.dot(x.flatten(), x.flatten()) * x, lambda x: (x.reshape(1, -1) @ x.reshape(-1, 1)) * x
        )
    if sort == 3:
        return Does(lambda x: torch.matmul(x, matrix))
    if sort == 4:
        return Does(lambda x: x @ x.transpose(-1, -2))
    if sort == 5:
        return Does(lambda x: torch.tensordot(x, matrix, 1))
    if sort == 6:
        size = matrix.shape[1]
        return Does(lambda x: torch.linalg.multi_dot([x.flatten(0, -2), matrix, torch.ones(size, 3)]))
    if sort == 7:
        return Does(lambda x: torch.addmm(torch.ones(matrix.shape[1]), x.flatten(0, -2), matrix))
    return Does(
        lambda x: torch.linalg.vecdot(x, vector),
        lambda x: (x.reshape(-1, last) @ vector[:, None]).reshape(x.shape[:-1]),
    )


class Quantized(Piece):
    """A quantized linear layer or convolution, whose own one counts in its place."""

    def __init__(self, dice, shape):
        super().__init__()
        sort = dice.choice(("dynamic", "linear", "conv") if len(shape) == 4 else ("dynamic", "linear"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch moves this to another package one day
            quantized = torch.ao.nn.quantized
            if sort == "conv":
                self.module = quantized.Conv2d(shape[1], 3, 1, padding=1)
            elif sort == "linear":
                self.module = quantized.Linear(shape[-1], 3)
            else:
                self.module = torch.ao.nn.quantized.dynamic.Linear(shape[-1], 3)
        # Behind a list, so that it is none of the program's modules.
        self.plain = [nn.Conv2d(shape[1], 3, 1, padding=1) if sort == "conv" else nn.Linear(shape[-1], 3)]
        self.dynamic = sort == "dynamic"

    def forward(self, x):
        if self.dynamic:
            return self.module(x)
        return self.module(torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)).dequantize()

    def written(self, x):
        return self.plain[0](x)


NOTHING = (
    lambda x: F.interpolate(of_rank(x, 4), scale_factor=2, mode="bilinear"),
    lambda x: F.pad(of_rank(x, 4), (1, 1, 1, 1), mode="replicate"),
    lambda x: F.unfold(F.pad(of_rank(x, 4), (1, 1, 1, 1)), 2),
    lambda x: F.grid_sample(of_rank(x, 4), torch.zeros(len(x), 2, 3, 2), align_corners=False),
    lambda x: x.roll(1, 0) * 0.5,
    lambda x: x.cumsum(-1).sort(-1)[0],
    lambda x: F.layer_norm(x, x.shape[-1:]),
    lambda x: F.adaptive_avg_pool3d(of_rank(x, 5), (1, 2, 2)),
    lambda x: F.max_pool1d(of_rank(x, 3), 1),
    lambda x: torch.topk(x, 1, -1)[0] + x.mean(),
    lambda x: (x * x).sum(-1),
    lambda x: F.instance_norm(of_rank(F.pad(x, (1, 1)), 3)),
    lambda x: torch.einsum("...i->i...", x),
    lambda x: F.embedding(torch.zeros(x.shape[:2], dtype=torch.int64), torch.ones(3, 5)) + x.sum(),
    lambda x: F.gelu(x).masked_fill(x > 0, 0.0),
    lambda x: torch.gather(x, 0, torch.zeros_like(x, dtype=torch.int64)),
    lambda x: torch.outer(x.flatten()[:3], x.flatten()[:4]),
)


def piece(dice, shape):  # noqa: PLR0911  # one line a sort
    """One piece for an input of this shape, with the name of its sort."""
    sorts = ("conv", "conv", "transposed", "transposed", "linear", "recurrent", "cell", "attention", "encoder", "sdpa")
    sort = dice.choice(
        (*sorts, "bilinear", "einsum", "einsum", "product", "product", "quantized", "nothing", "nothing")
    )
    if sort in ("conv", "transposed"):
        axes = dice.choice((1, 2, 3))
        given = of_rank(torch.empty(shape, device="meta"), axes + 2).shape
        return sort, Turned(axes + 2, (conv if sort == "conv" else conv_transpose)(dice, given, axes))
    if sort in ("recurrent", "attention", "encoder", "sdpa"):
        given = of_rank(torch.empty(shape, device="meta"), 3).shape
        makers = {"recurrent": recurrent, "encoder": encoder}
        made = makers[sort](dice, given) if sort in makers else None
        made = made or (Attends if sort == "attention" else ScaledDotProduct)(dice, given[-1])
        return sort, Turned(3, made)
    if sort == "cell":
        return sort, Turned(2, cell(dice, of_rank(torch.empty(shape, device="meta"), 2).shape))
    if sort in ("linear", "bilinear", "product"):
        rank = max(2, len(shape))
        given = of_rank(torch.empty(shape, device="meta"), rank).shape
        made = (
            Bilinear(dice, given[-1])
            if sort == "bilinear"
            else {"linear": linear, "product": product}[sort](dice, given)
        )
        return sort, Turned(rank, made)
    if sort == "einsum":
        return sort, Contracts(dice, shape)
    if sort == "quantized":
        return sort, Quantized(dice, shape)
    return sort, Does(dice.choice(NOTHING))


class Program(nn.Module):
    """Pieces one behind the other; `written` says whether they run as they are written out."""

    def __init__(self, pieces):
        super().__init__()
        self.pieces = nn.ModuleList(pieces)
        self.written = False

    def forward(self, x):
        for each in self.pieces:
            x = each.written(x) if self.written else each(x)
        return x


LARGEST = 4096
"""Elements beyond which a program is taken to be large enough."""


def program(seed):
    """Up to six pieces that fit each other, the sorts of them, and the shape of an input."""
    dice = random.Random(seed)  # noqa: S311  # the same programs in every run
    shape = (
        dice.choice((1, 2)),
        dice.choice((2, 3)),
        *(dice.choice((1, 3, 4, 5)) for _ in range(dice.choice((1, 2, 3)))),
    )
    first, pieces, sorts = shape, [], []
    while len(pieces) < 1 + seed % 6:
        sort, made = piece(dice, shape)
        made.eval()
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                output = tuple(made(torch.rand(shape)).shape)
        except (RuntimeError, ValueError, AssertionError, IndexError):
            continue  # a window that does not fit
        if not 2 <= len(output) <= 5 or not 0 < math.prod(output) <= LARGEST:
            continue
        pieces.append(made)
        sorts.append(sort)
        shape = output
    return Program(pieces).eval(), sorts, first


def counted(model, shape):
    """What torch's counter makes of a program that is written out in products of matrices [FLOP]."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    model.written = True
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(torch.rand(shape))
    finally:
        model.written = False
        torch.backends.mha.set_fastpath_enabled(value=fast)
    return counter.get_total_flops()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_random_program_is_what_torch_counts(seed):
    model, sorts, shape = program(seed)
    with torch.no_grad():
        output = tuple(model(torch.rand(shape)).shape)
    audit = vggcost.audit(model, shape)
    assert audit.reading.failures == ()
    assert [operation.layer.kind for operation in audit.uncounted] == []
    assert 2 * audit.macs == counted(model, shape), sorts
    packed = "quantized" in sorts
    assert packed or audit.params == sum(parameter.numel() for parameter in model.parameters())
    assert audit.reading.operations == () or audit.reading.operations[-1].output is not None
    assert output


def test_random_programs_have_every_sort():
    sorts = Counter(sort for seed in range(50) for sort in program(seed)[1])
    assert len(sorts) == 13
    assert min(sorts.values()) >= 3
