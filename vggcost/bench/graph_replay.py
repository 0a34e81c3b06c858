"""A module's forward as a captured graph: one launch in place of one a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def capture(torch: Any, module: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """Capture module(x) in a CUDA graph and return its replay; x must stay where it is.

    The module runs a few times on a stream beside first, as torch asks, so that libraries allocate their workspaces
    before the capture.

    Raises:
        RuntimeError: an operation that cannot be captured.
    """
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            module(x)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = module(x)

    def replay(_: Any) -> Any:
        graph.replay()
        return captured

    return replay
