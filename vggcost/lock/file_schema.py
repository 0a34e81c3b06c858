"""What a lock and the table of pyproject.toml may say, as msgspec types."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from vggcost import units

_NAME = r"^[^\x00-\x1f\x7f]{1,200}(?![\s\S])"
_Name = Annotated[str, Meta(pattern=_NAME, description="a name of 1 to 200 characters in one line")]
_Size = Annotated[int, Meta(ge=0)]
_Number = Annotated[_Size, Meta(description="a whole number of at least 0")]
_Known = Annotated[_Size | None, Meta(description="a whole number of at least 0, or null where it is not known")]
_Shape = Annotated[tuple[_Size, ...], Meta(description="a shape, a list of whole numbers such as [1, 3, 224, 224]")]
_Setting = Annotated[int, Meta(ge=1, le=units.COUNT_LIMIT)]
_Count = Annotated[_Setting, Meta(description="a whole number from 1 to 10^18")]
_Pixels = Annotated[
    _Setting | Annotated[tuple[_Setting, ...], Meta(min_length=2, max_length=2)],
    Meta(description="a size in pixels: 224, or [height, width]"),
]
_Texts = Annotated[
    str | tuple[str, ...],
    Meta(description='what --input takes, such as "3x224x224", or a list of that'),
]
_Switch = Annotated[bool, Meta(description="true or false")]
_Head = Annotated[
    tuple[_Setting, ...],
    Meta(max_length=256, description="a list of hidden widths such as [4096, 4096]; [] is one linear layer"),
]
_Factor = Annotated[
    Annotated[int, Meta(gt=0, le=units.COUNT_LIMIT)] | Annotated[float, Meta(gt=0, le=units.COUNT_LIMIT)],
    Meta(description="a decimal number above 0"),
]
_Conventions = Annotated[
    tuple[str, ...], Meta(description='a list of conventions such as ["fvcore"]; vggcost conventions lists them')
]
_Call = Annotated[str, Meta(description='the arguments of --call, such as "num_classes=4"')]


class GivenBeside(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is given beside a target."""

    call: _Call | UnsetType = UNSET
    input: _Texts | UnsetType = UNSET
    size: _Pixels | UnsetType = UNSET
    batch: _Count | UnsetType = UNSET
    batch_norm: _Switch | UnsetType = UNSET
    classes: _Count | UnsetType = UNSET
    in_channels: _Count | UnsetType = UNSET
    bias: _Switch | UnsetType = UNSET
    adaptive_pool: _Switch | UnsetType = UNSET
    head: _Head | UnsetType = UNSET
    width: _Factor | UnsetType = UNSET


class LockedLayer(Struct):
    """One layer of an entry; what else stands there are its settings."""

    name: Annotated[str, Meta(description="the layer's name")]
    kind: Annotated[str, Meta(description="the layer's kind, as torch.nn calls it")]
    output: Annotated[_Shape | None, Meta(description="the output's shape, or null")]
    params: _Number
    params_trainable: _Number
    macs: _Known


class LockedEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """One network or program."""

    name: _Name
    target: Annotated[str | None, Meta(description="what the entry was read from, or null for a live model")]
    given: Annotated[GivenBeside, Meta(description="a table of what was given beside the target")]
    framework: Annotated[str, Meta(description="the framework's name")]
    inputs: Annotated[tuple[_Shape, ...], Meta(description="the inputs' shapes, a list of lists")]
    params: _Number
    params_trainable: _Number
    params_frozen: _Number
    weight_bytes: _Number
    buffers: _Number
    buffer_bytes: _Number
    macs: _Known
    output_bytes: _Known
    training_peak_bytes: _Known
    counts: Annotated[dict[str, _Known], Meta(description="a table of each convention's count")]
    layers: Annotated[tuple[LockedLayer, ...], Meta(description="the list of the layers, in their order")]


class LockFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """A lock, written by vggcost lock."""

    schema: Annotated[str, Meta(description="vggcost.lock/1")]
    entries: Annotated[tuple[LockedEntry, ...], Meta(description="the list of entries")]


class EntryTable(GivenBeside, forbid_unknown_fields=True, kw_only=True):
    """``[tool.vggcost.entries.NAME]``."""

    target: Annotated[
        str, Meta(min_length=1, description="a configuration's name, a file, or a program such as models.py:VGG")
    ]
    conventions: _Conventions | UnsetType = UNSET
    max_params: Any = None
    max_macs: Any = None
    max_memory: Any = None
    max_time: Any = None


class ToolTable(Struct, forbid_unknown_fields=True, kw_only=True):
    """``[tool.vggcost]``."""

    conventions: _Conventions | UnsetType = UNSET
    entries: Annotated[dict[str, Any], Meta(description="tables such as [tool.vggcost.entries.NAME]")] | UnsetType = (
        UNSET
    )
