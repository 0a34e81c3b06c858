from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def nothing_old_to_collect() -> Iterator[None]:
    """A measurement collects garbage first: let it not look through all that other tests have imported."""
    gc.freeze()
    yield
    gc.unfreeze()
