"""The tensors of a file put together to layers: a kernel and its bias, a scale and its statistics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vggcost.frameworks.checkpoints.stored import StoredTensor

WEIGHT, BIAS, MEAN, VARIANCE, BESIDE, MAGNITUDE, STEP, ALONE = (
    "weight",
    "bias",
    "mean",
    "variance",
    "beside",
    "magnitude",
    "step",
    "alone",
)
"""What a tensor is to its layer. BESIDE is what belongs to a layer and is not learned, MAGNITUDE what weight
normalization takes out of a kernel, STEP one of a recurrent layer's, ALONE a tensor that is a layer's of its own."""

_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("weight", "weights", "kernel", "filter", "filters", "w", "gamma", "scale"), WEIGHT),
    **dict.fromkeys(("bias", "biases", "b", "beta", "offset", "shift"), BIAS),
    **dict.fromkeys(("running_mean", "moving_mean", "mean"), MEAN),
    **dict.fromkeys(("running_var", "moving_variance", "moving_var", "running_std", "var", "variance"), VARIANCE),
    **dict.fromkeys(("num_batches_tracked", "weight_mask", "weight_u", "bias_mask", "_u", "_v"), BESIDE),
    **dict.fromkeys(("relative_coords_table", "relative_position_index", "attn_mask", "inv_freq"), BESIDE),
    **dict.fromkeys(("position_ids", "anchors", "anchor_grid"), BESIDE),
    **dict.fromkeys(("weight_orig",), WEIGHT),
    **dict.fromkeys(("bias_orig",), BIAS),
    **dict.fromkeys(("weight_g",), MAGNITUDE),
}
"""What the last word of a tensor's name says that it is."""

_PARAMETRIZED = re.compile(r"^(?P<layer>.*?)\.?parametrizations\.(?P<tensor>\w+)\.(?P<word>original[01]?|\d+\..*)$")
_RECURRENT = re.compile(r"^(?P<layer>.*?)\.?(?P<word>(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+)?(?:_reverse)?)$")
_SEPARABLE = re.compile(r"^(?P<layer>.*?)/?(?P<step>depthwise|pointwise)_kernel(?::\d+)?$")
_KERAS_VARIABLE = re.compile(r"^(?P<layer>.*?)/?vars/(?P<number>\d+)$")
_LAST_WORD = re.compile(r"^(?P<layer>(?:.*[./])?)(?P<word>[^./:]+)(?::\d+)?$")
_JOINED_WORD = re.compile(r"^(?P<layer>.+)_(?P<word>[A-Za-z]+)(?:_\d+)?(?::\d+)?$")


class StoredPart(Record):
    """The tensors of one layer, by what they are to it. path: where it stands in the model."""

    path: str
    tensors: tuple[tuple[str, StoredTensor], ...]

    def of(self, role: str) -> StoredTensor | None:
        """The first tensor of a role."""
        return next((tensor for mine, tensor in self.tensors if mine == role), None)

    @property
    def learned(self) -> tuple[StoredTensor, ...]:
        """Its tensors that are learned, as far as names and dtypes say."""
        unlearned = (MEAN, VARIANCE, BESIDE)
        return tuple(tensor for role, tensor in self.tensors if role not in unlearned and _floating(tensor))

    @property
    def buffers(self) -> tuple[StoredTensor, ...]:
        """Its other tensors: statistics, counters, masks."""
        learned = {id(tensor) for tensor in self.learned}
        return tuple(tensor for _, tensor in self.tensors if id(tensor) not in learned)


def _floating(tensor: StoredTensor) -> bool:
    """Whether it may be learned: counters, masks and places are integers; a packed kernel is one of few bits."""
    few = tensor.dtype.startswith(("int8", "uint8", "int4", "uint4", "qint", "quint")) and len(tensor.shape) > 1
    return few or tensor.dtype.startswith(("float", "bfloat", "complex"))


def parts_of(tensors: Sequence[StoredTensor]) -> tuple[StoredPart, ...]:
    """Return the layers that tensors make, in the order of their first tensors; wrappers' prefixes are taken off."""
    names = _bare_names([tensor.name for tensor in tensors])
    placed = [_place(name) for name in names]
    if not any(role in (WEIGHT, MAGNITUDE, STEP, "variable") for _, role in placed):
        return tuple(_nameless(tensors, names))
    groups: dict[str, list[tuple[str, StoredTensor]]] = {}
    for (layer, role), tensor in zip(placed, tensors, strict=True):
        groups.setdefault(layer, []).append((role, tensor))
    for layer in [name for name in groups if f"{name}.pointwise" in groups]:
        groups[f"{layer}.pointwise"] += groups.pop(layer)  # the bias of both steps is the second one's
    return tuple(StoredPart(layer, tuple(_settled(group))) for layer, group in groups.items())


def _bare_names(names: Sequence[str]) -> list[str]:
    """Names without what data-parallel and compiled models put before them."""
    bare = [name.replace("_orig_mod.", "") for name in names]
    while bare and all(name.startswith("module.") for name in bare):
        bare = [name.removeprefix("module.") for name in bare]
    return bare


def _place(name: str) -> tuple[str, str]:
    """The path of a tensor's layer, and what the tensor is to it."""
    if found := _PARAMETRIZED.match(name):
        return found["layer"], _parametrized(found["tensor"], found["word"])
    for pattern, role in ((_RECURRENT, STEP), (_KERAS_VARIABLE, "variable")):
        if found := pattern.match(name):
            return found["layer"] or name, role
    if found := _SEPARABLE.match(name):
        return f"{found['layer']}.{found['step']}".lstrip("."), WEIGHT
    for pattern in (_LAST_WORD, _JOINED_WORD):
        found = pattern.match(name)
        word = found["word"].lower() if found else ""
        if found and (word in _WORDS or word == "weight_v"):
            return found["layer"].rstrip("./") or name, _WORDS.get(word, word)
    return name, ALONE


def _parametrized(tensor: str, word: str) -> str:
    """What one of torch's parametrizations keeps: what it computes a tensor of, or what it needs beside that."""
    if word == "original0":
        return MAGNITUDE
    if not word.startswith("original"):
        return BESIDE
    return BIAS if tensor == "bias" else WEIGHT


def _settled(group: Sequence[tuple[str, StoredTensor]]) -> Iterator[tuple[str, StoredTensor]]:
    """A group's tensors with roles that depend on what stands beside them."""
    roles = {role for role, _ in group}
    if "variable" in roles:
        yield from _variables([tensor for _, tensor in group])
        return
    for role, tensor in group:
        if role == "weight_v":  # the kernel's direction beside its magnitude, else a vector of spectral norm's
            yield (WEIGHT if MAGNITUDE in roles else BESIDE), tensor
        else:
            yield role, tensor


def _variables(tensors: Sequence[StoredTensor]) -> Iterator[tuple[str, StoredTensor]]:
    """What Keras numbers: a kernel and a bias, or a normalization's scale, shift, mean and variance."""
    flat = all(len(tensor.shape) == 1 for tensor in tensors)
    if flat and len({tensor.shape for tensor in tensors}) == 1 and 2 <= len(tensors) <= 4:
        names = {4: (WEIGHT, BIAS, MEAN, VARIANCE), 3: (BIAS, MEAN, VARIANCE), 2: (MEAN, VARIANCE)}[len(tensors)]
        yield from zip(names, tensors, strict=True)
        return
    yield from zip((WEIGHT, BIAS, *(ALONE for _ in tensors[2:])), tensors, strict=False)


def _nameless(tensors: Sequence[StoredTensor], names: Sequence[str]) -> Iterator[StoredPart]:
    """Layers out of tensors whose names say nothing: each kernel with the vectors of its width that follow it."""
    place = 0
    while place < len(tensors):
        kernel, name = tensors[place], names[place]
        place += 1
        if len(kernel.shape) < 2:
            yield StoredPart(name, ((ALONE, kernel),))
            continue
        vectors = []
        while place < len(tensors) and _follows(tensors[place], kernel):
            vectors.append(tensors[place])
            place += 1
        yield from _with_vectors(name, kernel, vectors)


def _follows(tensor: StoredTensor, kernel: StoredTensor) -> bool:
    return len(tensor.shape) == 0 or (len(tensor.shape) == 1 and tensor.shape[0] in (kernel.shape[0], kernel.shape[-1]))


def _with_vectors(name: str, kernel: StoredTensor, vectors: Sequence[StoredTensor]) -> Iterator[StoredPart]:
    """A kernel, and of the vectors behind it a bias where their number is odd, then a normalization's."""
    flat = [vector for vector in vectors if vector.shape]
    counters = [vector for vector in vectors if not vector.shape]
    bias = flat[: len(flat) % 2]
    norm = flat[len(flat) % 2 :]
    yield StoredPart(name, ((WEIGHT, kernel), *((BIAS, vector) for vector in bias)))
    if norm:
        roles = (WEIGHT, BIAS, MEAN, VARIANCE)
        rest = [(BESIDE, vector) for vector in (*norm[4:], *counters)]
        yield StoredPart(f"{name}.norm", (*zip(roles, norm[:4], strict=False), *rest))
