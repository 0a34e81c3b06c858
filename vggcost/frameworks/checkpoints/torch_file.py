"""The tensors of a file that torch.save has written, through torch's reader that runs nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.formulas import memory
from vggcost.frameworks.checkpoints.stored import Stored, StoredTensor, is_average
from vggcost.frameworks.pytorch.build import require_torch

if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS = (
    *("argparse.Namespace", "collections.defaultdict", "easydict.EasyDict", "yacs.config.CfgNode"),
    *("pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath", "pathlib.PureWindowsPath"),
    *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "numpy.dtypes.Float64DType"),
    *("numpy.dtypes.Float32DType", "numpy.dtypes.Int64DType", "numpy.core.multiarray._reconstruct", "numpy.ndarray"),
    *("numpy._core.multiarray._reconstruct", "torch.torch_version.TorchVersion", "builtins.slice", "builtins.list"),
)
"""What training scripts put beside the weights: options and numbers. An empty stand-in takes the place of each."""

WRAPPERS = ("state_dict", "model_state_dict", "model", "model_state", "net", "network", "weights", "params", "module")
"""The keys under which training scripts put a model's weights, the likeliest first."""

DEPTH = 6
"""How deep dictionaries may stand in one another."""


class _StandIn(dict):  # type: ignore[type-arg]  # it is never given anything to hold
    """Takes the place of an object that is no tensor: whatever it is made of is forgotten."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        """Forget it."""


def read(path: str) -> Stored:
    """Return what a torch file holds; the values of its tensors are not read where the file allows it.

    Raises:
        MissingExtraError: torch is not installed.
        VggcostError: it is truncated, holds code, or no weights.
    """
    torch = require_torch(f"reading {path}")
    value = _loaded(torch, path)
    notes: list[str] = []
    named = list(_weights(value, path, notes))
    tensors = tuple(_tensor(name, tensor) for name, tensor in named)
    return Stored(path, "PyTorch checkpoint", "OIHW", tensors, tuple(notes))


def _loaded(torch: Any, path: str) -> Any:
    import warnings
    from pickle import UnpicklingError

    stand_ins = [(_StandIn, name) for name in HARMLESS]
    with open(path, "rb") as file:
        archive = file.read(2) == b"PK"
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(stand_ins):
            warnings.simplefilter("ignore")  # torch's own advice about files of old releases
            return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except UnpicklingError as error:
        raise _code(path, str(error)) from None
    except Exception as error:  # noqa: BLE001  # a damaged file makes torch raise anything; none of it is ours
        text = str(error)
        if ".tar" in text:
            raise VggcostError(
                f"{path} is in the tar format of torch before 0.2, which cannot be read without running it; load it"
                " with such a torch and save its state_dict() anew",
                file=path,
            ) from None
        raise _unreadable(path) from None


def _code(path: str, message: str) -> VggcostError:
    """The refusal of a file that names what only running it would make."""
    named = re.search(r"GLOBAL ([\w.]+)", message) or re.search(r"(?:class|function|global) ([\w.]+\.[\w.]+)", message)
    if named is None:
        return _unreadable(path)
    return VggcostError(
        f"{path} holds code: {named[1]}, pickled whole, which only running it can make; save the weights alone, as"
        " torch.save(model.state_dict(), FILE)",
        file=path,
    )


def _unreadable(path: str) -> VggcostError:
    return VggcostError(
        f"{path} is truncated, damaged, or was not written by torch.save; fetch it, or save it, anew", file=path
    )


def _weights(value: Any, path: str, notes: list[str]) -> Iterator[tuple[str, Any]]:
    """The model's own tensors by name, out of whatever dictionaries they stand in."""
    if _is_tensor(value):
        raise VggcostError(f"{path} holds one tensor and no state_dict(), so it is no model's weights", file=path)
    found = _chosen(value, notes)
    if not found:
        what = f"a {type(value).__name__}" if not isinstance(value, dict) else "a dictionary"
        raise VggcostError(f"{path} holds {what} without tensors, so it is no model's weights", file=path)
    yield from found


def _chosen(value: Any, notes: list[str]) -> list[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return []
    if any(_is_tensor(each) for each in value.values()):
        return list(_nested(value, 1))
    nested = {str(key): list(_nested(each, 1)) for key, each in value.items() if _holds(each)}
    holders = {key: tensors for key, tensors in nested.items() if tensors}
    optimizers = [key for key, each in value.items() if _is_optimizer(str(key), each)]
    models = {key: tensors for key, tensors in holders.items() if key not in optimizers}
    plain = {key: tensors for key, tensors in models.items() if not is_average(key)}
    candidates = plain or models
    first = next((key for key in WRAPPERS if key in candidates), None)
    chosen = candidates if first is None else {first: candidates[first]}
    _note(notes, holders, chosen)
    if len(chosen) == 1:
        return next(iter(chosen.values()))
    return [(f"{key}.{name}", tensor) for key, tensors in chosen.items() for name, tensor in tensors]


def _note(notes: list[str], holders: dict[str, list[Any]], chosen: dict[str, list[Any]]) -> None:
    aside = [f"{key!r} ({len(tensors)} tensors)" for key, tensors in holders.items() if key not in chosen]
    if aside:
        notes.append(f"beside the weights in {' and '.join(map(repr, chosen))} stand {', '.join(aside)}: not counted")


def _nested(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Every tensor of dictionaries in dictionaries, by the keys that lead to it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in pairs:
        if _is_tensor(each):
            yield str(key), each
        elif _holds(each) and depth < DEPTH and not _is_optimizer(str(key), each):
            for name, tensor in _nested(each, depth + 1):
                yield f"{key}.{name}", tensor


def _is_optimizer(key: str, value: Any) -> bool:
    if isinstance(value, dict) and {"state", "param_groups"} <= value.keys():
        return True
    return key.lower().startswith(("optim", "scheduler", "lr_sched", "scaler", "amp", "rng", "loss"))


def _holds(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) and bool(value)


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _tensor(name: str, tensor: Any) -> StoredTensor:
    shape = tuple(int(side) for side in tensor.shape)
    dtype = str(tensor.dtype).removeprefix("torch.")
    try:
        place = (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), shape, tuple(tensor.stride()))
    except (RuntimeError, NotImplementedError):  # a sparse tensor has no storage of its own
        place = None
    if tensor.numel() == 0 or (place is not None and not place[0]):
        place = None
    return StoredTensor(name, shape, dtype, memory.tensor_bytes(tensor.numel(), tensor.element_size()), place)
