"""The variants of a configuration that a program's layers speak for."""

from __future__ import annotations

from vggcost.network import catalogue
from vggcost.network.layers import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, Softmax
from vggcost.programs.pieces import network_pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.network.plan import Configuration, Variant
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading
    from vggcost.programs.trunks import Trunk


def variants(
    trunk: Trunk, configuration: Configuration, reading: ProgramReading, bound: frozenset[str] = frozenset()
) -> Iterator[Variant]:
    """Yield the variants of a configuration that may be the program's; what is bound is the configuration's own.

    bound are fields of a variant. A width factor that is bound leaves all widths as the configuration has them.
    """
    convs = [piece.layer for piece in trunk.pieces if isinstance(piece.layer, Conv2d) and not piece.dense]
    norms = sum(isinstance(piece.layer, BatchNorm2d) for piece in trunk.pieces)
    own = configuration.variant
    found = {
        "batch_norm": norms > 0 and 2 * norms >= len(convs),
        "in_channels": _in_channels(convs, reading),
        "bias": not convs or 2 * sum(conv.bias for conv in convs) >= len(convs),
    }
    plain = own.replace(**{field: value for field, value in found.items() if field not in bound})
    for head in _heads(trunk, configuration, bound):
        classifier = head.get("classifier", own.classifier)
        pools = (own.adaptive_pool,) if "adaptive_pool" in bound else _pooled(trunk, reading) if classifier else (True,)
        softmax = own.softmax if "softmax" in bound else classifier and has_softmax(reading)
        for pooled in pools:
            variant = plain.replace(adaptive_pool=pooled, softmax=softmax, **head)
            yield variant
            if variant.classifier and not pooled and variant.head is None and "head" not in bound:
                yield variant.replace(head=catalogue.HEAD)  # fc6 takes what the features yield, not 7x7
            for factor in () if "width" in bound else width_factors(convs, configuration):
                yield variant.replace(width=factor)


def _in_channels(convs: Sequence[Conv2d], reading: ProgramReading) -> int:
    """Channels of the image: what the first convolution takes, or, where that takes what others gave, the first few."""
    if not convs:
        shape = reading.inputs[0] or (1,)  # an input of one number
        return shape[min(1, len(shape) - 1)]
    few = (conv.c_in for conv in convs if conv.c_in <= 4)
    return int(convs[0].c_in if convs[0].c_in <= 16 else next(few, convs[0].c_in))


def _heads(trunk: Trunk, configuration: Configuration, bound: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The classifiers that the layers behind the last convolution speak for, as fields of a variant."""
    own = configuration.variant
    kept: dict[str, Any] = {field: getattr(own, field) for field in ("classifier", "classes", "head") if field in bound}
    seen = []
    for head in _own_heads(trunk, own) if "head" in bound else _any_heads(trunk):
        if "classifier" in bound and head["classifier"] != own.classifier:
            head = {"classifier": own.classifier, "classes": own.classes, "head": own.head}  # noqa: PLW2901
        head = {**head, **kept}  # noqa: PLW2901
        if head not in seen:
            seen.append(head)
            yield head


def _own_heads(trunk: Trunk, own: Variant) -> Iterator[dict[str, Any]]:
    """The configuration's own classifier, with as many classes as the program's layers may give."""
    dense = [piece.layer for piece in trunk.pieces if piece.dense and isinstance(piece.layer, Conv2d)]
    linears = _behind_convolutions(trunk.pieces)
    classes = linears[-1].out_features if linears else dense[-1].c_out if len(dense) == 3 else own.classes
    yield {"classes": classes, "head": own.head, "classifier": own.classifier}
    if len(linears) > 3:
        yield {"classes": linears[2].out_features, "head": own.head, "classifier": own.classifier}


def _any_heads(trunk: Trunk) -> Iterator[dict[str, Any]]:
    dense = [piece.layer for piece in trunk.pieces if piece.dense and isinstance(piece.layer, Conv2d)]
    linears = _behind_convolutions(trunk.pieces)
    if dense:
        classes = dense[2].c_out if len(dense) == 3 else 1000
        yield {"classes": classes, "head": None, "classifier": True}
    if linears:
        hidden = tuple(linear.out_features for linear in linears[:-1])
        head = None if hidden == catalogue.HEAD else hidden
        yield {"classes": linears[-1].out_features, "head": head, "classifier": True}
        if hidden[:2] == catalogue.HEAD and len(hidden) > 2:
            yield {"classes": hidden[2], "head": None, "classifier": True}
    yield {"classifier": False, "classes": 1000, "head": None}


def has_softmax(reading: ProgramReading) -> bool:
    """Whether a program computes a soft-max."""
    return any(isinstance(operation.layer, Softmax) for operation in reading.operations)


def has_classifier(trunk: Trunk) -> bool:
    """Whether dense layers come behind the convolutions."""
    return bool(_behind_convolutions(trunk.pieces)) or any(piece.dense for piece in trunk.pieces)


def _behind_convolutions(pieces: Sequence[Piece]) -> list[Linear]:
    """The linear layers behind the last convolution that is none of a dense layer's."""
    found: list[Linear] = []
    for piece in pieces:
        if isinstance(piece.layer, Conv2d):
            found = []
        elif isinstance(piece.layer, Linear):
            found.append(piece.layer)
    return found


def _pooled(trunk: Trunk, reading: ProgramReading) -> tuple[bool, ...]:
    """With an adaptive pool to 7x7 and without: both where the program has another at its place, or none is known."""
    if reading.weights_alone:
        return (True, False)
    pools = [piece.layer for piece in trunk.pieces if isinstance(piece.layer, AdaptiveAvgPool2d)]
    if any(pool.output_size == catalogue.FEATURE_MAP for pool in pools):
        return (True,)
    return (True, False) if pools else (False,)


def width_factors(convs: Sequence[Conv2d], configuration: Configuration) -> list[float]:
    """Return the factors that make a convolution of the configuration as wide as the program's, none of them 1.

    The widest tells a whole configuration's factor; the first also that of one that ends before its widest.
    """
    if not convs:
        return []
    plan = catalogue.unfolded(configuration, configuration.variant)
    theirs = [piece.layer.c_out for piece in network_pieces(plan.layers) if isinstance(piece.layer, Conv2d)]
    mine = [conv.c_out for conv in convs]
    factors = (shortest_factor(max(mine), max(theirs)), shortest_factor(mine[0], theirs[0]))
    return [factor for factor in dict.fromkeys(factors) if factor is not None]


def shortest_factor(mine: int, theirs: int) -> float | None:
    """Return the shortest decimal factor that makes one width another, rounded down.

    None where none is needed, or nothing that short is exact.

    >>> shortest_factor(32, 64), shortest_factor(21, 64), shortest_factor(64, 64)
    (0.5, 0.33, None)
    """
    if mine == theirs:
        return None
    for digits in range(1, 7):
        scale = 10**digits
        numerator = -(-mine * scale // theirs)
        if numerator * theirs < (mine + 1) * scale:
            factor = numerator / scale
            return int(factor) if factor.is_integer() else factor
    return None
