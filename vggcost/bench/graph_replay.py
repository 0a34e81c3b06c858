"""A module's forward as a captured graph: one launch in place of one a kernel."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def capture_stream(torch: Any, device: Any) -> Any:
    """Return the stream beside the current one that all captures on this device use.

    One a device and process: cuBLAS keeps a workspace a stream for as long as the process lives.
    """
    return torch.cuda.Stream(device=device)


def capture(torch: Any, device: Any, module: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """Capture module(x) in a CUDA graph and return its replay; x must stay where it is.

    The module runs a few times on the stream beside first, as torch asks, so that libraries allocate their workspaces
    before the capture. Afterwards the current stream is what it was, whatever happened: `torch.cuda.graph` leaves its
    own stream current where a capture fails.

    Raises:
        RuntimeError: an operation that cannot be captured.
    """
    before, beside = torch.cuda.current_stream(device), capture_stream(torch, device)
    try:
        beside.wait_stream(before)
        with torch.cuda.stream(beside):
            for _ in range(3):
                module(x)
        before.wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=beside):
            captured = module(x)
    finally:
        torch.cuda.set_stream(before)

    def replay(_: Any) -> Any:
        graph.replay()
        return captured

    return replay
