"""The process that one tool runs in: networks come in on standard input, readings go out on standard output.

Everything that the tool itself prints goes to standard error. Run as
``python -m vggcost.frameworks.peers.worker ADAPTER DEVICE``.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from vggcost.frameworks.peers.reading import ToolReading


def main(adapter: str, device: str) -> None:
    """Answer each network that arrives with one line of JSON, until the input ends or the tool raises."""
    answers = _own_channel()
    warnings.simplefilter("ignore")
    tool: Any = import_module(adapter)
    while True:
        try:
            network, shape = pickle.load(sys.stdin.buffer)  # noqa: S301  # our own parent wrote it
        except EOFError:
            return
        readings = _read(tool, device, network, shape)
        answers.write(json.dumps([reading.__dict__ for reading in readings]) + "\n")
        answers.flush()
        # Counters tie knots between modules and their hooks; without this a network's memory stays while others come.
        gc.collect()
        gc.freeze()  # what is left is the libraries, which need not be searched again


def _own_channel() -> TextIO:
    """Keep the pipe to our parent for ourselves, and let all that prints, in C too, print to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def _read(tool: Any, device: str, network: Any, shape: tuple[int, ...]) -> list[ToolReading]:
    import torch

    from vggcost.frameworks.pytorch.build import build_module

    module = build_module(network)
    if device != "meta":
        module = module.to_empty(device=device)
    # Not in inference mode: ptflops' aten backend sees nothing there, and says so with a 0.
    with torch.no_grad():
        readings: list[ToolReading] = tool.read(module, torch.empty(shape, device=device))
    return readings


if __name__ == "__main__":
    main(*sys.argv[1:])
