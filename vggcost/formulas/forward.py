"""What one forward call costs: parameters, multiply-accumulates, elements.

Every formula of this folder is one ``return`` and uses only ``+ - * //``, other formulas and the product of a shape, so
the same code gives the exact count for Python ints, a sweep for int64 arrays, the closed form for sympy symbols and the
written formula for words. Nothing is checked here: `vggcost.costs.table` does that, before it calls.

Units stand in the names and docstrings: a MAC is one multiply-accumulate, 1 MAC = 2 FLOP. Sizes are in elements.
"""

from __future__ import annotations

from math import prod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction
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


def elements(shape: Iterable[N]) -> N | int:
    """Elements of a tensor of this shape [elements]; 1 for the empty shape of a scalar.

    Source: the product of its sizes; torch.Tensor.numel.

    >>> elements((1, 64, 224, 224))      # what conv1_1 hands on
    3211264
    """
    return prod(shape)


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

    A product of matrices is one as well: batch*out_features dot products of length in_features.
    Source: Simonyan & Zisserman 2015, section 2.1; torch.nn.Linear, torch.matmul.

    >>> linear_macs(1, 25088, 4096)      # fc6 of every VGG
    102760448
    """
    return batch * in_features * out_features


def batch_norm2d_params(channels: N, affine: int = 1) -> N:
    """Parameters of a batch normalization [elements]: a scale and a shift a channel where affine is 1.

    The running mean and variance are buffers, not parameters: `batch_norm2d_statistics`.
    Source: Ioffe & Szegedy 2015, algorithm 1; torch.nn.BatchNorm2d.

    >>> batch_norm2d_params(64)      # bn1_1 of every VGG with batch normalization
    128
    """
    return affine * (2 * channels)


def batch_norm2d_statistics(channels: N) -> N:
    """Statistics of a batch normalization [elements]: a mean and a variance a channel, affine or not.

    The running ones are buffers, which a forward in eval mode reads; a training step keeps those of its batch.
    Source: Ioffe & Szegedy 2015, algorithms 1 and 2; torch.nn.BatchNorm2d.

    >>> batch_norm2d_statistics(64)
    128
    """
    return 2 * channels


def biases(params: N, weights: N) -> N:
    """Biases of a layer [elements], given its parameters with them and without.

    Source: torch.nn.Conv2d, torch.nn.Linear, whose parameters are a weight and a bias.

    >>> biases(1792, 1728)      # conv1_1 of every VGG
    64
    """
    return params - weights


def lrn_window_pixels(pixels: N, size: N) -> N:
    """Pixels times the channels that local response normalization sums over at each [elements].

    Source: Krizhevsky et al. 2012, section 3.3.

    >>> lrn_window_pixels(224 * 224, 5)
    250880
    """
    return size * pixels


def lrn_padded_elements(pixels: N, channels: N, size: N) -> N:
    """Elements of the squares that torch sums, with zeros around the channels [elements]; pixels are the batch's.

    Source: torch.nn.functional.local_response_norm.

    >>> lrn_padded_elements(224 * 224, 64, 5)
    3411968
    """
    return pixels * (channels + size - 1)


def scaled_width(width: N, factor: Fraction | N) -> N:
    """Output channels of a convolution under a width factor [channels], rounded down.

    Source: Howard et al. 2017, section 3.3.

    >>> scaled_width(64, 3)
    192
    """
    return width * factor // 1


def flops(macs: N) -> N:
    """Floating-point operations of multiply-accumulates [FLOP]: a multiplication and an addition each.

    Source: Golub & Van Loan 2013, section 1.1.15.

    >>> flops(15470264320)      # VGG-16
    30940528640
    """
    return 2 * macs


def flops_of_passes(flops_each: N, passes: N) -> N:
    """Floating-point operations of so many passes [FLOP].

    Source: a training step with gradient accumulation is its passes, one behind the other.

    >>> flops_of_passes(92648177664, 4)
    370592710656
    """
    return flops_each * passes


def macs_of_images(macs_of_pass: N, batch: N, images: N, epochs: N) -> N:
    """Multiply-accumulates of a training run [MAC]: for each image of each epoch what a pass multiplies for one.

    Every product of a pass is one image's, so the batch divides them, and neither it nor accumulation changes the run.
    Source: Simonyan & Zisserman 2015, section 3.1: 74 epochs over the training set of section 4.

    >>> macs_of_images(46324088832, 1, 1281167, 74)      # VGG-16 on ImageNet
    4391818149830393856
    """
    return images * epochs * (macs_of_pass // batch)


def macs_of_flops(flops: N) -> N:
    """Multiply-accumulates behind the floating-point operations of products [MAC]: the inverse of `flops`.

    Source: as that of `flops`.

    >>> macs_of_flops(30940528640)      # VGG-16
    15470264320
    """
    return flops // 2
