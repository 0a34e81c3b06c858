"""Time on a device: what a matrix product, a pass over a tensor and a launch take, of which a forecast is the sum."""

from __future__ import annotations

from vggcost.formulas.roofline import compute_time, memory_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def sustained_rate(peak: N, efficiency: N, clock: N) -> N:
    """Rate that kernels reach [unit of peak], of a datasheet's peak: a share of it, at a multiple of its clock.

    Source: Williams et al. 2009, section 4 (ceilings below the roof).

    >>> sustained_rate(50, 3, 2)
    300
    """
    return peak * efficiency * clock


def gemm_depth(macs: N, outputs: N) -> N:
    """Length of the dot product behind each output [elements]: K of a matrix product.

    Source: Chetlur et al. 2014 (cuDNN), section 3.1: a convolution as a product of matrices.

    >>> gemm_depth(1849688064, 64 * 224 * 224)      # conv1_2 of VGG-16: 3 x 3 x 64
    576
    """
    return macs // outputs


def gemm_blocks(rows: N, columns: N, block_rows: N, block_columns: N) -> N:
    """Thread blocks of a matrix product [1], each of which makes a block of the outputs.

    Source: NVIDIA, Matrix Multiplication Background User's Guide, section 4 (tile quantization).

    >>> gemm_blocks(50176, 64, 128, 128)      # conv1_2 of VGG-16: 392 x 1
    392
    """
    return (rows + block_rows - 1) // block_rows * ((columns + block_columns - 1) // block_columns)


def lengthened(time: N, lost: N, share: N) -> N:
    """Time with what is lost beside the work [unit of time]: so many losses, each a share of the work.

    Source: Amdahl 1967: work, and a part beside it that does not shrink with it.

    >>> lengthened(100, 30, 2)
    6100
    """
    return time + time * lost * share


def gemm_time(flops: N, time_of_flop: N, prologue: N, share_of_depth: N, idle: N, share_of_block: N) -> N:
    """Time of a matrix product [unit of time_of_flop]: prologue steps beside its depth, idle processors in a last wave.

    share_of_depth and share_of_block are the reciprocals of the depth and of the number of thread blocks.
    Source: NVIDIA, Matrix Multiplication Background User's Guide, section 4 (wave quantization).

    >>> gemm_time(100, 2, 30, 1, 0, 1)
    6200
    """
    return lengthened(lengthened(compute_time(flops, time_of_flop), prologue, share_of_depth), idle, share_of_block)


def cached_time(moved: N, hit: N, time_of_byte: N, time_of_cached_byte: N) -> N:
    """Time of moving bytes of which a share lies in the cache [unit of time_of_byte].

    Source: Ilic et al. 2014 (cache-aware roofline model), section 2.

    >>> cached_time(1000, 0, 3, 1), cached_time(1000, 1, 3, 1)
    (3000, 1000)
    """
    return memory_time(moved - moved * hit, time_of_byte) + memory_time(moved * hit, time_of_cached_byte)


def passed_elements(elements: N) -> N:
    """Elements that a pass over a tensor moves [elements]: it reads each and writes each.

    Source: torch's and cuDNN's elementwise kernels: bias, batch normalization, ReLU.

    >>> passed_elements(3211264)      # relu1_1 of VGG-16
    6422528
    """
    return 2 * elements


def converted_elements(inputs: N, outputs: N, conversions: N) -> N:
    """Elements that layout conversions round a kernel move [elements]: its input to NHWC, its output back to NCHW.

    Source: NVIDIA, Convolutional Layers User's Guide, section 2.2 (tensor cores work on NHWC).

    >>> converted_elements(150528, 3211264, 1)      # conv1_1 of VGG-16
    6723584
    """
    return 2 * (inputs + outputs) * conversions


def kernels_time(kernels: N, time_of_kernel: N) -> N:
    """Time of kernels that run one after another [unit of time_of_kernel]: their launches, or passes that are alike.

    Source: NVIDIA, CUDA C++ Best Practices Guide (kernels of one stream run in their order).

    >>> kernels_time(51, 5)
    255
    """
    return kernels * time_of_kernel


def interpolated(low: N, high: N, share: N) -> N:
    """Value between two on the line through them [unit of both]; share is how far it lies from the first to the second.

    Source: the textbook. Rates over the batch lie on it in logarithms of both: a power of the batch.

    >>> interpolated(10, 40, 2)      # as far again behind the second
    70
    """
    return low + share * (high - low)


def step_time(forward: N, step_of_forward: N) -> N:
    """Time of a training step's forward and backward [unit of forward], as a multiple of the forward.

    Source: measured; each gradient of a convolution is as much work as its forward (`formulas.forward`).

    >>> step_time(100, 3)
    300
    """
    return forward * step_of_forward
