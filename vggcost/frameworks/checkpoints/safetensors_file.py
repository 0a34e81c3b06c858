"""The header of a safetensors file: a length, and JSON; the library is not needed for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.formulas import forward
from vggcost.frameworks.checkpoints.signs import damaged
from vggcost.frameworks.checkpoints.stored import Stored, StoredTensor

if TYPE_CHECKING:
    from collections.abc import Mapping

DTYPES: Mapping[str, tuple[str, int]] = {
    "F64": ("float64", 64),
    "F32": ("float32", 32),
    "F16": ("float16", 16),
    "BF16": ("bfloat16", 16),
    "F8_E4M3": ("float8_e4m3fn", 8),
    "F8_E5M2": ("float8_e5m2", 8),
    "F8_E8M0": ("float8_e8m0fnu", 8),
    "F6_E2M3": ("float6_e2m3", 6),
    "F6_E3M2": ("float6_e3m2", 6),
    "F4": ("float4", 4),
    "I64": ("int64", 64),
    "I32": ("int32", 32),
    "I16": ("int16", 16),
    "I8": ("int8", 8),
    "U64": ("uint64", 64),
    "U32": ("uint32", 32),
    "U16": ("uint16", 16),
    "U8": ("uint8", 8),
    "BOOL": ("bool", 8),
    "C64": ("complex64", 64),
}
"""The format's names of dtypes: ours, and the bits that an element takes."""


def read(path: str) -> Stored:
    """Return what a safetensors file holds; its header alone is read.

    Raises:
        VggcostError: it is truncated or no such file.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length)
    if len(text) < length:
        raise damaged(path)
    try:
        header = json.loads(text)
        tensors = tuple(_tensor(name, entry) for name, entry in header.items() if name != "__metadata__")
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise VggcostError(f"{path} has a header that is none of a safetensors file", file=path) from None
    if 8 + length + max(ends, default=0) > size:
        raise damaged(path)
    return Stored(path, "safetensors file", "OIHW", tensors)


def _tensor(name: str, entry: Any) -> StoredTensor:
    """One tensor of the header.

    Raises:
        KeyError, TypeError, ValueError: the entry is none of the format.
    """
    shape = tuple(int(side) for side in entry["shape"])
    dtype, bits = DTYPES[entry["dtype"]]
    begin, end = map(int, entry["data_offsets"])
    if min(shape, default=0) < 0 or begin < 0 or end - begin != -(-forward.elements(shape) * bits // 8):
        raise ValueError(name)
    return StoredTensor(name, shape, dtype, end - begin)
