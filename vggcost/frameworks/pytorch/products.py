"""What torch's products of tensors do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.contractions import contracted
from vggcost.frameworks.pytorch.plans import Plan, batched, shape_of
from vggcost.network import foreign_layers, layers, products
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    Shape = tuple[int, ...]


def linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.linear."""
    if weight.dim() == 1:  # one output, whose axis torch drops
        plan = fully_connected(shape_of(input), (1, *shape_of(weight)), bias is not None)
        return plan.replace(output=plan.output[:-1])
    return fully_connected(shape_of(input), shape_of(weight), bias is not None)


def fully_connected(shape: Shape, weight: Shape, bias: bool) -> Plan:
    """Plan a fully connected layer by the shapes of its input and of its weight, (out_features, in_features)."""
    gives, takes = weight
    fields: dict[str, Any] = {"in_features": takes, "out_features": gives, "bias": bias}
    _, ledger = layers.Linear("", None, **fields).apply(batched(shape))
    problem = f"takes {takes:,} features and gets {shape[-1]:,}" if shape[-1] != takes else None
    return Plan(layers.Linear, fields, shape, (*shape[:-1], gives), ledger, problem, (shape, weight))


def matmul(input: torch.Tensor, other: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.matmul, mm, bmm, mv and dot; raises TypeError for sparse tensors, whose zeros do not count."""
    _check_dense(input, other)
    return multiplied(shape_of(input), shape_of(other))


def multiplied(left: Shape, right: Shape) -> Plan:
    """Plan a product of matrices, batched or not, by their shapes."""
    rows, columns = left if len(left) > 1 else (1, *left), right if len(right) > 1 else (*right, 1)
    problem = None
    if rows[-1] != columns[-2]:
        inner = f"{rows[-1]:,} and {columns[-2]:,}"
        problem = f"gets {shape_text(left)} and {shape_text(right)}, whose inner sizes {inner} differ"
    batch = foreign_layers.broadcast(rows[:-2], columns[:-2])
    if batch is None:
        problem = problem or f"gets {shape_text(left)} and {shape_text(right)}, which do not go together"
        batch = rows[:-2]
    output = (*batch, *(rows[-2:-1] if len(left) > 1 else ()), *(columns[-1:] if len(right) > 1 else ()))
    return product(left, right, rows[-1], output, problem)


def _check_dense(*tensors: torch.Tensor) -> None:
    for tensor in tensors:
        if str(tensor.layout) != "torch.strided":
            raise TypeError("a product with a sparse tensor, whose zeros are not multiplied")


def product(left: Shape, right: Shape, inner: int, output: Shape, problem: str | None = None) -> Plan:
    """Plan a product whose outputs are dot products of one length."""
    fields: dict[str, Any] = {"inner": inner, "output": output}
    ledger = products.MatMul("", None, **fields).apply(left)[1]
    return Plan(products.MatMul, fields, left, output, ledger, problem, (left, right))


def right_matmul(input: torch.Tensor, other: torch.Tensor) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.Tensor.__rmatmul__, whose first argument stands at the right."""
    return matmul(other, input)


def addmm(bias: torch.Tensor, input: torch.Tensor, other: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: A002, ARG001  # torch's signature
    """Rule of torch.addmm, baddbmm and addmv: a product and an addition that broadcasts."""
    return matmul(input, other)


def addbmm(bias: torch.Tensor, batch1: torch.Tensor, batch2: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: ARG001  # torch's signature
    """Rule of torch.addbmm: products of a batch, added up."""
    plan = matmul(batch1, batch2)
    (batch, *output), inner = plan.output, plan.fields["inner"]
    # Added up over the batch, each output is one dot product as long as all the batch's together.
    length = forward.elements((batch, inner))
    return product(plan.input, shape_of(batch2), length, tuple(output), plan.problem)


def inner(input: torch.Tensor, other: torch.Tensor, **_: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.inner: dot products along the last axes; raises TypeError where one operand is a number."""
    left, right = shape_of(input), shape_of(other)
    if not left or not right:
        raise TypeError("a product with a number, which is element-wise")
    problem = None
    if left[-1] != right[-1]:
        problem = f"gets {shape_text(left)} and {shape_text(right)}, whose last sizes differ"
    return product(left, right, left[-1], (*left[:-1], *right[:-1]), problem)


def vecdot(x: torch.Tensor, y: torch.Tensor, *, dim: int = -1, **_: Any) -> Plan:
    """Rule of torch.linalg.vecdot: a dot product along one axis."""
    left, right = shape_of(x), shape_of(y)
    both = foreign_layers.broadcast(left, right)
    problem = None if both is not None else f"gets {shape_text(left)} and {shape_text(right)}, which do not go together"
    shape = list(both or left)
    length = shape.pop(dim)
    return product(left, right, length, tuple(shape), problem)


def tensordot(a: torch.Tensor, b: torch.Tensor, dims_a: Sequence[int], dims_b: Sequence[int], **_: Any) -> Plan:
    """Rule of the function behind torch.tensordot: contracted over these axes of either."""
    left, right = shape_of(a), shape_of(b)
    gone = [axis % len(left) for axis in dims_a], [axis % len(right) for axis in dims_b]
    problem = None
    sizes = []
    for one, other in zip(*gone, strict=True):
        if left[one] != right[other] and 1 not in (left[one], right[other]):
            problem = f"gets {shape_text(left)} and {shape_text(right)}, whose contracted sizes differ"
        # An axis of one is spread over the other's, which torch adds up before it multiplies.
        sizes.append(min(left[one], right[other]))
    kept = [
        size
        for shape, axes in zip((left, right), gone, strict=True)
        for axis, size in enumerate(shape)
        if axis not in axes
    ]
    return product(left, right, forward.elements(sizes), tuple(kept), problem)


def multi_dot(tensors: Sequence[torch.Tensor], *_: Any, **__: Any) -> Plan:
    """Rule of torch.linalg.multi_dot and torch.chain_matmul, which multiply in the order that takes least."""
    shapes = [shape_of(tensor) for tensor in tensors]
    first, last = shapes[0], shapes[-1]
    matrices = [(1, *first) if len(first) == 1 else first, *shapes[1:]]
    if len(last) == 1:
        matrices[-1] = (*last, 1)
    problem = None
    if any(one[-1] != other[0] for one, other in pairwise(matrices)):
        problem = f"gets {' and '.join(map(shape_text, shapes))}, whose inner sizes differ"
    output = (*(first[:1] if len(first) > 1 else ()), *(last[1:] if len(last) > 1 else ()))
    sizes = [matrices[0][0], *(shape[-1] for shape in matrices)]
    pairs = () if problem else _cheapest(tuple(sizes), 0, len(sizes) - 1, {})[1]
    fields: dict[str, Any] = {"operation": "multi_dot", "pairs": pairs, "output": output}
    ledger = products.Contraction("", None, **fields).apply(first)[1]
    return Plan(products.Contraction, fields, first, output, ledger, problem, tuple(shapes))


def _cheapest(sizes: Shape, start: int, stop: int, known: dict[Any, Any]) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The fewest multiply-accumulates of a chain between two of its sizes, and its products as (outputs, inner)."""
    if stop - start < 2:
        return 0, ()
    if (start, stop) not in known:
        ways = []
        for middle in range(start + 1, stop):
            left, right = _cheapest(sizes, start, middle, known), _cheapest(sizes, middle, stop, known)
            last = (forward.elements((sizes[start], sizes[stop])), sizes[middle])
            ways.append((left[0] + right[0] + forward.elements(last), (*left[1], *right[1], last)))
        known[start, stop] = min(ways, key=lambda way: way[0])
    found: tuple[int, tuple[tuple[int, int], ...]] = known[start, stop]
    return found


def bilinear(
    input1: torch.Tensor, input2: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> Plan:
    """Rule of torch.nn.functional.bilinear."""
    left, right = shape_of(input1), shape_of(input2)
    gives, takes, other = shape_of(weight)
    fields: dict[str, Any] = {
        "in_features": takes,
        "other_features": other,
        "out_features": gives,
        "bias": bias is not None,
    }
    problem = None
    if (left[-1], right[-1]) != (takes, other):
        problem = f"takes {takes:,} and {other:,} features and gets {left[-1]:,} and {right[-1]:,}"
    elif left[:-1] != right[:-1]:
        problem = f"gets {shape_text(left)} and {shape_text(right)}, which do not go together"
    output, ledger = products.Bilinear("", None, **fields).apply(left)
    return Plan(products.Bilinear, fields, left, output, ledger, problem, (left, right))


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.scaled_dot_product_attention; masks change no count."""
    queries, keys, values = shape_of(query), shape_of(key), shape_of(value)
    shapes = (queries, keys, values)
    problem = None
    if queries[-1] != keys[-1]:
        problem = f"takes queries and keys of one width and gets {queries[-1]:,} and {keys[-1]:,}"
    elif keys[-2] != values[-2]:
        problem = f"takes a value for each key and gets {keys[-2]:,} keys and {values[-2]:,} values"
    # With grouped queries there are fewer heads of keys than of queries, and each serves several.
    batch = foreign_layers.broadcast(queries[:-3], keys[:-3]) or queries[:-3]
    heads = foreign_layers.broadcast(queries[-3:-2], keys[-3:-2]) or queries[-3:-2]
    fields: dict[str, Any] = {"keys": keys[-2], "width": queries[-1], "value_width": values[-1]}
    whole = (*batch, *heads, *queries[-2:])
    output, ledger = products.ScaledDotProductAttention("", None, **fields).apply(whole)
    return Plan(products.ScaledDotProductAttention, fields, queries, output, ledger, problem, shapes)


def einsum(equation: str, operands: Sequence[torch.Tensor], path: Sequence[int] | None = None, **_: Any) -> Plan:
    """Rule of the function behind torch.einsum; path is the order of pairs, from the left where there is none.

    Raises TypeError for an equation that does not fit its operands: torch says what it does not like.
    """
    return contraction(equation, tuple(shape_of(operand) for operand in operands), path or ())


def contraction(equation: str, shapes: Sequence[Shape], path: Sequence[int] = ()) -> Plan:
    """Plan a contraction by the shapes of its operands; see `vggcost.frameworks.contractions.contracted`.

    Raises:
        TypeError: the equation does not fit them.
    """
    pairs, output = contracted(equation, shapes, path)
    if not pairs:  # a transposition, a sum, a product element by element
        return Plan(foreign_layers.Free, {"operation": "einsum"}, shapes[0], output, Ledger())
    fields: dict[str, Any] = {"operation": "einsum", "pairs": pairs, "output": output}
    ledger = products.Contraction("", None, **fields).apply(shapes[0])[1]
    return Plan(products.Contraction, fields, shapes[0], output, ledger, None, tuple(shapes))
