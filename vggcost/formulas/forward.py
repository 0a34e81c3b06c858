"""The formulas that vggcost exists for, one plain function each.

Every function is one ``return`` and uses only ``+ - * //``, so the same code gives the exact count for Python ints, a
sweep for int64 arrays, the closed form for sympy symbols and the written formula for words. Nothing is checked here:
`vggcost.costs.table` does that, before it calls.

Units stand in the names and docstrings: a MAC is one multiply-accumulate, 1 MAC = 2 FLOP. Sizes are in elements.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, Self, TypeVar

    class Number(Protocol):
        """What a formula asks of its arguments: an int, an int64 array, a sympy expression."""

        def __add__(self, other: Any, /) -> Self: ...
        def __radd__(self, other: Any, /) -> Self: ...
        def __sub__(self, other: Any, /) -> Self: ...
        def __mul__(self, other: Any, /) -> Self: ...
        def __rmul__(self, other: Any, /) -> Self: ...
        def __floordiv__(self, other: Any, /) -> Self: ...

    N = TypeVar("N", bound=Number)


def conv2d_params(c_in: N, c_out: N, kernel_h: N, kernel_w: N, bias: int = 1, groups: int = 1) -> N:
    """Parameters of a 2-d convolution [elements]: weights, and one bias an output channel where bias is 1.

    Each of the c_out kernels sees c_in/groups channels.
    Source: Simonyan & Zisserman 2015, section 2.1; torch.nn.Conv2d.

    >>> conv2d_params(128, 256, 3, 3)      # conv3_1 of every VGG
    295168
    """
    return kernel_h * kernel_w * (c_in // groups) * c_out + bias * c_out


def conv2d_macs(batch: N, c_in: N, c_out: N, kernel_h: N, kernel_w: N, h_out: N, w_out: N, groups: int = 1) -> N:
    """Multiply-accumulates of a 2-d convolution [MAC]; its bias is not in them.

    Each of the batch*c_out*h_out*w_out outputs is one dot product of length (c_in/groups)*kernel_h*kernel_w.
    Source: Simonyan & Zisserman 2015, section 2.1; torch.nn.Conv2d.

    >>> conv2d_macs(1, 3, 64, 3, 3, 224, 224)      # conv1_1 of every VGG
    86704128
    """
    return batch * kernel_h * kernel_w * (c_in // groups) * c_out * h_out * w_out


def linear_params(in_features: N, out_features: N, bias: int = 1) -> N:
    """Parameters of a fully connected layer [elements]: a weight a pair, one bias an output where bias is 1.

    Source: Simonyan & Zisserman 2015, section 2.1; torch.nn.Linear.

    >>> linear_params(25088, 4096)      # fc6 of every VGG
    102764544
    """
    return in_features * out_features + bias * out_features


def linear_macs(batch: N, in_features: N, out_features: N) -> N:
    """Multiply-accumulates of a fully connected layer [MAC]; its bias is not in them.

    Source: Simonyan & Zisserman 2015, section 2.1; torch.nn.Linear.

    >>> linear_macs(1, 25088, 4096)      # fc6 of every VGG
    102760448
    """
    return batch * in_features * out_features


def batch_norm2d_params(channels: N, affine: int = 1) -> N:
    """Parameters of a batch normalization [elements]: a scale and a shift a channel where affine is 1.

    The running mean and variance are buffers, not parameters.
    Source: Ioffe & Szegedy 2015, algorithm 1; torch.nn.BatchNorm2d.

    >>> batch_norm2d_params(64)      # bn1_1 of every VGG with batch normalization
    128
    """
    return affine * (2 * channels)


def window_out(size: N, kernel: N, stride: N, padding: N, dilation: int = 1) -> N:
    """Output size of a sliding window along one axis [elements]: the places where it fits.

    Source: torch.nn.Conv2d and torch.nn.MaxPool2d (ceil_mode off).

    >>> window_out(224, 3, 1, 1), window_out(224, 2, 2, 0)
    (224, 112)
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def image_elements(batch: N, channels: N, height: N, width: N) -> N:
    """Elements of a batch of feature maps [elements].

    >>> image_elements(1, 64, 224, 224)      # what conv1_1 hands on
    3211264
    """
    return batch * channels * height * width


def receptive_field(field: N, kernel: N, jump: N, dilation: int = 1) -> N:
    """Receptive field behind one more window [input pixels].

    field is that of the input, jump the distance of two neighbouring inputs, both in pixels of the image.
    Source: Simonyan & Zisserman 2015, section 2.3 (three 3x3 windows see 7x7).

    >>> receptive_field(receptive_field(receptive_field(1, 3, 1), 3, 1), 3, 1)
    7
    """
    return field + dilation * (kernel - 1) * jump


def weight_bytes(params: N, element_bytes: int) -> N:
    """Memory of the parameters [B].

    >>> weight_bytes(138357544, 4)      # VGG-16 in float32
    553430176
    """
    return params * element_bytes


def flops(macs: N) -> N:
    """Floating-point operations of multiply-accumulates [FLOP]: a multiplication and an addition each.

    >>> flops(15470264320)      # VGG-16
    30940528640
    """
    return 2 * macs
