"""The network file of a program that is one: its layers as the tokens of a plan, and the options beside them."""

from __future__ import annotations

from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.formulas import windows
from vggcost.formulas.forward import elements
from vggcost.network.blocks import Add
from vggcost.network.catalogue import FEATURE_MAP, HEAD
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
from vggcost.network.plan import Configuration, ResidualToken, Variant
from vggcost.network.unfold import unfold
from vggcost.programs.pieces import program_pieces, structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from vggcost.network.layer import Layer
    from vggcost.network.plan import Token
    from vggcost.programs.reading import ProgramReading

LONGEST_NAME = 60
"""Characters that a network file's name may have."""


def configuration_of(reading: ProgramReading) -> Configuration:
    """Return the plan whose network is this program: the same layers in the same order, parameters and MACs.

    Dropout is looked past: it computes nothing in a forward call, and a plan has it behind hidden linear layers alone.

    Raises:
        VggcostError: the program has something that a network file has no word for; the sentence says what.
    """
    walk = _Walk(reading)
    features = walk.features()
    variant = walk.classifier()
    image = reading.image or (0, 0)
    source = f"vggcost audit {reading.program}"
    plan = Configuration(_name(reading.program), features, "", " ".join(source.split()), variant, image)
    network = unfold(plan, variant, image)
    expected = [piece.key for piece in structure(network.layers)]
    counted = table(network, reading.inputs[0])
    ours = (reading.params, reading.macs, [piece.key for piece in program_pieces(reading)])
    if ours != (sum(row.params for row in counted.rows), sum(row.macs for row in counted.rows), expected):
        walk.refuse("the network that its layers would make has others")
    return plan


class _Walk:
    """One pass over a program's layers, in order."""

    def __init__(self, reading: ProgramReading) -> None:
        self.reading = reading
        self._place = 0
        self._norms: set[bool] = set()
        self._biases: set[bool] = set()
        self._channels = 0
        self._check()
        self._layers = [each.layer for each in reading.operations if not isinstance(each.layer, Dropout)]
        self._forks = self._residuals()

    def refuse(self, why: str) -> NoReturn:
        """Say why the program is no network file."""
        raise VggcostError(f"{self.reading.program} cannot be written as a network file: {why}")

    def _check(self) -> None:
        reading = self.reading
        if reading.failures:
            self.refuse("it cannot run at this input")
        if reading.weights_alone:
            self.refuse("it is weights alone, and of no configuration")
        if len(reading.inputs) != 1 or reading.image is None:
            self.refuse("it takes something else than one image")
        for operation in reading.operations:
            if operation.shares is not None:
                self.refuse(f"{operation.layer.name} runs on the parameters of another layer")
            if operation.input is None:
                self.refuse(f"{operation.layer.name} is never used")

    def _residuals(self) -> dict[int, int]:
        """Where each residual block begins and where its addition stands, by place among the layers looked at."""
        kept = [place for place, each in enumerate(self.reading.operations) if not isinstance(each.layer, Dropout)]
        new = {old: place for place, old in enumerate(kept)}
        return {
            new[old - self.reading.operations[old].branch]: new[old]
            for old in kept
            if isinstance(self.reading.operations[old].layer, Add) and old - self.reading.operations[old].branch in new
        }

    def _next(self) -> Layer | None:
        return self._layers[self._place] if self._place < len(self._layers) else None

    def _take(self, kind: type[Layer]) -> bool:
        """Go past the next layer where it is of this very kind; say whether it was."""
        if type(self._next()) is not kind:
            return False
        self._place += 1
        return True

    # The features

    def features(self) -> tuple[Token | ResidualToken, ...]:
        """The tokens of the layers before the classifier."""
        tokens: list[Token | ResidualToken] = []
        while (layer := self._next()) is not None and not isinstance(layer, AdaptiveAvgPool2d | Flatten | Linear):
            end = self._forks.get(self._place)
            if end is not None:
                tokens.append(self._residual(end))
            elif isinstance(layer, Conv2d):
                tokens.append(self._conv(layer))
                if not self._take(ReLU):
                    self.refuse(f"no ReLU is behind {layer.name}{self._instead()}, and a network file has one there")
            else:
                tokens.append(self._word(layer))
        if not any(not isinstance(token, str) or token.startswith("conv") for token in tokens):
            self.refuse("it has no convolution")
        return tuple(tokens)

    def _instead(self) -> str:
        layer = self._next()
        return "" if layer is None else f" but {layer.noun or layer.kind}"

    def _word(self, layer: Layer) -> Token:
        self._place += 1
        if type(layer) is MaxPool2d:
            if layer.alike() == MaxPool2d("", None).alike():
                return "M"
            self.refuse(f"{layer.name} is {layer.words()}, and a network file has {MaxPool2d('', None).words()}")
        if isinstance(layer, LocalResponseNorm) and layer.alike() == LocalResponseNorm("", None).alike():
            return "LRN"
        return self.refuse(f"{layer.name} is {layer.words()}, which it has no word for")

    def _conv(self, conv: Conv2d) -> Token:
        """The token of a convolution, whose normalization is gone past as well."""
        (height, width), (stride, across) = conv.kernel, conv.stride
        side = windows.centred_padding(height)
        usual = (height, stride, (side, side), (1, 1), 1) == (width, across, conv.padding, conv.dilation, conv.groups)
        if not usual or height % 2 == 0:
            self.refuse(
                f"{conv.name} is {conv.words()}, and a network file has square kernels of odd size, padded so that they"
                " keep the size at stride 1"
            )
        self._place += 1
        self._biases.add(conv.bias)
        norm = self._next()
        self._norms.add(type(norm) is BatchNorm2d)
        if type(norm) is BatchNorm2d:
            if not norm.affine:
                self.refuse(f"{norm.name} is {norm.words()}")
            self._place += 1
        if len(self._norms) > 1:
            self.refuse("some convolutions have batch normalization and others not")
        if len(self._biases) > 1:
            self.refuse("some convolutions have a bias and others not")
        self._channels = self._channels or conv.c_in
        if (height, stride) == (3, 1):
            return int(conv.c_out)
        return f"conv{height}-{conv.c_out}" if stride == 1 else f"conv{height}-{conv.c_out}/{stride}"

    def _residual(self, end: int) -> ResidualToken:
        """The token of a residual block, which ends with the addition at this place.

        A ReLU behind the addition sees the same elements as one behind the body's last convolution.
        """
        tokens: list[Token] = []
        bare: list[int] = []
        while self._place < end:
            conv = self._next()
            if not isinstance(conv, Conv2d):
                self.refuse(f"{self._layers[self._place].name} stands inside a residual block, which has convolutions")
            tokens.append(self._conv(conv))
            if not self._take(ReLU):
                bare.append(len(tokens) - 1)
        self._place = end + 1
        last = len(tokens) - 1
        activated = bool(bare) and self._take(ReLU)
        if bare == ([last] if activated else []):
            return ResidualToken(tuple(tokens))
        if last and bare == ([last - 1, last] if activated else [last]):
            return ResidualToken(tuple(tokens[:-1]), tokens[-1])
        if 0 in bare and last:
            self.refuse("the shortcut of a residual block runs before its body, or has a ReLU missing")
        return self.refuse("a residual block has no ReLU behind each convolution of its body")

    # What comes behind them

    def classifier(self) -> Variant:
        """The options of a plan: those of its convolutions, and its classifier."""
        plain = Variant(batch_norm=True in self._norms, in_channels=self._channels, bias=False not in self._biases)
        if self._next() is None:
            return plain.replace(classifier=False, adaptive_pool=True)
        pool = self._next()
        adaptive = isinstance(pool, AdaptiveAvgPool2d)
        if isinstance(pool, AdaptiveAvgPool2d):
            if pool.output_size != FEATURE_MAP:
                self.refuse(f"{pool.name} is {pool.words()}, and a network file has one to 7x7 or none")
            self._place += 1
        if not self._take(Flatten):
            self.refuse(f"no flatten is behind its features{self._instead()}")
        hidden, seven = self._linears()
        softmax = self._take(Softmax)
        left = self._next()
        if left is not None:
            self.refuse(f"{left.name} is {left.words()}, behind the last linear layer that it has words for")
        full = hidden[:-1] == HEAD and (adaptive or seven)
        return plain.replace(
            classes=hidden[-1], adaptive_pool=adaptive, head=None if full else hidden[:-1], softmax=softmax
        )

    def _linears(self) -> tuple[tuple[int, ...], bool]:
        """The widths of the linear layers, and whether the first one takes 7x7 positions of each channel."""
        widths: list[int] = []
        channels = [layer.c_out for layer in self._layers[: self._place] if isinstance(layer, Conv2d)][-1]
        seven = False
        while isinstance(linear := self._next(), Linear):
            if not linear.bias:
                self.refuse(f"{linear.name} is {linear.words()}")
            seven = seven or (not widths and linear.in_features == elements((channels, *FEATURE_MAP)))
            widths.append(int(linear.out_features))
            self._place += 1
            if isinstance(self._after_relu(), Linear) and not self._take(ReLU):
                self.refuse(f"no ReLU is behind {linear.name}{self._instead()}, and a network file has one there")
        if not widths:
            self.refuse(f"no linear layer is behind its features{self._instead()}")
        return tuple(widths), seven

    def _after_relu(self) -> Layer | None:
        layers: Sequence[Layer] = self._layers[self._place : self._place + 2]
        return next((layer for layer in layers if not isinstance(layer, ReLU)), None)


def _name(program: str) -> str:
    """A network file's name for a program: ``VGG`` for ``models/vgg.py:VGG``."""
    last = program.replace("\\", "/").rpartition("/")[2]
    name = last.rpartition(":")[2] if ":" in last else last.rpartition(".")[0] or last
    kept = "".join(sign for sign in name if sign.isprintable() and sign not in "/\\|")
    return kept.strip().lstrip(".")[:LONGEST_NAME].strip() or "network"
