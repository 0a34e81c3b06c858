"""What a file is by its first bytes, held against what its name says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vggcost.errors import VggcostError, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

TORCH, SAFETENSORS, KERAS, HDF5 = "a torch file", "a safetensors file", "a Keras archive", "an HDF5 file"

KIND_OF_ENDING: Mapping[str, str] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin", ".tar"), TORCH),
    ".safetensors": SAFETENSORS,
    ".keras": KERAS,
    **dict.fromkeys((".h5", ".hdf5"), HDF5),
}
"""What a file of weights is by its name. ``.tar`` is for ``checkpoint.pth.tar``, which no tar has made."""

ENDING_OF_KIND = {TORCH: ".pth", SAFETENSORS: ".safetensors", KERAS: ".keras", HDF5: ".h5"}

POINTER = b"version https://git-lfs"
SAFETENSORS_LIMIT = 100_000_000
"""The longest header that the format allows [B]."""


def kind_of_file(path: str) -> str:
    """Return the kind of a file of weights, which its name and its first bytes agree on.

    Raises:
        VggcostError: it cannot be read, is empty, stands for another file, or is of another kind than its name says.
    """
    expected = KIND_OF_ENDING[os.path.splitext(path)[1].lower()]
    if os.path.isdir(path):
        raise VggcostError(f"{path!r} is a directory; give a file of weights", file=path)
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise unreadable(path, error) from None
    if not head:
        raise VggcostError(f"{path} is empty; give a file of weights", file=path)
    if head.startswith(POINTER):
        raise VggcostError(f"{path} is a git-lfs pointer in place of the file; run: git lfs pull", file=path)
    found = _by_sign(path, head)
    if found is None:
        raise VggcostError(f"{path} is named like {expected} and is none: it begins with {head[:12]!r}", file=path)
    if found != expected:
        better = os.path.splitext(path)[0] + ENDING_OF_KIND[found]
        raise VggcostError(
            f"{path} is named like {expected} and is {found}; rename it to {better} if that is what you mean", file=path
        )
    return found


def _by_sign(path: str, head: bytes) -> str | None:
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return HDF5
    if head.startswith(b"PK"):
        return _archive(path)
    if head[8:9] == b"{" and 0 < int.from_bytes(head[:8], "little") <= SAFETENSORS_LIMIT:
        return SAFETENSORS
    if head.startswith(b"\x80") or head[257:262] == b"ustar":
        return TORCH
    return None


def _archive(path: str) -> str | None:
    """The kind of a zip archive, by the names in it."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError, ValueError):
        raise damaged(path) from None
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        return KERAS
    folder = names[0].partition("/")[0] if names else ""
    if f"{folder}/data.pkl" in names:
        if any(name.startswith((f"{folder}/code/", f"{folder}/constants.pkl")) for name in names):
            raise VggcostError(
                f"{path} is a TorchScript archive, which holds a program; give the program, or a state_dict() that"
                " torch.save has written",
                file=path,
            )
        return TORCH
    if any(name.rpartition("/")[2] in {"archive_format", "serialized_exported_program.json"} for name in names):
        raise VggcostError(
            f"{path} is an exported program of torch.export; give the program, or a state_dict() that torch.save has"
            " written",
            file=path,
        )
    return None


def damaged(path: str) -> VggcostError:
    """Return the refusal of a file that ends too early, or is changed."""
    return VggcostError(f"{path} is truncated or damaged; fetch it, or save it, anew", file=path)
