"""A plan unfolded: tokens in, layers with the literature's names and torchvision's paths out.

Names inside the pool-to-pool block b: ``conv{b}_{i}``, ``bn{b}_{i}``, ``relu{b}_{i}`` and ``pool{b}`` as in the
literature. The r-th residual block there is ``res{b}_{r}``, which is also the name of its addition; inside it stand
``res{b}_{r}_conv1``, ``_bn1``, ``_relu1``, ``_conv2``, ... and a projection is ``res{b}_{r}_proj`` with ``_proj_bn``.
"""

from __future__ import annotations

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.formulas import forward, windows
from vggcost.network.blocks import Residual
from vggcost.network.layer import walk
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Softmax,
)
from vggcost.network.plan import Network, ResidualToken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from vggcost.network.layer import Layer, Pair, Size
    from vggcost.network.plan import Configuration, Token, Variant

    Channels = Callable[[int, int], Size]

HEAD = (4096, 4096)
"""Hidden widths of the paper's classifier: fc6 and fc7."""

MOST_HIDDEN = 256
"""How many hidden widths a classifier may be asked to have, as an option or in a file."""

FEATURE_MAP: Pair = (7, 7)
"""What five pools leave of 224 pixels, and what fc6 takes."""


def unfold(
    configuration: Configuration,
    variant: Variant,
    image: tuple[Size, Size],
    alias: str | None = None,
    channels: Channels | None = None,
) -> Network:
    """Return a plan's layers in this variant.

    The image's height and width matter only to a head of one's own without adaptive pool, whose first linear takes
    what the features yield. channels says how many channels a convolution has, by its width in the plan and the number
    of its pool-to-pool block, in place of the variant's width; its answers may be arrays, or symbols.
    """
    features = _Features(variant, channels or scaled_by(variant.width))
    for token in configuration.features:
        features.add(token)
    layers = tuple(features.layers)
    if variant.classifier:
        layers += _classifier(features, variant, image)
    return Network(configuration.name, variant, layers, image, alias)


def scaled_by(width: float | str) -> Channels:
    """Return what gives the channels of a convolution whose plan's width is scaled by a factor: floored, at least 1.

    >>> scaled_by("0.7")(10, 1), scaled_by(0.1)(8, 1)
    (7, 1)
    """
    if width == 1:
        return lambda own, _: own
    factor = exact_factor(width)
    return lambda own, _: max(1, forward.scaled_width(own, factor))


def conv_token(token: Token) -> tuple[int, int, int] | None:
    """Return (kernel, width, stride) of a token that means a convolution, None for another word.

    >>> conv_token(64), conv_token("conv1-256"), conv_token("conv3-64/2"), conv_token("M")
    ((3, 64, 1), (1, 256, 1), (3, 64, 2), None)
    """
    if isinstance(token, int):
        return 3, token, 1
    word, _, rest = token.partition("-")
    width, slash, stride = rest.partition("/")
    if not slash:
        stride = "1"
    if word.startswith("conv") and word[4:].isdecimal() and width.isdecimal() and stride.isdecimal():
        return int(word[4:]), int(width), int(stride)
    return None


def total_stride(configuration: Configuration) -> int:
    """Return how many pixels of the image lie between two neighbouring outputs of the features.

    A residual block's body counts; its shortcut must have the same stride.
    """
    total = 1
    for token in configuration.features:
        for part in token.body if isinstance(token, ResidualToken) else (token,):
            conv = conv_token(part)
            if conv:
                total = windows.field_stride(total, conv[2])
            elif part == "M":
                total = windows.field_stride(total, MaxPool2d.stride[0])
    return total


def conv_widths(configuration: Configuration) -> tuple[int, ...]:
    """Return the different widths of a plan's convolutions as it has them, the smallest first [channels]."""
    tokens: list[Token] = []
    for token in configuration.features:
        tokens += (*token.body, token.shortcut) if isinstance(token, ResidualToken) else (token,)
    convs = (conv_token(token) for token in tokens)
    return tuple(sorted({conv[1] for conv in convs if conv}))


def exact_factor(width: float | str) -> Fraction:
    """Return a width factor as the decimal number that it is written as.

    0.7 means seven tenths, which no float is: floor(0.7 * 10) must be 7.

    >>> exact_factor(0.7)
    Fraction(7, 10)
    """
    from fractions import Fraction

    return Fraction(str(width))


def width_factor(width: float | str) -> float:
    """Return a width factor that stands for the decimal number it is written as; whole numbers become ints.

    >>> width_factor("0.50"), width_factor(2.0)
    (0.5, 2)

    Raises:
        VggcostError: it is no decimal number above 0 and up to 10^18, or has more digits than a float keeps.
    """
    text = str(width).strip()
    try:
        factor = float(text)
    except ValueError:
        factor = None
    if factor is None or isinstance(width, bool) or not text.isascii() or "_" in text:
        raise VggcostError(f"width is {width!r}; give a decimal number such as 0.5")
    if not 0 < factor <= units.COUNT_LIMIT:
        raise VggcostError(f"width is {text}; give a number above 0 and up to 10^18, such as 0.5")
    kept = int(factor) if factor.is_integer() else factor
    if exact_factor(text) != exact_factor(kept):
        raise VggcostError(f"width is {text}, which has more digits than are kept; give at most 15")
    return kept


class _Features:
    """The feature extractor while it is built, token after token."""

    def __init__(self, variant: Variant, scaled: Channels) -> None:
        self.layers: list[Layer] = []
        self.channels: Size = variant.in_channels
        self._scaled = scaled
        self._variant = variant
        self._block = 1
        self._convs = self._norms = self._residuals = 0

    def add(self, token: Token | ResidualToken) -> None:
        """Append the layers of one token."""
        position = len(self.layers)
        if token == "M":  # noqa: S105  # the paper's word for a max-pool, no password
            self.layers.append(MaxPool2d(f"pool{self._block}", f"features.{position}"))
            self._block, self._convs, self._residuals = self._block + 1, 0, 0
        elif token == "LRN":  # noqa: S105  # a word of the paper's as well
            self._norms += 1
            self.layers.append(LocalResponseNorm(f"lrn{self._norms}", f"features.{position}"))
        elif isinstance(token, ResidualToken):
            self._residuals += 1
            self.layers.append(self._residual(token, f"res{self._block}_{self._residuals}", f"features.{position}"))
        else:
            self._convs += 1
            where = f"{self._block}_{self._convs}"
            self.layers += self._conv(token, f"conv{where}", f"bn{where}", "features", position)
            self.layers.append(ReLU(f"relu{where}", f"features.{len(self.layers)}"))

    def _conv(self, token: Token, name: str, bn_name: str, parent: str, position: int) -> list[Layer]:
        """A convolution and its batch normalization; the channels are its width from here on."""
        conv = conv_token(token)
        if conv is None:
            raise ValueError(f"{token!r} is no token of a plan")
        kernel, own, stride = conv
        c_out = self._scaled(own, self._block)
        c_in, self.channels = self.channels, c_out
        side = windows.centred_padding(kernel)
        path = f"{parent}.{position}"
        layers: list[Layer] = [
            Conv2d(name, path, c_in, c_out, (kernel, kernel), (stride, stride), (side, side), self._variant.bias)
        ]
        if self._variant.batch_norm:
            layers.append(BatchNorm2d(bn_name, f"{parent}.{position + 1}", c_out))
        return layers

    def _residual(self, token: ResidualToken, name: str, path: str) -> Residual:
        c_in = self.channels
        body: list[Layer] = []
        for i, conv in enumerate(token.body, 1):
            body += self._conv(conv, f"{name}_conv{i}", f"{name}_bn{i}", f"{path}.body", len(body))
            body.append(ReLU(f"{name}_relu{i}", f"{path}.body.{len(body)}"))
        shortcut: list[Layer] = []
        if token.shortcut != "identity":
            c_out, self.channels = self.channels, c_in
            shortcut = self._conv(token.shortcut, f"{name}_proj", f"{name}_proj_bn", f"{path}.shortcut", 0)
            self.channels = c_out
        return Residual(name, path, tuple(body), tuple(shortcut))


def _classifier(features: _Features, variant: Variant, image: tuple[Size, Size]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    area: tuple[Size, Size] = FEATURE_MAP
    if variant.adaptive_pool:
        layers.append(AdaptiveAvgPool2d("avgpool", "avgpool", FEATURE_MAP))
    elif variant.head is not None:
        area = _feature_area(features.layers, variant, image)
    layers.append(Flatten("flatten", None))
    inputs = forward.elements((features.channels, *area))
    number = 1 + sum(isinstance(layer, MaxPool2d) for layer in features.layers)
    position = 0
    for hidden in HEAD if variant.head is None else variant.head:
        layers += (
            Linear(f"fc{number}", f"classifier.{position}", inputs, hidden),
            ReLU(f"relu{number}", f"classifier.{position + 1}"),
            Dropout(f"drop{number}", f"classifier.{position + 2}"),
        )
        inputs, number, position = hidden, number + 1, position + 3
    layers.append(Linear(f"fc{number}", f"classifier.{position}", inputs, variant.classes))
    if variant.softmax:
        layers.append(Softmax("softmax", f"classifier.{position + 1}"))
    return tuple(layers)


def _feature_area(features: Sequence[Layer], variant: Variant, image: tuple[Size, Size]) -> tuple[Size, Size]:
    *_, last = walk(features, (1, variant.in_channels, *image))
    return last.output[2], last.output[3]
