"""What is timed: one of our networks, built with random numbers in it, or a module of the user's own."""

from __future__ import annotations

import copy
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.memory_check import is_out_of_memory
from vggcost.costs.roofline import least_bytes
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.frameworks.call_text import NO_ARGUMENTS
from vggcost.frameworks.door import found
from vggcost.frameworks.downloads import Downloads
from vggcost.frameworks.finding import maker, place_of
from vggcost.frameworks.guard import Guard, Restored, attempted, pass_on
from vggcost.frameworks.own_lines import told
from vggcost.frameworks.own_warnings import own_warnings
from vggcost.frameworks.pytorch.build import build_module, require_torch
from vggcost.frameworks.pytorch.device_work import device_work
from vggcost.printable import one_line
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import torch
    from torch import Tensor, nn

    from vggcost.bench.protocol import Operation
    from vggcost.costs.table import Table
    from vggcost.frameworks.call_text import CallText
    from vggcost.network.plan import Network


class Subject(Record):
    """Something to be built and timed at one input."""

    title: str
    input: tuple[int, ...]
    counted: Table | None = None
    """The network's table; None for a module of the user's own, whose operations are found by tracing it."""
    make: Callable[[], nn.Module] | None = None
    """Makes that module; None for a network of ours."""

    def identity(self) -> dict[str, Any]:
        """Who it is, as plain values: what two results are matched by."""
        if self.counted is None:
            return {"name": self.title, "title": self.title, "heading": self.title, "options": None}
        network = self.counted.network
        return {
            "name": network.name,
            "title": network.title,
            "heading": network.heading,
            "options": network.variant.options(),
        }

    @property
    def short_title(self) -> str:
        """The title and the batch, for progress and messages."""
        return f"{self.title} at batch {self.input[0]}"


def network_subjects(networks: Iterable[Network], batches: Sequence[int]) -> list[Subject]:
    """Return each network at each batch, counted at its own image.

    Raises:
        VggcostError: an image does not fit its network.
    """
    shapes = ((one, (batch, one.variant.in_channels, *one.image)) for one in networks for batch in batches)
    return [Subject(network.title, shape, table(network, shape)) for network, shape in shapes]


def target_subjects(
    target: str, call: CallText | None, image: tuple[int, int, int], batches: Sequence[int]
) -> list[Subject]:
    """Import what TARGET names, which runs that code, and return it at each batch of (channels, height, width).

    Raises:
        VggcostError: it does not exist, cannot be imported, or does not take these arguments.
    """
    make = target_maker(target, call)
    return [Subject(target, (batch, *image), None, make) for batch in batches]


def build(
    subject: Subject, device: torch.device, dtype: torch.dtype, *, channels_last: bool, in_place: bool = True
) -> nn.Module:
    """Return the module on its device with random weights, in eval mode.

    in_place is as in `vggcost.frameworks.pytorch.build.build_module`, and nothing to a module of the user's own. It is
    made on the meta device in its dtype and filled where it will run: no second copy of the weights ever exists.

    Raises:
        VggcostError: a module of the user's own that cannot be made.
    """
    torch = require_torch("bench")
    module: nn.Module
    if subject.counted is not None:
        module = build_module(subject.counted.network, "meta", dtype, in_place=in_place).to_empty(device=device)
        fill(module)
    elif subject.make is not None:
        module = subject.make().to(device=device, dtype=dtype).eval()
    else:
        raise ValueError("a subject is a network of ours or what makes a module")
    if channels_last:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return module


def fill(module: nn.Module) -> None:
    """Fill parameters and buffers with random numbers that keep activations in every dtype's range.

    Weights as He et al. 2015 initialise them, so that a half-precision forward neither overflows nor fades to zeros,
    which a GPU multiplies faster than numbers.
    """
    torch = require_torch("bench")
    from torch import nn

    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                if part.bias is not None:
                    nn.init.uniform_(part.bias, 0.01, 0.1)
            elif isinstance(part, nn.BatchNorm2d):
                for tensor, low, high in (
                    (part.weight, 0.9, 1.1),
                    (part.bias, -0.1, 0.1),
                    (part.running_mean, -0.1, 0.1),
                    (part.running_var, 0.9, 1.1),
                ):
                    if tensor is not None:
                        tensor.uniform_(low, high)
                if part.num_batches_tracked is not None:
                    part.num_batches_tracked.zero_()


def random_input(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype, *, channels_last: bool) -> Tensor:
    """Return an image batch of standard normal numbers."""
    torch = require_torch("bench")
    x: Tensor = torch.randn(shape, device=device).to(dtype)
    return x.contiguous(memory_format=torch.channels_last) if channels_last else x


def layer_rows(counted: Table, element_bytes: int) -> list[dict[str, Any]]:
    """Return what is known of each layer before it runs: shapes, costs, the bytes it must move at least."""
    return [
        {
            "name": row.name,
            "kind": row.kind,
            "path": row.path,
            "input": list(row.input),
            "output": list(row.output),
            "params": row.params,
            "macs": row.macs,
            "flops": row.flops,
            "min_bytes": least_bytes(row, element_bytes),
            "winograd": row.layer.winograd,
        }
        for row in counted.rows
    ]


def probe(operations: tuple[Operation, ...], x: Any, rows: list[dict[str, Any]]) -> None:
    """Run the operations once, hold each shape against its row, and note which layers launch nothing.

    These are dropout in eval mode and flatten. Their output lies in their input's memory, but so does that of a ReLU in
    place, which works.

    Raises:
        VggcostError: what runs is not what was counted.
    """
    for operation, row in zip(operations, rows, strict=True):
        with device_work() as worked:
            x = operation(x)
        if list(x.shape) != row["output"]:
            raise VggcostError(
                f"{row['name']} yields {units.shape_text(tuple(x.shape))} where its row says"
                f" {units.shape_text(tuple(row['output']))}; the module is not the network that was counted"
            )
        row["runs"] = bool(worked)
        if not row["runs"]:
            row["min_bytes"] = 0


def target_maker(target: str, call: CallText | None) -> Callable[[], nn.Module]:
    """Import what TARGET names, which runs that code, and return what makes its module.

    Raises:
        VggcostError: it does not exist, cannot be imported, or does not take these arguments.
    """
    require_torch("bench")
    from torch import nn

    place = place_of(target)
    with Guard(target) as guard, place, no_downloads() as downloads, Restored(guard):
        what = downloads.attempt(lambda: found(target, place), target)
    value = what.value
    if isinstance(value, nn.Module):
        return lambda: copy.deepcopy(value)
    making = maker(what, call or NO_ARGUMENTS)

    def make() -> nn.Module:
        with Guard(what.target) as guard, place, no_downloads() as downloads, Restored(guard):
            made = attempted(lambda: downloads.attempt(making, what.target), f"{what.target} cannot be made")
        if not isinstance(made, nn.Module):
            raise VggcostError(f"{what.target} yields a {type(made).__name__}; give one that yields a torch.nn.Module")
        return made

    return make


@contextmanager
def no_downloads() -> Iterator[Downloads]:
    """Let a program reach no network; what it does without is said on standard error."""
    with own_warnings(in_words=True), Downloads() as downloads:
        yield downloads
    for note in downloads.notes:
        sys.stderr.write(f"vggcost: {one_line(note)}\n")


def check_runs(module: nn.Module, x: Any, subject: Subject) -> None:
    """Run a module of the user's own once.

    Raises:
        VggcostError: it raises.
    """
    torch = require_torch("bench")
    try:
        with torch.no_grad():
            module(x)
    except BaseException as error:
        pass_on(error)
        if isinstance(error, Exception) and is_out_of_memory(torch, error):
            raise
        shape = units.shape_text(subject.input)
        advice = "choose --size and --in-channels, or see vggcost audit"
        raise VggcostError(f"{subject.title} cannot run on {shape}: {told(error)}; {advice}") from error
