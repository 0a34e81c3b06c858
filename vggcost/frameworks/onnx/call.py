"""One node as rules see it: its operator, attributes, what it takes, and the shapes that onnx says come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx import AttributeProto, helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.onnx.values import GraphValue

    Ints = tuple[int, ...]


class Call:
    """One node with what it takes; outputs are the shapes that onnx says, None where it does not.

    ends_features: what comes out goes to a flatten and nowhere else.
    """

    def __init__(
        self,
        node: Any,
        inputs: Sequence[GraphValue | None],
        outputs: Sequence[Ints | None],
        *,
        ends_features: bool = False,
    ) -> None:
        self.ends_features = ends_features
        self.operator = str(node.op_type)
        self.domain = "" if node.domain == "ai.onnx" else str(node.domain)
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._attributes = {
            attribute.name: helper.get_attribute_value(attribute)
            for attribute in node.attribute
            if attribute.type not in (AttributeProto.GRAPH, AttributeProto.GRAPHS)
        }

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute's value, its text decoded."""
        value = self._attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def sides(self, name: str, axes: int, default: int = 1) -> Ints:
        """An attribute with a number an axis."""
        value = self.attribute(name)
        return tuple(map(int, value)) if value else tuple(default for _ in range(axes))

    def given(self, place: int) -> bool:
        """Whether there is an input at a place."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def is_constant(self, place: int) -> bool:
        """Whether the input at a place is a constant."""
        value = self.inputs[place] if place < len(self.inputs) else None
        return value is not None and value.constant

    def is_learned(self, place: int) -> bool:
        """Whether the input at a place is a constant that is stored, and not one that the graph itself has in it."""
        return self.is_constant(place) and not getattr(self.inputs[place], "written", False)

    def shape(self, place: int = 0) -> Ints:
        """The shape of an input.

        Raises:
            UnknownShapeError: nothing says it before the graph runs.
        """
        value = self.inputs[place] if place < len(self.inputs) else None
        if value is None or value.shape is None:
            raise UnknownShapeError(place)
        return value.shape

    def array(self, place: int) -> Any:
        """The values of a small constant at a place, None where they are not known."""
        value = self.inputs[place] if place < len(self.inputs) else None
        return None if value is None else value.array


class UnknownShapeError(Exception):
    """A rule needs a shape that hangs on values."""
