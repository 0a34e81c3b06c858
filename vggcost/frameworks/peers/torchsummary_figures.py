"""The sizes under torchsummary's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.conventions.figure_rows import figure
from vggcost.frameworks.peers.figures import TOOLS, lines_of
from vggcost.frameworks.peers.reading import ToolReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torchsummary for its summary's text.

    It makes its own images on the CPU; they are moved to where the module is, and on meta nothing is multiplied.
    """
    from contextlib import redirect_stdout
    from io import StringIO

    import torchsummary

    (image,) = arguments
    moved = module.register_forward_pre_hook(lambda _, given: tuple(each.to(image.device) for each in given))
    with redirect_stdout(StringIO()) as printed:
        torchsummary.summary(module, tuple(image.shape[1:]), batch_size=image.shape[0], device="cpu")
    moved.remove()
    said = lines_of(printed.getvalue())
    return [ToolReading(name, None, printed=said[figure(name).words]) for name in TOOLS["torchsummary"]]
