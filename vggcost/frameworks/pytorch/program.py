"""Reads a torch model: builds it without weights, runs it without arithmetic, leaves a live one as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vggcost.errors import VggcostError
from vggcost.frameworks.arguments import of_values
from vggcost.frameworks.guard import class_of, pass_on
from vggcost.frameworks.pytorch import call, compiled, lazy
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.frameworks.pytorch.recording import NeedsValuesError, StoppedError
from vggcost.frameworks.pytorch.trace import TRACING, Trace
from vggcost.network.foreign_layers import Uncounted
from vggcost.network.ledger import Ledger
from vggcost.programs.reading import Failure, ProgramReading
from vggcost.units import DTYPE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from vggcost.frameworks.arguments import Arguments
    from vggcost.frameworks.pytorch.ownership import Ownership

    Ints = tuple[int, ...]


def construct(make: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """Call a constructor without giving its weights memory; where it needs their values, call it plainly.

    Returns what it made, and a note where the plain way was needed. What the constructor raises comes through.
    """
    why = ""
    trace = Trace()
    try:
        with trace:
            made = make()
        if trace.recording.needs_values is None:
            return made, ()
        raise trace.recording.needs_values  # noqa: TRY301  # the program has caught it, and gone on without
    except NeedsValuesError as error:
        where = f"at {error.source or 'an unknown line'}"
        why = f"its constructor asks for values ({error.operation} {where})"
        if error.operation == TRACING:
            why = f"its constructor has torch trace or export a model ({where})"
    except BaseException as error:  # noqa: BLE001  # whatever it is, the plain way shows whether it is the program's own
        pass_on(error)
        why = f"its constructor does not take tensors without memory ({class_of(error)})"
    return make(), (f"built with real weights, because {why}",)


def read_module(
    model: nn.Module,
    inputs: Any,
    program: str,
    rebuild: Callable[[], nn.Module] | None = None,
) -> ProgramReading:
    """Return what one forward call of a model does, in eval mode; the model is left as it was.

    inputs: see `vggcost.frameworks.arguments.of_values`; of tensors only shape and dtype are looked at. rebuild makes
    the same model with real weights; it is called where the program needs values and has none.

    Raises:
        VggcostError: the model is one whose operations cannot be seen, or takes other arguments.
    """
    model = unwrapped(model)
    arguments = call.fitted(model, of_values(inputs), program)
    model = lazy.ready(model, arguments, program, ours=rebuild is not None)
    notes: tuple[str, ...] = ()
    try:
        trace, failures = _traced(model, arguments.changed(call.blank))
    except NeedsValuesError as error:
        asked = f"{error.operation} at {error.source or 'an unknown line'}"
        notes = (f"run on real values, because it asks for them ({asked}): other images may take other paths",)
        valued = with_values(model, rebuild, arguments)
        if valued is None:
            raise VggcostError(
                f"{program} asks for values ({asked}), and its weights are on the meta device, where there are none;"
                " give a model with real weights"
            ) from None
        model = valued
        trace, failures = _traced(model, call.valued(model, arguments), values=True)
    else:
        valued = with_values(model, rebuild, arguments) if trace.recording.doubtful else None
        if valued is not None:
            # What torch's meta kernels or the program itself refuse without values may work with them.
            again, still = _traced(valued, call.valued(valued, arguments), values=True)
            if not still:
                notes = (f"run on real values, because without them it stops: {failures[0].problem}",)
                model, trace, failures = valued, again, ()
    operations = trace.recording.settled(model)
    notes = (*notes, *_weight_notes(trace.tensors.ownership))
    return ProgramReading(
        program, "torch", arguments.shapes(), operations, failures, notes, dtype=_dtype(model), **_calls(trace)
    )


def _weight_notes(ownership: Ownership) -> Iterator[str]:
    """What is counted that model.parameters() does not have."""
    unlisted, packed, constant = ownership.unlisted(), ownership.kept_as("packed"), ownership.kept_as("constant")
    if unlisted:
        yield (
            f"{unlisted:,} parameters are in use that model.parameters() does not have: their modules are"
            " held in a plain list or made in forward; they are counted here"
        )
    if packed.params:
        yield (
            f"{packed.params:,} parameters are packed in quantized modules ({packed.weight_bytes:,} bytes), and"
            " model.parameters() does not have them; they are counted here"
        )
    if constant.params:
        yield (
            f"{constant.params:,} parameters are constants of compiled code ({constant.weight_bytes:,} bytes), and"
            " model.parameters() does not have them; they are counted here, once an operation"
        )


def _calls(trace: Trace) -> dict[str, Any]:
    return {
        "unlisted": trace.tensors.ownership.unlisted(),
        "module_calls": trace.calls.modules,
        "function_calls": tuple(trace.calls.functions),
    }


def _dtype(model: nn.Module) -> str:
    """What the first parameter is stored in, by vggcost's name for it."""
    found = next((str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()), "float32")
    return found if found in DTYPE_BYTES else "float32"


def with_values(model: nn.Module, rebuild: Callable[[], nn.Module] | None, arguments: Arguments) -> nn.Module | None:
    """The model, or its like with real weights; None where there is none."""
    if not any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        return model
    return None if rebuild is None else lazy.run_once(rebuild(), arguments)


def unwrapped(model: nn.Module) -> nn.Module:
    """The module inside torch.compile and the data-parallel wrappers, which add nothing to the cost."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _traced(model: nn.Module, arguments: Arguments, *, values: bool = False) -> tuple[Trace, tuple[Failure, ...]]:
    with untouched(model, values=values), eager(), torch.no_grad():
        trace = Trace(model, values=values)
        for tensor in arguments.tensors():
            trace.tensors.follow(tensor)
        try:
            _run_forward(model, arguments, trace)
            if trace.recording.needs_values is not None and not values:
                raise trace.recording.needs_values  # noqa: TRY301  # the program has caught it, and gone on without
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001  # the program's own: that it cannot run is the answer
            pass_on(error)  # ours is no answer: a tensor that torch cannot address
            if trace.recording.needs_values is not None:
                raise trace.recording.needs_values from None  # TorchScript makes an error of its own of it
            if not trace.recording.failures:
                trace.recording.failures.append(_raised(error, len(trace.recording.operations), arguments.shapes()))
                trace.recording.doubtful = True
        for kind in compiled.hidden(model):
            trace.recording.add(kind, Plan(Uncounted, {"operation": kind}, (), (), Ledger()), [])
        return trace, tuple(trace.recording.failures)


def _run_forward(model: nn.Module, arguments: Arguments, trace: Trace) -> None:
    with trace.calls.watched(), trace, trace.beneath:
        result = model(*arguments.positional, **arguments.named)
        waiting = _not_run(result)
    if waiting is not None:
        trace.recording.failures.append(
            Failure(len(trace.recording.operations), None, "forward", waiting, arguments.shapes(), None, None)
        )


def _not_run(result: Any) -> str | None:
    """Why what a forward call has given is still to be run: a coroutine, a generator; None where it is not."""
    for each in result if type(result) in (tuple, list) else (result,):
        if not isinstance(each, torch.Tensor) and isinstance(each, Awaitable | AsyncIterator | Iterator):
            kind = class_of(each).replace("_", " ")
            if isinstance(each, CoroutineType):
                each.close()  # else Python complains that nobody has awaited it
            return f"gives {'an' if kind[0] in 'aeiou' else 'a'} {kind}, of which nothing has run; give tensors"
    return None


def _raised(error: BaseException, position: int, shapes: tuple[Ints, ...]) -> Failure:
    """The failure of a forward call that raised in its own Python."""
    from vggcost.frameworks.own_lines import own_line, said

    return Failure(position, None, "forward", f"raises {said(error)}", shapes, own_line(error), None)


@contextmanager
def untouched(model: nn.Module, *, values: bool) -> Iterator[None]:
    """Set every module to eval mode; put its attributes and the random generators back as they were, whatever happens.

    With values, torch itself may write to buffers (running statistics): these are put back, too.
    """
    import random

    modes = [(module, getattr(module, "training", None)) for module in compiled.scripts(model)]
    saved = [(module, dict(module.__dict__), _contents(module)) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers() if not buffer.is_meta] if values else []
    states = (torch.get_rng_state(), random.getstate())
    initialized = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch has no types there
    cuda = torch.cuda.get_rng_state_all() if initialized else []
    try:
        for module in model.modules():
            module.__dict__["training"] = False
        for module, mode in modes:
            compiled.set_mode(module, None if mode is None else False)
        yield
    finally:
        for module, mode in modes:
            compiled.set_mode(module, mode)
        for module, attributes, containers in saved:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            for container, content in containers:
                _refill(container, content)
        for buffer, before in buffers:
            if not torch.equal(buffer, before):
                buffer.copy_(before)
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def _contents(module: nn.Module) -> list[tuple[Any, Any]]:
    return [(value, value.copy()) for value in module.__dict__.values() if isinstance(value, dict | list | set)]


def _refill(container: Any, content: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)


@contextmanager
def eager() -> Iterator[None]:
    """Let torch.compile's parts of a program run as they are written; nothing of the compiler is loaded for that."""
    import sys

    if "torch._dynamo" in sys.modules:
        with torch.compiler.set_stance("force_eager"):
            yield
        return
    compiler = torch.compile
    torch.compile = _uncompiled
    try:
        yield
    finally:
        torch.compile = compiler


def _uncompiled(model: Any = None, **_: Any) -> Any:
    """What torch.compile returns, or what it returns as a decorator: what it is given."""
    return _uncompiled if model is None else model
