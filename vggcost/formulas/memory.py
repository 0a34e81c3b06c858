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


def alive_at(inputs: N, outputs: N, waiting: N) -> N:
    """Activations alive while one layer runs [elements]: its input, its output, and what waits for a later layer.

    Source: torch.nn.Sequential, which lets go of a layer's input once the layer has its output.

    >>> alive_at(64 * 64 * 64, 64 * 64 * 64, 64 * 64 * 64)      # a layer inside a residual block
    786432
    """
    return inputs + outputs + waiting


def inference_peak(params: N, buffers: N, image: N, activations: N) -> N:
    """Memory at the worst moment of a forward [B], all given in bytes: weights, the network's input, activations.

    Source: held by tests against torch's own count of live tensors.

    >>> inference_peak(553430176, 0, 602112, 25690112)      # VGG-16 in float32
    579722400
    """
    return params + buffers + image + activations


def training_peak(params: N, buffers: N, image: N, kept: N, largest: N) -> N:
    """Memory at the worst moment of a training step [B], all given in bytes.

    Weights and their gradients, the network's input, what autograd keeps, and two gradients of the largest activation
    on their way: that of a layer's output and that of its input.
    Source: held by tests against torch.distributed._tools.mem_tracker.

    >>> training_peak(100, 10, 5, 40, 8)
    271
    """
    return fixed_in_training(params, buffers) + image + kept + 2 * largest


def fixed_in_training(params: N, buffers: N) -> N:
    """What of a training step's memory is the same at any batch [B], given in bytes: weights, gradients, buffers.

    Source: as that of `training_peak`.

    >>> fixed_in_training(100, 10)
    210
    """
    return 2 * params + buffers


def bytes_of_one_image(peak: N, fixed: N, batch: N) -> N:
    """What one image adds to a peak [B], the peak being fixed + batch * (what one image adds).

    Source: the line through two points.

    >>> bytes_of_one_image(1000, 200, 4)
    200
    """
    return (peak - fixed) // batch


def largest_batch(free: N, fixed: N, image: N) -> N:
    """Images that fit into free memory [images], given what is fixed and what one image adds, in bytes.

    Source: the line through two points.

    >>> largest_batch(1000, 200, 150)
    5
    """
    return (free - fixed) // image
