"""Which layers may multiply less than the direct count: the layer's question, the device's, and the kernels' answer."""

from __future__ import annotations

import pytest
from bench_documents import MS, case, document

from vggcost.bench.algorithms import beaten, compute_kernel, memory_kernel, saving, uses_winograd, whole_saving

X86 = {"device": "cpu", "cpu_capability": "AVX512", "platform": "Linux-6.1-x86_64-with-glibc2.36", "onednn": True}
ARM = {"device": "cpu", "cpu_capability": "SVE256", "platform": "Linux-6.1-aarch64-with-glibc2.36", "onednn": True}


@pytest.mark.parametrize(
    ("environment", "dtype", "used"),
    [
        (X86, "float32", False),
        ({**X86, "cpu_capability": "DEFAULT"}, "float32", False),  # x86 before AVX2, known by its platform
        ({**X86, "platform": None}, "float32", False),
        ({**X86, "onednn": False}, "float32", True),  # NNPACK
        ({**X86, "onednn": False}, "bfloat16", False),
        (ARM, "float32", True),
        (ARM, "bfloat16", False),
        ({**ARM, "platform": "macOS-15-arm64", "cpu_capability": "DEFAULT"}, "float32", True),
        ({"device": "cuda:1"}, "float32", True),
        ({"device": "cuda:1"}, "float16", True),
        ({"device": "cuda:1"}, "float64", False),
        ({"device": "mps"}, "float32", True),
    ],
)
def test_the_device_is_asked_whether_a_library_there_saves(environment, dtype, used):
    assert uses_winograd(environment, dtype) is used


@pytest.mark.parametrize(
    ("kernels", "least"),
    [
        (None, 4),  # nobody has told: the rule speaks
        (["aten::cudnn_convolution"], 4),  # an operator is no kernel
        (["void cudnn::winograd_nonfused::winogradForwardData4x4<float, float>(...)"], 4),
        (["_5x_cudnn_volta_scudnn_winograd_128x128_ldg1_ldg4_relu_tile148t_nt_v1"], 4),
        (["miopenSp3AsmConv_v30_3_1_gfx9_fp32_f2x3_stride1"], 4),
        (["void fft2d_r2c_32x32<float, false, 1u, false>(...)"], 4),
        (["convolution wino:acl convolution_winograd"], 4),
        (["implicit_convolve_sgemm"], 1),
        (["convolution jit:avx512_core convolution_direct"], 1),
    ],
)
def test_the_kernels_names_settle_it(kernels, least):
    on_gpu = document(device="cuda:0")
    layer = {**on_gpu["cases"][0]["layers"][2], "kernels": kernels}
    assert saving(on_gpu, layer) == least


def test_a_layer_that_the_rule_excludes_is_granted_nothing_but_by_its_kernels():
    on_gpu = document(device="cuda:0")
    linear = on_gpu["cases"][0]["layers"][4]
    assert saving(on_gpu, linear) == 1
    assert saving(on_gpu, {**linear, "kernels": ["winograd"]}) == 4


def test_a_whole_saves_as_its_layers_do():
    on_gpu, on_x86 = document(device="cuda:0"), document()
    convolutions, linear = 2 * (86_704_128 + 1_849_688_064), 2 * 4_096_000
    all_flops = convolutions + linear
    assert whole_saving(on_gpu, on_gpu["cases"][0]) == all_flops / (convolutions / 4 + linear)
    assert whole_saving(on_x86, on_x86["cases"][0]) == 1
    assert whole_saving(on_gpu, {**on_gpu["cases"][0], "layers": []}) == 4
    assert whole_saving(on_x86, {**on_x86["cases"][0], "layers": []}) == 1


def test_what_beats_a_ceiling_is_named_with_what_it_may_save():
    slow = document(case(times=[2 * MS, MS, 30 * MS, 0, 30_000]), device="cuda:0", ceilings__flops_per_s=100e9)
    assert [(one.name, one.saving) for one in beaten(slow, slow["cases"][0])] == [("fc8", 1.0)]
    assert beaten({**slow, "ceilings": None}, slow["cases"][0]) == []


def test_a_result_of_an_earlier_version_has_a_product_and_a_copy():
    old = document()["ceilings"]
    assert compute_kernel(old) == "matrix product of side 2048"
    assert memory_kernel(old) == "copy of 128.0 MiB"
