"""Keras models without a graph of their own: a Sequential without Input, and a subclass of Model."""

import keras
from keras import layers

WIDTHS = ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2))


def _layers(num_classes):
    made = []
    for width, depth in WIDTHS:
        made += [layers.Conv2D(width, 3, padding="same", activation="relu") for _ in range(depth)]
        made.append(layers.MaxPooling2D())
    made.append(layers.Flatten())
    for _ in range(2):
        made += [layers.Dense(4096, activation="relu"), layers.Dropout(0.5)]
    return [*made, layers.Dense(num_classes)]


def sequential(num_classes=1000):
    return keras.Sequential(_layers(num_classes))


class Subclass(keras.Model):
    def __init__(self, num_classes=1000):
        super().__init__()
        self.steps = _layers(num_classes)

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x


class Branches(Subclass):
    def call(self, x):
        return super().call(x) if float(x[0, 0, 0, 0]) > 0 else x
