"""The order in which a network runs the layers of a file, which need not be that of the file.

torch keeps the order of definition, safetensors sorts names as texts, Keras groups by class. A layer takes as many
channels or features as the one before it gives: the order with the fewest breaks of that rule is taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vggcost.network.foreign_convolutions import ConvNd, ConvTransposeNd
from vggcost.network.layers import BatchNorm2d, Conv2d, Linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vggcost.frameworks.checkpoints.kinds import StoredLayer


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names with the numbers in them as numbers.

    >>> sorted(["features.10", "features.2", "classifier.0"], key=natural)
    ['classifier.0', 'features.2', 'features.10']
    """
    return tuple(
        (0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in re.split(r"(\d+)|[./_]", name) if piece
    )


def ordered(layers: Sequence[StoredLayer]) -> tuple[StoredLayer, ...]:
    """Return layers in the order with the fewest breaks: that of the file, of the names, or of the widths alone."""
    by_name = sorted(layers, key=lambda stored: natural(stored.path))
    found = [tuple(layers), tuple(by_name)]
    found += [_regrouped(order) for order in found]
    if min(map(breaks, found)) > 0:
        trail = _by_widths(by_name)
        found += [trail] if trail is not None else []
    return min(found, key=breaks)


def breaks(layers: Sequence[StoredLayer]) -> int:
    """Return how many layers cannot take what the one before them gives."""
    number = 0
    width, features = None, False
    for stored in layers:
        layer = stored.layer
        if isinstance(layer, BatchNorm2d):
            number += width is None or layer.channels != width
        elif isinstance(layer, Conv2d):
            number += features or not (width is None or takes(layer, width))
            width = layer.c_out
        elif isinstance(layer, Linear):
            wanted = layer.in_features
            number += width is not None and (wanted != width if features else wanted % width != 0)
            width, features = layer.out_features, True
        elif isinstance(layer, ConvNd | ConvTransposeNd):
            width = layer.c_out
        number += stored.odd
    return number


def takes(conv: Conv2d, width: int) -> bool:
    """Return whether a convolution takes this many channels, if need be in groups.

    A 1x1 kernel for a part of them is no grouped one, but stands on a branch.
    """
    return width == conv.c_in or (conv.kernel != (1, 1) and width % conv.c_in == 0)


def _regrouped(layers: Sequence[StoredLayer]) -> tuple[StoredLayer, ...]:
    """Convolutions, linear layers, the rest; each normalization behind the first convolution of its width."""
    convs, norms, linears = (
        [stored for stored in layers if isinstance(stored.layer, kind)] for kind in (Conv2d, BatchNorm2d, Linear)
    )
    rest = [stored for stored in layers if not isinstance(stored.layer, Conv2d | BatchNorm2d | Linear)]
    return (*_with_norms(convs, norms), *linears, *norms, *rest)


def _with_norms(convs: Sequence[StoredLayer], norms: list[StoredLayer]) -> Iterator[StoredLayer]:
    """Convolutions, each with the next normalization of its width, which is taken out of the list."""
    for conv in convs:
        yield conv
        fitting = next((norm for norm in norms if norm.gives == conv.gives), None)
        if fitting is not None:
            norms.remove(fitting)
            yield fitting


def _by_widths(layers: Sequence[StoredLayer]) -> tuple[StoredLayer, ...] | None:
    """The one way through all convolutions, and then through all linear layers, in which each takes what comes."""
    convs = _trail(
        [stored for stored in layers if isinstance(stored.layer, Conv2d)], lambda layer: (layer.c_in, layer.c_out)
    )
    linears = _trail(
        [stored for stored in layers if isinstance(stored.layer, Linear)],
        lambda layer: (layer.in_features, layer.out_features),
    )
    if convs is None or linears is None:
        return None
    rest = [stored for stored in layers if not isinstance(stored.layer, Conv2d | Linear)]
    return _regrouped((*convs, *linears, *rest))


def _trail(layers: Sequence[StoredLayer], ends: Callable[..., tuple[int, int]]) -> list[StoredLayer] | None:
    """The trail through every layer, each an edge from what it takes to what it gives; None where there is none.

    Source: Hierholzer 1873.
    """
    leaving: dict[int, list[StoredLayer]] = {}
    surplus: dict[int, int] = {}
    for stored in layers:
        takes, gives = ends(stored.layer)
        leaving.setdefault(takes, []).append(stored)
        surplus[takes] = surplus.get(takes, 0) + 1
        surplus[gives] = surplus.get(gives, 0) - 1
    starts = [width for width, more in surplus.items() if more == 1]
    if not layers or len(starts) != 1:
        return None if layers else []
    stack: list[tuple[int, StoredLayer | None]] = [(starts[0], None)]
    found: list[StoredLayer] = []
    while stack:
        width, used = stack[-1]
        if leaving.get(width):
            stored = leaving[width].pop(0)
            stack.append((ends(stored.layer)[1], stored))
        else:
            stack.pop()
            if used is not None:
                found.append(used)
    return found[::-1] if len(found) == len(layers) else None
