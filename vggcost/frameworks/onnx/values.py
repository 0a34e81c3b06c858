"""The values of a graph while it is walked: types, and what is constant; and what one node makes of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import checker, defs, helper, numpy_helper, shape_inference

from vggcost.errors import VggcostError
from vggcost.formulas import forward, memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Ints = tuple[int, ...]

SMALL = 65536
"""The most elements of a constant whose values are looked at: shapes, axes, limits. Weights are larger."""

RANDOM = frozenset(
    ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial")
)
"""Operators that make something else each time."""


PACKED = {"int4": 4, "uint4": 4, "float4": 4, "int2": 2, "uint2": 2}
"""The bits of an element of dtypes of which several share a byte, by how their names begin."""

FRACTIONS = frozenset(("float16", "bfloat16", "float32", "float64"))
"""The dtypes of what may be learned."""


class GraphValue:
    """A tensor of a graph: its ONNX type, and where it comes from.

    array: its values, where it is a small constant. constant: whether it is one, so that what makes it is no work of
    the forward call. sources: the stored tensors that it was made of. maker: the place of the operation that made it;
    born: how many operations came before it was there. written: whether a node of the graph has it in it.
    """

    __slots__ = ("array", "born", "constant", "maker", "sources", "type", "written")

    def __init__(
        self,
        type_: Any = None,
        *,
        array: Any = None,
        constant: bool = False,
        sources: tuple[str, ...] = (),
        maker: int | None = None,
        born: int = 0,
        written: bool = False,
    ) -> None:
        self.type = type_
        self.array = array
        self.constant = constant
        self.sources = sources
        self.maker = maker
        self.born = born
        self.written = written

    @property
    def shape(self) -> Ints | None:
        """Its shape; None where it is not known before the graph runs, or where it is no tensor."""
        if self.type is None or not self.type.HasField("tensor_type") or not self.type.tensor_type.HasField("shape"):
            return None
        sides = self.type.tensor_type.shape.dim
        if not all(side.HasField("dim_value") and side.dim_value >= 0 for side in sides):
            return None
        return tuple(int(side.dim_value) for side in sides)

    @property
    def elements(self) -> int:
        """Its elements; 0 where its shape is not known."""
        return 0 if self.shape is None else forward.elements(self.shape)

    @property
    def dtype(self) -> int:
        """ONNX's number of its dtype."""
        return 0 if self.type is None else int(self.type.tensor_type.elem_type)


def tensor_type(dtype: int, shape: Sequence[int] | None) -> Any:
    """Return an ONNX type."""
    return helper.make_tensor_type_proto(dtype, shape)


def constant(array: Any, sources: tuple[str, ...] = ()) -> GraphValue:
    """Return a constant with these values, as a numpy array."""
    dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
    return GraphValue(tensor_type(dtype, array.shape), array=array, constant=True, sources=sources)


class Initializers:
    """The stored tensors of a graph: their shapes, and the values of small ones, inside the file or beside it."""

    def __init__(self, folder: str, program: str) -> None:
        self._folder = folder
        self._program = program
        self.unreadable: dict[str, str] = {}
        """Small constants that could not be read, and why."""
        self._types: dict[str, tuple[Ints, int]] = {}
        self._own: set[str] = set()

    def value(self, tensor: Any) -> GraphValue:
        """The value of one."""
        shape = tuple(int(side) for side in tensor.dims)
        self._types[tensor.name] = shape, int(tensor.data_type)
        made = GraphValue(tensor_type(tensor.data_type, shape), constant=True, sources=(tensor.name,))
        if forward.elements(shape) <= SMALL and tensor.data_type != onnx.TensorProto.STRING:
            made.array = self._read(tensor)
        return made

    def made(self, name: str, array: Any) -> str:
        """Note a tensor that a node of the graph has in it, and return its name."""
        self._types[name] = tuple(array.shape), int(helper.np_dtype_to_tensor_dtype(array.dtype))
        self._own.add(name)
        return name

    def elements(self, name: str) -> int:
        """The elements of one."""
        return forward.elements(self._types[name][0])

    def nbytes(self, name: str) -> int:
        """The memory of one [B]; those of fewer than eight bits are packed."""
        shape, dtype = self._types[name]
        word = self.dtype(name)
        bits = next((size for ending, size in PACKED.items() if word.startswith(ending)), 0)
        size = 0 if bits else int(helper.tensor_dtype_to_np_dtype(dtype).itemsize)
        return memory.tensor_bytes(forward.elements(shape), size) if size else -(-forward.elements(shape) * bits // 8)

    def dtype(self, name: str) -> str:
        """The dtype of one, as torch calls it."""
        word = str(onnx.TensorProto.DataType.Name(self._types[name][1])).lower()
        return {"float": "float32", "double": "float64"}.get(word, word)

    def may_be_learned(self, name: str) -> bool:
        """Whether one that is no layer's kernel may be learned: numbers with a fraction, more than one of them.

        What a node has in it is a number that was written into the program.
        """
        return name not in self._own and self.has_fractions(name) and self.elements(name) > 1

    def has_fractions(self, name: str) -> bool:
        """Whether one holds numbers with a fraction."""
        return self.dtype(name) in FRACTIONS

    def _read(self, tensor: Any) -> Any:
        try:
            return numpy_helper.to_array(tensor, self._folder)
        except Exception as error:  # noqa: BLE001  # onnx raises its own kinds for a file that is missing or too short
            entries = {entry.key: entry.value for entry in tensor.external_data}
            place = entries.get("location", "")
            there = os.path.exists(os.path.join(self._folder, place))
            self.unreadable[tensor.name] = f"{place!r} is not beside it" if not there else f"{place!r}: {error}"
            return None

    def check(self, values: Sequence[GraphValue | None], operator: str) -> None:
        """Refuse to go on where an operator's output hangs on values that could not be read.

        Raises:
            VggcostError: one of these values could not be.
        """
        for value in values:
            for name in () if value is None else value.sources:
                if name in self.unreadable:
                    raise VggcostError(
                        f"{self._program}: {operator} needs the values of {name!r}, which are in a file of their own,"
                        f" and {self.unreadable[name]}; put it there"
                    )


class Inference:
    """What onnx says of the outputs of one node, given the types of its inputs and the values of small constants."""

    def __init__(self, opsets: Mapping[str, int]) -> None:
        self._opsets = opsets
        self._imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]

    def schema(self, node: Any) -> Any:
        """The schema of a node's operator; None where onnx has none."""
        domain = "" if node.domain == "ai.onnx" else node.domain
        try:
            return defs.get_schema(node.op_type, self._opsets.get(domain, 1), domain)
        except defs.SchemaError:
            return None

    def types(self, node: Any, inputs: Sequence[GraphValue | None]) -> dict[str, Any]:
        """The types of a node's outputs by name; none where its operator is not known.

        Raises:
            onnx.shape_inference.InferenceError: what the node gets does not fit together.
        """
        schema = self.schema(node)
        unknown = any(
            name and (value is None or value.type is None) for name, value in zip(node.input, inputs, strict=True)
        )
        if schema is None or unknown:
            return {}
        types = {}
        data = {}
        for name, value in zip(node.input, inputs, strict=True):
            if value is not None and value.type is not None:
                types[name] = value.type
                if value.array is not None:
                    data[name] = numpy_helper.from_array(np.asarray(value.array), name)
        try:
            found: dict[str, Any] = shape_inference.infer_node_outputs(
                schema, node, types, data, opset_imports=self._imports
            )
        except checker.ValidationError:  # an operator that a later release has taken back
            return {}
        return found

    def run(self, node: Any, inputs: Sequence[GraphValue | None]) -> list[Any] | None:
        """The values that a node makes of constants, None where they cannot be had."""
        from onnx.reference import ReferenceEvaluator

        if node.op_type in RANDOM or any(value is not None and value.array is None for value in inputs):
            return None
        feeds = {
            name: value.array for name, value in zip(node.input, inputs, strict=True) if name and value is not None
        }
        try:
            made = ReferenceEvaluator(node, opsets=dict(self._opsets)).run(None, feeds)
        except Exception:  # noqa: BLE001  # what the reference cannot compute is a constant whose values are not known
            return None
        return list(made) if all(isinstance(each, np.ndarray) for each in made) else None
