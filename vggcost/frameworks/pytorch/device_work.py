"""Whether a call of torch's makes a device work: what reaches it and is no mere look at memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def device_work() -> Iterator[list[Any]]:
    """Collect the operators that torch hands to a device meanwhile, views left out.

    A layer that writes over its input is among them, though its output lies where its input lay. Inference mode would
    hand composite operators on whole, and a dropout that does nothing would look like work; so it is off meanwhile.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    found: list[Any] = []

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's mode has no types
        """Notes each operator and lets it run."""

        def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if not func.is_view:
                found.append(func)
            return func(*args, **(kwargs or {}))

    with torch.inference_mode(mode=False), torch.no_grad(), Watch():  # type: ignore[no-untyped-call]  # the same
        yield found
