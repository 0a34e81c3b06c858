"""What a network is before any number is counted: its plan (tokens), its variant (options), and its named layers."""

from __future__ import annotations

from vggcost.errors import VggcostError, nearest, wrong_kind
from vggcost.network.blocks import Residual
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from vggcost.network.layer import Layer, Size

    Token = int | str
    """A width, or a word such as ``M``."""


DEFAULT_SIZE = (224, 224)
"""(height, width) of the image where nothing says otherwise [pixels]: the paper's."""


class ResidualToken(Record):
    """A residual block of a plan: convolutions of its body, and what stands beside them.

    The shortcut is ``identity`` or one convolution. A ReLU follows every convolution of the body; a network that
    sets the last one behind the addition instead has the same counts, for both see the same elements.
    """

    body: tuple[Token, ...]
    shortcut: Token = "identity"


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
    width: float = 1
    """Factor of every convolution's width (floored, at least 1 channel), as `unfold.width_factor` gives it out of a
    number or a text: an int where it is whole, else the float that is written as what is meant, 0.7 for 7/10."""
    classifier: bool = True
    """Whether linear layers follow the features at all."""
    softmax: bool = False
    """Whether a soft-max ends the classifier."""

    def options(self) -> dict[str, Any]:
        """The variant as plain values, by the API's own keywords."""
        head = None if self.head is None else list(self.head)
        return {**{name: getattr(self, name) for name in self._fields}, "head": head}

    def departures(self) -> dict[str, Any]:
        """The fields that differ from the paper's network, by name."""
        return {name: value for name in self._fields if (value := getattr(self, name)) != getattr(Variant, name)}


class Configuration(Record):
    """A network's plan under its name: Table 1's column, or what a network file says.

    features are the tokens, variant what the plan itself sets, size the (height, width) it is meant for.
    """

    name: str
    features: tuple[Token | ResidualToken, ...]
    about: str = ""
    source: str = ""
    variant: Variant = Variant()
    size: tuple[int, int] = DEFAULT_SIZE


class Network(Record):
    """Named layers, ready to be walked; image is the (height, width) that they are meant for."""

    name: str
    variant: Variant
    layers: tuple[Layer, ...]
    image: tuple[Size, Size] = DEFAULT_SIZE
    alias: str | None = None
    """What the paper's configuration is commonly called: ``VGG-16``."""

    @property
    def short_name(self) -> str:
        """The name as files and columns bear it: ``D-bn``."""
        return f"{self.name}-bn" if self.variant.batch_norm else self.name

    @property
    def title(self) -> str:
        """The name and what departs from the paper's network: ``D (VGG-16) with batch normalization``."""
        variant = self.variant
        words = [self.name]
        if self.alias:
            words.append(f"({self.alias})")
        extras = []
        if variant.batch_norm:
            extras.append("batch normalization")
        if variant.width != 1:
            extras.append(f"width {variant.width}")
        if not variant.bias:
            extras.append("bias-less convolutions")
        if not variant.classifier:
            extras.append("no classifier")
        else:
            if not variant.adaptive_pool:
                extras.append("no adaptive pool")
            if variant.head is not None:
                extras.append(f"head {','.join(map(str, variant.head)) or 'none'}")
            if variant.softmax:
                extras.append("soft-max")
        if extras:
            words.append(f"with {', '.join(extras)}")
        return " ".join(words)

    @property
    def heading(self) -> str:
        """The title and the classes: ``VGG D (VGG-16), 1000 classes``."""
        classes = f", {self.variant.classes} classes" if self.variant.classifier else ""
        return f"VGG {self.title}{classes}"

    def identity(self) -> dict[str, Any]:
        """Which network it is, as plain values: the `network` of every JSON document."""
        return {"name": self.name, "title": self.title, "options": self.variant.options()}

    def stages(self) -> list[tuple[str | None, list[Layer]]]:
        """Neighbouring layers by the child of the module that they stand in; None for what is a function."""
        groups: list[tuple[str | None, list[Layer]]] = []
        for layer in self.layers:
            top = layer.path.partition(".")[0] if layer.path else None
            if groups and groups[-1][0] == top:
                groups[-1][1].append(layer)
            else:
                groups.append((top, [layer]))
        return groups

    def layer(self, name: str) -> Layer:
        """Return the layer of this name, which may stand inside a residual block.

        Raises:
            VggcostError: there is none.
        """
        if not isinstance(name, str):
            raise wrong_kind("layer", name, f"its name, such as {self.layers[0].name!r}")
        for layer in _every(self.layers):
            if layer.name == name:
                return layer
        known = tuple(layer.name for layer in _every(self.layers))
        found = nearest(name, known)
        raise VggcostError(f"unknown layer {name!r} in {self.name}; {found}", nearest=found.names)


def _every(layers: Iterable[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from _every((*layer.body, *layer.shortcut))
