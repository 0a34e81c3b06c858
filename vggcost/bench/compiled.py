"""A module through torch.compile, compiled before anything is timed."""

from __future__ import annotations

from typing import Any

from vggcost.errors import VggcostError


def compiled(torch: Any, module: Any, x: Any) -> Any:
    """Return the compiled module, compiled now, so that its failure is a refusal and not a sample.

    Raises:
        VggcostError: the compiler fails.
    """
    whole = torch.compile(module)
    try:
        whole(x)
    except torch._dynamo.exc.TorchDynamoException as error:  # noqa: SLF001  # torch names it nowhere else
        reason = " ".join(str(error).split())[:160]
        raise VggcostError(f"torch.compile failed ({reason}); leave --compile away{_missing(reason)}") from None
    return whole


def _missing(reason: str) -> str:
    """Say what could be installed, where that is what lacks."""
    words = reason.lower()
    if "too old" in words or "compute capability" in words:
        return ", for its compiler takes later GPUs only"
    if "triton" in words:
        return ", or install triton"
    if "compiler" in words or "g++" in words or "clang" in words:
        return ", or install a C++ compiler"
    return ""
