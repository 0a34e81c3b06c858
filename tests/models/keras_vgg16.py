"""A functional VGG-16 with 24 classes and a soft-max head, in Keras."""

from keras import Input, Model, layers


def vgg16(num_classes=24, shape=(224, 224, 3)):
    image = Input(shape)
    x = image
    for block, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        for index in range(1, depth + 1):
            x = layers.Conv2D(width, (3, 3), padding="same", activation="relu", name=f"block{block}_{index}")(x)
        x = layers.MaxPooling2D((2, 2), strides=(2, 2))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(4096, activation="relu")(x)
    x = layers.Dense(4096, activation="relu")(x)
    return Model(image, layers.Dense(num_classes, activation="softmax")(x))
