"""Sees the operators that torch runs beneath its Python functions: from C++, from compiled and from generated code.

Every piece of work is recorded once: while the trace answers a call of the program that it records itself, the
operators of that call are not listened to. What arrives at other times is the work of scripted and traced parts, of
extensions, and of functions that vggcost has no rule for. It has an operator's rule, is known to be free, or is
recorded as not counted.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vggcost.frameworks.pytorch import operators
from vggcost.frameworks.pytorch.names import LIKES
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.frameworks.pytorch.recording import StoppedError, first_line
from vggcost.frameworks.pytorch.stored import parts_of
from vggcost.frameworks.pytorch.tensors import found_in, mapped, weightless
from vggcost.network import foreign_layers, layers
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.frameworks.pytorch.calls import Calls
    from vggcost.frameworks.pytorch.recording import Recording
    from vggcost.frameworks.pytorch.tensors import Tensors

    Args = tuple[Any, ...]
    Kwargs = dict[str, Any]

REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
"""What torch raises for arguments that do not fit; NotImplementedError, for what has no kernel, is a RuntimeError."""


class Beneath(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """Answers operators with tensors without memory, or with values, and records them while it listens."""

    supports_higher_order_operators = True

    def __init__(self, tensors: Tensors, recording: Recording, calls: Calls, *, values: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types there
        self._tensors = tensors
        self._recording = recording
        self._calls = calls
        self._values = values
        self._listens = True
        self._inside: str | None = None
        self._packed: Sequence[Any] = ()
        self._kept: list[Any] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not: the decorator that skips it imports torch._dynamo, two seconds' worth of Python."""
        return False

    @contextmanager
    def listening(self, listens: bool, inside: str | None = None, packed: Sequence[Any] = ()) -> Iterator[None]:
        """Listen, or do not, until the block ends.

        inside names the function whose operators these are, packed are the weights that it is given: an operator gets
        other Python objects for the same.
        """
        before = self._listens, self._inside, self._packed
        self._listens, self._inside, self._packed = listens, inside, packed
        try:
            yield
        finally:
            self._listens, self._inside, self._packed = before

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,  # torch's signature
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        """Answer one operator."""
        if not self._listens:
            return func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():  # noqa: SLF001  # torch has no public name that stops modes, too
            if not hasattr(func, "_schema"):
                return self._function_of_functions(func, args, kwargs or {})
            return self._answer(func, args, kwargs or {})

    def _function_of_functions(self, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """An operator that is given a part of the program: what it runs then is not seen, and it is named."""
        tensors = found_in((args, kwargs))
        name = operators.name_of(func)
        try:
            result = func(*self._tensors.weightless(args), **self._tensors.weightless(kwargs))
        except REFUSALS as error:
            raise self._recording.refused(name, tensors, error, values=self._values) from error
        shape = tuple(tensors[0].shape) if tensors else ()
        self._recording.add(name, Plan(foreign_layers.Uncounted, {"operation": name}, shape, shape, Ledger()), tensors)
        return self._handed_on(result)

    def _answer(self, func: Any, args: Args, kwargs: Kwargs) -> Any:
        tensors, packed = parts_of((args, kwargs))
        if not self._values and not any(map(self._tensors.is_live, tensors)):
            written = self._protect(func, args, kwargs)
            made = func(*self._tensors.looked_up(args), **self._tensors.looked_up(kwargs))
            self._tensors.hand_on(tensors, made, written=written)
            return made
        name = operators.name_of(func)
        if not self._values and operators.asks_values(func):
            raise self._recording.asked(name)
        written = self._protect(func, args, kwargs)
        plan, reason = self._plan(func, args, kwargs)
        if self._inside is None:
            packed = [*packed, *filter(self._tensors.is_constant, tensors)]
        made = len(self._recording.operations)
        try:
            result = self._computed(func, args, kwargs)
        except REFUSALS as error:
            result = self._refused(name, plan, tensors, func, error)
        else:
            self._record(name, func, plan, reason, tensors, packed, result)
            if name not in LIKES:
                self._tensors.hand_on(tensors, result, written=written)
            if self._inside is None and len(self._recording.operations) > made:
                self._calls.add(func, args, kwargs, result, made)
        return self._handed_on(result)

    def _protect(self, func: Any, args: Args, kwargs: Kwargs) -> bool:
        """Keep the model's own tensors from what is written to them; whether something is."""
        written = operators.written(func, args, kwargs)
        for tensor in written:
            self._tensors.protect(tensor)
        return bool(written)

    def _plan(self, func: Any, args: Args, kwargs: Kwargs) -> tuple[Plan | None, str | None]:
        """What the rules say of an operator, or why they say nothing although there is one."""
        is_weight = self._tensors.is_weight if self._inside is None else self._tensors.ownership.owns
        try:
            return operators.planned(func, args, kwargs, is_weight), None
        except Exception as error:  # noqa: BLE001  # a rule's fault is named in its row, and stops nothing
            return None, f"its rule raises {type(error).__name__}: {first_line(error)}"

    def _computed(self, func: Any, args: Args, kwargs: Kwargs) -> Any:
        inputs, options = self._tensors.weightless(args), self._tensors.weightless(kwargs)
        if not self._values and options.get("device") is not None:
            options = {**options, "device": "meta"}
        result = func(*inputs, **options)
        # What is written in place comes back as the tensor that the program has, not as the one that stands for it.
        own = {id(after): before for before, after in zip(found_in(args), found_in(inputs), strict=True)}
        own |= {id(after): before for before, after in zip(found_in(kwargs), found_in(options), strict=True)}
        return mapped(result, lambda tensor: own.get(id(tensor), tensor))

    def _refused(self, name: str, plan: Plan | None, tensors: list[torch.Tensor], func: Any, error: Exception) -> Any:
        """Record that an operator does not fit what reaches it; where its output is plain, go on with that."""
        if plan is None or plan.problem is None:
            raise self._recording.refused(name, tensors, error, values=self._values) from error
        self._recording.fail(name, plan, plan.problem, plan.shapes)
        self._recording.add(name, plan, tensors)
        if self._values or operators.gives_several(func):
            raise StoppedError from error
        return weightless(plan.output, next((each.dtype for each in tensors if each.is_floating_point()), None))

    def _record(
        self,
        name: str,
        func: Any,
        plan: Plan | None,
        reason: str | None,
        tensors: list[torch.Tensor],
        packed: list[Any],
        result: Any,
    ) -> None:
        """Record an operator that torch has answered."""
        outputs = found_in(result)
        if reason is None and (operators.is_silent(func, name) or (operators.asks_values(func) and not outputs)):
            self._record_move(name, tensors, result)
            return
        shape = tuple(tensors[0].shape) if tensors else ()
        output = tuple(outputs[0].shape) if outputs else ()
        if plan is not None and plan.output != output:
            reason = f"its rule gives {shape_text(plan.output)}, and torch {shape_text(output)}"
        if plan is None or reason is not None:
            known = reason is None and operators.is_free(name)
            kind = foreign_layers.Free if known else foreign_layers.Uncounted
            operation = name.removesuffix("_") if known else self._inside or name
            plan = Plan(kind, {"operation": operation}, shape, output, Ledger())
        self._recording.add(name, plan, tensors, self._packed or packed if packed else (), reason)
        self._tensors.born(result, len(self._recording.operations))

    def _record_move(self, name: str, tensors: list[torch.Tensor], result: Any) -> None:
        """Let what is moved or copied stay what it was: a parameter, or as old as its source."""
        if name not in LIKES:
            self._tensors.show(tensors[:1], result)
        if not tensors or not isinstance(result, torch.Tensor):
            return
        source, output = tuple(tensors[0].shape), tuple(result.shape)
        if name in FLATTENING and len(source) > 2 and len(output) == 2 and not self._tensors.ownership.owns(result):
            self._recording.add(name, Plan(layers.Flatten, {}, source, output, Ledger()), [])
        self._tensors.as_old_as(tensors[0], result)

    def _handed_on(self, result: Any) -> Any:
        """The result, known as one that the network works on; without values it is kept, for it costs nothing."""
        outputs = found_in(result)
        if self._values:
            for tensor in outputs:
                self._tensors.follow(tensor)
        else:
            self._kept += outputs
        return result


FLATTENING = frozenset(("view", "reshape", "flatten", "_unsafe_view", "_reshape_alias", "_reshape_copy"))
"""What may turn feature maps into rows of features."""
