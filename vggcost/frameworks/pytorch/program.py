"""Reads a torch model: builds it without weights, runs it without arithmetic, leaves a live one as it was."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.tensors import weightless
from vggcost.frameworks.pytorch.trace import NeedsValuesError, StoppedError, Trace
from vggcost.programs.reading import Failure, ProgramReading
from vggcost.units import DTYPE_BYTES, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Ints = tuple[int, ...]

SEED = 0
"""The seed of the random image and weights of a program that needs values."""


def construct(make: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """Call a constructor without giving its weights memory; where it needs their values, call it plainly.

    Returns what it made, and a note where the plain way was needed. What the constructor raises comes through.
    """
    why = ""
    try:
        with Trace():
            return make(), ()
    except NeedsValuesError as error:
        why = f"its constructor asks for values ({error.operation} at {error.source or 'an unknown line'})"
    except Exception as error:  # noqa: BLE001  # whatever it is, the plain way shows whether it is the program's own
        why = f"its constructor does not take tensors without memory ({type(error).__name__})"
    return make(), (f"built with real weights, because {why}",)


def read_module(
    model: nn.Module,
    inputs: Sequence[Ints | torch.Tensor],
    program: str,
    rebuild: Callable[[], nn.Module] | None = None,
) -> ProgramReading:
    """Return what one forward call of a model does, in eval mode; the model is left as it was.

    inputs are shapes, batch first, or tensors, of which only shape and dtype are looked at. rebuild makes the same
    model with real weights; it is called where the program needs values and has none.

    Raises:
        VggcostError: the model is one whose operations cannot be seen, or takes another number of inputs.
    """
    model = _unwrapped(model)
    shapes = tuple(tuple(map(int, given.shape if isinstance(given, torch.Tensor) else given)) for given in inputs)
    _check_arguments(model, shapes, program)
    notes: tuple[str, ...] = ()
    try:
        trace, failures = _traced(model, [_blank(given) for given in inputs])
    except NeedsValuesError as error:
        asked = f"{error.operation} at {error.source or 'an unknown line'}"
        notes = (f"run on real values, because it asks for them ({asked}): other images may take other paths",)
        valued = _with_values(model, rebuild)
        if valued is None:
            raise VggcostError(
                f"{program} asks for values ({asked}), and its weights are on the meta device, where there are none;"
                " give a model with real weights"
            ) from None
        model = valued
        trace, failures = _traced(model, _random_inputs(model, inputs), values=True)
    else:
        valued = _with_values(model, rebuild) if trace.doubtful else None
        if valued is not None:
            # What torch's meta kernels or the program itself refuse without values may work with them.
            again, still = _traced(valued, _random_inputs(valued, inputs), values=True)
            if not still:
                notes = (f"run on real values, because without them it stops: {failures[0].problem}",)
                model, trace, failures = valued, again, ()
    operations = (*trace.recording.operations, *trace.recording.unused(model))
    unlisted = trace.tensors.loose_params
    if unlisted:
        loose = (
            f"{unlisted:,} parameters are in use that model.parameters() does not have: their modules are"
            " held in a plain list or made in forward; they are counted here"
        )
        notes = (*notes, loose)
    return ProgramReading(program, "torch", shapes, operations, failures, notes, dtype=_dtype(model), **_calls(trace))


def _calls(trace: Trace) -> dict[str, Any]:
    return {"module_calls": trace.calls.modules, "function_calls": tuple(trace.calls.functions)}


def _dtype(model: nn.Module) -> str:
    """What the first parameter is stored in, by vggcost's name for it."""
    found = next((str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()), "float32")
    return found if found in DTYPE_BYTES else "float32"


def _with_values(model: nn.Module, rebuild: Callable[[], nn.Module] | None) -> nn.Module | None:
    """The model, or its like with real weights; None where there is none."""
    if not any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        return model
    return None if rebuild is None else rebuild()


def _unwrapped(model: nn.Module) -> nn.Module:
    """The module inside torch.compile and the data-parallel wrappers, which add nothing to the cost."""
    while True:
        if isinstance(model, torch.jit.ScriptModule):
            raise VggcostError(
                "the model is TorchScript, whose operations run outside Python and cannot be seen; give the module"
                " that it was made from"
            )
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _check_arguments(model: nn.Module, shapes: tuple[Ints, ...], program: str) -> None:
    import inspect

    if any(isinstance(each, nn.parameter.UninitializedParameter) for each in model.parameters()):
        raise VggcostError(
            f"{program} has lazy layers, whose shapes are not known before a first forward call; run it once, or give"
            " the sizes"
        )
    signature = inspect.signature(model.forward)
    try:
        signature.bind(*shapes)
    except TypeError:
        pass
    else:
        return
    required = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    raise VggcostError(
        f"{program} takes {len(required)} inputs ({', '.join(required)}) and gets {len(shapes)}; give a shape for"
        " each, as --input 3x224x224 --input 10"
    )


def _blank(given: Ints | torch.Tensor) -> torch.Tensor:
    if isinstance(given, torch.Tensor):
        return torch.empty(tuple(given.shape), dtype=given.dtype, device="meta")
    return weightless(given, torch.get_default_dtype())


def _random_inputs(model: nn.Module, inputs: Sequence[Ints | torch.Tensor]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    made = []
    for given in inputs:
        if isinstance(given, torch.Tensor) and not given.is_meta:
            made.append(given.detach())
        else:
            shape = tuple(given.shape) if isinstance(given, torch.Tensor) else given
            try:
                made.append(torch.rand(shape, generator=generator).to(device))
            except RuntimeError:
                raise VggcostError(
                    f"the program needs real values, and an input of {shape_text(shape)} does not fit this machine's"
                    " memory; give a smaller --size or --batch"
                ) from None
    return made


def _traced(
    model: nn.Module, inputs: Sequence[torch.Tensor], *, values: bool = False
) -> tuple[Trace, tuple[Failure, ...]]:
    with _untouched(model, values=values), _eager(), torch.no_grad():
        for module in model.modules():
            module.__dict__["training"] = False
        trace = Trace(model, values=values)
        for tensor in inputs:
            trace.tensors.follow(tensor)
        try:
            _run_forward(model, inputs, trace)
        except StoppedError:
            pass
        except VggcostError:
            raise  # ours, and no answer: a tensor that torch cannot address
        except Exception as error:  # noqa: BLE001  # the program's own: that it cannot run is the answer
            if not trace.recording.failures:
                trace.recording.failures.append(_raised(error, len(trace.recording.operations), inputs))
                trace.doubtful = True
        return trace, tuple(trace.recording.failures)


def _run_forward(model: nn.Module, inputs: Sequence[torch.Tensor], trace: Trace) -> None:
    with trace.calls.watched(), trace:
        model(*inputs)


def _raised(error: Exception, position: int, inputs: Sequence[torch.Tensor]) -> Failure:
    """The failure of a forward call that raised in its own Python."""
    from vggcost.frameworks.own_lines import own_line, said

    shapes = tuple(tuple(tensor.shape) for tensor in inputs)
    return Failure(position, None, "forward", f"raises {said(error)}", shapes, own_line(error), None)


@contextmanager
def _untouched(model: nn.Module, *, values: bool) -> Iterator[None]:
    """Put every module's attributes and the random generators back as they were, whatever forward did to them.

    With values, torch itself may write to buffers (running statistics): these are put back, too.
    """
    import random

    saved = [(module, dict(module.__dict__), _contents(module)) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers() if not buffer.is_meta] if values else []
    states = (torch.get_rng_state(), random.getstate())
    initialized = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch has no types there
    cuda = torch.cuda.get_rng_state_all() if initialized else []
    try:
        yield
    finally:
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
def _eager() -> Iterator[None]:
    """Let torch.compile's parts of a program run as they are written, where there are any."""
    import sys

    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
