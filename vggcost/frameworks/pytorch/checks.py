"""Our numbers against the real module's: parameters, output shapes, fvcore's and torch's own counts, layer by layer."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from vggcost.errors import MissingExtraError, VggcostError
from vggcost.formulas.forward import elements, flops
from vggcost.frameworks.pytorch.build import build_module, require_torch
from vggcost.record import Record
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from vggcost.costs.table import Table

MAC_OPERATORS = ("conv", "addmm", "linear", "matmul", "bmm")
"""The operators whose fvcore count is a number of MACs; fvcore also counts others, in units of their own."""

OUTPUT_SHAPE = "output shape"


class Check(Record):
    """One quantity of one layer (or of the total), from both sides."""

    layer: str
    quantity: str
    ours: Any
    theirs: Any

    @property
    def residual(self) -> int:
        """Theirs less ours; for a shape, the elements by which it differs, at least 1 where it does."""
        if self.quantity != OUTPUT_SHAPE:
            return int(self.theirs - self.ours)
        if self.theirs == self.ours:
            return 0
        return abs(elements(self.theirs or (0,)) - elements(self.ours or (0,))) or 1


class Verification(Record):
    """All checks of one network, and what fvcore counts beyond MACs, by operator."""

    table: Table
    checks: tuple[Check, ...]
    fvcore_extras: Mapping[str, int]

    @property
    def differing(self) -> tuple[Check, ...]:
        """The checks whose two sides differ."""
        return tuple(check for check in self.checks if check.residual)


def verify(counted: Table, build: Callable[..., nn.Module] = build_module) -> Verification:
    """Hold a table against the module that its network describes.

    The module is built on the meta device for torch's FlopCounterMode; fvcore traces a real forward on the CPU, over
    uninitialised memory, so that nothing is drawn or stored for the weights.

    Raises:
        MissingExtraError: torch or fvcore is not installed.
        VggcostError: the forward does not fit into memory.
    """
    require_torch("vggcost verify")
    _require_fvcore()
    module = build(counted.network)
    paths = {row.path for row in counted.rows if row.path}
    torch_flops = _torch_flops(module, counted.input)
    params = {path: _params(module, path) for path in paths}
    all_params = sum(parameter.numel() for parameter in module.parameters())
    try:
        shapes, by_module = _traced(module.to_empty(device="cpu"), counted.input)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate" not in str(error):
            raise
        raise VggcostError(
            f"a real forward of {counted.network.title} at {shape_text(counted.input)} does not fit into memory;"
            " give a smaller --batch, --size or --classes"
        ) from None
    checks: list[Check] = []
    for row in counted.rows:
        if row.path is None:
            continue
        path = row.path
        checks += (
            Check(row.name, "parameters", row.params, params[path]),
            Check(row.name, OUTPUT_SHAPE, row.output, shapes.get(path)),
            Check(row.name, "MACs by fvcore", row.macs, _macs(by_module.get(path, {}))),
            Check(row.name, "FLOPs by torch", row.flops, torch_flops.get(path, 0)),
        )
    whole = by_module.get("", {})
    checks += (
        Check("total", "parameters", counted.params, all_params),
        Check("total", OUTPUT_SHAPE, counted.rows[-1].output, shapes.get("")),
        Check("total", "MACs by fvcore", counted.macs, _macs(whole)),
        Check("total", "FLOPs by torch", flops(counted.macs), torch_flops.get("", 0)),
    )
    extras = {operator: int(n) for operator, n in whole.items() if operator not in MAC_OPERATORS and n}
    return Verification(counted, tuple(checks), extras)


def _require_fvcore() -> Any:
    """Return fvcore's FlopCountAnalysis; asked for before anything is built."""
    try:
        with warnings.catch_warnings():
            # On import fvcore uses torch.jit.script, which warns that it is getting old.
            warnings.simplefilter("ignore")
            from fvcore.nn import FlopCountAnalysis
    except ModuleNotFoundError:
        raise MissingExtraError("vggcost verify", "fvcore", "torch") from None
    return FlopCountAnalysis


def _params(module: nn.Module, path: str) -> int:
    return sum(parameter.numel() for parameter in module.get_submodule(path).parameters())


def _macs(by_operator: Mapping[str, float]) -> int:
    return sum(int(by_operator.get(operator, 0)) for operator in MAC_OPERATORS)


def _torch_flops(module: nn.Module, shape: tuple[int, ...]) -> dict[str, int]:
    """FlopCounterMode's FLOPs by module path, the whole under the empty path."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(torch.empty(shape, device="meta"))
    root = f"{type(module).__name__}."
    counts = {name.removeprefix(root): sum(by.values()) for name, by in counter.get_flop_counts().items()}
    counts[""] = counter.get_total_flops()
    return counts


def _traced(
    module: nn.Module, shape: tuple[int, ...]
) -> tuple[dict[str, tuple[int, ...]], Mapping[str, Mapping[str, float]]]:
    """The output shapes of a real forward and fvcore's counts by operator, both by module path."""
    import torch

    shapes: dict[str, tuple[int, ...]] = {}

    def remember(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            shapes[path] = tuple(int(size) for size in output.shape)

        return hook

    hooks = [child.register_forward_hook(remember(path)) for path, child in module.named_modules()]
    try:
        with torch.no_grad():
            analysis = _require_fvcore()(module, torch.empty(shape))
            analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
            with warnings.catch_warnings():
                # The tracer warns of ints taken from shapes and of its own age; neither touches the counts.
                warnings.simplefilter("ignore")
                by_module = analysis.by_module_and_operator()
    finally:
        for hook in hooks:
            hook.remove()
    return shapes, by_module
