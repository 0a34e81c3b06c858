"""Sees every operation of a torch program, module or function, without weights and without arithmetic.

A function mode stands between the program and torch. Tensors live on the meta device, where they have a shape and no
memory; known operations take their shapes from the rules, so that torch's own meta kernels, whose first use loads a
second's worth of Python, are needed for unknown operations alone. Where a program needs values, `values=True` lets
every operation compute, and the rules only watch.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from vggcost.formulas import forward
from vggcost.frameworks.pytorch import operators, regions
from vggcost.frameworks.pytorch.beneath import FLATTENING, REFUSALS, Beneath
from vggcost.frameworks.pytorch.calls import UNSEEN, Calls
from vggcost.frameworks.pytorch.free import is_free
from vggcost.frameworks.pytorch.names import (
    COPIES,
    FACTORIES,
    LIKES,
    PASSIVE,
    VALUE_SEEKERS,
    VIEWS,
    writes,
)
from vggcost.frameworks.pytorch.opened import opened
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.frameworks.pytorch.recording import Recording, StoppedError, first_line
from vggcost.frameworks.pytorch.sizes import ASK_SIZES, sizes
from vggcost.frameworks.pytorch.stored import parts_of
from vggcost.frameworks.pytorch.tensors import Tensors, found_in, weightless
from vggcost.network import foreign_layers, layers
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    Function = Callable[..., Any]
    Args = tuple[Any, ...]
    Kwargs = dict[str, Any]

LARGE_ELEMENTS = 1 << 16
"""From this many elements on, a tensor that the program fills gets no memory; smaller ones keep their values."""

LEAVING = frozenset(("numpy", "__array__"))
"""How the network's tensors leave torch, and what is done with them is not seen."""

TRACING = "tracing"
"""What a constructor asks values for that has torch trace or export a model."""

DTYPE_COPIES = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "long": torch.int64,
    "int": torch.int32,
    "short": torch.int16,
    "char": torch.int8,
    "byte": torch.uint8,
    "bool": torch.bool,
    "chalf": torch.complex32,
    "cfloat": torch.complex64,
    "cdouble": torch.complex128,
}
"""The methods that change the dtype to the one they are named for."""


class Trace(TorchFunctionMode):
    """Watches one construction (model is None) or one forward call of a model.

    values: let every operation compute. recording has what was seen.
    """

    def __init__(self, model: nn.Module | None = None, *, values: bool = False) -> None:
        super().__init__()
        self.tensors = Tensors(model, values=values)
        self.recording = Recording(model, self.tensors)
        self.calls = Calls(model, lambda: len(self.recording.operations))
        self.beneath = Beneath(self.tensors, self.recording, self.calls, values=values)
        self._values = values
        self._running = model is not None

    def __torch_function__(
        self,
        func: Function,
        types: Any,  # torch's signature
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        """Answer one call of the program."""
        kwargs = kwargs or {}
        if not self._running and _torch_traces():
            raise self.recording.asked(TRACING)
        name = operators.name_of(func)
        if self._running and _torch_transforms():
            with self.beneath.listening(True, name.strip("_")):
                return func(*args, **kwargs)  # it is a whole batch's that arrives beneath, and what gradients cost, too
        tensors = found_in((args, kwargs))
        live = any(map(self.tensors.is_live, tensors))
        if self._running and tensors and writes(name):
            self.tensors.protect(tensors[0])
        before, made = len(self.calls.functions), len(self.recording.operations)
        with self.beneath.listening(False):
            result = self._answer(name, func, args, kwargs, live=live)
        if self._running and name not in UNSEEN and len(self.calls.functions) == before:
            self.calls.add(func, args, kwargs, result, made)
        if self._running and not self._values:
            self.calls.laid_out(name, args, result)
        if self._values and live:
            for tensor in found_in(result):
                self.tensors.follow(tensor)
        if self._running and tensors and not _makes_anew(name):
            self.tensors.hand_on(tensors, result, written=writes(name))
        if self._running and name in ASK_SIZES:
            return sizes(name, result, self.calls.size_product)
        return result

    def _answer(  # noqa: C901, PLR0911  # one line a sort of call
        self, name: str, func: Function, args: Args, kwargs: Kwargs, *, live: bool
    ) -> Any:
        if name == "__get__":
            return self._property(func, args)
        if name in PASSIVE or (name == "type" and len(args) == 1):
            return func(*self.tensors.looked_up(args), **kwargs)
        if name in FACTORIES:
            return self._make(name, func, args, kwargs)
        if _makes_anew(name):
            return self._make_alike(func, args, kwargs)
        if name in VALUE_SEEKERS:
            return self._value(name, func, args, kwargs, live=live)
        if name in COPIES:
            return self._copy(name, func, args, kwargs)
        if not live:
            return self._compute(func, args, kwargs)
        if not self._running:
            return self._construct(name, func, args, kwargs)
        if isinstance(func, torch._ops.HigherOrderOperator):  # noqa: SLF001  # torch has no public name for it
            return self._region(name, func, args, kwargs)
        if name in VIEWS or getattr(func, "is_view", False):
            return self._view(name, func, args, kwargs)
        inside = opened(func)
        if inside is not None:
            with self:
                return inside(*args, **kwargs)
        plan = self._plan(func, args, kwargs)
        if plan is not None and (plan.beside or plan.places or not operators.gives_several(func)):
            return self._apply(name, plan, func, args, kwargs)
        return self._unknown(name, func, args, kwargs)

    # Calls that compute nothing of the network

    def _property(self, func: Function, args: Args) -> Any:
        which = getattr(getattr(func, "__self__", None), "__name__", "")
        result = func(*(args if which in ("device", "is_cuda", "grad") else self.tensors.looked_up(args)))
        if isinstance(result, torch.Tensor):
            self.tensors.show(found_in(args), result)
        return result

    def _make(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """A tensor of a given size: without memory if nothing is in it, or much."""
        if self._values or "out" in kwargs:
            return func(*args, **kwargs)
        weightless = name.startswith("empty") or _asked_elements(args, kwargs) >= LARGE_ELEMENTS
        if not weightless and str(kwargs.get("device")) != "meta":
            return func(*args, **_here(kwargs))
        given = {key: value for key, value in kwargs.items() if key not in ("generator", "pin_memory", "device")}
        if name in ("rand", "randn", "normal"):
            size = given.pop("size", None)
            shape = args if name != "normal" else tuple(arg for arg in args if isinstance(arg, list | tuple))
            return torch.empty(*(shape if size is None else (size,)), **given, device="meta")
        return func(*args, **given, device="meta")

    def _make_alike(self, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """A tensor like another: without memory if that has none."""
        args = self.tensors.looked_up(args)
        if any(tensor.is_meta for tensor in found_in(args)):
            return func(*args, **{**kwargs, "device": "meta"})
        return func(*args, **(kwargs if self._values else _here(kwargs)))

    def _value(self, name: str, func: Function, args: Args, kwargs: Kwargs, *, live: bool) -> Any:
        looked_up = self.tensors.looked_up(args)
        if not any(tensor.is_meta for tensor in found_in(looked_up)):
            if name in LEAVING and live and self._running:
                shape = tuple(args[0].shape)
                plan = Plan(foreign_layers.Uncounted, {"operation": name.strip("_")}, shape, shape, Ledger())
                self.recording.add(name, plan, [args[0]], note="what is done outside torch is not seen")
            return func(*looked_up, **kwargs)
        # A live model's parameters have values of their own, whatever stands in for them.
        if any(tensor.is_meta for tensor in found_in(args)):
            raise self.recording.asked(name)
        return func(*args, **kwargs)

    def _compute(self, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """Let torch compute on values that are no activations: sizes, tables, statistics."""
        return func(*self.tensors.looked_up(args), **self.tensors.looked_up(kwargs if self._values else _here(kwargs)))

    def _construct(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """While a model is built: nothing is filled, nothing is recorded, everything has a shape."""
        if name not in VIEWS:
            if writes(name):
                target: torch.Tensor = args[0] if args else kwargs["tensor"]
                if not target.is_meta:
                    raise self.recording.asked(name)  # it has values, which would change
                return target
            plan = self._plan(func, args, kwargs)
            if plan is not None and plan.problem is None:
                return self._output(name, plan, args)
        return func(*self.tensors.weightless(args), **self.tensors.weightless(kwargs))

    def _copy(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """Another dtype; another device changes nothing, for no device is needed."""
        if self._values:
            result = func(*self.tensors.looked_up(args), **kwargs)
            self.tensors.show(found_in(args[:1]), result)
            return result
        tensor = self.tensors.looked_up(args[0])
        dtype = DTYPE_COPIES.get(name, tensor.dtype)
        for value in (*args[1:], *kwargs.values()) if name in ("to", "type", "type_as") else ():
            if isinstance(value, torch.Tensor):
                dtype = value.dtype
            elif isinstance(value, torch.dtype):
                dtype = value
        if dtype == tensor.dtype:
            return args[0]
        result = torch.empty_like(tensor, dtype=dtype) if tensor.is_meta else tensor.to(dtype)
        self.tensors.show([args[0]], result)
        return result

    def _view(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        inputs = self.tensors.weightless(args)
        try:
            result = func(*inputs, **self.tensors.weightless(kwargs))
        except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
            if not self._values and "meta" in str(error).lower():
                raise self.recording.asked(name) from error
            return self._misshapen(name, inputs, kwargs, error)
        self.tensors.show(found_in(args[:1]), result)
        source = inputs[0] if inputs else None
        if isinstance(result, torch.Tensor) and isinstance(source, torch.Tensor):
            flat = source.dim() > 2 and result.dim() == 2 and name in FLATTENING
            if flat and not self.tensors.ownership.owns(result):
                self.recording.add(
                    name, Plan(layers.Flatten, {}, tuple(source.shape), tuple(result.shape), Ledger()), []
                )
            self.tensors.as_old_as(source, result)
        return result

    def _misshapen(self, name: str, args: Any, kwargs: Kwargs, error: Exception) -> torch.Tensor:
        """Record a view that does not work; where its target is plain, go on with that."""
        shape = tuple(args[0].shape) if args and isinstance(args[0], torch.Tensor) else ()
        target: Any = args[1:] if len(args) != 2 or isinstance(args[1], int) else args[1]
        target = tuple(target or kwargs.get("shape") or kwargs.get("size") or ())
        plain = name in ("view", "reshape") and bool(target) and all(isinstance(side, int) for side in target)
        turn = f"cannot turn {shape_text(shape)} into {shape_text(target)}: " if plain else ""
        self.recording.fail(name, None, turn + first_line(error), (shape,))
        if not plain or self._values:
            self.recording.doubtful = True  # with values, indices may be others
            raise StoppedError from error
        output = tuple(1 if side == -1 else int(side) for side in target)
        self.recording.add(name, Plan(foreign_layers.Free, {"operation": name}, shape, output, Ledger()), [])
        return torch.empty(output, device="meta")

    # Calls that are the network

    def _plan(self, func: Function, args: Args, kwargs: Kwargs) -> Plan | None:
        """What the rules say of a call; None where there is no rule for it, or not for these arguments.

        What a rule raises is no answer either: torch then answers, and the operators beneath are counted or named.
        """
        if kwargs.get("out") is not None:
            return None
        try:
            args, kwargs = self.tensors.looked_up(args), self.tensors.looked_up(kwargs)
            return operators.planned(func, args, kwargs, self.tensors.ownership.owns)
        except Exception:  # noqa: BLE001  # whatever it is, the program is not to blame
            return None

    def _output(self, name: str, plan: Plan, args: Args) -> torch.Tensor:
        return weightless(plan.output, _dtype_of(name, args))

    def _apply(self, name: str, plan: Plan, func: Function, args: Args, kwargs: Kwargs) -> Any:
        if plan.problem is not None:
            self.recording.fail(name, plan, plan.problem, plan.shapes)
        self.recording.add(name, plan, *parts_of((args, kwargs)))
        place = len(self.recording.operations)
        if self._values:
            if plan.problem is not None:
                raise StoppedError
            return self.tensors.born(func(*self.tensors.looked_up(args), **self.tensors.looked_up(kwargs)), place)
        if writes(name) or kwargs.get("inplace"):
            target = args[0] if args else kwargs["input"]
            self.tensors.stand_in(target)
            return self.tensors.born(target, place)
        output = self._output(name, plan, args)
        if not (plan.beside or plan.places):
            return self.tensors.born(output, place)
        beside = [weightless(shape, output.dtype) for shape in plan.beside]
        places = [weightless(shape, torch.int64) for shape in plan.places]
        return self.tensors.born((output, *beside, *places), place)

    def _region(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """A part of an exported program that is handed over as a function: run it as a part of the program."""
        try:
            body = regions.body(name, args, kwargs)
        except regions.UndecidedError:
            raise self.recording.asked(name) from None
        if body is None:
            return self._whole(name, func, args, kwargs)
        with self.beneath.listening(True), self:
            return body()

    def _whole(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """An operator that is given functions, and compiles them: nobody may watch it, so it is one operation."""
        tensors, packed = parts_of((args, kwargs))
        shape = tuple(tensors[0].shape) if tensors else ()
        plan = Plan(foreign_layers.Uncounted, {"operation": name}, shape, shape, Ledger())
        try:
            with operators.unwatched():
                result = func(*self.tensors.weightless(args), **self.tensors.weightless(kwargs))
        except REFUSALS as error:
            raise self.recording.refused(name, tensors, error, values=self._values) from error
        self.recording.add(name, operators.planned(func, args, kwargs, self.tensors.is_weight) or plan, tensors, packed)
        return self.tensors.born(result, len(self.recording.operations))

    def _unknown(self, name: str, func: Function, args: Args, kwargs: Kwargs) -> Any:
        """Let torch answer, and record the operators that it runs; the function itself where none of them is work."""
        tensors, packed = parts_of((args, kwargs))
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        before, failed = len(self.recording.operations), len(self.recording.failures)
        try:
            with self.beneath.listening(not is_free(name), name.strip("_"), packed):
                result = func(*self.tensors.weightless(args), **self.tensors.weightless(kwargs))
        except REFUSALS as error:
            if len(self.recording.failures) > failed:
                raise StoppedError from error  # an operator beneath has said why
            raise self.recording.refused(name, tensors, error, values=self._values) from error
        outputs = found_in(result)
        if self.recording.fold(before) and outputs:
            shape = tuple(outputs[0].shape)
            fields = {"operation": name.strip("_")}
            plan = Plan(foreign_layers.Free, fields, shapes[0] if shapes else shape, shape, Ledger())
            self.recording.add(name, plan, tensors, packed)
            self.tensors.born(result, len(self.recording.operations))
        return result


def _dtype_of(name: str, args: Args) -> torch.dtype | None:
    """The dtype of what tensors give; integers alone give integers, unless they meet a float or are divided."""
    tensors = found_in(args)
    floating = next((each.dtype for each in tensors if each.is_floating_point() or each.is_complex()), None)
    if floating is not None or not tensors or "div" in name or any(isinstance(each, float) for each in args):
        return floating
    return reduce(torch.promote_types, (each.dtype for each in tensors))


def _torch_transforms() -> bool:
    """Whether torch.func maps or differentiates a function, and its tensors are wrapped for that."""
    return torch._C._functorch.maybe_current_level() is not None  # noqa: SLF001  # its only name


def _torch_traces() -> bool:
    """Whether torch itself is tracing or exporting, and would take what the trace answers for the program."""
    return torch._C._is_tracing() or torch._C._len_torch_dispatch_stack() > 0  # noqa: SLF001  # torch types no others


def _makes_anew(name: str) -> bool:
    """Whether a function takes nothing but size and dtype from its tensor."""
    return name in LIKES or name.startswith("new_")


def _here(kwargs: Kwargs) -> Kwargs:
    """The same keywords without a device that may not be here; shapes need none."""
    return {**kwargs, "device": "cpu"} if kwargs.get("device") is not None else kwargs


def _asked_elements(args: Args, kwargs: Kwargs) -> int:
    size = kwargs.get("size", next((arg for arg in args if isinstance(arg, list | tuple)), None))
    if size is None:
        size = [arg for arg in args if isinstance(arg, int)]
    return forward.elements(int(side) for side in size)
