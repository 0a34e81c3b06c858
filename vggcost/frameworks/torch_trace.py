"""Sees every operation of a torch program, module or function, without weights and without arithmetic.

A function mode stands between the program and torch. Tensors live on the meta device, where they have a shape and no
memory; known operations take their shapes from `torch_rules`, so that torch's own meta kernels, whose first use loads a
second's worth of Python, are needed for unknown operations alone. Where a program needs values, `values=True` lets
every operation compute, and the rules only watch.
"""

from __future__ import annotations

import os
import sys
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from vggcost import layers, read_layers
from vggcost.frameworks import torch_rules
from vggcost.frameworks.torch_rules import Plan
from vggcost.ledger import Ledger
from vggcost.reading import Failure, Operation
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from torch import nn

LARGE_ELEMENTS = 1 << 16
"""From this many elements on, a tensor that a constructor fills gets no memory; smaller ones keep their values."""

PASSIVE = frozenset(
    (
        *("size", "dim", "ndimension", "stride", "numel", "nelement", "is_contiguous", "is_floating_point", "is_complex"),
        *("__len__", "element_size", "storage_offset", "get_device", "data_ptr", "requires_grad_", "_set_grad_enabled"),
        *("_version", "__hash__", "__repr__", "__format__", "is_tensor", "result_type", "can_cast", "register_hook"),
        *("has_names", "is_same_size", "is_signed", "is_inference", "is_pinned", "is_shared", "__setstate__", "__reduce_ex__"),
        *("_has_compatible_shallow_copy_type", "set_grad_enabled", "get_default_dtype", "__set__", "__delete__"),
    )
)
"""What only asks, or sets a flag."""

VIEWS = frozenset(
    (
        *("view", "reshape", "flatten", "unflatten", "ravel", "permute", "transpose", "swapaxes", "movedim", "t", "adjoint"),
        *("squeeze", "unsqueeze", "expand", "expand_as", "view_as", "reshape_as", "narrow", "select", "chunk", "split"),
        *("unbind", "__iter__", "tensor_split", "detach", "contiguous", "clone", "alias", "detach_", "__getitem__"),
        *("channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "diagonal", "broadcast_to", "split_with_sizes", "repeat"),
        *("squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "as_subclass", "_make_subclass", "deepcopy", "__deepcopy__"),
    )
)
"""What moves or renames elements and computes nothing; torch itself works out their shapes."""

COPIES = frozenset(("to", "cuda", "cpu", "float", "double", "half", "bfloat16", "type", "type_as", "xpu", "mps"))
"""What changes the device or dtype. Nothing moves here: all tensors are without memory, on every device."""

DTYPE_COPIES = {"float": torch.float32, "double": torch.float64, "half": torch.float16, "bfloat16": torch.bfloat16}
"""The methods that change the dtype to the one they are named for."""

FACTORIES = frozenset(("zeros", "ones", "full", "rand", "randn", "normal", "empty", "empty_strided", "eye"))
"""What makes a tensor; empty ones have no values to lose, the others keep theirs while they are small."""

LIKES = frozenset(("empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like"))

VALUE_SEEKERS = frozenset(
    (
        *("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__complex__", "__array__"),
        *("nonzero", "unique", "masked_select", "equal", "allclose", "is_nonzero", "argwhere", "bincount", "__contains__"),
    )
)
"""What asks for values, or has an output whose shape depends on them."""

FREE_NATIVE = frozenset(
    (
        *("stack", "hstack", "vstack", "sum", "amax", "amin", "max", "min", "argmax", "argmin", "var", "std", "norm"),
        *("eq", "ne", "lt", "le", "gt", "ge", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "where"),
        *("masked_fill", "embedding", "one_hot", "logical_not", "logical_and", "topk", "sort", "gather", "index_select"),
        *("adaptive_max_pool2d", "adaptive_avg_pool1d", "max_pool1d", "avg_pool1d", "tril", "triu", "prod", "all", "any"),
        *("cumprod", "logsumexp", "dstack", "arange", "linspace", "tensor", "meshgrid", "glu"),
    )
)
"""What is known to do no multiply-accumulate, and whose shapes torch works out."""


class NeedsValuesError(BaseException):
    """The program asks a tensor for its values, and there are none. No program's `except Exception` catches it."""

    def __init__(self, operation: str, source: str | None) -> None:
        super().__init__(operation)
        self.operation = operation
        self.source = source


class StoppedError(Exception):
    """The program cannot go on; the failure is recorded."""


class Trace(TorchFunctionMode):
    """Watches one construction (model is None) or one forward call of a model.

    values: let every operation compute. operations and failures are filled in execution order; doubtful says that a
    failure came from torch's meta kernels and not from a rule.
    """

    def __init__(self, model: nn.Module | None = None, *, values: bool = False) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.failures: list[Failure] = []
        self.loose_params = 0
        self.doubtful = False
        self._values = values
        self._recording = model is not None
        self._modules: dict[int, str] = {}
        self._names: dict[str, int] = {}
        self._owned: dict[int, tuple[int, ...]] = {}
        self._sizes: dict[int, int] = {}
        self._own: set[int] = set()
        self._seen: set[int] = set()
        self._stand_ins: dict[int, torch.Tensor] = {}
        self._followed: dict[int, weakref.ref[torch.Tensor]] = {}
        self._born: dict[int, tuple[int, weakref.ref[torch.Tensor]]] = {}
        self._kept: list[object] = []
        if model is not None:
            self._modules = {id(module): path for path, module in model.named_modules()}
            for parameter in model.parameters():
                self._owned[id(parameter)] = (id(parameter),)
                self._sizes[id(parameter)] = parameter.numel()
            self._own = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ARG002  # torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Answer one call of the program."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", str(func))
        tensors = _tensors((args, kwargs))
        live = any(map(self._is_activation if self._values else self._is_weightless, tensors))
        result = self._answer(name, func, args, kwargs, tensors, live=live)
        if self._values and live:
            for tensor in _tensors(result):
                self.follow(tensor)
        return result

    def _answer(
        self,
        name: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[torch.Tensor],
        *,
        live: bool,
    ) -> Any:
        if name == "__get__":
            return self._property(func, args)
        if name in PASSIVE or (name == "type" and len(args) == 1):
            return func(*self._lookup(args), **kwargs)
        if name in FACTORIES or name in LIKES or name.startswith("new_"):
            return self._make(name, func, args, kwargs)
        if name in VALUE_SEEKERS:
            return self._value(name, func, args, kwargs)
        if name in COPIES:
            return self._copy(name, func, args, kwargs)
        if not live:
            return self._compute(name, func, args, kwargs, tensors)
        if not self._recording:
            return self._construct(name, func, args, kwargs)
        if name in VIEWS:
            return self._view(name, func, args, kwargs)
        plan = self._plan(name, args, kwargs)
        if plan is not None:
            return self._apply(name, plan, func, args, kwargs)
        return self._unknown(name, func, args, kwargs)

    # What a tensor stands for

    def follow(self, tensor: torch.Tensor) -> None:
        """Take a tensor with values for one that the network works on: an input, or what was made of one."""
        self._followed[id(tensor)] = weakref.ref(tensor)

    def _is_activation(self, tensor: torch.Tensor) -> bool:
        known = self._followed.get(id(tensor))
        return id(tensor) in self._sizes or (known is not None and known() is tensor)

    def _is_weightless(self, tensor: torch.Tensor) -> bool:
        known = self._stand_ins.get(id(tensor))
        return tensor.is_meta or id(tensor) in self._sizes or (known is not None and known.is_meta)

    def _stand_in(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor without memory that the trace uses in a tensor's place; one written to gives way to what was written."""
        known = self._stand_ins.get(id(tensor))
        if known is not None:
            return known
        if self._values or tensor.is_meta or tensor.dim() == 0:
            return tensor
        twin = torch.empty_like(tensor, device="meta")
        self._keep(tensor, twin)
        return twin

    def _looked_up(self, tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) in self._sizes and not self._values:
            return self._stand_in(tensor)
        return self._stand_ins.get(id(tensor), tensor)

    def _keep(self, tensor: torch.Tensor, stand_in: torch.Tensor) -> None:
        self._stand_ins[id(tensor)] = stand_in
        self._kept += (tensor, stand_in)
        if id(tensor) in self._owned:
            self._owned[id(stand_in)] = self._owned[id(tensor)]

    def _weightless(self, tree: Any) -> Any:
        return _mapped(tree, self._stand_in)

    def _lookup(self, tree: Any) -> Any:
        """The same arguments, with values where they have some."""
        return _mapped(tree, self._looked_up)

    def _pass_ownership(self, sources: list[torch.Tensor], result: Any) -> None:
        owners = tuple(dict.fromkeys(owner for tensor in sources for owner in self._owned.get(id(tensor), ())))
        if owners:
            for tensor in _tensors(result):
                self._owned[id(tensor)] = owners
                self._kept.append(tensor)

    # Calls that compute nothing of the network

    def _property(self, func: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        which = getattr(getattr(func, "__self__", None), "__name__", "")
        result = func(*(args if which in ("device", "is_cuda", "grad") else self._lookup(args)))
        if isinstance(result, torch.Tensor):
            self._pass_ownership(_tensors(args), result)
        return result

    def _make(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = {key: value for key, value in kwargs.items() if key not in ("pin_memory", "out")}
        on_meta = any(tensor.is_meta for tensor in _tensors(self._lookup(args)))
        if name in LIKES or name.startswith("new_"):
            weightless = on_meta and not self._values
            args = self._lookup(args)
        elif "out" in kwargs:
            return func(*args, **kwargs)
        else:
            weightless = not self._values and (name.startswith("empty") or _asked_elements(args, kwargs) >= LARGE_ELEMENTS)
            weightless = weightless or str(given.get("device")) == "meta"
        if weightless:
            given.pop("generator", None)
            if name in ("rand", "randn", "normal", "randint"):
                func = torch.empty
                args = args if name != "normal" else tuple(arg for arg in args if isinstance(arg, list | tuple))
                size = given.pop("size", None)
                args = (size,) if size is not None else args
            return func(*args, **{**given, "device": "meta"})
        if not self._values and str(given.get("device", "cpu")).partition(":")[0] != "cpu":
            given["device"] = "cpu"  # another device may not be here, and shapes need none
        return func(*args, **given)

    def _value(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        looked_up = self._lookup(args)
        if any(tensor.is_meta for tensor in _tensors(looked_up)):
            # A live model's parameters have values of their own, whatever stands in for them.
            if any(tensor.is_meta for tensor in _tensors(args)):
                raise NeedsValuesError(name, self._where()[0])
            return func(*args, **kwargs)
        return func(*looked_up, **kwargs)

    def _compute(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[torch.Tensor]
    ) -> Any:
        """Let torch compute on values that are no activations: sizes, tables, statistics."""
        target = tensors[0] if tensors else None
        if target is not None and id(target) in self._own and id(target) not in self._stand_ins and _writes(name):
            self._keep(target, target.clone())  # the model's own buffers stay as they are
        if str(kwargs.get("device") or "cpu").partition(":")[0] != "cpu":
            kwargs = {**kwargs, "device": "cpu"}  # another device may not be here, and shapes need none
        return func(*self._lookup(args), **self._lookup(kwargs))

    def _construct(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """While a model is built: nothing is filled, nothing is recorded, everything has a shape."""
        if _writes(name) and name not in VIEWS:
            return args[0] if args else kwargs["tensor"]
        if name not in VIEWS:
            plan = self._plan(name, args, kwargs)
            if plan is not None and plan.problem is None:
                return self._output(plan, args)
        return func(*self._weightless(args), **self._weightless(kwargs))

    def _copy(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._values:
            return func(*args, **kwargs)
        tensor = self._looked_up(args[0])
        dtype = DTYPE_COPIES.get(name, tensor.dtype)
        for value in (*args[1:], *kwargs.values()) if name in ("to", "type", "type_as") else ():
            if isinstance(value, torch.Tensor):
                dtype = value.dtype
            elif isinstance(value, torch.dtype):
                dtype = value
        if dtype == tensor.dtype:
            return args[0]
        result = torch.empty_like(tensor, dtype=dtype) if tensor.is_meta else tensor.to(dtype)
        self._pass_ownership([args[0]], result)
        return result

    def _view(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = self._weightless(args)
        try:
            result = func(*inputs, **self._weightless(kwargs))
        except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
            if "meta" in str(error).lower():
                raise NeedsValuesError(name, self._where()[0]) from error
            return self._misshapen(name, inputs, kwargs, error)
        self._pass_ownership(_tensors(args), result)
        source = inputs[0] if inputs else None
        if isinstance(result, torch.Tensor) and isinstance(source, torch.Tensor):
            flat = source.dim() > 2 and result.dim() == 2 and name in ("view", "reshape", "flatten")
            if flat and not self._owned.get(id(result)):
                plan = Plan(layers.Flatten, {}, tuple(source.shape), tuple(result.shape), Ledger())
                self._record(name, plan, [])
            birth = self._born.get(id(source))
            if birth is not None:
                self._born[id(result)] = (birth[0], weakref.ref(result))
        return result

    def _misshapen(self, name: str, args: Any, kwargs: dict[str, Any], error: Exception) -> torch.Tensor:
        """Record a view that does not work; where its target is plain, go on with that."""
        shape = tuple(args[0].shape) if args and isinstance(args[0], torch.Tensor) else ()
        target = args[1:] if len(args) != 2 or isinstance(args[1], int) else args[1]
        target = tuple(target) or tuple(kwargs.get("shape", kwargs.get("size", ())))
        wanted = shape_text(tuple(target)) if target else ""
        problem = f"cannot turn {shape_text(shape)} into {wanted}" if wanted else _first_line(error)
        self._fail(name, None, f"{problem} ({_first_line(error)})" if wanted else problem, (shape,))
        if name not in ("view", "reshape") or not all(isinstance(side, int) for side in target):
            raise StoppedError from error
        output = tuple(1 if side == -1 else int(side) for side in target)
        self._record(name, Plan(read_layers.Free, {"operation": name}, shape, output, Ledger()), [])
        return torch.empty(output, device="meta")

    # Calls that are the network

    def _plan(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Plan | None:
        """What the rules say of a call; None where there is no rule for it, or not for these arguments."""
        args, kwargs = self._lookup(args), self._lookup(kwargs)
        bare = name.strip("_")
        written = bare.removeprefix("i") if bare in torch_rules.IN_PLACE and name.startswith("__i") else bare
        try:
            if name in ("relu", "relu_"):
                return torch_rules.relu(args[0] if args else kwargs["input"])
            if _writes(name) and (bare in torch_rules.IN_PLACE or name.startswith("__i")):
                return torch_rules.in_place(written, *args) if isinstance(args[0], torch.Tensor) else None
            rule = torch_rules.RULES.get(name)
            if rule is not None:
                _signature(rule).bind(*args, **kwargs)
                return rule(*args, **kwargs) if "out" not in kwargs else None
            if name in torch_rules.BINARY:
                operands = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
                return torch_rules.elementwise(bare, *operands)
            if name in torch_rules.UNARY or (_writes(name) and bare in torch_rules.UNARY):
                return torch_rules.elementwise(bare, next(iter((*args, *kwargs.values()))))
        except TypeError:
            return None  # a form of the call that the rule does not have; torch answers it
        return None

    def _output(self, plan: Plan, args: tuple[Any, ...]) -> torch.Tensor:
        like = next((tensor for tensor in _tensors(args) if tensor.is_floating_point()), None)
        return torch.empty(plan.output, dtype=None if like is None else like.dtype, device="meta")

    def _apply(self, name: str, plan: Plan, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tensors = _tensors((args, kwargs))
        if plan.problem is not None:
            self._fail(name, plan, plan.problem, plan.shapes)
        self._record(name, plan, tensors)
        in_place = _writes(name) or bool(kwargs.get("inplace"))
        if self._values:
            if plan.problem is not None:
                raise StoppedError
            return self._born_here(func(*self._lookup(args), **self._lookup(kwargs)))
        if in_place:
            target = args[0] if args else kwargs["input"]
            if not target.is_meta:
                self._stand_in(target)
            return self._born_here(target)
        output: torch.Tensor = self._born_here(self._output(plan, args))
        if name == "max_pool2d_with_indices" or kwargs.get("return_indices"):
            return output, torch.empty(plan.output, dtype=torch.int64, device="meta")
        return output

    def _unknown(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Let torch's meta kernel answer, and record what was asked."""
        tensors = _tensors((args, kwargs))
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        target = tensors[0] if tensors else None
        if self._values and target is not None and id(target) in self._own and _writes(name) and id(target) not in self._stand_ins:
            self._keep(target, target.clone())
        try:
            result = func(*self._weightless(args), **self._weightless(kwargs))
        except NotImplementedError as error:
            if self._values:
                raise
            raise NeedsValuesError(name, self._where()[0]) from error
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
            if not self._values and "meta" in str(error).lower():
                raise NeedsValuesError(name, self._where()[0]) from error
            self._fail(name, None, f"gets {' and '.join(map(shape_text, shapes))}: {_first_line(error)}", shapes)
            self.doubtful = True
            raise StoppedError from error
        outputs = _tensors(result)
        if outputs:
            bare = name.strip("_")
            kind = read_layers.Free if name in FREE_NATIVE or bare in FREE_NATIVE or _fills(name) else read_layers.Uncounted
            shape = tuple(outputs[0].shape)
            plan = Plan(kind, {"operation": bare}, shapes[0] if shapes else shape, shape, Ledger())
            self._record(name, plan, tensors)
        return self._born_here(result)

    # The record

    def _born_here(self, result: Any) -> Any:
        """Remember which operation made a tensor, so that an addition knows where its two ways parted."""
        for tensor in _tensors(result):
            self._born[id(tensor)] = (len(self.operations), weakref.ref(tensor))
        return result

    def _branch(self, tensors: list[torch.Tensor]) -> int:
        births = [self._born.get(id(tensor)) for tensor in tensors]
        ages = [birth[0] if birth and birth[1]() is tensor else 0 for birth, tensor in zip(births, tensors, strict=True)]
        return len(self.operations) - min(ages) if len(ages) > 1 else 0

    def _record(self, name: str, plan: Plan, tensors: list[torch.Tensor]) -> None:
        source, module, path = self._where()
        params, shared = self._claim(tensors)
        owner = path if module is not None and type(module).__module__.startswith("torch.") else None
        bare = name.strip("_")
        label = self._unique(owner or (f"{path}.{bare}" if path else bare))
        layer = plan.kind(name=label, path=path or None, **plan.fields)
        note = "shares its parameters" if shared and not params else None
        branch = self._branch(tensors) if plan.kind is layers.Add else 0
        self.operations.append(Operation(layer, plan.input, plan.output, params, plan.ledger, source, note, branch))

    def _fail(self, name: str, plan: Plan | None, problem: str, shapes: tuple[tuple[int, ...], ...]) -> None:
        source, _, path = self._where()
        layer = None if plan is None else plan.kind(name=path or name.strip("_"), path=path or None, **plan.fields)
        what = _spoken(name)
        self.failures.append(Failure(len(self.operations), layer, what, problem, shapes, source, path or None))

    def _claim(self, tensors: list[torch.Tensor]) -> tuple[int, bool]:
        """The elements of the parameters that this operation is the first to use, and whether it uses others' too."""
        params, shared = 0, False
        for tensor in tensors:
            if id(tensor) not in self._owned and type(tensor).__name__ == "Parameter":
                # A weight that the model does not list: its module sits in a plain list or was made in forward.
                self._owned[id(tensor)], self._sizes[id(tensor)] = (id(tensor),), tensor.numel()
                self._kept.append(tensor)
                self.loose_params += tensor.numel()
            for owner in self._owned.get(id(tensor), ()):
                if owner in self._seen:
                    shared = True
                else:
                    self._seen.add(owner)
                    params += self._sizes[owner]
        return params, shared

    def unused(self, model: nn.Module) -> list[Operation]:
        """The model's parts whose parameters no operation used, each with what it owns."""
        idle = []
        for path, module in model.named_modules():
            named = module.named_parameters(recurse=False)
            left = {name: parameter for name, parameter in named if id(parameter) not in self._seen}
            self._seen.update(map(id, left.values()))
            whole = type(module).__module__.startswith("torch.") and len(left) == len(list(module.parameters(recurse=False)))
            parts = [(path, type(module).__name__, left.values())] if left and whole else [
                (f"{path}.{name}" if path else name, "Parameter", [parameter]) for name, parameter in left.items()
            ]
            for place, kind, parameters in parts:
                size = sum(parameter.numel() for parameter in parameters)
                layer = read_layers.Idle(self._unique(place), place, kind)
                idle.append(Operation(layer, None, None, size, Ledger(), None, "never used"))
        return idle

    def _unique(self, label: str) -> str:
        number = self._names[label] = self._names.get(label, 0) + 1
        return label if number == 1 else f"{label}:{number}"

    def _where(self) -> tuple[str | None, nn.Module | None, str]:
        """The program's own line, the innermost of the model's modules, and its path."""
        source: str | None = None
        module: nn.Module | None = None
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the interpreter's own name for it
        call = torch.nn.Module._call_impl.__code__  # noqa: SLF001  # where a module's forward is called
        while frame is not None and (source is None or module is None):
            code = frame.f_code
            if code.co_name == RUNNER:
                break
            if source is None and not _is_machinery(code.co_filename):
                source = f"{_short(code.co_filename)}:{frame.f_lineno}"
            if module is None and code is call and id(frame.f_locals["self"]) in self._modules:
                module = frame.f_locals["self"]
            frame = frame.f_back
        return source, module, self._modules.get(id(module), "") if module is not None else ""


RUNNER = "_run_forward"
"""The function behind whose frame the program is no longer the audited one."""


@cache
def _signature(rule: Callable[..., Any]) -> Any:
    import inspect

    return inspect.signature(rule)


_TORCH = os.path.dirname(torch.__file__) + os.sep
_VGGCOST = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@cache
def _is_machinery(filename: str) -> bool:
    return filename.startswith((_TORCH, _VGGCOST, "<", os.path.dirname(os.__file__) + os.sep + "contextlib"))


@cache
def _short(filename: str) -> str:
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative


def _tensors(tree: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, tuple | list):
            stack += reversed(value)
        elif isinstance(value, dict):
            stack += reversed(list(value.values()))
    return found


def _mapped(tree: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(tree, torch.Tensor):
        return change(tree)
    if type(tree) in (tuple, list):
        return type(tree)(_mapped(value, change) for value in tree)
    if type(tree) is dict:
        return {key: _mapped(value, change) for key, value in tree.items()}
    return tree


def _writes(name: str) -> bool:
    """Whether a function writes into its first argument: ``add_``, ``__iadd__``."""
    if name.endswith("__"):
        return name in ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__setitem__")
    return name.endswith("_")


def _fills(name: str) -> bool:
    return name in ("fill_", "zero_", "copy_", "uniform_", "normal_", "bernoulli_", "__setitem__")


def _asked_elements(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    size = kwargs.get("size", next((arg for arg in args if isinstance(arg, list | tuple)), None))
    if size is None:
        size = [arg for arg in args if isinstance(arg, int)]
    return read_layers.product(tuple(int(side) for side in size))


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _spoken(name: str) -> str:
    """What a person calls the operation: ``in-place addition`` for __iadd__."""
    words = {"add": "addition", "sub": "subtraction", "mul": "multiplication", "div": "division", "truediv": "division"}
    bare = name.strip("_")
    if name.startswith("__i") and bare != "iter":
        bare = bare.removeprefix("i")
    said = words.get(bare, bare)
    return f"in-place {said}" if _writes(name) and bare in words else said
