"""What part of the image each output sees: receptive field, stride and padding, layer by layer."""

from __future__ import annotations

from vggcost.formulas import windows
from vggcost.network.blocks import Residual
from vggcost.network.layer import walk
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.network.layer import Layer, Pair, Shape, Window


class Field(Record):
    """What one output element sees of the image, as (height, width) [input pixels].

    size is the receptive field, stride the distance between the fields of two neighbouring outputs, padding how far
    the first field begins before the image.
    """

    size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)

    def behind(self, window: Window) -> Field:
        """The field of an output whose window slides over elements with this field."""
        axes = (0, 1)
        return Field(
            _pair(
                windows.receptive_field(self.size[i], window.kernel[i], self.stride[i], window.dilation[i])
                for i in axes
            ),
            _pair(windows.field_stride(self.stride[i], window.stride[i]) for i in axes),
            _pair(windows.field_padding(self.padding[i], window.padding[i], self.stride[i]) for i in axes),
        )

    def joined(self, other: Field) -> Field:
        """The field of a sum: all that either side sees, as far as their first fields can be laid over each other."""
        axes = (0, 1)
        padding = _pair(max(self.padding[i], other.padding[i]) for i in axes)
        ends = (max(self.size[i] - self.padding[i], other.size[i] - other.padding[i]) for i in axes)
        return Field(_pair(end + pad for end, pad in zip(ends, padding, strict=True)), self.stride, padding)


def _pair(values: Iterable[int]) -> Pair:
    height, width = values
    return height, width


def fields(layers: Iterable[Layer], shape: Shape) -> tuple[Field | None, ...]:
    """Return the field behind each step of `vggcost.network.layers.walk`, in its order.

    None stands where an output has no place in the image any more (behind a flatten or a linear layer), or where the
    cells of an adaptive pool differ in size.
    """
    return tuple(_fields(layers, shape, Field()))


def _fields(layers: Iterable[Layer], shape: Shape, field: Field | None) -> Iterator[Field | None]:
    for layer in layers:
        if isinstance(layer, Residual):
            body = tuple(_fields(layer.body, shape, field))
            beside = tuple(_fields(layer.shortcut, shape, field))
            yield from body
            yield from beside
            ends = (body[-1] if body else field, beside[-1] if beside else field)
            field = ends[0].joined(ends[1]) if ends[0] and ends[1] else None
        else:
            window = layer.window(shape)
            field = field.behind(window) if field and window else None
        yield field
        *_, last = walk((layer,), shape)
        shape = last.output
