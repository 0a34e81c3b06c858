"""The size of the model under torchscan's summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vggcost.conventions.figure_rows import figure
from vggcost.frameworks.peers.figures import TOOLS
from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torchscan for its summary's text.

    Raises:
        ValueError: its summary has no such line.
    """
    from contextlib import redirect_stdout
    from io import StringIO

    import torchscan

    with redirect_stdout(StringIO()) as printed:
        report = torchscan.summary(module, args=tuple(arguments))
    (name,) = TOOLS["torchscan"]
    line = re.search(rf"^{re.escape(figure(name).words)}: (.+)$", printed.getvalue(), re.MULTILINE)
    if line is None:
        raise ValueError("torchscan's summary has no size of the model")
    size = sum(whole(report["totals"][what]["value"], what) for what in ("parameter_bytes", "buffer_bytes"))
    return [ToolReading(name, size, printed=line[1].strip())]
