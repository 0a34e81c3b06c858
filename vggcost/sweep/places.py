"""Places of a block: slices or single points of what is as long as an axis, or has one value for all of it."""

from __future__ import annotations

from typing import Any

import numpy as np

NOTHING = int(np.iinfo(np.int64).min)
"""Stands where there is no number: a tool that gives no total, training in a dtype without gradients."""


def taken(value: Any, places: tuple[Any, ...]) -> Any:
    """Return a slice, or single points, of what broadcasts to a block: an axis of length 1 has the same everywhere."""
    if np.ndim(value) == 0:
        return value
    own = places[len(places) - np.ndim(value) :]
    return value[tuple(place if length > 1 else _first(place) for place, length in zip(own, value.shape, strict=True))]


def _first(place: Any) -> Any:
    return slice(0, 1) if isinstance(place, slice) else 0
