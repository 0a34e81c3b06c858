"""Which kernels ran in each layer, by name: read out of a trace, and on a CPU out of what oneDNN says of itself."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.bench.protocol import Operation
    from vggcost.bench.trace import ForwardTrace

OPERATOR = "aten::"
"""Begins the name of one of torch's own operators, which says what was computed, not by which algorithm."""

NO_KERNEL = frozenset(
    f"{OPERATOR}{name}"
    for name in (
        *("empty", "empty_like", "empty_strided", "resize_", "set_", "to", "_to_copy", "item", "_local_scalar_dense"),
        *("view", "_unsafe_view", "reshape", "_reshape_alias", "as_strided", "as_strided_", "expand", "t", "transpose"),
        *("permute", "flatten", "squeeze", "unsqueeze", "select", "slice", "alias", "detach", "lift_fresh"),
        *("resolve_conj", "resolve_neg", "contiguous", "clone", "copy_", "dropout", "result_type", "_nnpack_available"),
    )
)
"""Operators of a CPU that allocate, look at memory in another way, or copy inside another operator."""

WORDS = (
    ("Winograd", r"wino|sp3asmconv"),
    ("FFT", r"fft"),
    ("implicit GEMM", r"implicit|igemm|implgemm|xmma_fprop|[_:]fprop"),
    ("direct", r"convolution_direct|directconv|conv_?direct|depthwise"),
    ("GEMM", r"gemm|gemv|addmm|matmul|inner_product|linear"),
)
"""An algorithm's word, and what a kernel's name has in it at cuDNN, cuBLAS, CUTLASS, MIOpen and oneDNN; first wins."""

TENSOR_CORES = re.compile(r"tensorop|hmma|imma|gmma|mfma|[a-z]?(16816|1688|884)(?!\d)|_amx|_tensor\d", re.IGNORECASE)
"""In the names of kernels that multiply in tensor cores, matrix cores or AMX tiles."""


def names_algorithms(kernels: Sequence[str]) -> bool:
    """Whether the names are those of kernels, which tell the algorithm; the names of torch's operators do not."""
    return any(not kernel.startswith(OPERATOR) for kernel in kernels)


def algorithm(kernels: Sequence[str] | None) -> str:
    """Return what the kernels' names say of the algorithm, in a few words; empty where they say nothing.

    >>> algorithm(["sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nchw_tilesize128x128x16_tensor16x8x8"])
    'implicit GEMM, tensor cores'
    >>> algorithm(["reorder jit:blk", "convolution jit:avx512_core convolution_direct"])
    'direct'
    >>> algorithm(["aten::mkldnn_convolution"])
    ''
    """
    told = [kernel for kernel in kernels or () if not kernel.startswith("aten::mkldnn")]
    words = [word for word, pattern in WORDS if any(re.search(pattern, kernel, re.IGNORECASE) for kernel in told)][:1]
    if any(TENSOR_CORES.search(kernel) for kernel in told):
        words.append("tensor cores")
    return ", ".join(words)


def device_kernels(trace: ForwardTrace) -> list[list[str]] | None:
    """Return each layer's kernels on a device, in the order of their launch; None where the trace has none at all.

    A kernel belongs to the layer in which the host launched it: the two events share a correlation number.
    """
    launches = {
        event["args"]["correlation"]: float(event["ts"])
        for event in trace.events
        if str(event.get("cat")).endswith(("_runtime", "_driver")) and "correlation" in event.get("args", {})
    }
    found: list[list[str]] = [[] for _ in trace.layers]
    any_kernel = False
    for event in trace.events:
        if event.get("cat") == "kernel":
            launched = launches.get(event.get("args", {}).get("correlation"))
            layer = trace.layer_at(launched) if launched is not None else None
            if layer is not None:
                any_kernel = True
                _add(found[layer], str(event["name"]))
    return found if any_kernel else None


def host_operators(trace: ForwardTrace) -> list[list[str]]:
    """Return each layer's innermost operators on the host that compute something; none where nothing ran."""
    computing = [
        event for event in trace.events if event.get("cat") == "cpu_op" and str(event["name"]) not in NO_KERNEL
    ]
    computing.sort(key=lambda event: (float(event["ts"]), -float(event["dur"])))
    found: list[list[str]] = [[] for _ in trace.layers]
    for event, following in zip(computing, (*computing[1:], None), strict=True):
        begins = float(event["ts"])
        # One that begins before this one ends is inside it: then this one is a wrapper and no kernel of its own.
        innermost = following is None or float(following["ts"]) >= begins + float(event["dur"])
        layer = trace.layer_at(begins)
        if innermost and layer is not None:
            _add(found[layer], str(event["name"]))
    return found


def onednn_primitives(torch: Any, operations: Sequence[Operation], x: Any) -> list[list[str]]:
    """Run the layers once while oneDNN prints what it executes, and return each layer's primitives.

    A primitive is its kind, its implementation and its algorithm: "convolution jit:avx512_core convolution_direct".
    oneDNN prints to standard output alone, so that is led into a file meanwhile; what others wrote there is written on.
    """
    found: list[list[str]] = []
    with _standard_output_in_file() as printed, torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        for operation in operations:
            begin = os.fstat(printed).st_size
            x = operation(x)
            text = os.pread(printed, os.fstat(printed).st_size - begin, begin).decode("utf-8", "replace")
            names: list[str] = []
            for line in text.splitlines():
                name = primitive(line)
                if name is not None:
                    _add(names, name)
            found.append(names)
    return found


def primitive(line: str) -> str | None:
    """Return what one line of oneDNN's says was executed; None where it is another line.

    >>> primitive("onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx512_core,forward_training,src:f32"
    ...     ",attr-scratchpad:user,alg:convolution_direct,mb1_ic3oc64,0.7")
    'convolution jit:avx512_core convolution_direct'
    """
    fields = line.split(",")
    if not fields[0].endswith("_verbose") or "exec" not in fields[:4]:
        return None
    kind, implementation = fields[fields.index("exec") + 2 :][:2]
    told = re.search(r",alg:(\w+)", line)
    return " ".join([kind, implementation, *(told.groups() if told else ())])


@contextmanager
def _standard_output_in_file() -> Iterator[int]:
    """Lead descriptor 1 into a file and yield that one's descriptor; afterwards what is not oneDNN's is written on.

    Python's own buffer is emptied before and after, so that nothing of it changes its place.
    """
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 1)
            try:
                yield file.fileno()
            finally:
                sys.stdout.flush()
                os.dup2(saved, 1)
                file.seek(0)
                for line in file:
                    if not line.startswith((b"onednn_verbose", b"dnnl_verbose")):
                        os.write(1, line)
    finally:
        os.close(saved)


def _add(names: list[str], name: str) -> None:
    """A name once, where it ran first."""
    if name not in names:
        names.append(name)
