"""tabulate, loaded without what it does not need."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

METADATA = "importlib.metadata"


def tabulate_loaded() -> Callable[..., str]:
    """Return tabulate's function.

    Since 0.10 the package asks importlib.metadata for its own version when it is loaded. What that loads (zipfile,
    email, socket) takes longer than counting a network and showing it, so that the version is left to whoever asks.
    """
    if "tabulate" in sys.modules or METADATA in sys.modules:
        import tabulate
    else:
        sys.modules[METADATA] = _NoMetadata(METADATA)
        try:
            import tabulate
        finally:
            del sys.modules[METADATA]
        if vars(tabulate).get("__version__") == UNKNOWN:
            del tabulate.__version__
            vars(tabulate)["__getattr__"] = _late
    return tabulate.tabulate


UNKNOWN = "unknown"
"""What tabulate takes for its version where no package of its name is installed."""


class _NoMetadata(ModuleType):
    """What tabulate imports of importlib.metadata."""

    PackageNotFoundError = LookupError

    @staticmethod
    def version(name: str) -> str:
        """As for a package that is not installed."""
        raise LookupError(name)


def _late(name: str) -> str:
    """The version of tabulate, as pandas asks for it."""
    if name != "__version__":
        raise AttributeError(f"module 'tabulate' has no attribute {name!r}")
    from importlib.metadata import version

    return version("tabulate")
