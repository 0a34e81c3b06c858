"""What single counters do that no weight on a primitive can say: one named rule each.

A rule is a plain function of one layer's sizes; `vggcost.conventions.counting` calls it in place of the weights of its
layer kind.
"""

from __future__ import annotations

from math import gcd

from vggcost.formulas import forward
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vggcost.costs.table import Row


class Count(Record):
    """What a convention counts of one layer; None where its tool gives no number at all.

    note says why where the value is None or 0, or how it came about where that is not the plain rule.
    """

    value: int | None
    note: str | None = None


def thop_adaptive_pool(elements: int, h_in: int, w_in: int, h_out: int, w_out: int) -> int:
    """Operations of an adaptive average pool by thop 0.1.1 [mixed]; elements is what leaves it, batch included.

    The window is a quotient of sizes in float64 and the product is cut off, so the last digit is that of this very
    order of operations.
    Source: thop 0.1.1.post2209072238, count_adap_avgpool.

    >>> thop_adaptive_pool(25088, 8, 8, 7, 7)      # VGG at 256 pixels: not 57,856
    57855
    """
    return int(((h_in / h_out) * (w_in / w_out) + 1) * elements)


def thop_2019_adaptive_pool(elements: int, h_in: int, w_in: int, h_out: int, w_out: int) -> int:
    """Operations of an adaptive average pool by thop of 2019 [mixed]: the window is a quotient of whole numbers.

    Source: thop, commit 1023a53.

    >>> thop_2019_adaptive_pool(25088, 8, 8, 7, 7)
    50176
    """
    return elements * ((h_in // h_out) * (w_in // w_out) + 1)


def ultralytics_adaptive_pool(planes: int, h_in: int, w_in: int, h_out: int, w_out: int) -> int:
    """Operations of an adaptive average pool by ultralytics-thop 2.2.3 [mixed]; planes is batch times channels.

    It adds up the true windows: output j sees ceil((j+1)*I/O) - floor(j*I/O) inputs. Those windows overlap by one
    input wherever O does not divide j*I, so along an axis they sum to I + O - gcd(I, O).

    >>> ultralytics_adaptive_pool(512, 8, 8, 7, 7)      # VGG at 256 pixels
    125440
    """
    return planes * (windows_sum(h_in, h_out) * windows_sum(w_in, w_out) + h_out * w_out)


def windows_sum(size_in: int, size_out: int) -> int:
    """Sizes of an adaptive pool's windows along one axis, added up [elements].

    >>> windows_sum(8, 7), windows_sum(7, 7), windows_sum(1, 7)
    (14, 7, 7)
    """
    return size_in + size_out - gcd(size_in, size_out)


def torchscan_adaptive_pool(elements: int, h_in: int, w_in: int, h_out: int, w_out: int) -> int:
    """Operations of an adaptive average pool by torchscan 0.2.0 [mixed]; elements is what leaves it.

    Its window is I//O where that leaves no rest, and otherwise the rest and one, I%O + 1.
    Source: torchscan 0.2.0.

    >>> torchscan_adaptive_pool(25088, 7, 7, 7, 7), torchscan_adaptive_pool(25088, 1, 1, 7, 7)
    (50176, 125440)
    """
    return elements * (torchscan_window(h_in, h_out) * torchscan_window(w_in, w_out) + 1)


def torchscan_window(size_in: int, size_out: int) -> int:
    """Window of an adaptive pool along one axis by torchscan 0.2.0 [elements].

    >>> torchscan_window(8, 4), torchscan_window(8, 7)
    (2, 2)
    """
    return size_in % size_out + 1 if size_in % size_out else size_in // size_out


def torchscan_max_pool(elements: int, kernel_h: int, kernel_w: int) -> int:
    """Operations of a max-pool by torchscan 0.2.0 [mixed]; elements is what leaves it.

    A square window is written with one int, as torchvision writes it, and torchscan then takes its side for its area.
    Source: torchscan 0.2.0.

    >>> torchscan_max_pool(4, 2, 2), torchscan_max_pool(4, 2, 3)
    (4, 20)
    """
    return elements * ((kernel_h if kernel_h == kernel_w else kernel_h * kernel_w) - 1)


def onnx_adaptive_pool(elements_in: int, elements_out: int, h_out: int, w_out: int) -> int:
    """Operations of an adaptive average pool by onnx-tool 1.0.1 [mixed], where its windows are all alike.

    Such a pool is exported as a plain average pool, which counts its window elements, and these tile the input. One
    down to a single position is exported as a global pool, whose division counts 4 an output beside.
    Source: onnx-tool 1.0.1.

    >>> onnx_adaptive_pool(25088, 25088, 7, 7), onnx_adaptive_pool(25088, 512, 1, 1)
    (25088, 27136)
    """
    return elements_in + (4 * elements_out if h_out * w_out == 1 else 0)


class Rule(Record):
    """A rule for one layer kind: what it counts, how in words, and as a function of the row and the row before it.

    by_image: whether it counts each image of a batch alike, so that a batch's count is that of one image times as many.
    """

    label: str
    words: str
    of: Callable[[Row, Row | None], Count]
    by_image: bool = True


def _thop(row: Row, _: Row | None) -> Count:
    return Count(thop_adaptive_pool(row.output_elements, *row.input[2:], *row.output[2:]))


def _thop_2019(row: Row, _: Row | None) -> Count:
    return Count(thop_2019_adaptive_pool(row.output_elements, *row.input[2:], *row.output[2:]))


def _ultralytics(row: Row, _: Row | None) -> Count:
    return Count(ultralytics_adaptive_pool(forward.elements(row.input[:2]), *row.input[2:], *row.output[2:]))


def _torchscan_adaptive(row: Row, _: Row | None) -> Count:
    return Count(torchscan_adaptive_pool(row.output_elements, *row.input[2:], *row.output[2:]))


def _torchscan_max(row: Row, _: Row | None) -> Count:
    window = row.layer.window(row.input)
    if window is None:
        raise TypeError(f"{row.name} is a {row.kind}, not a max-pool")
    return Count(torchscan_max_pool(row.output_elements, *window.kernel))


def _onnx_adaptive(row: Row, _: Row | None) -> Count:
    sizes = (*row.input[2:], *row.output[2:])
    if sizes[0] % sizes[2] or sizes[1] % sizes[3]:
        return Count(
            None,
            f"torch's ONNX exporter refuses {row.name}: {sizes[0]}x{sizes[1]} is no multiple of {sizes[2]}x{sizes[3]}",
        )
    return Count(onnx_adaptive_pool(row.ledger["adaptive_inputs"], row.ledger["adaptive_outputs"], *sizes[2:]))


def _onnx_norm(row: Row, before: Row | None) -> Count:
    ledger = row.ledger
    # At the start of a branch what stands before in the table is not what feeds it.
    if before is None or before.kind != "Conv2d" or _branch(before) != _branch(row):
        return Count(31 * ledger["batch_norm_elements"])
    # The folded convolution has a bias even where it had none before.
    gained = before.ledger["conv_outputs"] - before.ledger["conv_bias_adds"]
    bias = " and leaves it a bias" if gained else ""
    return Count(gained, f"folded into the convolution before it{bias}")


def _branch(row: Row) -> str:
    return (row.path or "").rpartition(".")[0]


def _onnx_lrn(row: Row, _: Row | None) -> Count:
    return Count(None, f"what torch's exporter writes for {row.name} (LocalResponseNorm) it cannot read")


RULES: Mapping[str, Rule] = {
    "thop float pool": Rule(
        "adaptive pool, by thop's float rule",
        "int(((Hin/Hout) * (Win/Wout) + 1) * outputs), in float64 and so parenthesised",
        _thop,
        by_image=False,
    ),
    "thop-2019 pool": Rule(
        "adaptive pool, by whole quotients", "outputs * ((Hin//Hout) * (Win//Wout) + 1)", _thop_2019
    ),
    "ultralytics-thop windows": Rule(
        "adaptive pool, by its true windows",
        "N*C * (sum of window heights) * (sum of window widths) + outputs; along an axis they sum to I + O - gcd(I, O)",
        _ultralytics,
    ),
    "torchscan adaptive pool": Rule(
        "adaptive pool, by torchscan's windows",
        "outputs * (kh*kw + 1), k = Iin//Iout, or Iin%Iout + 1 where that leaves a rest",
        _torchscan_adaptive,
    ),
    "torchscan max-pool": Rule(
        "max-pool comparisons, by torchscan's rule",
        "outputs * (k - 1) for a square window, outputs * (kh*kw - 1) for another",
        _torchscan_max,
    ),
    "onnx-tool adaptive pool": Rule(
        "adaptive-pool inputs",
        "adaptive-pool inputs, and 4 x outputs where the output is 1x1; no total where the input is no multiple of it",
        _onnx_adaptive,
    ),
    "onnx-tool folding": Rule(
        "batch norm, folded or alone",
        "0 behind a convolution, into which it is folded (a bias where that had none); alone 31 x elements",
        _onnx_norm,
    ),
    "onnx-tool LRN": Rule(
        "LRN",
        "37 x elements + window elements of an LRN operator in ONNX; torch's exporter writes another, so no total",
        _onnx_lrn,
    ),
}
"""The rules by name; `vggcost.conventions.rows` says which convention uses which for which layer kind."""
