"""What a layer is, whatever its kind: generic over the kind of number, and blind to what fits what.

A shape is a tuple, batch first: (N, C, H, W) for feature maps, (N, F) for features. `apply` gives the output shape and
the ledger of one forward call. Sizes may be ints, int64 arrays or symbols; `vggcost.costs.table` checks before it
applies.
"""

from __future__ import annotations

from functools import cache

from vggcost import units
from vggcost.formulas import forward, windows
from vggcost.network.work import Operator
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from vggcost.network.ledger import Ledger
    from vggcost.network.work import Tensor

    Size = Any
    """An int, an int64 array or a symbol."""
    Shape = tuple[Size, ...]
    Pair = tuple[int, int]
    Call = tuple[Callable[..., Any], dict[str, Any]]
    """A formula and the arguments it is called with."""
    Check = Callable[["Layer", Shape], None]


class Window(Record):
    """A sliding window, heights before widths: what the receptive field asks of a layer."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)

    def outputs(self, shape: Shape) -> tuple[Size, Size]:
        """The output's height and width over an input of this shape [elements]."""
        (kernel_h, kernel_w), (stride_h, stride_w) = self.kernel, self.stride
        (pad_h, pad_w), (dilation_h, dilation_w) = self.padding, self.dilation
        return (
            windows.window_out(shape[2], kernel_h, stride_h, pad_h, dilation_h),
            windows.window_out(shape[3], kernel_w, stride_w, pad_w, dilation_w),
        )

    def outputs_over_edge(self, shape: Shape) -> Pair:
        """The output's height and width over plain ints [elements], where a last window may reach over the edge.

        >>> Window((2, 2), (2, 2), (0, 0)).outputs_over_edge((1, 64, 55, 55))
        (28, 28)
        """
        height, width = (
            min(
                windows.window_out_over_edge(
                    shape[2 + axis], self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]
                ),
                windows.window_starts(shape[2 + axis], self.stride[axis], self.padding[axis]),
            )
            for axis in (0, 1)
        )
        return height, width


class Layer(Record):
    """A layer with the literature's name (``conv1_1``) and its path in the module (``features.0``), if it has one.

    A kind of layer is a subclass. All that other rooms ask of a kind is answered here, so that a new kind is one class.
    """

    name: str
    path: str | None

    noun = ""
    """What one calls such a layer: ``convolution``."""

    family = ""
    """How the names of its primitives begin in a ledger: ``conv_``."""

    no_family = ""
    """Why it has no primitives, where it has none."""

    counts_known = True
    """Whether it is known what other tools count of it."""

    computes = True
    """Whether a forward in eval mode computes anything."""

    weighted = False
    """Whether it is what the literature calls a weight layer: dot products with weights that were learned."""

    structural = False
    """Whether it makes a network what it is; the rest is compared by number alone."""

    spatial = False
    """Whether it works on feature maps, N x C x H x W, and on nothing else."""

    view = False
    """Whether its output is its input in another shape, without a copy."""

    in_place = False
    """Whether it may write its output over its input (torch's ``inplace=True``)."""

    always_backward = False
    """Whether torch computes its input's gradient where nobody needs it."""

    keeps_input = False
    """Whether autograd keeps its input for the backward pass."""

    input_for_weights_alone = False
    """Whether it keeps its input for the gradient of its weights alone, and not where these are frozen.

    Its weights are kept for the gradient of its input alone, then.
    """

    lowers = False
    """Whether torch.autocast runs it in the low precision, on casts of its input and its parameters."""

    keeps_output = False
    """Whether autograd keeps its output for the backward pass."""

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer."""
        return type(self).__name__

    @property
    def winograd(self) -> bool:
        """Whether a library may multiply less than its direct count by Winograd's algorithm."""
        return False

    @property
    def activation(self) -> bool:
        """Whether it is a function of one element that stands where a ReLU may stand."""
        return False

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the signature that subclasses fill
        """The layer in words: ``3x3 512->512``; the usual is left unsaid unless the one beside it differs there."""
        return self.noun or self.kind

    def alike(self) -> tuple[Any, ...]:
        """What two layers of this kind have in common where they are the same layer of a network: all but the name."""
        return tuple(getattr(self, name) for name in self._fields if name not in ("name", "path"))

    def params_call(self) -> Call | None:
        """The formula of the parameters and its arguments; None where there is nothing to learn."""
        return None

    @property
    def learns(self) -> bool:
        """Whether it has anything to learn; a normalization that is not affine has not."""
        call = self.params_call()
        return call is not None and bool(call[1].get("affine", 1))

    def macs_call(self, output: Shape) -> Call | None:  # noqa: ARG002  # the signature that subclasses fill
        """The formula of the multiply-accumulates and its arguments; None where there are none."""
        return None

    def takes(self) -> tuple[str, int, Size] | None:
        """What an input must have: its name, the axis, and how many; None where any input will do."""
        return None

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # the signature that subclasses fill
        """The window that slides over an input of this shape; None where every output sees the whole input."""
        return POINTWISE

    def params(self) -> Size:
        """Learned parameters [elements]."""
        call = self.params_call()
        return call[0](**call[1]) if call else 0

    def tensors(self) -> tuple[Size, ...]:
        """Its parameters, tensor by tensor, in torch's order [elements]: weights and, where it has them, biases."""
        call = self.params_call()
        if call is None or not call[1].get("bias"):
            return (self.params(),) if self.learns else ()
        formula, arguments = call
        weights = formula(**{**arguments, "bias": 0})
        return weights, forward.biases(self.params(), weights)

    def buffers(self) -> Size:
        """What it reads beside its input and its parameters [elements]."""
        return 0

    def counters(self) -> int:
        """Its int64 buffers of one element, which no forward call reads."""
        return 0

    def reads(self, shape: Shape) -> Size:
        """Its inputs, given the shape of the first [elements]."""
        return forward.elements(shape)

    def beside(self, output: Shape) -> tuple[Tensor, ...]:  # noqa: ARG002  # the signature that subclasses fill
        """What it makes beside its output; autograd keeps that for the backward pass."""
        return ()

    def forward_work(self, shape: Shape, output: Shape) -> tuple[Operator, ...]:  # noqa: ARG002  # as above
        """Its operators in a forward call; the last makes "output"."""
        return (Operator((*self.beside(output), ("output", forward.elements(output), "element"))),)

    def backward_work(self, shape: Shape, output: Shape) -> tuple[Operator, ...]:
        """Its operators in a backward pass; gradients of weights are not among them."""
        takes = (("grad_input", forward.elements(shape), "element"),)
        return (Operator(takes, ("grad_output", *self.kept(output)), ("grad_input",)),)

    def kept(self, output: Shape) -> tuple[str, ...]:
        """The tensors of `forward_work` that autograd keeps for the backward pass."""
        ends = (("input", self.keeps_input), ("output", self.keeps_output))
        return (*(name for name, keeps in ends if keeps), *(name for name, _, _ in self.beside(output)))

    def written(self, output: Shape) -> dict[str, str | None]:
        """The layer's own formulas, in letters (``params_formula``) and with its numbers (``params_numbers``)."""
        from vggcost.formulas.notation import in_letters, in_numbers

        texts: dict[str, str | None] = {}
        for name, call in (("params", self.params_call()), ("macs", self.macs_call(output))):
            texts[f"{name}_formula"] = in_letters(*call) if call else None
            texts[f"{name}_numbers"] = in_numbers(*call) if call else None
        return texts

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Return the output shape and the ledger for an input of this shape."""
        raise NotImplementedError

    def steps(self, shape: Shape, check: Check) -> Iterator[Step]:
        """Yield one step a primitive layer, each checked before it is applied."""
        check(self, shape)
        output, ledger = self.apply(shape)
        yield Step(self, shape, output, ledger)


def writes_in_place(layer: Layer, before: Layer | None) -> bool:
    """Whether a layer behind this one in a sequence can write over its input without harm to what others read.

    Its input must be a tensor of the layer before alone, which that layer does not keep. At the head of a sequence the
    input is somebody else's.
    """
    return layer.in_place and before is not None and before.computes and not before.keeps_output


def pool_words(noun: str, kernel: Pair, stride: Pair, padding: Pair) -> str:
    """Return a pool with a window in words: ``max-pool 2x2 of stride 2``."""
    words = f"{noun} {units.shape_text(kernel)} of stride {units.pair_text(stride)}"
    return words + (f", padding {units.pair_text(padding)}" if padding != (0, 0) else "")


class Step(Record):
    """One layer of a walk: what went in, what came out, what it did."""

    layer: Layer
    input: Shape
    output: Shape
    ledger: Ledger


POINTWISE = Window((1, 1), (1, 1), (0, 0))


@cache
def window_of(kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Window:
    """Return the window with these sides; a network has few that differ, and asks for each many times."""
    return Window(kernel, stride, padding, dilation)


def anything_goes(layer: Layer, shape: Shape) -> None:
    """Check nothing: symbols and arrays cannot be checked."""


def walk(layers: Iterable[Layer], shape: Shape, check: Check = anything_goes) -> Iterator[Step]:
    """Yield one step a primitive layer, in execution order; check sees each layer and its input first."""
    for layer in layers:
        for step in layer.steps(shape, check):
            yield step
            shape = step.output
