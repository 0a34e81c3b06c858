"""Costs in tests: `assert_cost` for any of them, and the pytest plugin, which has the same as a fixture and a lock.

This module and the plugin load nothing until a test uses them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

__all__ = ["assert_cost"]

IMAGE = (1, 3, 224, 224)
"""What a model is given where nothing is said: one image of the paper's size."""


def assert_cost(
    model: Any,
    input: Any = IMAGE,  # noqa: A002  # what it is
    *,
    params: int | None = None,
    macs: int | None = None,
    like: str | os.PathLike[str] | Any = None,
) -> None:
    """Hold a live model to what it should cost; the failure names the layers that are others.

    model and input are as `vggcost.audit` takes them: a torch.nn.Module or a Keras model, and a shape, batch first.
    params is the number of its parameters, frozen or not, each counted once [elements], macs that of the
    multiply-accumulates of one forward call [MAC]. like is a configuration's name or a network file, as
    ``vggcost audit --like`` takes it, or another live model, which it has to be layer by layer. Where input is left
    away, it is an image of the size and channels that the network file writes.

    Raises:
        AssertionError: the model cannot run, or it costs or is something else.
        VggcostError: none of params, macs and like is given, or one of them is no such thing.
    """
    __tracebackhide__ = True
    from vggcost.errors import VggcostError
    from vggcost.testing.costs import complaint

    try:
        text = complaint(model, input, params=params, macs=macs, like=like)
    except VggcostError as error:
        raise error.with_traceback(None) from None
    if text is not None:
        raise AssertionError(text)
