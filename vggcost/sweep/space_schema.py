"""What a space file may say, as msgspec types; `vggcost.sweep.space` reads what they let through."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from vggcost import units

_Int = Annotated[int, Meta(ge=1, le=units.COUNT_LIMIT)]
_Number = Annotated[int, Meta(gt=0, le=units.COUNT_LIMIT)] | Annotated[float, Meta(gt=0, le=units.COUNT_LIMIT)]


class Range(Struct, forbid_unknown_fields=True, kw_only=True, rename={"start": "from"}):
    """Numbers at equal steps, or powers; both ends are in it where a step meets them."""

    start: Annotated[_Number, Meta(description="a number above 0")] | UnsetType = UNSET
    to: Annotated[_Number, Meta(description="a number above 0")]
    step: Annotated[_Number, Meta(description="a number above 0")] | UnsetType = UNSET
    powers_of: (
        Annotated[int, Meta(ge=2, le=units.COUNT_LIMIT, description="a whole number of at least 2")] | UnsetType
    ) = UNSET


_COUNTS = "a list such as [10, 1000], { from = 32, to = 512, step = 32 } or { powers_of = 2, to = 256 }"
_Count = Annotated[_Int, Meta(description="a whole number from 1 to 10^18")]
_Counts = Annotated[_Int | tuple[_Count, ...] | Range, Meta(description=_COUNTS)]
_Flags = Annotated[bool | tuple[bool, ...], Meta(description="true, false, or a list of them such as [false, true]")]
_Words = Annotated[str | tuple[str, ...], Meta(description='a list of names such as ["float32", "float16"]')]
_Side = Annotated[
    _Int | Annotated[tuple[_Count, ...], Meta(min_length=2, max_length=2)],
    Meta(description="a whole number of pixels, or [height, width]"),
]


class Axes(Struct, forbid_unknown_fields=True, kw_only=True):
    """What varies; an axis that is not there has one value."""

    config: (
        Annotated[
            str | tuple[str, ...],
            Meta(description='a list of configurations and network files such as ["A", "D", "net.toml"]'),
        ]
        | UnsetType
    ) = UNSET
    width: (
        Annotated[
            _Number | tuple[Annotated[_Number, Meta(description="a number above 0")], ...] | Range,
            Meta(description="a list such as [0.5, 1], or { from = 0.25, to = 2, step = 0.25 }"),
        ]
        | UnsetType
    ) = UNSET
    batch_norm: _Flags | UnsetType = UNSET
    bias: _Flags | UnsetType = UNSET
    adaptive_pool: _Flags | UnsetType = UNSET
    head: (
        Annotated[
            str | tuple[Annotated[str | tuple[_Count, ...], Meta(description='"none", "512" or "4096,4096"')], ...],
            Meta(description='a list of heads such as ["none", "512", "4096,4096"]'),
        ]
        | UnsetType
    ) = UNSET
    in_channels: _Counts | UnsetType = UNSET
    classes: _Counts | UnsetType = UNSET
    size: (
        Annotated[
            _Int | tuple[_Side, ...] | Range,
            Meta(description="a list such as [32, 224, [256, 320]], or { from = 32, to = 512, step = 32 }"),
        ]
        | UnsetType
    ) = UNSET
    batch: _Counts | UnsetType = UNSET
    dtype: _Words | UnsetType = UNSET
    optimizer: _Words | UnsetType = UNSET


class Blocks(Struct, forbid_unknown_fields=True, kw_only=True):
    """In place of configurations: how many convolutions stand in each block, and how wide they are."""

    depth: Annotated[
        tuple[_Counts, ...],
        Meta(
            min_length=1,
            max_length=16,
            description="a list of 1 to 16 blocks, each a list of depths: [[1, 2], [1, 2], [2, 3, 4]]",
        ),
    ]
    width: (
        Annotated[
            tuple[_Counts, ...],
            Meta(
                min_length=1,
                max_length=16,
                description="a list with as many blocks as depth has, each a list of widths: [[32, 64], [64, 128]]",
            ),
        ]
        | UnsetType
    ) = UNSET


class SpaceFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """A space of networks as TOML, read by vggcost sweep."""

    convention: Annotated[str, Meta(description='a convention such as "fvcore"')] | UnsetType = UNSET
    axes: Annotated[Axes, Meta(description="a table of axes such as width = [0.5, 1]")] | UnsetType = UNSET
    blocks: Annotated[Blocks, Meta(description="a table with depth, a list of depths for each block")] | UnsetType = (
        UNSET
    )
