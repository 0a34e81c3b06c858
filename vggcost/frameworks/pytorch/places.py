"""Where in a program a call stands: the program's own line, and the module of the model that makes it."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from types import FrameType

    from torch import nn

RUNNER = "_run_forward"
"""The function behind whose frame the program is no longer the audited one."""


class Places:
    """Finds the place of the call that is being answered, in the frames above it.

    strangers: modules that the call last looked at runs in, and that the model does not list, innermost first.
    """

    def __init__(self, model: nn.Module | None) -> None:
        self._modules = {id(module): path for path, module in model.named_modules()} if model is not None else {}
        self.strangers: list[nn.Module] = []

    def here(self) -> tuple[str | None, nn.Module | None, str]:
        """Return the program's own line, the innermost of the model's modules, and its path."""
        source: str | None = None
        module: nn.Module | None = None
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the interpreter's own name for it
        call = torch.nn.Module._call_impl.__code__  # noqa: SLF001  # where a module's forward is called
        self.strangers = []
        while frame is not None and (source is None or module is None):
            code = frame.f_code
            if code.co_name == RUNNER:
                break
            if source is None and not _is_machinery(code.co_filename):
                source = f"{_short(code.co_filename)}:{frame.f_lineno}"
            if module is None and code is call:
                inner = frame.f_locals["self"]
                if id(inner) in self._modules:
                    module = inner
                else:
                    self.strangers.append(inner)
            frame = frame.f_back
        return source, module, self._modules.get(id(module), "") if module is not None else ""


_TORCH = os.path.dirname(torch.__file__) + os.sep
_VGGCOST = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CONTEXTLIB = os.path.join(os.path.dirname(os.__file__), "contextlib")


@cache
def _is_machinery(filename: str) -> bool:
    return filename.startswith((_TORCH, _VGGCOST, _CONTEXTLIB, "<"))


@cache
def _short(filename: str) -> str:
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative
