"""Memory: bytes of tensors, what is alive at one moment of a forward or of a training step, what must be moved."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def tensor_bytes(elements: N, element_bytes: int) -> N:
    """Memory of a tensor, or of many [B]: parameters, activations, what is kept.

    Source: torch.Tensor.nbytes.

    >>> tensor_bytes(138357544, 4)      # the parameters of VGG-16 in float32
    553430176
    """
    return elements * element_bytes


def least_traffic(inputs: N, params: N, buffers: N, outputs: N) -> N:
    """Elements that a layer must move at least [elements]: each that it reads and each that it writes, once.

    Source: Williams et al. 2009, section 3 (compulsory traffic).

    >>> least_traffic(3 * 224 * 224, 1792, 0, 64 * 224 * 224)      # conv1_1 of every VGG
    3363584
    """
    return inputs + params + buffers + outputs


def in_use(params: N, buffers: N, image: N, alive: N) -> N:
    """Memory at one moment [B], all given in bytes: weights, buffers, the network's input, and what is alive beside.

    Source: held by tests against torch's own count of live tensors.

    >>> in_use(553430176, 0, 602112, 25690112)      # VGG-16 in float32
    579722400
    """
    return params + buffers + image + alive


def at_moment(held: N, gradients: N, alive: N) -> N:
    """Memory at one moment of a training step [B]: what is held throughout, gradients from before, what is alive.

    Source: held by tests against torch's own count of live tensors.

    >>> at_moment(1000, 200, 30)
    1230
    """
    return held + gradients + alive


def optimizer_state(trainable: N, states: N) -> N:
    """What an optimizer keeps between steps [B]: so many tensors as large as the parameters that it trains.

    Source: Kingma & Ba 2015, algorithm 1: two moments (torch.optim.Adam); none for plain SGD, one with momentum.

    >>> optimizer_state(553430176, 2)      # VGG-16 with Adam in float32
    1106860352
    """
    return trainable * states


def float32_copy(narrow: N) -> N:
    """Memory of a float32 copy of tensors of a dtype of two bytes [B], given theirs.

    Source: Micikevicius et al. 2018, section 3.1 (a master copy of the weights in float32).

    >>> float32_copy(276715088)      # the parameters of VGG-16, in bfloat16
    553430176
    """
    return 2 * narrow


def one_at_a_time(before: N, own: N) -> N:
    """Elements that Adam's loop over the parameters holds beside its state [elements]: a root and its quotient.

    What it made for the parameter before is still there, under the same name.
    Source: torch.optim.adam, _single_tensor_adam.

    >>> one_at_a_time(64, 1728)
    3520
    """
    return before + 2 * own


def bytes_of_one_image(one: N, two: N) -> N:
    """What one image adds to the memory of a moment [B], given that moment's memory with one image and with two.

    Source: the line through two points.

    >>> bytes_of_one_image(1000, 1800)
    800
    """
    return two - one


def largest_batch(free: N, one: N, image: N) -> N:
    """Images that fit into free memory [images], given the memory with one of them and what each further one adds [B].

    Source: the line through two points.

    >>> largest_batch(1000, 350, 150)
    5
    """
    return 1 + (free - one) // image
