"""Convolutions over any number of axes, and transposed ones: parameters, multiply-accumulates, sizes."""

from __future__ import annotations

from vggcost.formulas.windows import window_reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def conv_params(c_in: N, c_out: N, kernel: N, bias: int = 1, groups: int = 1) -> N:
    """Parameters of a convolution over any axes [elements]: weights, and one bias an output channel where bias is 1.

    kernel is the elements of one kernel, over all its axes.
    Source: torch.nn.Conv1d, torch.nn.Conv3d.

    >>> conv_params(3, 64, 3 * 7 * 7, bias=0)      # the stem of a 3-d ResNet
    28224
    """
    return kernel * (c_in // groups) * c_out + bias * c_out


def conv_macs(batch: N, c_in: N, c_out: N, kernel: N, positions: N, groups: int = 1) -> N:
    """Multiply-accumulates of a convolution over any axes [MAC]; its bias is not in them.

    kernel is the elements of one kernel, positions those of one output feature map. Each output is one dot product of
    length (c_in/groups)*kernel.
    Source: torch.nn.Conv1d, torch.nn.Conv3d.

    >>> conv_macs(1, 3, 64, 3 * 7 * 7, 8 * 56 * 56)
    708083712
    """
    return batch * kernel * (c_in // groups) * c_out * positions


def transposed_conv_params(c_in: N, c_out: N, kernel: N, bias: int = 1, groups: int = 1) -> N:
    """Parameters of a transposed convolution [elements]: weights, and one bias an output channel where bias is 1.

    kernel is the elements of one kernel, over all its axes.
    Source: torch.nn.ConvTranspose2d.

    >>> transposed_conv_params(512, 256, 3 * 3)
    1179904
    """
    return kernel * c_in * (c_out // groups) + bias * c_out


def transposed_conv_macs(batch: N, c_in: N, c_out: N, kernel: N, positions: N, groups: int = 1) -> N:
    """Multiply-accumulates of a transposed convolution [MAC]; its bias is not in them.

    kernel is the elements of one kernel, positions those of one INPUT feature map: each input is multiplied by the
    kernel of every output channel of its group and added into the output. What padding cuts off is in them.
    Source: Dumoulin & Visin 2016, section 4; torch.nn.ConvTranspose2d.

    >>> transposed_conv_macs(1, 512, 256, 3 * 3, 7 * 7)
    57802752
    """
    return batch * kernel * c_in * (c_out // groups) * positions


def transposed_out(size: N, kernel: N, stride: N, padding: N, output_padding: N, dilation: int = 1) -> N:
    """Output size of a transposed convolution along one axis [elements].

    Source: Dumoulin & Visin 2016, section 4; torch.nn.ConvTranspose2d.

    >>> transposed_out(7, 3, 2, 1, 1), transposed_out(7, 2, 2, 0, 0)
    (14, 14)
    """
    return (size - 1) * stride - 2 * padding + window_reach(kernel, dilation) + output_padding
