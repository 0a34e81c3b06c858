"""Our numbers against the real module's own: parameters and output shapes, layer by layer and of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.outcome import MODULE, OUTPUT_SHAPE, PARAMETERS, TOTAL, Check, Installed, ToolOutcome
from vggcost.frameworks.pytorch.build import build_module, require_torch
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from torch import nn

    from vggcost.costs.table import Table

    Ints = tuple[int, ...]


def check_modules(tables: Sequence[Table], progress: Callable[[str], None] | None = None) -> ToolOutcome:
    """Hold each table against the module that its network describes.

    The modules stand on the meta device, where a forward call yields shapes, multiplies nothing and needs no memory.

    Raises:
        MissingExtraError: torch is not installed.
    """
    release = require_torch("vggcost verify").__version__
    checks: list[Check] = []
    for table in tables:
        if progress:
            progress(f"{MODULE}: {table.network.short_name} at {shape_text(table.input)}")
        checks += _checked(table)
    # No convention was read from a release of torch to hold its modules against.
    return ToolOutcome(MODULE, Installed("torch", release, (release,)), tuple(checks))


def _checked(table: Table) -> Iterator[Check]:
    module = build_module(table.network)
    shapes = _output_shapes(module, table.input)
    for row in table.rows:
        if row.path is not None:
            params = sum(parameter.numel() for parameter in module.get_submodule(row.path).parameters())
            yield Check(table, row.name, PARAMETERS, row.params, params)
            yield Check(table, row.name, OUTPUT_SHAPE, row.output, shapes.get(row.path))
    params = sum(parameter.numel() for parameter in module.parameters())
    yield Check(table, TOTAL, PARAMETERS, table.params, params)
    yield Check(table, TOTAL, OUTPUT_SHAPE, table.rows[-1].output, shapes.get(""))


def _output_shapes(module: nn.Module, shape: Ints) -> dict[str, Ints]:
    """The output shapes of a forward call by module path, the whole under the empty path."""
    import torch

    shapes: dict[str, Ints] = {}

    def remember(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            shapes[path] = tuple(int(size) for size in output.shape)

        return hook

    for path, child in module.named_modules():
        child.register_forward_hook(remember(path))
    with torch.no_grad():
        module(torch.empty(shape, device="meta"))
    return shapes
