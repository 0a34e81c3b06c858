"""The roofline: the time under each of two ceilings, of which the longer binds, and what Winograd's algorithm saves."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def compute_time(flops: N, time_of_flop: N) -> N:
    """Least time of arithmetic [unit of time_of_flop], which is the reciprocal of the ceiling of FLOP/s.

    Source: Williams et al. 2009, section 3.

    >>> compute_time(30940528640, 50)      # VGG-16 at 50 fs a FLOP, which is 20 TFLOP/s
    1547026432000
    """
    return flops * time_of_flop


def memory_time(moved: N, time_of_byte: N) -> N:
    """Least time of moving bytes [unit of time_of_byte], which is the reciprocal of the ceiling of B/s.

    Source: Williams et al. 2009, section 3.

    >>> memory_time(25690112, 500)      # relu1_1 at 500 fs a byte, which is 2 TB/s
    12845056000
    """
    return moved * time_of_byte


def winograd_saving(tile: N, kernel: N) -> N:
    """How many times fewer multiplications F(tile x tile, kernel x kernel) has [1], rounded down.

    A tile of outputs takes (tile*kernel)^2 multiplications directly and (tile + kernel - 1)^2 by Winograd's algorithm.
    Source: Lavin & Gray 2016, section 4.

    >>> winograd_saving(4, 3), winograd_saving(2, 3)
    (4, 2)
    """
    return tile * kernel * (tile * kernel) // ((tile + kernel - 1) * (tile + kernel - 1))
