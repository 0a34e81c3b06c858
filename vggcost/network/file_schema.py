"""What a network file may say, as msgspec types: they hold a file that is read, and the schema is made of them.

The defaults are those of `vggcost.network.plan`; a description is what an editor shows and a refusal tells to give.
"""

import json
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.json import schema_components

from vggcost import units
from vggcost.network.plan import Configuration, Variant
from vggcost.network.unfold import HEAD, MOST_HIDDEN

_CONV = r"conv[0-9]{0,2}[13579]-[1-9][0-9]{0,17}(/[1-9][0-9]{0,5})?"
_END = r"(?![\s\S])"  # $ would take a newline behind it

_Int = Annotated[int, Meta(ge=1, le=units.COUNT_LIMIT)]
_Count = Annotated[_Int, Meta(description="a whole number from 1 to 10^18")]
_Convolution = Annotated[
    _Int | Annotated[str, Meta(pattern=f"^{_CONV}{_END}")],
    Meta(
        description='a width from 1 to 10^18 (3x3), or "conv1-256" or "conv5-64/2" (odd kernel, width, stride)',
        examples=[64, "conv1-256", "conv3-64/2"],
    ),
]
_Line = Annotated[str, Meta(pattern=rf"^[^\x00-\x1f\x7f]*{_END}")]


class ResidualBlock(Struct, forbid_unknown_fields=True):
    """Convolutions of a body, and what is added to what they give."""

    residual: Annotated[
        tuple[_Convolution, ...],
        Meta(
            min_length=1,
            max_length=64,
            description="the list of 1 to 64 convolutions of the block's body, such as [64, 64]",
        ),
    ]
    shortcut: Annotated[
        _Int | Annotated[str, Meta(pattern=f"^(identity|{_CONV}){_END}")],
        Meta(description='"identity" or one convolution, such as "conv1-128/2"'),
    ] = "identity"


_Token = Annotated[
    _Int | Annotated[str, Meta(pattern=f"^(M|LRN|{_CONV}){_END}")] | ResidualBlock,
    Meta(
        description=(
            'a width from 1 to 10^18 (3x3), "conv1-256" or "conv5-64/2" (odd kernel, width, stride), "M", "LRN" or'
            " { residual = [64, 64] }"
        ),
        examples=[64, "M", "LRN", "conv1-256", "conv3-64/2", {"residual": [64, 64], "shortcut": "conv1-64"}],
    ),
]


class NetworkFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """A VGG-like network as TOML, read by vggcost --file.

    Only features is required; all else has the values of the paper's networks.
    """

    name: (
        Annotated[
            str,
            Meta(
                max_length=60,
                pattern=rf"^[^\x00-\x20\x7f/\\|.][^\x00-\x1f\x7f/\\|]*{_END}",
                description=(
                    "a name of at most 60 characters without slashes and bars (if left away, the file's own name"
                    " without .toml)"
                ),
            ),
        ]
        | UnsetType
    ) = UNSET
    about: Annotated[_Line, Meta(description="one line of text that says what the network is")] | UnsetType = UNSET
    source: (
        Annotated[_Line, Meta(description="one line of text that says where the network comes from")] | UnsetType
    ) = UNSET
    features: Annotated[
        tuple[_Token, ...],
        Meta(
            min_length=1,
            max_length=4096,
            description='a list of 1 to 4096 tokens such as [64, 64, "M", 128, 128, "M"]',
        ),
    ]
    head: Annotated[
        tuple[_Count, ...],
        Meta(
            max_length=MOST_HIDDEN,
            description="a list of hidden widths such as [4096, 4096]; [] is one linear layer on the features",
        ),
    ] = HEAD
    classifier: Annotated[bool, Meta(description="true, or false for no linear layer at all")] = Variant.classifier
    softmax: Annotated[bool, Meta(description="true or false: whether a soft-max ends the classifier")] = (
        Variant.softmax
    )
    classes: _Count = Variant.classes
    in_channels: _Count = Variant.in_channels
    batch_norm: Annotated[bool, Meta(description="true or false: batch normalization behind every convolution")] = (
        Variant.batch_norm
    )
    bias: Annotated[bool, Meta(description="true or false: whether convolutions have a bias")] = Variant.bias
    adaptive_pool: Annotated[
        bool,
        Meta(
            description=(
                "true or false: whether features are pooled to 7x7 before the classifier; if not, its first linear"
                " takes what the features yield where head is given, and 7x7 positions otherwise"
            )
        ),
    ] = Variant.adaptive_pool
    width: Annotated[
        Annotated[int, Meta(gt=0, le=units.COUNT_LIMIT)] | Annotated[float, Meta(gt=0, le=units.COUNT_LIMIT)],
        Meta(
            description=(
                "a decimal number above 0, the factor of every convolution's width (floored, at least 1 channel)"
            )
        ),
    ] = Variant.width
    size: Annotated[
        _Int | Annotated[tuple[_Count, ...], Meta(min_length=2, max_length=2)],
        Meta(description=("the image in pixels: one whole number of at least 1, or a list of two, [height, width]")),
    ] = Configuration.size[0]


def schema_text() -> str:
    """Return the JSON Schema of network files, for editors that complete and check TOML."""
    _, parts = schema_components([NetworkFile], ref_template="#/$defs/{name}")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:vggcost:network:1",
        **parts.pop(NetworkFile.__name__),
        "title": "A vggcost network file",
        "description": " ".join((NetworkFile.__doc__ or "").split()),
        "$defs": parts,
    }
    return json.dumps(document, indent=2) + "\n"
