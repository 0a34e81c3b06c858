"""What an einsum equation contracts, pair by pair as torch does it; whichever framework it is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.formulas import forward

if TYPE_CHECKING:
    from collections.abc import Sequence

    Shape = tuple[int, ...]
    Sizes = dict[str, int]
    """An operand's size along each label; an axis of size 1 is one that it has not."""

REST = "."
"""How the labels begin of the axes that an equation's ellipsis stands for, counted from their end."""


def contracted(
    equation: str, shapes: Sequence[Shape], path: Sequence[int] = ()
) -> tuple[tuple[tuple[int, int], ...], Shape]:
    """Return the contractions of an equation, each as (outputs, length of a dot product), and the output's shape.

    A label is summed over in the pair where it occurs last. One that only one of the pair has is added up before, and a
    pair that has nothing to sum over together is multiplied element by element, which is no contraction. path is the
    order of pairs, from the left where there is none.

    Raises:
        TypeError: the equation does not fit its operands.

    >>> contracted("ij,jk,kl->il", [(5, 3), (3, 4), (4, 7)])
    (((20, 3), (35, 4)), (5, 7))
    """
    inputs, output = _labels(equation, shapes)
    terms = [dict(zip(labels, shape, strict=True)) for labels, shape in zip(inputs, shapes, strict=True)]
    whole = {label: max(term.get(label, 1) for term in terms) for labels in inputs for label in labels}
    if any(term[label] not in (1, whole[label]) for term in terms for label in term):
        raise TypeError("sizes of one label differ")
    pairs = tuple(_pairs(terms, output, list(path)))
    return pairs, tuple(whole.get(label, 1) for label in output)


def _labels(equation: str, shapes: Sequence[Shape]) -> tuple[list[list[str]], list[str]]:
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


def _pairs(terms: list[Sizes], output: Sequence[str], path: list[int]) -> list[tuple[int, int]]:
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
