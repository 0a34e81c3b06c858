"""Table 1 of Simonyan & Zisserman 2015 as data: the six configurations, their names, their layers."""

from __future__ import annotations

from vggcost.errors import VggcostError, nearest
from vggcost.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    walk,
)
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.layers import Pair, Shape, Size

    Token = int | str

TABLE_1: Mapping[str, tuple[Token, ...]] = {
    "A": (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    "A-LRN": (64, "LRN", "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    "B": (64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    "C": (
        *(64, 64, "M", 128, 128, "M", 256, 256, "conv1-256", "M"),
        *(512, 512, "conv1-512", "M", 512, 512, "conv1-512", "M"),
    ),
    "D": (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
    "E": (
        *(64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M"),
        *(512, 512, 512, 512, "M", 512, 512, 512, 512, "M"),
    ),
}
"""The columns of the paper's Table 1. A number is a 3x3 convolution of that width and its ReLU, ``M`` a 2x2 max-pool
of stride 2, ``LRN`` a local response normalization, ``conv1-256`` the paper's own word for a 1x1 convolution."""

TABLE_2_MILLIONS: Mapping[str, int] = {"A": 133, "A-LRN": 133, "B": 133, "C": 134, "D": 138, "E": 144}
"""The paper's Table 2: parameters in millions, as printed."""

ALIASES: Mapping[str, str] = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}
"""The names by weight layers, as torchvision and Keras use them; C also has 16 weight layers and no such name."""

HEAD = (4096, 4096)
"""Hidden widths of the paper's classifier: fc6 and fc7."""

FEATURE_MAP: Pair = (7, 7)
"""What five pools leave of 224 pixels, and what fc6 takes."""


class Variant(Record):
    """What may differ from the paper's network without changing its configuration."""

    batch_norm: bool = False
    classes: Size = 1000
    in_channels: Size = 3
    bias: bool = True
    """Whether convolutions have a bias."""
    adaptive_pool: bool = True
    """Whether features are pooled to 7x7 before fc6, as torchvision does, so that any size fits."""
    head: tuple[int, ...] | None = None
    """Hidden widths of the classifier; None means the paper's two of 4096."""

    def options(self) -> dict[str, Any]:
        """The variant as plain values, by the API's own keywords."""
        head = None if self.head is None else list(self.head)
        return {**{name: getattr(self, name) for name in self._fields}, "head": head}


class Network(Record):
    """Named layers, ready to be walked."""

    name: str
    variant: Variant
    layers: tuple[Layer, ...]

    @property
    def short_name(self) -> str:
        """The name as files and columns bear it: ``D-bn``."""
        return f"{self.name}-bn" if self.variant.batch_norm else self.name

    @property
    def title(self) -> str:
        """The name and what departs from the paper's network: ``D (VGG-16) with batch normalization``."""
        variant = self.variant
        words = [self.name]
        common = [alias for alias, letter in ALIASES.items() if letter == self.name]
        if common:
            words.append(f"({common[0].upper().replace('VGG', 'VGG-')})")
        extras = []
        if variant.batch_norm:
            extras.append("batch normalization")
        if not variant.bias:
            extras.append("bias-less convolutions")
        if not variant.adaptive_pool:
            extras.append("no adaptive pool")
        if variant.head is not None:
            extras.append(f"head {','.join(map(str, variant.head)) or 'none'}")
        if extras:
            words.append(f"with {', '.join(extras)}")
        return " ".join(words)

    def layer(self, name: str) -> Layer:
        """Return the layer of this name.

        Raises:
            VggcostError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = tuple(layer.name for layer in self.layers)
        raise VggcostError(f"unknown layer {name!r} in {self.name}; {nearest(name, known)}")


def printed_millions(network: Network) -> int | None:
    """Return what the paper's Table 2 prints for a network, in millions; None where it is not the paper's own."""
    return TABLE_2_MILLIONS[network.name] if network.variant == Variant() and network.name in TABLE_1 else None


def resolve(name: str) -> tuple[str, bool]:
    """Return the paper's letter for a name in any case, and whether the name asks for batch normalization.

    >>> resolve("vgg16_bn"), resolve("a-lrn")
    (('D', True), ('A-LRN', False))

    Raises:
        VggcostError: no such configuration.
    """
    plain = name.strip().lower().replace("_", "-")
    batch_norm = plain.endswith("-bn")
    plain = plain.removesuffix("-bn")
    letter = ALIASES.get(plain.replace("-", ""), plain.upper())
    if letter not in TABLE_1:
        known = (*TABLE_1, *(alias + ending for alias in ALIASES for ending in ("", "_bn")))
        raise VggcostError(f"unknown configuration {name!r}; {nearest(name, known)} (see vggcost compare --help)")
    return letter, batch_norm


def network(letter: str, variant: Variant, image: tuple[Size, Size] = (224, 224)) -> Network:
    """Unfold a configuration into its layers; letter is a key of TABLE_1.

    The image's height and width matter only to a head of one's own without adaptive pool, whose first linear takes
    what the features yield.
    """
    features = _features(TABLE_1[letter], variant)
    return Network(letter, variant, (*features, *_classifier(features, variant, image)))


def conv_token(token: Token) -> tuple[int, int] | None:
    """Return (kernel, width) of a token that means a convolution, None for another word.

    >>> conv_token(64), conv_token("conv1-256"), conv_token("M")
    ((3, 64), (1, 256), None)
    """
    if isinstance(token, int):
        return 3, token
    head, _, width = token.partition("-")
    if head.startswith("conv") and head[4:].isdigit() and width.isdigit():
        return int(head[4:]), int(width)
    return None


def _features(tokens: Sequence[Token], variant: Variant) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = variant.in_channels
    block, index, norms = 1, 0, 0

    def path() -> str:
        return f"features.{len(layers)}"

    for token in tokens:
        conv = conv_token(token)
        if conv:
            kernel, width = conv
            index += 1
            where = f"{block}_{index}"
            side, padding = (kernel, kernel), (kernel // 2, kernel // 2)
            layers.append(Conv2d(f"conv{where}", path(), channels, width, side, (1, 1), padding, variant.bias))
            if variant.batch_norm:
                layers.append(BatchNorm2d(f"bn{where}", path(), width))
            layers.append(ReLU(f"relu{where}", path()))
            channels = width
        elif token == "M":  # noqa: S105  # the paper's word for a max-pool, no password
            layers.append(MaxPool2d(f"pool{block}", path()))
            block, index = block + 1, 0
        else:
            norms += 1
            layers.append(LocalResponseNorm(f"lrn{norms}", path()))
    return tuple(layers)


def _classifier(features: Sequence[Layer], variant: Variant, image: tuple[Size, Size]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = next(layer.c_out for layer in reversed(features) if isinstance(layer, Conv2d))
    area = FEATURE_MAP
    if variant.adaptive_pool:
        layers.append(AdaptiveAvgPool2d("avgpool", "avgpool", FEATURE_MAP))
    elif variant.head is not None:
        area = _feature_area(features, (1, variant.in_channels, *image))
    layers.append(Flatten("flatten", None))
    width = channels * (area[0] * area[1])
    number = 1 + sum(isinstance(layer, MaxPool2d) for layer in features)
    position = 0
    for hidden in HEAD if variant.head is None else variant.head:
        layers += (
            Linear(f"fc{number}", f"classifier.{position}", width, hidden),
            ReLU(f"relu{number}", f"classifier.{position + 1}"),
            Dropout(f"drop{number}", f"classifier.{position + 2}"),
        )
        width, number, position = hidden, number + 1, position + 3
    layers.append(Linear(f"fc{number}", f"classifier.{position}", width, variant.classes))
    return tuple(layers)


def _feature_area(features: Sequence[Layer], shape: Shape) -> tuple[Size, Size]:
    *_, last = walk(features, shape)
    return last.output[2], last.output[3]
