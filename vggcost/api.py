"""The calls of the Python API: a network by its name or file, counted, or in closed form."""

from __future__ import annotations

from vggcost.conventions.rows import TEXTBOOK
from vggcost.conventions.rows import convention as convention_named
from vggcost.costs.table import checked_count, table
from vggcost.costs.variants import image_size, unfolded, varied
from vggcost.errors import Needs, VggcostError
from vggcost.network import catalogue
from vggcost.results.cost import Cost
from vggcost.units import dtype_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any

    from numpy import int64
    from numpy.typing import ArrayLike, NDArray

    from vggcost.conventions.convention import Convention
    from vggcost.conventions.rows import ConventionName
    from vggcost.costs.closed_forms import ClosedForm
    from vggcost.results.fit import Fit
    from vggcost.results.memory import Memory
    from vggcost.results.program_memory import ProgramMemory
    from vggcost.units import Dtype


def cost(
    network: str | None = None,
    *,
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: int | tuple[int, int] | None = None,
    batch: int = 1,
    dtype: Dtype = "float32",
    convention: ConventionName = "mac",
) -> Cost:
    """Return what a network costs, layer by layer.

    network is a letter of the paper's Table 1, an alias (``vgg16_bn``) or another name that ``vggcost configs`` lists
    (D where nothing is given); file is a network file of one's own in its place. size is the image's height and width
    in pixels (one int for a square), batch the images of one forward call. head holds the hidden widths of the
    classifier (empty: one linear layer on the features), width is a factor of every convolution's width. None leaves
    an option as the configuration has it: the paper's have 1000 classes, 3 channels, biases, an adaptive pool, the
    head (4096, 4096) and 224 x 224 pixels. convention names a row of `vggcost.conventions`, by which `count` counts.

    Raises:
        VggcostError: an unknown name or convention, a file that is no network, a count out of range, an image too small
            or one that does not fit the first linear layer.

    >>> cost("D").totals.params
    138357544
    >>> cost("vgg16", batch_norm=True, classes=10, size=(224, 320), batch=8).totals.macs
    176346693632
    >>> cost("D", classes=10, head=(), adaptive_pool=False, size=32).totals.params
    14719818
    """
    built = unfolded(configuration(network, file), _variant_options(locals()), size)
    return count(built, built.image, batch, dtype, convention_named(convention))


def count(
    network: catalogue.Network,
    size: tuple[int, int],
    batch: int = 1,
    dtype: str = "float32",
    convention: Convention = TEXTBOOK,
) -> Cost:
    """Return what a network that is built already costs.

    Raises:
        VggcostError: an unknown dtype, a count out of range, an image too small or one that does not fit fc6.
    """
    shape = (checked_count(batch, "batch"), network.variant.in_channels, *size)
    return Cost(table(network, shape), dtype, convention)


def configuration(network: str | None = None, file: str | PathLike[str] | None = None) -> catalogue.Configuration:
    """Return the named configuration, or the one of a network file; D where neither is given.

    Raises:
        VggcostError: both are given, the name is unknown, or the file is no network.
    """
    if file is None:
        return catalogue.find("D" if network is None else network)
    if network is not None:
        raise VggcostError(f"the network is given twice, as {network!r} and as the file {str(file)!r}; give one")
    from vggcost.network import network_file

    return network_file.read(file)


def _variant_options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those arguments of a call that are options of the variant and were given."""
    return {name: arguments[name] for name in catalogue.Variant._fields if arguments[name] is not None}


def build(network: str, variant: catalogue.Variant, size: int | tuple[int, int] = 224) -> catalogue.Network:
    """Return the named network in a checked variant; a field that is as in the paper's network changes nothing.

    Raises:
        VggcostError: an unknown name or an option out of range.
    """
    return unfolded(configuration(network), variant.departures(), size)


def memory(
    network: Any = None,
    *,
    input: Any = None,  # noqa: A002  # what it is, as in audit
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: int | tuple[int, int] | None = None,
    batch: int = 1,
    dtype: Dtype | None = None,
    training: bool = False,
    optimizer: str = "sgd",
    implementation: str | None = None,
    accumulate: int = 1,
    freeze: Sequence[str] = (),
    checkpoint: bool = False,
    master_weights: bool = False,
    mixed: str | None = None,
    in_place: bool = True,
    images: int | None = None,
    epochs: int | None = None,
) -> Memory | ProgramMemory:
    """Return what a network holds at its worst moment: in one forward call without gradients, or in a training step.

    network is named as in `cost`; or it is a live torch module, with its input as in `audit`, or the text of a program
    (which is run) or a stored model: these are followed, and freeze names parameters or modules of theirs.
    optimizer is sgd, momentum, adam or adamw, implementation foreach (None),
    for-loop or fused, as torch.optim has them; accumulate the passes whose gradients are added up; freeze the layers
    without gradients, or ``features``; checkpoint whether each stage of convolutions with its pool runs again in the
    backward pass; master_weights whether float32 copies of weights and a float32 state stand beside a dtype of two
    bytes; mixed, bfloat16 or float16, puts the forward call under torch.autocast; in_place whether ReLU writes over its
    input; images of an epoch and epochs (1) give what a whole run multiplies. See
    `vggcost.results.memory.Memory`.

    Raises:
        VggcostError: as `cost`; an unknown optimizer or implementation, a layer to freeze that does not learn, training
            in a dtype without gradients; mixed or master_weights beside a dtype that they do not go with;
            images without training, epochs without images.

    >>> memory("D").totals.peak_bytes
    25690112
    >>> memory("D", batch=64, training=True).totals.saved_bytes
    4694736896
    >>> memory("D", training=True, images=1281167, epochs=74).cost.run
    4391818149830393856
    """
    from vggcost.frameworks.target import is_network
    from vggcost.results.memory import Memory
    from vggcost.results.words import way_of

    if file is None and network is not None and not is_network(network):
        from vggcost.results.program_memory import of_words

        return of_words(network, {**locals(), "size": None if size is None else image_size(size)})
    if input is not None:
        raise VggcostError("input is for a program or a live module; give size and batch in its place")
    built = unfolded(configuration(network, file), _variant_options(locals()), size)
    counted = table(built, (checked_count(batch, "batch"), built.variant.in_channels, *built.image))
    return Memory(counted, dtype or "float32", way_of(locals())(counted), in_place=in_place, mixed=mixed)


def memory_totals(
    network: str | None = None,
    *,
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: ArrayLike | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
    batch: ArrayLike = 1,
    dtype: Dtype = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    implementation: str | None = None,
    accumulate: int = 1,
    freeze: Sequence[str] = (),
    checkpoint: bool = False,
    master_weights: bool = False,
    mixed: str | None = None,
    in_place: bool = True,
) -> dict[str, NDArray[int64]]:
    """Return the totals of `memory` for many batches, sizes and numbers of classes at once, as int64 arrays by name.

    batch, classes and size are numbers or arrays of whole numbers, which broadcast as numpy's do; size is (heights,
    widths), or one array for squares, and no list, which `memory` reads as one size. All else is as in `memory`, and
    so is every number, exactly: the names are those of ``memory(...).totals``, without those of training where none is
    asked for.

    Raises:
        VggcostError: as `memory`, for the first point that it would refuse; an array that holds no counts, or has no
            shape in common with the others; a number that int64 does not hold.

    >>> memory_totals("D", batch=[1, 64], training=True)["saved_bytes"].tolist()
    [73355264, 4694736896]
    """
    with Needs("memory_totals", "numpy", "frame"):
        from vggcost.costs.arrays import Structure
    from vggcost.costs.training import check_dtype, check_mixed
    from vggcost.results.words import way_of

    way, options = way_of(locals()), _variant_options({**locals(), "classes": None})
    plan = configuration(network, file)
    variant = varied(plan, options)
    check_mixed(mixed, dtype)
    if training:
        check_dtype(dtype, mixed=mixed, master_weights=master_weights)
    low_bytes = 0 if mixed is None else dtype_bytes(mixed)
    structure = Structure(plan, variant, dtype_bytes(dtype), way, in_place=in_place, low_bytes=low_bytes)
    sides = image_sizes(plan.size if size is None else size)
    return structure.totals(batch, *sides, variant.classes if classes is None else classes)


def image_sizes(size: ArrayLike | tuple[ArrayLike, ArrayLike]) -> tuple[ArrayLike, ArrayLike]:
    """Return (heights, widths) of a size that may be one number or one array for squares.

    Raises:
        VggcostError: a list, which `image_size` reads as one size, or a tuple of more or fewer than two.
    """
    if isinstance(size, list) or (isinstance(size, tuple) and len(size) != 2):
        raise VggcostError(f"size is a {type(size).__name__}; give an array for squares, or (heights, widths)")
    return size if isinstance(size, tuple) else (size, size)


def fit(
    network: str | None = None,
    *,
    memory: int | str | None = None,
    macs: int | str | None = None,
    params: int | str | None = None,
    solve: str | None = None,
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: int | tuple[int, int] | None = None,
    batch: int | None = None,
    dtype: Dtype = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    implementation: str | None = None,
    accumulate: int = 1,
    freeze: Sequence[str] = (),
    checkpoint: bool = False,
    master_weights: bool = False,
    mixed: str | None = None,
    in_place: bool = True,
) -> Fit:
    """Return the largest batch, square image or width factor within every budget; see `vggcost.results.fit.Fit`.

    memory is bytes, or a text such as ``"24GiB"``: all that is held at the worst moment; macs are those of one forward
    call (``"5G"``), params the parameters. solve is batch, size or width: where it is not given, a batch for memory
    alone, else a width. The other arguments are those of `memory`.

    Raises:
        VggcostError: as `memory`; no budget, one without its unit, or one that nothing fits.

    >>> fit("D", memory="24GiB").batch
    959
    """
    from vggcost.results.budgets import budgets, solved
    from vggcost.results.fit import Fit
    from vggcost.results.settings import Setting
    from vggcost.results.words import way_of

    found = budgets({"memory": memory, "macs": macs, "params": params})
    solve = solved(solve, found, {"batch": batch, "size": size, "width": width})
    plan, images = configuration(network, file), checked_count(1 if batch is None else batch, "batch")
    variant, image = varied(plan, _variant_options(locals())), image_size(plan.size if size is None else size)
    setting = Setting(plan, variant, image, images, dtype, None, in_place, mixed)
    way = way_of(locals() | {"images": None})  # which are a batch's here
    return Fit(setting.replace(training=way(setting.counted())) if training else setting, solve, found)


def closed_form(
    network: str | None = None,
    *,
    file: str | PathLike[str] | None = None,
    batch_norm: bool | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    bias: bool | None = None,
    adaptive_pool: bool | None = None,
    head: Sequence[int] | None = None,
    width: float | str | None = None,
    classifier: bool | None = None,
    softmax: bool | None = None,
    size: int | tuple[int, int] | None = None,
    batch: int | None = None,
) -> ClosedForm:
    """Return a network's cost as sympy polynomials in N (batch), K (classes) and a, b for an image of 32a x 32b.

    A number given for classes, size or batch takes its symbol's place; the other arguments are those of `cost`. A
    network whose strides do not divide 32 pixels has its image in the units that they do divide, 64a x 64b with six
    pools.

    Raises:
        VggcostError: an unknown name, a file that is no network, or a count out of range.

    >>> closed_form("D").params
    4097*K + 134260544
    """
    return symbolic(configuration(network, file), _variant_options(locals()), size, batch)


def symbolic(
    plan: catalogue.Configuration,
    options: Mapping[str, Any],
    size: int | tuple[int, int] | None = None,
    batch: int | None = None,
) -> ClosedForm:
    """Return a configuration's closed forms; options that are not given are symbols, as in `closed_form`.

    Raises:
        MissingExtraError: sympy is not installed.
        VggcostError: an option out of range, or layers that do not fit each other.
    """
    with Needs("a closed form", "sympy", "formula"):
        from vggcost.costs import closed_forms

    variant = varied(plan, options)
    image = None if size is None else image_size(size)
    # Symbols cannot be checked, so the door sees the same network with numbers first.
    sample = image or closed_forms.fixed_image(plan, variant) or plan.size
    count(catalogue.unfolded(plan, variant, sample), sample)
    if "classes" not in options:
        variant = variant.replace(classes=closed_forms.K)
    return closed_forms.of_configuration(plan, variant, image, None if batch is None else checked_count(batch, "batch"))
