"""Random calls of torch's functions that have arguments of their own: convolutions, pools, products, recurrent ones."""

from itertools import pairwise

import torch

SIDES = (0, 1, 1, 2, 2, 3)


def shape(dice, least=0, most=5):
    return tuple(dice.choice(SIDES) for _ in range(dice.randint(least, most)))


def tensor(dice, least=0, most=5):
    return torch.ones(shape(dice, least, most))


def option(dice, axes, values):
    """One number for every axis, or one an axis."""
    return dice.choice(values) if dice.random() < 0.5 else tuple(dice.choice(values) for _ in range(axes))


def maps(dice, axes):
    """Feature maps with or without their batch; now and then something else."""
    wanted = axes + dice.choice((1, 2, 2, 2))
    return tuple(dice.choice((1, 2, 3, 4, 5)) for _ in range(wanted)) if dice.random() < 0.9 else shape(dice)


def conv(axes, *, transposed=False):
    def call(dice):
        given = maps(dice, axes)
        groups = dice.choice((1, 1, 1, 2))
        channels = given[-1 - axes] if len(given) > axes else 1
        channels = channels if dice.random() < 0.9 else 3
        kernel = tuple(dice.choice((1, 2, 3)) for _ in range(axes))
        weight = (channels, 2, *kernel) if transposed else (2, max(1, channels // groups), *kernel)
        options = {"stride": option(dice, axes, (1, 2, 3)), "groups": groups, "dilation": option(dice, axes, (1, 1, 2))}
        options["padding"] = option(dice, axes, (0, 1))
        if transposed:
            options["output_padding"] = option(dice, axes, (0, 0, 1))
        elif dice.random() < 0.2:
            options["padding"] = dice.choice(("same", "valid"))
        bias = torch.ones(2 * groups if transposed else 2) if dice.random() < 0.5 else None
        return (torch.ones(given), torch.ones(weight), bias), options

    return call


def convolution(dice):
    """All options given, as torch.convolution takes them."""
    axes = dice.choice((1, 2, 3))
    transposed = dice.random() < 0.5
    given = (2, 2, *(dice.choice((2, 3, 4)) for _ in range(axes)))
    kernel = [dice.choice((1, 2)) for _ in range(axes)]
    lists = [[dice.choice(values) for _ in range(axes)] for values in ((1, 2), (0, 1), (1, 2), (0,))]
    stride, padding, dilation, extra = lists
    weight = torch.ones(2, 2, *kernel)
    return (torch.ones(given), weight, None, stride, padding, dilation, transposed, extra, 1), {}


def conv_private(dice):
    args, kwargs = convolution(dice)
    return (*args, False, False, False, False), kwargs


def conv_tbc(dice):
    channels = dice.choice((1, 2))
    weight = torch.ones(dice.choice((1, 2, 3)), channels, 3)
    return (
        torch.ones(dice.choice((1, 3, 4)), 2, dice.choice((channels, 1))),
        weight,
        torch.ones(3),
        dice.choice((0, 1)),
    ), {}


def max_pool(axes):
    def call(dice):
        options = {"padding": option(dice, axes, (0, 1)), "ceil_mode": dice.random() < 0.5}
        options |= {
            "dilation": option(dice, axes, (1, 2)),
            "stride": dice.choice((None, option(dice, axes, (1, 2, 3)))),
        }
        return (torch.ones(maps(dice, axes)), option(dice, axes, (1, 2, 3))), options

    return call


def avg_pool(axes):
    def call(dice):
        options = {"padding": option(dice, axes, (0, 1)), "ceil_mode": dice.random() < 0.5}
        options["stride"] = dice.choice((None, option(dice, axes, (1, 2, 3))))
        return (torch.ones(maps(dice, axes)), option(dice, axes, (1, 2, 3))), options

    return call


def lp_pool(axes):
    def call(dice):
        options = {"ceil_mode": dice.random() < 0.5, "stride": dice.choice((None, option(dice, axes, (1, 2, 3))))}
        return (torch.ones(maps(dice, axes)), 2.0, option(dice, axes, (1, 2, 3))), options

    return call


def adaptive(axes):
    return lambda dice: ((torch.ones(maps(dice, axes)), option(dice, axes, (1, 2, 3))), {})


def fractional(axes):
    def call(dice):
        given = maps(dice, axes)
        if dice.random() < 0.5:
            return (torch.ones(given), 1), {"output_size": option(dice, axes, (1, 2))}
        return (torch.ones(given), 1), {"output_ratio": tuple(dice.choice((0.3, 0.5, 0.7)) for _ in range(axes))}

    return call


def norm(dice):
    given = tensor(dice, 1)
    axes = dice.choice((1, 1, 2))
    return (given, list(given.shape[-axes:]) if dice.random() < 0.9 else [2]), {}


def instance_norm(dice):
    given = tensor(dice, 2)
    weight = torch.ones(given.shape[1]) if dice.random() < 0.5 else None
    return (given, None, None, weight, weight), {}


def pair(dice, *, rank=None):
    """Two operands of a product, which mostly fit."""
    inner = dice.choice(SIDES)
    batch = shape(dice, 0, 2) if rank is None else shape(dice, rank - 2, rank - 2)
    left = torch.ones(*batch, dice.choice(SIDES), inner)
    right = torch.ones(*(batch if dice.random() < 0.8 or rank else ()), inner, dice.choice(SIDES))
    if rank is None and dice.random() < 0.3:
        left, right = dice.choice(((torch.ones(inner), right), (left, torch.ones(inner)), (tensor(dice), right)))
    return left, right


def added(rank):
    def call(dice):
        left, right = pair(dice, rank=rank)
        return (torch.ones(1, 1) if rank == 2 else torch.ones(1, 1, 1), left, right), {}

    return call


def added_in_place(rank):
    def call(dice):
        left, right = pair(dice, rank=rank)
        output = (*left.shape[:-1], right.shape[-1])
        return (torch.ones(output), left, right), {}

    return call


def addmv(dice):
    rows, inner = dice.choice(SIDES), dice.choice(SIDES)
    return (torch.ones(rows), torch.ones(rows, inner), torch.ones(inner)), {}


def addbmm(dice):
    left, right = pair(dice, rank=3)
    return (torch.ones(left.shape[1], right.shape[2]), left, right), {}


def same_vectors(dice):
    vector = torch.ones(dice.choice(SIDES))
    return (vector, vector if dice.random() < 0.8 else torch.ones(2)), {}


def inner(dice):
    last = dice.choice(SIDES)
    return (torch.ones(*shape(dice, 0, 2), last), torch.ones(*shape(dice, 0, 2), last)), {}


def vecdot(dice):
    given = tensor(dice, 1)
    return (given, given if dice.random() < 0.7 else tensor(dice, 1)), {"dim": dice.choice((-1, 0))}


def tensordot(dice):
    left, right = tensor(dice, 1, 3), tensor(dice, 1, 3)
    return (left, right, [dice.randrange(left.dim())], [dice.randrange(right.dim())]), {}


def multi_dot(dice):
    sizes = [dice.choice((1, 2, 3)) for _ in range(dice.randint(3, 5))]
    matrices = [torch.ones(one, other) for one, other in pairwise(sizes)]
    if dice.random() < 0.3:
        matrices[0] = matrices[0][0]
    if dice.random() < 0.3:
        matrices[-1] = matrices[-1][:, 0]
    return (matrices,), {}


def bilinear(dice):
    batch, one, other = shape(dice, 0, 2), dice.choice((1, 2)), dice.choice((1, 3))
    return (
        torch.ones(*batch, one),
        torch.ones(*batch, other),
        torch.ones(2, one, other),
        dice.choice((None, torch.ones(2))),
    ), {}


def attention(dice):
    batch, width, keys = shape(dice, 1, 2), dice.choice((1, 2)), dice.choice((1, 2, 3))
    query = torch.ones(*batch, dice.choice((1, 2)), width)
    return (query, torch.ones(*batch, keys, width), torch.ones(*batch, keys, dice.choice((1, 3)))), {}


EQUATIONS = (
    *("ij,jk->ik", "ij,jk", "bij,bjk->bik", "ij->ji", "ii->i", "ij,ij->", "i,i->", "i,j->ij", "...ij,...jk->...ik"),
    *("ij,jk,kl->il", "bi,oij,bj->bo", "ijk,jl->il", "...i->...", "ii,ij->j", "b...,b...->b", "zA,Aa"),
)


def einsum(dice):
    equation = dice.choice(EQUATIONS)
    sizes = {label: dice.choice((1, 2, 3)) for label in equation if label.isalpha()}
    rest = shape(dice, 0, 2)
    operands = []
    for text in equation.partition("->")[0].split(","):
        before, dots, after = text.partition("...")
        own = (*(sizes[label] for label in before), *(rest if dots else ()), *(sizes[label] for label in after))
        operands.append(torch.ones(own))
    return (equation, operands), {}


def recurrent(gates, cell):
    def call(dice):
        takes, hidden, layers, directions = (dice.choice((1, 2)) for _ in range(4))
        steps, batch, first = dice.choice((1, 2)), dice.choice((1, 3)), dice.random() < 0.5
        projected = cell == "lstm" and hidden == 2 and dice.random() < 0.5
        state = 1 if projected else hidden
        weights = []
        for layer in range(layers):
            for _ in range(directions):
                width = takes if layer == 0 else directions * state
                weights += [torch.ones(gates * hidden, width), torch.ones(gates * hidden, state)]
                weights += [torch.ones(gates * hidden)] * 2
                weights += [torch.ones(state, hidden)] if projected else []
        hx = torch.ones(layers * directions, batch, state)
        hx = (hx, torch.ones(layers * directions, batch, hidden)) if cell == "lstm" else hx
        given = torch.ones(*((batch, steps) if first else (steps, batch)), takes)
        return (given, hx, weights, True, layers, 0.0, False, directions == 2, first), {}

    return call


def recurrent_cell(gates, cell):
    def call(dice):
        takes, hidden, batch = dice.choice((1, 2)), dice.choice((1, 2)), dice.choice((0, 1, 3))
        hx = torch.ones(batch, hidden)
        weights = (torch.ones(gates * hidden, takes), torch.ones(gates * hidden, hidden))
        biases = (torch.ones(gates * hidden),) * 2
        return (torch.ones(batch, takes), (hx, hx) if cell == "lstm" else hx, *weights, *biases), {}

    return call


def embedding(dice):
    return (torch.zeros(shape(dice), dtype=torch.int64), torch.ones(3, dice.choice((1, 2)))), {}


def embedding_bag(dice):
    if dice.random() < 0.5:
        return (torch.zeros(shape(dice, 2, 2), dtype=torch.int64), torch.ones(3, 2)), {}
    offsets = torch.zeros(dice.choice((1, 2)), dtype=torch.int64)
    return (torch.zeros(4, dtype=torch.int64), torch.ones(3, 2), offsets), {}


def whole_in_place(dice):
    """Two operands of whole numbers, the second no larger than the first."""
    given = torch.ones(shape(dice), dtype=torch.int64)
    return (given, dice.choice((given.clone(), torch.ones((), dtype=torch.int64), 1))), {}


def native_attention(dice):
    batch, heads, steps = dice.choice((1, 2)), dice.choice((1, 2)), dice.choice((1, 3))
    x, width = torch.ones(batch, steps, 4 * heads), 4 * heads
    weights = (torch.ones(3 * width, width), torch.ones(3 * width), torch.ones(width, width), torch.ones(width))
    return (x, x, x, width, heads, *weights), {}


def native_encoder(dice):
    (x, _, _, width, heads, *weights), _ = native_attention(dice)
    norms = (torch.ones(width),) * 4
    layers = (torch.ones(5, width), torch.ones(5), torch.ones(width, 5), torch.ones(width))
    return (x, width, heads, *weights, False, False, 1e-5, *norms, *layers), {}


AXES = (1, 2, 3)
CALLS = {
    "_native_multi_head_attention": native_attention,
    "_transformer_encoder_layer_fwd": native_encoder,
    **dict.fromkeys((f"__i{name}__" for name in ("and", "or", "xor", "lshift", "rshift")), whole_in_place),
    **{f"conv{axes}d": conv(axes) for axes in AXES},
    **{f"conv_transpose{axes}d": conv(axes, transposed=True) for axes in AXES},
    "convolution": convolution,
    "_convolution": conv_private,
    "conv_tbc": conv_tbc,
    **{f"max_pool{axes}d{ending}": max_pool(axes) for axes in AXES for ending in ("", "_with_indices")},
    **{f"avg_pool{axes}d": avg_pool(axes) for axes in AXES},
    **{f"lp_pool{axes}d": lp_pool(axes) for axes in AXES},
    **{f"adaptive_avg_pool{axes}d": adaptive(axes) for axes in AXES},
    **{f"adaptive_max_pool{axes}d{ending}": adaptive(axes) for axes in AXES for ending in ("", "_with_indices")},
    **{f"fractional_max_pool{axes}d{ending}": fractional(axes) for axes in (2, 3) for ending in ("", "_with_indices")},
    "layer_norm": norm,
    "rms_norm": norm,
    "instance_norm": instance_norm,
    **dict.fromkeys(("matmul", "__matmul__", "linalg_matmul"), lambda dice: (pair(dice), {})),
    "__rmatmul__": lambda dice: (tuple(reversed(pair(dice))), {}),
    "mm": lambda dice: (pair(dice, rank=2), {}),
    "bmm": lambda dice: (pair(dice, rank=3), {}),
    "mv": lambda dice: (addmv(dice)[0][1:], {}),
    **dict.fromkeys(("dot", "vdot"), same_vectors),
    "addmm": added(2),
    "addmm_": added_in_place(2),
    "baddbmm": added(3),
    "baddbmm_": added_in_place(3),
    **dict.fromkeys(("addmv", "addmv_"), addmv),
    **dict.fromkeys(("addbmm", "addbmm_"), addbmm),
    "inner": inner,
    "linalg_vecdot": vecdot,
    "tensordot": tensordot,
    "einsum": einsum,
    **dict.fromkeys(("linalg_multi_dot", "chain_matmul"), multi_dot),
    "bilinear": bilinear,
    "scaled_dot_product_attention": attention,
    "lstm": recurrent(4, "lstm"),
    "gru": recurrent(3, "gru"),
    **dict.fromkeys(("rnn_tanh", "rnn_relu"), recurrent(1, "rnn")),
    "lstm_cell": recurrent_cell(4, "lstm"),
    "gru_cell": recurrent_cell(3, "gru"),
    **dict.fromkeys(("rnn_tanh_cell", "rnn_relu_cell"), recurrent_cell(1, "rnn")),
    "embedding": embedding,
    "embedding_bag": embedding_bag,
}
"""What makes the arguments of a call, by the function's name."""

UNREACHED = frozenset(
    (
        *("_int_mm", "_scaled_mm", "_addmm_activation", "fbgemm_linear_int8_weight", "mkldnn_convolution"),
        *("quantized_lstm_cell", "quantized_gru_cell", "quantized_rnn_tanh_cell", "quantized_rnn_relu_cell"),
        *("thnn_conv2d", "quantized_lstm", "quantized_gru"),
    )
)
"""Functions over dtypes, or of libraries, that not every machine has."""

BEHIND = {name: getattr(torch._VF, name) for name in ("tensordot", "einsum", "chain_matmul")}
"""The functions behind those of torch that are written in Python, which the trace opens."""
