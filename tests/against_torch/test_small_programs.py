"""One small program of each kind, and its right numbers as arithmetic."""

from typing import NamedTuple

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  # behind the check for torch, as all that follows; usual name
from torch import nn  # noqa: E402

import vggcost  # noqa: E402


class Small(NamedTuple):
    """A program of one kind, the shapes or tensors that it takes, and what it costs."""

    kind: str
    make: object
    inputs: tuple
    macs: int
    params: int


class Written(nn.Module):
    """A function as a module, with parameters of these shapes behind its inputs."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.own = nn.ParameterList(nn.Parameter(torch.zeros(shape)) for shape in shapes)

    def forward(self, *inputs):
        return self.function(*inputs, *self.own)


class First(nn.Module):
    """The first of what a module returns."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, *inputs):
        return self.inner(*inputs)[0]


SMALL = (
    # Convolutions of one to three dimensions: batch * outputs * c_in / groups * kernel.
    Small("conv1d", lambda: nn.Conv1d(4, 6, 3), ((2, 4, 10),), 2 * 6 * 8 * 4 * 3, 6 * 4 * 3 + 6),
    Small(
        "conv1d, dilated",
        lambda: nn.Conv1d(4, 6, 3, dilation=2, bias=False),
        ((2, 4, 10),),
        2 * 6 * 6 * 4 * 3,
        6 * 4 * 3,
    ),
    Small(
        "conv2d, grouped", lambda: nn.Conv2d(4, 6, 3, groups=2), ((2, 4, 5, 7),), 2 * 6 * 3 * 5 * 2 * 9, 6 * 2 * 9 + 6
    ),
    Small("conv3d", lambda: nn.Conv3d(3, 5, (1, 2, 3)), ((2, 3, 4, 5, 6),), 2 * 5 * 4 * 4 * 4 * 3 * 6, 5 * 3 * 6 + 5),
    Small("conv2d without a batch", lambda: nn.Conv2d(3, 4, 1), (torch.zeros(3, 5, 7),), 4 * 5 * 7 * 3, 4 * 3 + 4),
    # Transposed ones: each input meets the whole kernel, also where padding cuts the result off.
    Small(
        "conv_transpose1d",
        lambda: nn.ConvTranspose1d(4, 6, 3, stride=2),
        ((2, 4, 10),),
        2 * 4 * 10 * 6 * 3,
        4 * 6 * 3 + 6,
    ),
    Small(
        "conv_transpose2d",
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2),
        ((2, 4, 5, 7),),
        2 * 4 * 5 * 7 * 6 * 9,
        4 * 6 * 9 + 6,
    ),
    Small(
        "conv_transpose2d, padded",
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
        ((2, 4, 5, 7),),
        2 * 4 * 5 * 7 * 6 * 9,
        4 * 6 * 9 + 6,
    ),
    Small(
        "conv_transpose2d, grouped",
        lambda: nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False),
        ((2, 4, 5, 7),),
        2 * 4 * 5 * 7 * 3 * 9,
        4 * 3 * 9,
    ),
    Small(
        "conv_transpose3d",
        lambda: nn.ConvTranspose3d(2, 3, 2),
        ((1, 2, 3, 4, 5),),
        2 * 3 * 4 * 5 * 3 * 8,
        2 * 3 * 8 + 3,
    ),
    # Products of matrices: every output is one dot product.
    Small("linear over axes", lambda: nn.Linear(8, 3), ((2, 5, 8),), 2 * 5 * 8 * 3, 8 * 3 + 3),
    Small("bilinear", lambda: nn.Bilinear(4, 5, 3), ((2, 4), (2, 5)), 2 * 3 * 4 * 5 + 2 * 3 * 5, 3 * 4 * 5 + 3),
    Small("matmul", lambda: Written(torch.matmul), ((2, 3, 4, 5), (2, 3, 5, 6)), 2 * 3 * 4 * 5 * 6, 0),
    Small("mm", lambda: Written(torch.mm), ((4, 5), (5, 6)), 4 * 5 * 6, 0),
    Small("bmm", lambda: Written(torch.bmm), ((3, 4, 5), (3, 5, 6)), 3 * 4 * 5 * 6, 0),
    Small("mv", lambda: Written(torch.mv), ((4, 5), (5,)), 4 * 5, 0),
    Small("dot", lambda: Written(torch.dot), ((7,), (7,)), 7, 0),
    Small("addmm", lambda: Written(torch.addmm), ((4, 6), (4, 5), (5, 6)), 4 * 5 * 6, 0),
    Small("baddbmm", lambda: Written(torch.baddbmm), ((3, 4, 6), (3, 4, 5), (3, 5, 6)), 3 * 4 * 5 * 6, 0),
    Small(
        "einsum",
        lambda: Written(lambda a, b: torch.einsum("nij,njk->nik", a, b)),
        ((3, 4, 5), (3, 5, 6)),
        3 * 4 * 5 * 6,
        0,
    ),
    Small(
        "einsum, Gram",
        lambda: Written(lambda a: torch.einsum("nchw,ndhw->ncd", a, a)),
        ((2, 4, 5, 6),),
        2 * 4 * 4 * 5 * 6,
        0,
    ),
    Small(
        "tensordot",
        lambda: Written(lambda a, b: torch.tensordot(a, b, dims=2)),
        ((3, 4, 5), (4, 5, 6)),
        3 * 4 * 5 * 6,
        0,
    ),
    # Attention: the scores, and the values that they weigh; its projections are linear.
    Small(
        "scaled_dot_product_attention",
        lambda: Written(F.scaled_dot_product_attention),
        ((2, 3, 7, 4), (2, 3, 9, 4), (2, 3, 9, 5)),
        2 * 3 * 7 * 9 * 4 + 2 * 3 * 7 * 9 * 5,
        0,
    ),
    Small(
        "multi-head attention",
        lambda: First(nn.MultiheadAttention(8, 2, batch_first=True)),
        ((2, 7, 8), (2, 9, 8), (2, 9, 8)),
        2 * (7 + 9 + 9 + 7) * 8 * 8 + 2 * 7 * 9 * 8 * 2,
        4 * (8 * 8 + 8),
    ),
    Small(
        "encoder of a transformer",
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        ((2, 7, 8),),
        2 * 7 * 4 * 8 * 8 + 2 * 7 * 7 * 8 * 2 + 2 * 7 * 8 * 16 * 2,
        4 * (8 * 8 + 8) + 8 * 16 + 16 + 16 * 8 + 8 + 4 * 8,
    ),
    # Recurrent networks: gates * hidden * (input + hidden) a step.
    Small("RNN", lambda: First(nn.RNN(4, 5)), ((7, 2, 4),), 7 * 2 * 5 * (4 + 5), 5 * (4 + 5) + 2 * 5),
    Small("GRU", lambda: First(nn.GRU(4, 5)), ((7, 2, 4),), 7 * 2 * 3 * 5 * (4 + 5), 3 * (5 * (4 + 5) + 2 * 5)),
    Small("LSTM", lambda: First(nn.LSTM(4, 5)), ((7, 2, 4),), 7 * 2 * 4 * 5 * (4 + 5), 4 * (5 * (4 + 5) + 2 * 5)),
    Small(
        "LSTM, two layers both ways",
        lambda: First(nn.LSTM(4, 5, num_layers=2, bidirectional=True, batch_first=True)),
        ((2, 7, 4),),
        7 * 2 * 2 * 4 * 5 * ((4 + 5) + (2 * 5 + 5)),
        2 * 4 * (5 * (4 + 5) + 2 * 5 + 5 * (2 * 5 + 5) + 2 * 5),
    ),
    Small("LSTMCell", lambda: First(nn.LSTMCell(4, 5)), ((2, 4),), 2 * 4 * 5 * (4 + 5), 4 * (5 * (4 + 5) + 2 * 5)),
    # Norms, poolings and activations have no MACs; their parameters count.
    Small("batch norm 1d", lambda: nn.BatchNorm1d(4), ((2, 4, 7),), 0, 2 * 4),
    Small("batch norm 3d", lambda: nn.BatchNorm3d(4), ((2, 4, 3, 5, 7),), 0, 2 * 4),
    Small("group norm", lambda: nn.GroupNorm(2, 4), ((2, 4, 5, 7),), 0, 2 * 4),
    Small("layer norm", lambda: nn.LayerNorm([4, 7]), ((2, 4, 7),), 0, 2 * 4 * 7),
    Small("instance norm", lambda: nn.InstanceNorm2d(4, affine=True), ((2, 4, 5, 7),), 0, 2 * 4),
    Small("RMS norm", lambda: nn.RMSNorm(7), ((2, 4, 7),), 0, 7),
    Small("PReLU", lambda: nn.PReLU(4), ((2, 4, 5, 7),), 0, 4),
    Small("max-pool 1d", lambda: nn.MaxPool1d(2), ((2, 4, 8),), 0, 0),
    Small("max-pool 3d", lambda: nn.MaxPool3d(2), ((2, 4, 4, 6, 8),), 0, 0),
    Small("average pool 1d", lambda: nn.AvgPool1d(2), ((2, 4, 8),), 0, 0),
    Small("average pool 3d", lambda: nn.AvgPool3d(2), ((2, 4, 4, 6, 8),), 0, 0),
    Small("adaptive average pool 3d", lambda: nn.AdaptiveAvgPool3d(1), ((2, 4, 4, 6, 8),), 0, 0),
    Small("adaptive max-pool 2d", lambda: nn.AdaptiveMaxPool2d(1), ((2, 4, 6, 8),), 0, 0),
    Small("embedding", lambda: nn.Embedding(11, 4), (torch.zeros(2, 5, dtype=torch.int64),), 0, 11 * 4),
    Small("embedding bag", lambda: nn.EmbeddingBag(11, 4), (torch.zeros(2, 5, dtype=torch.int64),), 0, 11 * 4),
    # Known to be zero.
    Small("interpolate", lambda: nn.Upsample(scale_factor=2, mode="bilinear"), ((1, 3, 5, 7),), 0, 0),
    Small("unfold", lambda: nn.Unfold(3), ((1, 3, 5, 7),), 0, 0),
    Small("padding", lambda: nn.ReflectionPad2d(1), ((1, 3, 5, 7),), 0, 0),
    Small(
        "grid_sample",
        lambda: Written(lambda x, grid: F.grid_sample(x, grid, align_corners=False)),
        ((1, 3, 5, 7), (1, 4, 4, 2)),
        0,
        0,
    ),
    Small("pixel shuffle", lambda: nn.PixelShuffle(2), ((1, 4, 5, 7),), 0, 0),
    Small("indexing", lambda: Written(lambda x: x[:, [2, 0]]), ((1, 3, 5, 7),), 0, 0),
    Small("a scale a channel", lambda: Written(lambda x, scale: x * scale, (3, 1, 1)), ((1, 3, 5, 7),), 0, 3),
    # No dimension, no image.
    Small("a loss", lambda: Written(F.mse_loss), ((1, 3, 5, 7), (1, 3, 5, 7)), 0, 0),
    Small("a scalar, scaled", lambda: Written(lambda x: x.mean() * 2), ((1, 3, 5, 7),), 0, 0),
    Small("an empty batch", lambda: Written(lambda x, weight: F.linear(x[:0], weight), (2, 5)), ((3, 5),), 0, 2 * 5),
    # Parameters, wherever they are.
    Small("a bare parameter", lambda: Written(lambda x, w: x @ w, (5, 2)), ((3, 5),), 3 * 5 * 2, 5 * 2),
    Small(
        "weight norm",
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 2)),
        ((3, 5),),
        3 * 5 * 2,
        2 * 5 + 2 + 2,
    ),
    Small(
        "spectral norm",
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(5, 2)).eval(),
        ((3, 5),),
        3 * 5 * 2 + 2 * 5 + 2,  # and W v, u . W v
        2 * 5 + 2,
    ),
    Small(
        "a convolution that is run twice",
        lambda: Written(lambda x, w: F.conv2d(F.conv2d(x, w, padding=1), w, padding=1), (3, 3, 3, 3)),
        ((1, 3, 5, 7),),
        2 * 3 * 5 * 7 * 3 * 9,
        3 * 3 * 9,
    ),
)


@pytest.mark.parametrize("small", SMALL, ids=lambda small: small.kind)
def test_a_small_program_costs_what_its_arithmetic_says(small):
    model = small.make().eval()
    audit = vggcost.audit(model, list(small.inputs) if len(small.inputs) > 1 else small.inputs[0])
    assert audit.runs
    assert [operation.layer.name for operation in audit.uncounted] == []
    assert (audit.macs, audit.params) == (small.macs, small.params)
    document = audit.to_dict()
    assert sum(row["macs"] or 0 for row in document["layers"]) == document["totals"]["macs"] == small.macs
