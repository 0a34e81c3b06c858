"""Residual blocks of a file of weights, told by the projections beside them and by the names of their layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.network.layers import Conv2d

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.checkpoints.kinds import StoredLayer


def residual_blocks(layers: Sequence[StoredLayer]) -> list[tuple[int, int, str]]:
    """Return where each residual block begins, where it has ended, and its name.

    A projection is a 1x1 kernel that gives as many channels as the layer before it, and takes another number. The
    layers under one name with it are a block, and so are those under another name that are called the same there.
    """
    paths = [stored.path.replace("/", ".").split(".") for stored in layers]
    insides = set()
    for place, before in _projections(layers):
        block = _common(paths[place], paths[before])
        if block:
            insides.add(_inside(layers, paths, block, without=place))
    found = []
    names = dict.fromkeys(tuple(path[:length]) for path in paths for length in range(1, len(path)))
    for block in map(list, names):
        if any(inside and inside <= _inside(layers, paths, block, without=None) for inside in insides):
            places = [place for place, path in enumerate(paths) if path[: len(block)] == block]
            found.append((places[0], places[-1] + 1, ".".join(block)))
    return [each for each in found if not any(other != each and _within(other, each) for other in found)]


def _projections(layers: Sequence[StoredLayer]) -> list[tuple[int, int]]:
    """The places of projections, each with that of the convolution before it."""
    found = []
    before: int | None = None
    for place, stored in enumerate(layers):
        layer = stored.layer
        if not isinstance(layer, Conv2d):
            continue
        given = layers[before].gives if before is not None else None
        if layer.kernel == (1, 1) and before is not None and layer.c_out == given != layer.c_in:
            found.append((place, before))
        before = place
    return found


def _common(one: list[str], other: list[str]) -> list[str]:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _inside(
    layers: Sequence[StoredLayer], paths: Sequence[list[str]], block: list[str], without: int | None
) -> frozenset[str]:
    """What the convolutions under a name are called there, but for one of them."""
    return frozenset(
        ".".join(path[len(block) :])
        for place, (stored, path) in enumerate(zip(layers, paths, strict=True))
        if path[: len(block)] == block and isinstance(stored.layer, Conv2d) and place != without
    )


def _within(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return other[0] <= one[0] and one[1] <= other[1]
