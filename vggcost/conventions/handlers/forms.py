"""The forms that handlers of several tools have in common: multiples of what goes in or comes out, products, joints."""

from __future__ import annotations

from vggcost.formulas.forward import elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.conventions.handlers import Call, Handler

    Ints = tuple[int, ...]


def number(call: Call, name: str, usual: int | None = None) -> int:
    """Return an attribute, or an argument, that is a whole number; usual where it is not given."""
    value = call.facts[name] if usual is None else call.facts.get(name, usual)
    return int(value)


def inputs(times: int = 1) -> Handler:
    """So many for each element of the first input."""
    return lambda call: times * elements(call.inputs[0])


def outputs(times: int = 1) -> Handler:
    """So many for each element that comes out."""
    return lambda call: times * elements(call.output)


def unknown(reason: str) -> Handler:
    """No number, for a reason."""
    return lambda _: reason


def joined(call: Call) -> int:
    """One for each element of what the inputs broadcast to, side by side from the first as the tools do it.

    They align shapes at the left, where torch aligns them at the right, and take the longer of any two sides.
    Source: ptflops 0.7.5 and calflops 0.3.2, the element-wise handlers of their tables.
    """
    shapes = call.inputs[:2]
    longest = max(map(len, shapes))
    padded = [(*shape, *(1 for _ in range(longest - len(shape)))) for shape in shapes]
    return elements(map(max, zip(*padded, strict=True)))


def multiplied(call: Call, first: int, second: int) -> int:
    """Elements of one input times the last side of another: a product of matrices, whatever else they broadcast to."""
    return elements(call.inputs[first]) * call.inputs[second][-1]


def product(first: int, second: int) -> Handler:
    """`multiplied`, of the inputs at these places."""
    return lambda call: multiplied(call, first, second)


def convolution(call: Call) -> int:
    """Multiply-accumulates of ``conv(x, weight)`` of any number of axes: an output is a dot product with one kernel."""
    if call.facts.get("transposed"):
        return transposed_convolution(call)
    return elements(call.output) * elements(call.inputs[1][1:])


def transposed_convolution(call: Call) -> int:
    """Multiply-accumulates of ``conv_transpose(x, weight)``: each input element meets its channel's kernels."""
    return elements(call.inputs[0]) * elements(call.inputs[1][1:])


def images(call: Call) -> int:
    """Size of the first axis of the first input, which tools take for the batch."""
    size: int = call.inputs[0][0]
    return size


def contraction(call: Call) -> int | str:
    """FLOP of ``einsum``, as numpy's best path has it, to the four digits that numpy prints.

    Source: fvcore 0.1.5.post20221221 and calflops 0.3.2, which read the words of numpy.einsum_path.
    """
    import numpy as np

    equation = (call.facts.get("equation") or "").replace(" ", "")
    if not equation:
        return "is called without a text for its equation"
    if not equation.isascii() or "." in equation:
        return "has an ellipsis in its equation"
    letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
    renamed = equation.translate({ord(letter): 97 + place for place, letter in enumerate(letters)})
    zeros = [np.broadcast_to(0.0, shape) for shape in call.inputs]
    words = np.einsum_path(renamed, *zeros, optimize="optimal")[1]
    line = next(line for line in str(words).splitlines() if "optimized flop" in line.lower())
    return int(float(line.rpartition(":")[2]))
