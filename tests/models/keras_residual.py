"""Five blocks of two convolutions and a pool, all but the first followed by a residual block; no classifier; Keras."""

from keras import Input, Model, layers


def conv(x, width):
    return layers.ReLU()(layers.Conv2D(width, 3, padding="same")(x))


def residual(x, width):
    return layers.Add()([conv(conv(x, width), width), x])


def build(shape=(224, 224, 3)):
    image = Input(shape)
    x = image
    for block, width in enumerate((64, 128, 256, 512, 512)):
        x = layers.MaxPooling2D(2)(conv(conv(x, width), width))
        if block:
            x = residual(x, width)
    return Model(image, x)
