"""Section 2.3 of the paper for any stack of convolutions: what it sees, and what it costs against one kernel."""

from __future__ import annotations

from vggcost.formulas import forward, windows
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.network.layer import Pair, Size


class Stack(Record):
    """Convolutions of stride 1, padded so that height and width stay.

    receptive_field as (height, width) [pixels]; weights without bias [elements]; macs of one image [MAC].
    """

    kernels: tuple[Pair, ...]
    widths: tuple[Size, ...]
    receptive_field: Pair
    weights: Size
    macs: Size

    def single(self, image: tuple[Size, Size]) -> Stack:
        """The one convolution with the same receptive field, from the stack's first width to its last."""
        return stack((self.receptive_field,), (self.widths[0], self.widths[-1]), image)


def stack(kernels: Sequence[Pair], widths: Sequence[Size], image: tuple[Size, Size]) -> Stack:
    """Return what a stack of kernels sees and costs; widths has one more entry than kernels.

    >>> three = stack([(3, 3)] * 3, [256] * 4, (56, 56))
    >>> three.receptive_field, three.weights, three.single((56, 56)).weights
    ((7, 7), 1769472, 3211264)
    """
    field_h = field_w = 1
    weights: Size = 0
    macs: Size = 0
    for (kernel_h, kernel_w), c_in, c_out in zip(kernels, widths[:-1], widths[1:], strict=True):
        field_h = windows.receptive_field(field_h, kernel_h, 1)
        field_w = windows.receptive_field(field_w, kernel_w, 1)
        weights = weights + forward.conv2d_params(c_in, c_out, kernel_h, kernel_w, bias=0)
        macs = macs + forward.conv2d_macs(1, c_in, c_out, kernel_h, kernel_w, *image)
    return Stack(tuple(kernels), tuple(widths), (field_h, field_w), weights, macs)
