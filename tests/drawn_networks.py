"""Random networks with residual blocks, each layer drawn so that it fits, and other ways to run them in torch."""

from __future__ import annotations

import random

from vggcost.network import layers
from vggcost.network.blocks import Residual
from vggcost.network.layer import anything_goes, walk
from vggcost.network.plan import Network, Variant


class Drawing:
    """A random network with residual blocks, drawn layer by layer so that each fits."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # networks, not secrets
        pick = self.random.randint
        self.shape = (pick(1, 3), pick(1, 6), pick(1, 20), pick(1, 20))
        self.drawn = 0
        features = self.features(self.shape, pick(1, 7), "features")
        self.network = Network("random", Variant(in_channels=self.shape[1]), tuple(self.head(features)))

    def features(self, shape, number, prefix, *, keep=False):
        """Layers for feature maps; keep makes all of them keep the shape, as a residual branch must."""
        found = []
        for _ in range(number):
            word = self.random.choice(("conv", "conv", "pool", "norm", "lrn", "relu", "drop", "block"))
            if keep and word in ("pool", "block"):
                word = "conv"
            self.drawn += 1
            layer = self.feature(word, f"{word}{self.drawn}", f"{prefix}.{len(found)}", shape, keep=keep)
            *_, last = layer.steps(shape, anything_goes)
            shape = last.output
            found.append(layer)
        return found

    def feature(self, word, name, path, shape, *, keep):  # one line a kind
        pick, channels = self.random.randint, shape[1]
        if word == "conv":
            groups = self.random.choice([each for each in (1, 2, 3) if channels % each == 0])
            c_out = channels if keep else groups * pick(1, 4)
            window = ((3, 3), (1, 1), (1, 1)) if keep else self.window(shape)
            return layers.Conv2d(name, path, channels, c_out, *window, self.random.random() < 0.6, groups)
        if word == "pool":
            return layers.MaxPool2d(name, path, *self.window(shape))
        if word == "norm":
            return layers.BatchNorm2d(name, path, channels, self.random.random() < 0.6)
        if word == "lrn":
            return layers.LocalResponseNorm(name, path, pick(1, 6))
        if word == "block":
            body = self.features(shape, pick(1, 4), f"{path}.body", keep=True)
            shortcut = self.features(shape, pick(0, 2), f"{path}.shortcut", keep=True)
            return Residual(name, path, tuple(body), tuple(shortcut))
        return {"relu": layers.ReLU, "drop": layers.Dropout}[word](name, path)

    def window(self, shape):
        pick = self.random.randint
        kernel, stride = (pick(1, 3), pick(1, 3)), (pick(1, 3), pick(1, 3))
        padding = tuple(min(side // 2, pick(0, 1)) for side in kernel)
        if any(side > size + 2 * pad for side, pad, size in zip(kernel, padding, shape[2:], strict=True)):
            return (1, 1), stride, (0, 0)
        return kernel, stride, padding

    def head(self, features):
        yield from features
        *_, last = walk(features, self.shape)
        shape, pick = last.output, self.random.randint
        if pick(0, 1):
            pool = layers.AdaptiveAvgPool2d("avgpool", "avgpool", (pick(1, 3), pick(1, 3)))
            shape, _ = pool.apply(shape)
            yield pool
        yield layers.Flatten("flatten", None)
        width, place = shape[1] * shape[2] * shape[3], 0
        for number in range(pick(0, 3)):
            classes = pick(1, 9)
            chosen = [layers.Linear(f"fc{number}", "", width, classes, self.random.random() < 0.6)]
            chosen += [layers.ReLU(f"fc{number}_relu", "")] * pick(0, 1)
            chosen += [layers.Dropout(f"fc{number}_drop", "")] * pick(0, 1)
            for layer in chosen:
                yield layer.replace(path=f"classifier.{place}")
                place += 1
            width = classes
        if not pick(0, 2):
            yield layers.Softmax("softmax", f"classifier.{place}")


def learns(network, shape):
    return any(step.layer.learns for step in walk(network.layers, shape))


def frozen_of(drawn, seed):
    learning = [step.layer for step in walk(drawn.network.layers, drawn.shape) if step.layer.learns]
    chosen = random.Random(seed).sample(learning, random.Random(seed).randint(0, len(learning) - 1))  # noqa: S311  # layers, not secrets
    return frozenset(layer.name for layer in chosen), {layer.path for layer in chosen}
