"""torch.einsum, pair by pair as torch contracts: what each pair sums over, and how much it multiplies for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.pytorch.plans import Plan, shape_of
from vggcost.frameworks.pytorch.products import no_product
from vggcost.network import products

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    Sizes = dict[str, int]
    """An operand's size along each label; an axis of size 1 is one that it has not."""

REST = "."
"""How the labels begin of the axes that an equation's ellipsis stands for, counted from their end."""


def einsum(equation: str, operands: Sequence[torch.Tensor], path: Sequence[int] | None = None, **_: Any) -> Plan:
    """Rule of the function behind torch.einsum; path is the order of pairs, from the left where there is none.

    Raises TypeError for an equation that does not fit its operands: torch says what it does not like.
    """
    return contracted(equation, [shape_of(operand) for operand in operands], list(path or ()))


def contracted(equation: str, shapes: Sequence[tuple[int, ...]], path: Sequence[int] = ()) -> Plan:
    """Plan a contraction by the shapes of its operands, pair by pair along a path, or from the left.

    Raises:
        TypeError: the equation does not fit them.
    """
    inputs, output = _labels(equation, shapes)
    terms = [_sizes(labels, shape) for labels, shape in zip(inputs, shapes, strict=True)]
    whole = {label: max(term.get(label, 1) for term in terms) for labels in inputs for label in labels}
    if any(term[label] not in (1, whole[label]) for term in terms for label in term):
        raise TypeError("sizes of one label differ")
    pairs = tuple(_pairs(terms, output, list(path)))
    shape = tuple(whole.get(label, 1) for label in output)
    if not pairs:
        return no_product("einsum", shapes[0], shape)
    fields: dict[str, Any] = {"operation": "einsum", "pairs": pairs, "output": shape}
    ledger = products.Contraction("", None, **fields).apply(shapes[0])[1]
    return Plan(products.Contraction, fields, shapes[0], shape, ledger, None, tuple(shapes))


def _labels(equation: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand's axes, and of the output's."""
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    texts = given.split(",")
    if len(texts) != len(shapes):
        raise TypeError("an equation for another number of operands")
    inputs = []
    for text, shape in zip(texts, shapes, strict=True):
        left = len(shape) - len(text.replace("...", ""))
        if left < 0 or (left and "..." not in text):
            raise TypeError("an equation for another number of axes")
        inputs.append(_spelled(text, left))
    longest = max((len([label for label in labels if label[0] == REST]) for labels in inputs), default=0)
    if arrow:
        return inputs, _spelled(wanted, longest)
    letters = [label for labels in inputs for label in labels if label[0] != REST]
    single = sorted(label for label in letters if letters.count(label) == 1)
    return inputs, [*_spelled("...", longest), *single]


def _spelled(text: str, left: int) -> list[str]:
    before, dots, after = text.partition("...")
    rest = [f"{REST}{place}" for place in range(left, 0, -1)] if dots else []
    return [*before, *rest, *after]


def _sizes(labels: Sequence[str], shape: Sequence[int]) -> Sizes:
    """An operand's size along each label; one that stands twice is a diagonal."""
    return dict(zip(labels, shape, strict=True))


def _pairs(terms: list[Sizes], output: Sequence[str], path: list[int]) -> list[tuple[int, int]]:
    """Each contraction that multiplies matrices, as (outputs, length of a dot product); torch's own order and rules.

    A label is summed over in the pair where it occurs last. One that only one of the pair has is added up before, and
    a pair that has nothing to sum over together is multiplied element by element.
    """
    pairs = []
    ordered = bool(path)
    terms = [{label: size for label, size in term.items() if size != 1} for term in terms]
    count = {label: sum(label in term for term in terms) for term in terms for label in term}
    while len(terms) > 1:
        first, second = sorted((path.pop(0), path.pop(0))) if path else (0, 1)
        right, left = terms.pop(second), terms.pop(first)
        summed = []
        for label in {**left, **right}:
            if label in output:
                continue
            if label in left and label in right:
                count[label] -= 1
                if count[label] == 1:
                    summed.append(label)
            elif count[label] == 1:  # nobody else has it
                left.pop(label, None)
                right.pop(label, None)
        joined = {**left, **right}
        kept = {label: size for label, size in joined.items() if label not in summed}
        if summed:
            pairs.append((forward.elements(kept.values()), forward.elements(joined[label] for label in summed)))
        terms.insert(len(terms) if ordered else 0, kept)
    return pairs
