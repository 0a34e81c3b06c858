"""Reads an ONNX file, or a model that is loaded, as a program is read; no runtime, and no values of weights."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vggcost.errors import Needs, VggcostError, unreadable
from vggcost.frameworks.arguments import images
from vggcost.programs.reading import ProgramReading
from vggcost.units import DTYPE_BYTES, counted

if TYPE_CHECKING:
    from vggcost.frameworks.arguments import Arguments
    from vggcost.frameworks.onnx.values import Initializers
    from vggcost.frameworks.onnx.walk import Walk
    from vggcost.frameworks.target import Given

    Ints = tuple[int, ...]

ENDINGS: tuple[str, ...] = (".onnx",)
"""How the files that are read here end."""


def read(path: str, given: Given) -> ProgramReading:
    """Return what an ONNX file does with what is given, or with what it takes.

    Raises:
        MissingExtraError: onnx is not installed.
        VggcostError: it cannot be read, is no ONNX file, takes another input, or needs values of a file that is
            missing.
    """
    if given.call is not None:
        raise VggcostError(f"--call is for a program, and {path} is a graph; leave it away")
    model = _loaded(path)
    from vggcost.frameworks.onnx.inputs import opened

    try:
        arguments = given.arguments or images(opened(model, given.size, given.batch))
    except VggcostError as error:
        raise VggcostError(f"{path}: {error}", takes=error.takes, gets=error.gets, file=path) from None
    return read_model(model, arguments, path, os.path.dirname(os.path.abspath(path)))


def _loaded(path: str) -> Any:
    with Needs(f"reading {path}", "onnx", "onnx"):
        import onnx
    if os.path.isdir(path):
        raise VggcostError(f"{path!r} is a directory; give an ONNX file", file=path)
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError as error:
        raise unreadable(path, error) from None
    if not head:
        raise VggcostError(f"{path} is empty; give an ONNX file", file=path)
    if head.startswith(b"version https://git-lfs"):
        raise VggcostError(f"{path} is a git-lfs pointer in place of the file; run: git lfs pull", file=path)
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # noqa: BLE001  # protobuf's own error, whose module is no part of onnx's interface
        model = None
    if model is None or not model.HasField("graph") or not model.ir_version or not model.opset_import:
        raise VggcostError(
            f"{path} is truncated or no ONNX file: it begins with {head[:12]!r}; export it anew", file=path
        )
    return model


def read_model(model: Any, arguments: Arguments, program: str, folder: str) -> ProgramReading:
    """Return what a model does with these arguments; external data lies in folder.

    Raises:
        VggcostError: the model takes other inputs, or needs values that are not there.
    """
    from vggcost.frameworks.onnx.inputs import given_shapes, inputs_of
    from vggcost.frameworks.onnx.values import GraphValue, Inference, Initializers, tensor_type
    from vggcost.frameworks.onnx.walk import GraphStoppedError, Walk

    shapes = [shape for shape, _ in given_shapes(model, arguments, program)]
    model = _inlined(model)
    graph = model.graph
    inputs = inputs_of(model)
    stored = Initializers(folder, program)
    opsets = {("" if each.domain == "ai.onnx" else each.domain): each.version for each in model.opset_import}
    walk = Walk(Inference(opsets), stored, program, {each.name: each.type for each in graph.value_info})
    scope: dict[str, GraphValue | None] = {
        each.name: GraphValue(tensor_type(each.type.tensor_type.elem_type, shape))
        for each, shape in zip(inputs, shapes, strict=True)
    }
    with suppress(GraphStoppedError):  # what does not fit is recorded
        walk.through(graph, scope)
    turned, notes = _inward(graph, inputs, shapes)
    return ProgramReading(
        program,
        "onnx",
        tuple(turned),
        tuple(walk.recording.operations),
        tuple(walk.recording.failures),
        (*notes, *_beside(walk, stored)),
        dtype=_dtype(walk, stored),
        file="an ONNX file" if folder else None,
    )


def _inlined(model: Any) -> Any:
    """The model with the functions that it defines itself put where they are called."""
    if not model.functions:
        return model
    from onnx.inliner import inline_local_functions

    return inline_local_functions(model)


def _inward(graph: Any, inputs: list[Any], shapes: list[Ints]) -> tuple[list[Ints], list[str]]:
    """Input shapes with their channels first, and a note where the graph itself turns an image so."""
    turned: list[Ints] = []
    notes = []
    for given, shape in zip(inputs, shapes, strict=True):
        first = next((node for node in graph.node if given.name in node.input), None)
        order = () if first is None else next((tuple(each.ints) for each in first.attribute if each.name == "perm"), ())
        if len(shape) == 4 and order == (0, 3, 1, 2):
            turned.append((shape[0], shape[3], shape[1], shape[2]))
            notes.append(f"the input {given.name!r} has its channels last, and the graph turns it first")
        else:
            turned.append(shape)
    return turned, notes


def _beside(walk: Walk, stored: Initializers) -> list[str]:
    """What a graph has beside the parameters of its layers."""
    recording = walk.recording
    lines = []
    if recording.elsewhere:
        elements = sum(stored.elements(name) for name in recording.elsewhere)
        lines.append(
            f"{counted(len(recording.elsewhere), 'stored tensor')} of {elements:,} elements"
            f" {'is' if len(recording.elsewhere) == 1 else 'are'} no layer's kernel and counted as parameters: an ONNX"
            " file does not say what was learned"
        )
    return lines


def _dtype(walk: Walk, stored: Initializers) -> str:
    """The dtype of most parameters, among those that there are names for."""
    elements: dict[str, int] = {}
    for name in walk.recording.claimed:
        dtype = stored.dtype(name)
        if dtype in DTYPE_BYTES:
            elements[dtype] = elements.get(dtype, 0) + stored.elements(name)
    return max(elements, key=elements.__getitem__) if elements else "float32"
