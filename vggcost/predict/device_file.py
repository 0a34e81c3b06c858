"""A user's own devices, in a file of the form of `devices.toml`: read, and held against what a datasheet can say."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vggcost.errors import VggcostError, unreadable
from vggcost.predict.datasheets import faults
from vggcost.predict.devices import SEGMENTS, Devices, rows
from vggcost.schema import complaint, first_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.predict.devices import Device

LARGEST_FILE_BYTES = 1_000_000

Name = Annotated[str, Meta(min_length=1, max_length=200, description="a text that is not empty")]
Positive = Annotated[float, Meta(gt=0, le=1e9, description="a number above 0")]
Rate = Annotated[float, Meta(ge=0, le=1e9, description="a number; 0 for none")]
Count = Annotated[int, Meta(ge=0, le=1_000_000, description="a whole number; 0 where it is not known")]


class DeviceTable(Struct, forbid_unknown_fields=True):
    """One [[device]]."""

    name: Name
    architecture: Name
    segment: Name
    fp32_tflops: Positive
    memory_gb_per_s: Positive
    source: Name
    checked: Name
    aliases: Annotated[list[Name], Meta(max_length=100, description="a list of names")] = []
    compute_capability: str = ""
    tf32_tflops: Rate = 0.0
    fp16_vector_tflops: Rate = 0.0
    fp16_tensor_tflops: Rate = 0.0
    memory_gib: Rate = 0.0
    l2_mib: Rate = 0.0
    processors: Count = 0
    cores_per_processor: Count = 0
    boost_mhz: Rate = 0.0
    tensor_mhz: Rate = 0.0
    power_w: Rate = 0.0


class DeviceFile(Struct, forbid_unknown_fields=True):
    """The whole file."""

    device: Annotated[list[DeviceTable], Meta(min_length=1, max_length=1000, description="[[device]] tables")]


def read(path: str, table: Devices) -> Devices:
    """Return the table with a file's devices before its own, which one of the same name takes the place of.

    Raises:
        VggcostError: it cannot be read, is no TOML, lacks a key, or has figures that no datasheet can have.
    """
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST_FILE_BYTES)
        document = tomllib.loads(text.decode())
    except OSError as error:
        raise unreadable(path, error) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise VggcostError(f"{path}: no TOML: {error}", file=path) from None
    fault = first_fault(document, DeviceFile)
    if fault is not None:
        raise VggcostError(f"{path}: {complaint(fault)}", file=path)
    own = rows(document["device"])
    for device in own:
        _check(device, path)
    names = {device.name for device in own}
    if len(names) < len(own):
        raise VggcostError(f"{path}: two devices have one name; give each its own", file=path)
    return Devices((*own, *(device for device in table.rows if device.name not in names)), table.families)


def _check(device: Device, path: str) -> None:
    """Refuse a row with figures that cannot be.

    Raises:
        VggcostError: it has one.
    """
    if device.segment not in SEGMENTS:
        raise VggcostError(f"{path}: {device.name}: segment is {device.segment!r}; give one of {', '.join(SEGMENTS)}")
    for fault in faults(device):
        raise VggcostError(f"{path}: {device.name}: {fault}", file=path)
