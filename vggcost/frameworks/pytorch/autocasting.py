"""torch.autocast on a CPU without memory: what mixed precision is followed on, for autocast has no effect on meta."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from vggcost.frameworks.pytorch.storages import StorageFollower


def with_wide_statistics(args: tuple[Any, ...], result: Any) -> Any:
    """Return a batch normalization's output, and its batch's mean and deviation in float32 where devices keep them so.

    Without values torch says that they are as narrow as the input. CUDA has them in float32 (the meta device is taken
    for that), the CPU where the weight, the bias or the running statistics are, as under autocast.
    """
    output, *statistics = result
    given, *parameters = args[:5]
    wide = given.is_meta or any(each is not None and each.dtype == torch.float32 for each in parameters)
    if wide and given.dtype in (torch.float16, torch.bfloat16):
        statistics = [each.float() for each in statistics]
    return (output, *statistics)


class StatisticsAsKernelsKeepThem(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """A batch's mean and deviation as devices keep them; see `with_wide_statistics`."""

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,  # torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operator."""
        result = func(*args, **(kwargs or {}))
        return with_wide_statistics(args, result) if func is torch.ops.aten.native_batch_norm.default else result


class Casts(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """Notes which of the storages that are followed are casts of these parameters, and what each cast was made from."""

    def __init__(self, followed: StorageFollower, parameters: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.of_weights: set[int | None] = set()
        self.sources: dict[int | None, int | None] = {}
        self._followed = followed
        self._parameters = tuple(parameters)

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,  # torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operator and look whether it casts, and what."""
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default:  # noqa: SLF001  # torch's name of a cast
            number = self._followed.number(result)
            self.sources[number] = self._followed.number(args[0])
            if any(args[0] is each for each in self._parameters):
                self.of_weights.add(number)
        return result


@contextmanager
def cpu_without_memory() -> Iterator[None]:
    """Make every tensor of a CPU one without memory, as wide as kernels make it."""
    with FakeTensorMode(), StatisticsAsKernelsKeepThem():  # type: ignore[no-untyped-call]  # the same
        yield


def autocast(mixed: str | None) -> AbstractContextManager[Any]:
    """Return a region of torch.autocast to this low precision; one that does nothing for None."""
    return nullcontext() if mixed is None else torch.autocast("cpu", getattr(torch, mixed))
