"""Kernels, memory and ranges out of a trace, as torch's profiler writes it on a GPU and on a CPU."""

from __future__ import annotations

import json

import pytest

from vggcost.bench.kernels import algorithm, device_kernels, host_operators, names_algorithms, primitive
from vggcost.bench.measured_memory import MemoryPeaks, host_peaks
from vggcost.bench.trace import MARK, read_trace


def event(category, name, begin, length=1, **args):
    return {"ph": "X", "cat": category, "name": name, "ts": begin, "dur": length, "args": args}


def memory(moment, change, device_type=0):
    return {
        "ph": "i",
        "name": "[memory]",
        "cat": "cpu_instant_event",
        "ts": moment,
        "args": {"Bytes": change, "Device Type": device_type},
    }


LAYERS = (event("user_annotation", MARK + "conv1_1", 100, 50), event("user_annotation", MARK + "relu1_1", 200, 50))


def trace(*events, layers=2):
    head = {"ph": "M", "name": "process_name", "args": {}}
    return read_trace(json.dumps({"traceEvents": [head, *events, *LAYERS]}).encode(), layers)


def test_layers_are_the_marked_ranges_in_the_order_of_their_begin():
    found = trace(event("user_annotation", "ProfilerStep#1", 0, 999), event("gpu_user_annotation", MARK + "x", 5))
    assert found.layers == ((100.0, 150.0), (200.0, 250.0))
    assert [found.layer_at(moment) for moment in (99, 100, 150, 151, 225)] == [None, 0, 0, None, 1]


def test_a_trace_without_every_layer_is_refused():
    with pytest.raises(ValueError, match="2 of 3 layers"):
        trace(layers=3)


def test_bytes_that_are_no_text_do_not_cost_the_trace():
    content = json.dumps({"traceEvents": list(LAYERS)}).encode().replace(b"relu1_1", b"relu\xff")
    assert len(read_trace(content, 2).layers) == 2


def test_a_kernel_belongs_to_the_layer_that_launched_it_whenever_it_ran():
    found = trace(
        event("cuda_runtime", "cudaLaunchKernel", 110, correlation=7),
        event("cuda_driver", "cuLaunchKernelEx", 120, correlation=8),
        event("cuda_runtime", "cudaLaunchKernel", 210, correlation=9),
        event("cuda_runtime", "cudaLaunchKernel", 300, correlation=10),
        event("kernel", "implicit_convolve_sgemm", 900, correlation=7),
        event("kernel", "winograd_fwd", 910, correlation=8),
        event("kernel", "winograd_fwd", 920, correlation=8),
        event("kernel", "vectorized_elementwise_kernel", 930, correlation=9),
        event("kernel", "behind all layers", 940, correlation=10),
        event("kernel", "launched by nobody", 205, correlation=11),
        event("gpu_memcpy", "Memcpy HtoD", 950, correlation=9),
    )
    assert device_kernels(found) == [["implicit_convolve_sgemm", "winograd_fwd"], ["vectorized_elementwise_kernel"]]


def test_without_a_kernel_nobody_tells():
    assert device_kernels(trace(event("cpu_op", "aten::conv2d", 110))) is None


def test_operators_are_the_innermost_that_compute():
    found = trace(
        event("cpu_op", "aten::warm", 10),
        event("cpu_op", "aten::conv2d", 110, 30),
        event("cpu_op", "aten::mkldnn_convolution", 111, 28),
        event("cpu_op", "aten::empty", 112, 2),
        event("cpu_op", "aten::add_", 141, 2),
        event("cpu_op", "aten::flatten", 210, 5),
        event("cpu_op", "aten::view", 211, 2),
    )
    assert host_operators(found) == [["aten::mkldnn_convolution", "aten::add_"], []]


def test_a_hosts_memory_is_the_running_sum_while_each_layer_ran():
    found = trace(
        memory(110, 1000),
        memory(120, 500),
        memory(130, -500),
        memory(140, 10**9, device_type=1),
        memory(210, 700),
        memory(220, -1000),
    )
    assert host_peaks(found, 10_000) == MemoryPeaks(11_700, (11_500, 11_700))
    assert host_peaks(trace(), 10_000) is None


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        (["ampere_scudnn_winograd_128x128_ldg1_ldg4_relu_tile148t_nt_v1"], "Winograd"),
        (["void cudnn::winograd_nonfused::winogradForwardData4x4<float, float>"], "Winograd"),
        (["miopenSp3AsmConv_v30_3_1_gfx9_fp32_f2x3_stride1"], "Winograd"),
        (["void fft2d_r2c_32x32<float, false, 1u, false>"], "FFT"),
        (["void implicit_convolve_sgemm<float, float, 1024, 5, 5, 3, 3, 3, 1, true>"], "implicit GEMM"),
        (["sm80_xmma_fprop_implicit_gemm_f16f16_f16f32_f32_nhwckrsc_nhwc_tilesize128x128x32"], "implicit GEMM"),
        (["sm90_xmma_fprop_implicit_gemm_bf16_nhwc_tilesize_warpgroupsize1x1x1_g1_execute_hmma"],
         "implicit GEMM, tensor cores"),
        (["ampere_sgemm_128x64_tn"], "GEMM"),
        (["ampere_fp16_s16816gemm_fp16_64x64_ldg8_f2f_stages_64x5_tn"], "GEMM, tensor cores"),
        (["nvjet_hsh_128x256_64x4", "cutlass_80_tensorop_s1688gemm_128x128_16x5_tn_align4"], "GEMM, tensor cores"),
        (["reorder jit:blk", "convolution jit:avx512_core convolution_direct"], "direct"),
        (["convolution wino:acl convolution_winograd"], "Winograd"),
        (["aten::mkldnn_convolution"], ""),
        (["aten::addmm"], "GEMM"),
        (["void at::native::vectorized_elementwise_kernel<4, ...>"], ""),
        ([], ""),
        (None, ""),
    ],
)  # fmt: skip
def test_kernels_names_are_read_as_algorithms(kernels, words):
    assert algorithm(kernels) == words


def test_operators_tell_no_algorithm():
    assert not names_algorithms(["aten::mkldnn_convolution"])
    assert names_algorithms(["aten::copy_", "winograd"])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32,,,16x3,0.7", "reorder jit:uni"),
        (
            "onednn_verbose,primitive,exec,cpu,convolution,wino:acl,forward,src,attr,alg:convolution_winograd,mb1,1",
            "convolution wino:acl convolution_winograd",
        ),
        ("dnnl_verbose,exec,cpu,matmul,gemm:jit,undef,src,,,1x2:2x3,0.1", "matmul gemm:jit"),
        ("onednn_verbose,v1,info,cpu,runtime:OpenMP,nthr:2", None),
        ("onednn_verbose,v1,primitive,info,template:operation,engine,primitive,exec_time", None),
        ("onednn_verbose,v1,primitive,create:cache_hit,cpu,convolution,jit:avx2,x", None),
        ("a line of the user's own, exec, and so on", None),
        ("", None),
    ],
)
def test_onednns_lines_are_read(line, name):
    assert primitive(line) == name
