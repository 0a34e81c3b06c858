"""One change of a configuration at random, and what it is to be called."""

from vggcost.network.foreign_layers import Free
from vggcost.network.foreign_pools import AvgPool2d, CeilMaxPool2d
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
)
from vggcost.network.ledger import Ledger


def places(layers, kind):
    """Where layers of a kind stand."""
    return [place for place, layer in enumerate(layers) if isinstance(layer, kind)]


def replaced(layers, changes):
    """The layers with some put in place of others; None takes one out, a tuple is several."""
    found = []
    for place, layer in enumerate(layers):
        new = changes.get(place, layer)
        found += new if isinstance(new, tuple) else [] if new is None else [new]
    return found


def behind(layers, place):
    """The place of the last normalization and activation that go with a convolution."""
    while place + 1 < len(layers) and isinstance(layers[place + 1], ReLU | BatchNorm2d):
        place += 1
    return place


def drop_a_convolution(layers, random):
    place = random.choice(places(layers, Conv2d)[1:])
    gone = dict.fromkeys(range(place, behind(layers, place) + 1))
    return replaced(layers, gone), ("missing", layers[place].name)


def one_more_convolution(layers, random):
    place = random.choice(places(layers, Conv2d)[:-1])
    last = behind(layers, place)
    width = layers[place].c_out
    block = [Conv2d("more", None, width, width, (5, 5), (1, 1), (2, 2), layers[place].bias)]
    if any(isinstance(layer, BatchNorm2d) for layer in layers):
        block.append(BatchNorm2d("more_bn", None, width))
    return replaced(layers, {last: (layers[last], *block, ReLU("more_relu", None))}), ("extra", None)


def one_thinner_convolution(layers, random):
    place = random.choice(places(layers, Conv2d))
    conv = layers[place]
    return replaced(layers, {place: conv.replace(c_out=conv.c_out // 2 + 8)}), ("width", conv.name)


def thinner_stages(layers, random):
    convs = places(layers, Conv2d)
    last = random.randrange(2, len(convs))
    thin = {place: layers[place].replace(c_out=layers[place].c_out * 3 // 4) for place in convs[:last]}
    return replaced(layers, thin), ("width", layers[convs[0]].name)


def another_kernel(layers, random):
    place = random.choice([place for place in places(layers, Conv2d) if layers[place].kernel == (3, 3)])
    return replaced(layers, {place: layers[place].replace(kernel=(5, 5), padding=(2, 2))}), (
        "different",
        layers[place].name,
    )


def other_kernels_throughout(layers, random):
    side = random.choice((5, 7))
    found = {
        place: layers[place].replace(kernel=(side, side), padding=(side // 2, side // 2))
        for place in places(layers, Conv2d)
        if layers[place].kernel == (3, 3)
    }
    return replaced(layers, found), ("different", layers[min(found)].name)


def a_stride_in_place_of_a_pool(layers, random):
    pool = random.choice(places(layers, MaxPool2d))
    place = max(each for each in places(layers, Conv2d) if each < pool)
    strided = layers[place].replace(stride=(2, 2))
    return replaced(layers, {pool: None, place: strided}), ("different", layers[place].name)


def a_convolution_in_place_of_a_pool(layers, random):
    pool = random.choice(places(layers, MaxPool2d))
    width = layers[max(each for each in places(layers, Conv2d) if each < pool)].c_out
    return replaced(layers, {pool: Conv2d("down", None, width, width, (3, 3), (2, 2), (1, 1))}), (
        "different",
        layers[pool].name,
    )


def a_missing_pool(layers, random):
    pool = random.choice(places(layers, MaxPool2d)[:-1])
    return replaced(layers, {pool: None}), ("missing", layers[pool].name)


def an_average_pool(layers, random):
    pool = random.choice(places(layers, MaxPool2d))
    return replaced(layers, {pool: AvgPool2d("avg", None, (2, 2), (2, 2))}), ("different", layers[pool].name)


def average_pools(layers, random):
    pools = places(layers, MaxPool2d)
    return replaced(layers, {pool: AvgPool2d(f"avg{pool}", None, (2, 2), (2, 2)) for pool in pools}), (
        "different",
        "pool1",
    )


def a_pool_over_the_edge(layers, random):
    pool = random.choice(places(layers, MaxPool2d))
    return replaced(layers, {pool: CeilMaxPool2d(layers[pool].name, None)}), ("different", layers[pool].name)


def no_bias_in_one(layers, random):
    place = random.choice(places(layers, Conv2d | Linear))
    return replaced(layers, {place: layers[place].replace(bias=False)}), ("different", layers[place].name)


def groups_in_one(layers, random):
    place = random.choice(places(layers, Conv2d)[1:])
    return replaced(layers, {place: layers[place].replace(groups=2)}), ("different", layers[place].name)


def no_padding_in_one(layers, random):
    place = random.choice([place for place in places(layers, Conv2d) if layers[place].kernel == (3, 3)])
    return replaced(layers, {place: layers[place].replace(padding=(0, 0))}), ("different", layers[place].name)


def a_pool_of_no_effect(layers, random):
    last = places(layers, MaxPool2d)[-1]
    pool = random.choice((AvgPool2d("same", None, (1, 1), (1, 1)), MaxPool2d("same", None, (1, 1), (1, 1))))
    return replaced(layers, {last: (layers[last], pool)}), ("extra", None)


def a_global_pool(layers, random):
    (place,) = places(layers, AdaptiveAvgPool2d)
    mean = AdaptiveAvgPool2d("gap", None, (1, 1))
    first, *rest = places(layers, Linear)
    gone = dict.fromkeys(range(first, rest[-1])) if random.random() < 0.5 else {}
    return replaced(layers, {place: mean, **gone}), ("different", "avgpool")


def cut(layers, random):
    convs = places(layers, Conv2d)
    place = random.choice(convs[2:])
    last = behind(layers, place)
    return layers[: last + 1], ("cut", None)


def a_decoder(layers, random):
    features = layers[: places(layers, AdaptiveAvgPool2d)[0]]
    found, width = list(features), 512
    for step in range(random.randrange(1, 5)):
        found += [
            Upsample(f"up{step}", None, "interpolate"),
            Conv2d(f"dec{step}", None, width, width // 2),
            ReLU(f"dec_relu{step}", None),
        ]
        width //= 2
    return found, ("behind", None)


class Elementwise(Free):
    """A function of each element."""

    def apply(self, shape):
        return shape, Ledger()


class Upsample(Free):
    """Twice the height and width."""

    def apply(self, shape):
        return (*shape[:2], 2 * shape[2], 2 * shape[3]), Ledger()


def dense_layers_as_convolutions(layers, random):
    pool, flat = places(layers, AdaptiveAvgPool2d)[0], places(layers, Flatten)[0]
    found = {pool: None, flat: None}
    for number, place in enumerate(places(layers, Linear)):
        linear = layers[place]
        side = 7 if not number else 1
        found[place] = Conv2d(linear.name, None, 512, linear.out_features, (side, side), (1, 1), (0, 0))
    return replaced(layers, found), ("convolution", "fc6")


def a_norm_behind_its_activation(layers, random):
    found = {}
    norms = places(layers, BatchNorm2d)
    for place in norms if random.random() < 0.5 else [random.choice(norms)]:
        found |= {place: layers[place + 1], place + 1: layers[place]}
    return replaced(layers, found), ("order", layers[min(found) - 1].name)


def one_more_norm(layers, random):
    place = random.choice(places(layers, Conv2d))
    return replaced(layers, {place: (layers[place], BatchNorm2d("more", None, layers[place].c_out))}), ("extra", None)


def other_hidden_widths(layers, random):
    first, second, _ = places(layers, Linear)
    width = random.choice((128, 512, 1024))
    found = {place: layers[place].replace(out_features=width) for place in (first, second)}
    return replaced(layers, found), ("variant", "head", (width, width))


def no_biases(layers, random):
    return replaced(layers, {place: layers[place].replace(bias=False) for place in places(layers, Conv2d)}), (
        "variant",
        "bias",
        False,
    )


def no_activation_in_one(layers, random):
    place = random.choice(places(layers, ReLU))
    return replaced(layers, {place: None}), ("departure", f"{layers[place].name} missing")


def other_activations(layers, random):
    found = {place: Elementwise(f"other{place}", None, "leaky_relu") for place in places(layers, ReLU)}
    return replaced(layers, found), ("departure", "leaky_relu in place of ReLU")


def one_more_dropout(layers, random):
    place = random.choice(places(layers, MaxPool2d))
    return replaced(layers, {place: (layers[place], Dropout("more", None))}), (
        "departure",
        "3 dropout layers in place of 2",
    )


WITHOUT_NORMS = (one_more_norm,)
WITH_NORMS = (a_norm_behind_its_activation,)
EVERY = (
    drop_a_convolution,
    one_more_convolution,
    one_thinner_convolution,
    thinner_stages,
    another_kernel,
    other_kernels_throughout,
    a_stride_in_place_of_a_pool,
    a_convolution_in_place_of_a_pool,
    a_missing_pool,
    an_average_pool,
    average_pools,
    a_pool_over_the_edge,
    no_bias_in_one,
    groups_in_one,
    no_padding_in_one,
    a_pool_of_no_effect,
    a_global_pool,
    cut,
    a_decoder,
    dense_layers_as_convolutions,
    other_hidden_widths,
    no_biases,
    no_activation_in_one,
    other_activations,
    one_more_dropout,
)
