"""Every network that has a name: Table 1 of Simonyan & Zisserman 2015 as data, its aliases, and the packaged files."""

from __future__ import annotations

from functools import lru_cache

from vggcost.errors import VggcostError, unknown
from vggcost.network.plan import Configuration, Network, Variant
from vggcost.network.unfold import FEATURE_MAP, HEAD, conv_token, unfold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.network.layer import Size
    from vggcost.network.plan import Token

__all__ = [
    "ABOUT",
    "ALIASES",
    "FEATURE_MAP",
    "HEAD",
    "NETWORK_FILE_ENDING",
    "TABLE_1",
    "TABLE_2_MILLIONS",
    "Configuration",
    "Network",
    "Variant",
    "aliases",
    "conv_token",
    "find",
    "may_be_name",
    "named",
    "names",
    "network",
    "printed_millions",
    "resolve",
    "unfolded",
]

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

ABOUT: Mapping[str, str] = {
    "A": "8 convolutions in 5 blocks, 3 linear layers",
    "A-LRN": "A with response normalization after relu1_1",
    "B": "A with a second convolution in blocks 1, 2",
    "C": "B with a 1x1 convolution more in blocks 3-5",
    "D": "C with 3x3 kernels in place of 1x1",
    "E": "D with a fourth convolution in blocks 3-5",
}
"""What each column of Table 1 is."""

TABLE_2_MILLIONS: Mapping[str, int] = {"A": 133, "A-LRN": 133, "B": 133, "C": 134, "D": 138, "E": 144}
"""The paper's Table 2: parameters in millions, as printed."""

ALIASES: Mapping[str, str] = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}
"""The names by weight layers, as torchvision and Keras use them; C also has 16 weight layers and no such name."""


NETWORK_FILE_ENDING = ".toml"
"""How the names of network files end."""


def printed_millions(built: Network) -> int | None:
    """Return what the paper's Table 2 prints for a network, in millions; None where it is not the paper's own."""
    if built.variant != Variant() or built.name not in TABLE_1:
        return None
    # A network file may bear the paper's letter and describe something else.
    return TABLE_2_MILLIONS[built.name] if built.layers == network(built.name, Variant()).layers else None


def resolve(name: str) -> tuple[str, bool]:
    """Return the configuration's own name for a name in any case, and whether it asks for batch normalization.

    The own name is the paper's letter, or that of a packaged network.

    >>> resolve("vgg16_bn"), resolve("a-lrn"), resolve("Residual-VGG16")
    (('D', True), ('A-LRN', False), ('residual-vgg16', False))

    Raises:
        VggcostError: no such configuration.
    """
    if not isinstance(name, str):
        raise VggcostError(f"the network is {name!r}; give its name as a text such as 'D', or a network file as file=")
    plain = name.strip().lower().replace("_", "-")
    batch_norm = plain.endswith("-bn")
    plain = plain.removesuffix("-bn")
    letter = ALIASES.get(plain.replace("-", ""), plain.upper())
    if letter in TABLE_1:
        return letter, batch_norm
    from vggcost.network import network_file

    if plain in network_file.packaged_names():
        return plain, batch_norm
    aliased = (alias + ending for alias in ALIASES for ending in ("", "_bn"))
    known = (*TABLE_1, *aliased, *network_file.packaged_names())
    more = " (vggcost configs lists all; --file NET.toml takes one of your own)"
    raise unknown("configuration", name, known, more)


def may_be_name(text: str) -> bool:
    """Whether a text may name a configuration: it has none of the signs that a file or a module's callable has.

    >>> may_be_name("vgg16_bn"), may_be_name("net.toml"), may_be_name("vgg.py:VGG16")
    (True, False, False)
    """
    return not any(sign in text for sign in "./\\:")


def is_name(text: str) -> bool:
    """Whether a text names a configuration."""
    try:
        resolve(text)
    except VggcostError:
        return False
    return True


def names() -> tuple[str, ...]:
    """Return the names of all configurations: the paper's letters, then the packaged networks."""
    from vggcost.network import network_file

    return (*TABLE_1, *network_file.packaged_names())


def aliases(name: str) -> tuple[str, ...]:
    """Return what else a configuration is called."""
    return tuple(alias for alias, own in ALIASES.items() if own == name)


def find(name: str) -> Configuration:
    """Return the configuration of a name in any case; an ending ``_bn`` sets its batch normalization.

    Raises:
        VggcostError: no such configuration.
    """
    own, batch_norm = resolve(name)
    if own in TABLE_1:
        source = f"the paper's Table 1, column {own}"
        return Configuration(own, TABLE_1[own], ABOUT[own], source, Variant(batch_norm))
    from vggcost.network import network_file

    packaged = network_file.packaged(own)
    return packaged.replace(variant=packaged.variant.replace(batch_norm=True)) if batch_norm else packaged


def named(text: str) -> Configuration:
    """Return the configuration of a name, or of a network file by its path.

    Raises:
        VggcostError: no such configuration, or a file that is no network.
    """
    return written(text)[0]


def written(text: str) -> tuple[Configuration, frozenset[str]]:
    """Return the configuration of a name, or of a network file by its path with the keys that stand there.

    Raises:
        VggcostError: no such configuration, or a file that is no network.
    """
    if not text.lower().endswith(NETWORK_FILE_ENDING):
        return find(text), frozenset()
    from vggcost.network import network_file

    return network_file.read_written(text)


def network(name: str, variant: Variant, image: tuple[Size, Size] = (224, 224)) -> Network:
    """Unfold a named configuration into its layers; see `unfolded`."""
    return unfolded(find(name), variant, image)


@lru_cache(maxsize=256)
def unfolded(configuration: Configuration, variant: Variant, image: tuple[Size, Size] = (224, 224)) -> Network:
    """Unfold a configuration into its layers, in a variant that says everything.

    The image's height and width matter only to a head of one's own without adaptive pool, whose first linear takes
    what the features yield.
    """
    common = aliases(configuration.name) if TABLE_1.get(configuration.name) == configuration.features else ()
    return unfold(configuration, variant, image, f"VGG-{common[0][3:]}" if common else None)
