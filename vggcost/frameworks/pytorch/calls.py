"""Notes how a torch program is written while it runs: the calls of its modules, and by which names it calls functions.

Other counters see a program by hooks on its modules, or put functions of their own in the place of torch's. Both are
done here for the time of one forward call, so that what is noted is what they see.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from vggcost.frameworks.pytorch.names import COPIES, FACTORIES, LIKES, PASSIVE, VIEWS
from vggcost.frameworks.pytorch.tensors import found_in
from vggcost.programs.calls import FunctionCall, ModuleCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Function = Callable[..., Any]
    Ints = tuple[int, ...]

_SIZES = ("1d", "2d", "3d")
_POOLS = ("avg_pool", "max_pool", "adaptive_avg_pool", "adaptive_max_pool")
PATCHED: Mapping[Any, tuple[str, ...]] = {
    nn.functional: (
        *(f"{name}{size}" for name in ("conv", "conv_transpose", *_POOLS) for size in _SIZES),
        *("linear", "relu", "prelu", "elu", "leaky_relu", "relu6", "silu", "gelu", "softmax", "embedding"),
        *("batch_norm", "layer_norm", "instance_norm", "group_norm", "upsample", "interpolate"),
    ),
    torch: ("matmul", "mm", "bmm", "addmm", "baddbmm", "mul", "add", "einsum"),
    torch.Tensor: ("matmul", "mm", "bmm", "addmm", "mul", "add"),
}
"""The functions in whose place ptflops 0.7.5 or calflops 0.3.2 put functions of their own."""

PLACES = {nn.functional: "torch.nn.functional", torch: "torch", torch.Tensor: "torch.Tensor"}
"""Where functions are found, and what the place is called."""

UNSEEN = PASSIVE | VIEWS | COPIES | FACTORIES | LIKES | {"__get__"}
"""Functions that compute nothing, which no counter counts."""

MODULE_FACTS = (
    *("in_channels", "out_channels", "groups", "kernel_size", "in_features", "out_features", "num_features", "affine"),
    *("elementwise_affine", "normalized_shape", "p", "mode", "dim", "num_layers", "hidden_size", "input_size"),
    *("bidirectional", "batch_first", "num_heads", "training"),
)
"""The attributes of modules that counters ask for."""

_NORM = ("running_mean", "running_var", "weight", "bias", "training")
_OWN_NORM = ("weight", "bias", "running_mean", "running_var", "training")
_CONVOLUTION = ("weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
FUNCTION_FACTS = {
    **{f"conv{size}": _CONVOLUTION for size in _SIZES},
    **{f"conv_transpose{size}": _TRANSPOSED for size in _SIZES},
    **dict.fromkeys(("convolution", "_convolution"), (*_CONVOLUTION[:-1], "transposed", "output_padding", "groups")),
    **dict.fromkeys(("addmm", "baddbmm"), ("mat1", "mat2", "beta")),
    "interpolate": ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias"),
    "grid_sample": ("grid", "mode"),
    "batch_norm": _NORM,
    "instance_norm": _NORM,
    "layer_norm": ("normalized_shape", "weight", "bias"),
    "group_norm": ("num_groups", "weight", "bias"),
    "local_response_norm": ("size",),
    "leaky_relu": ("negative_slope", "inplace"),
}
"""The arguments behind the first that counters ask for, by function, in the order of torch.nn.functional."""

SETTLING = frozenset(("linear", "layer_norm", "group_norm", "matmul", "bmm", "softmax", "cat", "stack", "contiguous"))
"""Functions whose output is laid out row by row in memory, however their input is."""


class Calls:
    """The module and function calls of one forward call of a model; made tells how many operations there are so far."""

    def __init__(self, model: nn.Module | None, made: Callable[[], int]) -> None:
        self.functions: list[FunctionCall] = []
        self._made = made
        self._modules: list[dict[str, Any]] = []
        self._open: list[int] = []
        self._names: list[str] = []
        self._paths = {id(module): path for path, module in model.named_modules()} if model is not None else {}
        self._ways = _ways(model) if model is not None else {}
        self._numbers: dict[int, int] = {}
        self._permuted: dict[int, weakref.ref[torch.Tensor]] = {}

    @property
    def modules(self) -> tuple[ModuleCall, ...]:
        """The module calls, in the order in which they began."""
        return tuple(ModuleCall(**call) for call in self._modules)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note calls until the block ends."""
        hooks = (register_module_forward_pre_hook(self._begin), register_module_forward_hook(self._end))
        before = [(place, name, vars(place).get(name)) for place, names in PATCHED.items() for name in names]
        try:
            for place, names in PATCHED.items():
                for name in names:
                    setattr(place, name, self._noting(f"{PLACES[place]}.{name}", getattr(place, name)))
            yield
        finally:
            for place, name, function in before:
                if function is None:
                    delattr(place, name)  # Tensor inherits it
                else:
                    setattr(place, name, function)
            for hook in hooks:
                hook.remove()

    def _noting(self, name: str, function: Function) -> Function:
        @wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            height = len(self._names)
            self._names.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                del self._names[height:]

        return noted

    def add(self, func: Function, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any, first: int) -> None:
        """Note a function call that has been answered; first is how many operations had been recorded before it."""
        name = called(func)
        bare = name.rpartition(".")[2]
        through, self._names[:] = tuple(filter(None, self._names)), ["" for _ in self._names]
        inputs, outputs = found_in((args, dict(kwargs))), found_in(result)
        facts = _function_facts(name, bare, args, kwargs)
        if bare == "linear" and inputs:
            facts["contiguous"] = None if self._is_permuted(inputs[0]) else inputs[0].is_contiguous()
        self.functions.append(
            FunctionCall(
                function=name,
                through=through,
                inputs=tuple(map(_shape, inputs)),
                output=_shape(outputs[0]) if outputs else None,
                facts=facts,
                first=first,
                last=self._made(),
                inside=self._open[-1] if self._open else None,
            )
        )

    def size_product(self) -> None:
        """Note that the program multiplies sizes, which torch.jit takes for tensors of no axes."""
        place = self._open[-1] if self._open else None
        form = {"positional": 2, "keywords": ()}
        made = self._made()
        self.functions.append(FunctionCall("torch.Tensor.mul", (), ((),), (), form, made, made, place))

    def laid_out(self, name: str, args: Sequence[Any], result: Any) -> None:
        """Note where the layout of a result in memory is not known, for it may be that of an input that is permuted."""
        if name in SETTLING or name == "__get__":
            return
        inputs = [tensor for tensor in found_in(args) if tensor.dim() > 2]
        computed = name not in VIEWS
        if any(self._is_permuted(each) or (computed and not each.is_contiguous()) for each in inputs):
            for tensor in found_in(result):
                self._permuted[id(tensor)] = weakref.ref(tensor)

    def _is_permuted(self, tensor: torch.Tensor) -> bool:
        known = self._permuted.get(id(tensor))
        return known is not None and known() is tensor

    def _begin(self, module: nn.Module, inputs: Any) -> None:
        if id(module) not in self._paths:
            return
        number = self._numbers[id(module)] = self._numbers.get(id(module), -1) + 1
        own = getattr(nn, type(module).__name__, None) is type(module)
        self._modules.append(
            {
                "kind": type(module).__name__ if own else f"{type(module).__module__}.{type(module).__qualname__}",
                "bases": tuple(
                    kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.")
                ),
                "path": self._paths[id(module)],
                "ways": self._ways[id(module)],
                "number": number,
                "leaf": not any(True for _ in module.children()),
                "parameters": {name: each.numel() for name, each in module.named_parameters(recurse=False)},
                "facts": _module_facts(module),
                "inputs": tuple(map(_shape, found_in(inputs))),
                "output": None,
                "first": self._made(),
                "last": self._made(),
                "inside": self._open[-1] if self._open else None,
            }
        )
        self._open.append(len(self._modules) - 1)

    def _end(self, module: nn.Module, _: Any, output: Any) -> None:
        if id(module) not in self._paths:
            return
        call = self._modules[self._open.pop()]
        outputs = found_in(output)
        call["output"] = _shape(outputs[0]) if outputs else None
        call["last"] = self._made()


def called(func: Function) -> str:
    """Return what a function is called: ``torch.nn.functional.relu``, ``torch.Tensor.add``, ``torch.ops.aten.relu``."""
    packet = getattr(func, "overloadpacket", func)
    if isinstance(packet, torch._ops.OpOverloadPacket):  # noqa: SLF001  # torch has no public name for it
        return f"torch.ops.{packet._qualified_op_name.replace('::', '.')}"  # noqa: SLF001  # nor for its namespace
    name = str(getattr(func, "__name__", func))
    for place, words in PLACES.items():
        found = getattr(place, name, None)
        if found is func or getattr(found, "__wrapped__", None) is func:
            return f"{words}.{name}"
    if name.startswith("__") or getattr(func, "__objclass__", None) is not None:
        return f"torch.Tensor.{name}"
    return f"{getattr(func, '__module__', None) or 'torch'}.{name}"


def _ways(model: nn.Module) -> dict[int, int]:
    """How many ways lead from the model to each module in it; children that a module holds twice count once."""
    order: list[nn.Module] = []
    seen: set[int] = set()

    def visit(module: nn.Module) -> None:
        if id(module) not in seen:
            seen.add(id(module))
            for child in module.children():
                visit(child)
            order.append(module)

    visit(model)
    ways = dict.fromkeys(seen, 0)
    ways[id(model)] = 1
    for module in reversed(order):  # whoever holds a module stands before it
        for child in module.children():
            ways[id(child)] += ways[id(module)]
    return ways


def _module_facts(module: nn.Module) -> dict[str, Any]:
    known = {name: getattr(module, name, None) for name in MODULE_FACTS}
    facts = {name: value for name, value in known.items() if isinstance(value, int | float | str | tuple)}
    bias = getattr(module, "bias", None)
    facts["bias"] = bias is not None and bias is not False
    return facts


def _function_facts(name: str, bare: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by name; a tensor is True, an absent one None. And how many come by position, and which by keyword."""
    form = {"positional": len(args), "keywords": tuple(kwargs)}
    if bare == "einsum":
        return {**form, "equation": args[0] if args and isinstance(args[0], str) else None}
    names = FUNCTION_FACTS.get(bare, ())
    if bare.endswith(("batch_norm", "instance_norm")) and not name.startswith("torch.nn."):
        names = _OWN_NORM
    given = {**dict(zip(names, args[1:], strict=False)), **{key: kwargs[key] for key in names if key in kwargs}}
    return {**form, **{key: True if isinstance(value, torch.Tensor) else value for key, value in given.items()}}


def _shape(tensor: torch.Tensor) -> Ints:
    return tuple(map(int, tensor.shape))
