"""The weights of Keras: HDF5 files, those of whole models among them, and archives that hold one.

A model's description is never read: a weights file says by its shapes what there is, and layers that are code stay so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import Needs, VggcostError
from vggcost.frameworks.checkpoints.order import natural
from vggcost.frameworks.checkpoints.signs import KERAS, damaged
from vggcost.frameworks.checkpoints.stored import Stored, StoredTensor

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIMIZER = ("optimizer", "optimizer_weights")
"""The groups in which Keras keeps what its optimizer remembers."""


def read(path: str, kind: str) -> Stored:
    """Return what an HDF5 file of Keras, or an archive of it, holds.

    Raises:
        MissingExtraError: h5py is not installed.
        VggcostError: it is truncated, or holds no weights.
    """
    with Needs(f"reading {path}", "h5py", "keras"):
        import h5py
    try:
        if kind == KERAS:
            return _from_archive(path, h5py)
        with h5py.File(path, "r") as file:
            return _read(path, "Keras weights file", file)
    except (OSError, KeyError, RuntimeError):
        raise damaged(path) from None


def _from_archive(path: str, h5py: Any) -> Stored:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".h5"))
            with archive.open(name) as inner, h5py.File(inner, "r") as file:
                return _read(path, "Keras model file", file)
    except (BadZipFile, EOFError):
        raise damaged(path) from None


def _read(path: str, kind: str, file: Any) -> Stored:
    root = file.get("model_weights", file)
    tensors = tuple(_listed(root) if "layer_names" in root.attrs else _walked(root, ""))
    if not tensors:
        raise VggcostError(f"{path} holds no tensors, so it is no model's weights", file=path)
    beside = sum(1 for name in OPTIMIZER if name in file for _ in _walked(file[name], ""))
    notes = (f"{beside} tensors of the optimizer's state stand beside it and are not counted",) if beside else ()
    return Stored(path, kind, "HWIO", tensors, notes)


def _listed(root: Any) -> Iterator[StoredTensor]:
    """The tensors in the order that the file's own attributes give."""
    for layer in root.attrs["layer_names"]:
        group = root[_text(layer)]
        for weight in group.attrs["weight_names"]:
            name = _text(weight)
            # Before Keras 3 a weight's name may repeat its layer's; the group's is what makes it unique.
            place = name if name.startswith(f"{_text(layer)}/") else f"{_text(layer)}/{name}"
            yield _tensor(place, group[name])


def _walked(group: Any, prefix: str) -> Iterator[StoredTensor]:
    """The tensors of a group and of those in it, under the layers' own names, which Keras 3 keeps at their `vars`."""
    for key in sorted(group, key=natural):
        value = group[key]
        if not prefix and key in OPTIMIZER:
            continue
        if hasattr(value, "shape"):
            yield _tensor(f"{prefix}{key}", value)
        elif key == "layers":
            yield from _walked(value, prefix)
        else:
            own = value["vars"].attrs.get("name", key) if "vars" in value else key
            yield from _walked(value, f"{prefix}{_text(own)}/")


def _tensor(name: str, dataset: Any) -> StoredTensor:
    shape = tuple(int(side) for side in dataset.shape)
    return StoredTensor(name, shape, str(dataset.dtype), int(dataset.nbytes))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
