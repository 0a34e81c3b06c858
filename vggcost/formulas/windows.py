"""Windows that slide over feature maps: how far one reaches, how many there are, what they see; along one axis."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def window_reach(kernel: N, dilation: int = 1) -> N:
    """What a window spans along one axis [elements], from its first sample to its last.

    Source: torch.nn.Conv2d; Yu & Koltun 2016, section 2.

    >>> window_reach(3), window_reach(3, dilation=2)
    (3, 5)
    """
    return dilation * (kernel - 1) + 1


def window_out(size: N, kernel: N, stride: N, padding: N, dilation: int = 1) -> N:
    """Output size of a sliding window along one axis [elements]: the places where it fits.

    Source: torch.nn.Conv2d and torch.nn.MaxPool2d (ceil_mode off).

    >>> window_out(224, 3, 1, 1), window_out(224, 2, 2, 0)
    (224, 112)
    """
    return (size + 2 * padding - window_reach(kernel, dilation)) // stride + 1


def window_out_over_edge(size: N, kernel: N, stride: N, padding: N, dilation: int = 1) -> N:
    """Output size along one axis [elements] where a last window may reach over the edge.

    With ceil_mode on there are so many, and never more than `window_starts`.
    Source: torch.nn.MaxPool2d (ceil_mode on).

    >>> window_out_over_edge(55, 2, 2, 0)
    28
    """
    return (size + 2 * padding - window_reach(kernel, dilation) + stride - 1) // stride + 1


def window_starts(size: N, stride: N, padding: N) -> N:
    """Windows along one axis that begin inside the image or its left padding [elements].

    Source: torch.nn.MaxPool2d (ceil_mode on).

    >>> window_starts(55, 2, 0)
    28
    """
    return (size + padding - 1) // stride + 1


def window_least(kernel: N, padding: N, dilation: int = 1) -> N:
    """The smallest size along one axis that a window fits into [elements].

    Source: where `window_out` first is 1.

    >>> window_least(3, 1), window_least(3, 0, dilation=2)
    (1, 5)
    """
    return window_reach(kernel, dilation) - 2 * padding


def window_elements(outputs: N, height: N, width: N) -> N:
    """Elements of all windows of a pool [elements]; of all strides, given the stride's height and width.

    Source: torch.nn.MaxPool2d.

    >>> window_elements(64 * 112 * 112, 2, 2)      # pool1 of every VGG
    3211264
    """
    return outputs * (height * width)


def centred_padding(kernel: N) -> N:
    """The padding on each side that keeps the size under an odd kernel of stride 1 [elements].

    Source: Simonyan & Zisserman 2015, section 2.1.

    >>> centred_padding(3), centred_padding(1)
    (1, 0)
    """
    return kernel // 2


def same_padding(size: N, kernel: N, stride: N, dilation: int = 1) -> N:
    """Zeros on both sides together that give ceil(size / stride) outputs [elements]; none where it is below 0.

    Source: keras.layers.Conv2D (padding="same").

    >>> same_padding(224, 3, 2), same_padding(224, 3, 1)
    (1, 2)
    """
    return ((size + stride - 1) // stride - 1) * stride + window_reach(kernel, dilation) - size


def adaptive_cell(size: N, cells: N) -> N:
    """The side of an adaptive pool's cells along one axis [elements], where the size is a multiple of their number.

    Source: torch.nn.AdaptiveAvgPool2d.

    >>> adaptive_cell(14, 7)
    2
    """
    return size // cells


def receptive_field(field: N, kernel: N, jump: N, dilation: int = 1) -> N:
    """Receptive field behind one more window [input pixels].

    field is that of the input, jump the distance of two neighbouring inputs, both in pixels of the image.
    Source: Simonyan & Zisserman 2015, section 2.3 (three 3x3 windows see 7x7).

    >>> receptive_field(receptive_field(receptive_field(1, 3, 1), 3, 1), 3, 1)
    7
    """
    return field + (window_reach(kernel, dilation) - 1) * jump


def field_stride(jump: N, stride: N) -> N:
    """Distance of two neighbouring outputs of one more window [input pixels].

    jump is the distance of two neighbouring inputs in pixels of the image, stride the window's in elements.
    Source: Araujo et al. 2019, section 2.

    >>> field_stride(field_stride(1, 2), 2)      # behind pool2 of every VGG
    4
    """
    return jump * stride


def field_padding(padding: N, window_padding: N, jump: N) -> N:
    """How far the first receptive field behind one more window begins before the image [input pixels].

    padding is that of the input in pixels of the image, window_padding the window's in elements.
    Source: Araujo et al. 2019, section 2.

    >>> field_padding(field_padding(0, 1, 1), 1, 1)      # behind conv1_2 of every VGG
    2
    """
    return padding + window_padding * jump
