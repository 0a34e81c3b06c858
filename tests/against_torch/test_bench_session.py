"""A run on the CPU from start to end, on networks so small that it takes moments; no time is asserted."""

from __future__ import annotations

import gc
import re

import pytest

torch = pytest.importorskip("torch")

from vggcost.bench import devices, one_case, session  # noqa: E402  # after the skip
from vggcost.bench.devices import check_dtype, device_named, has_events, torch_dtype  # noqa: E402
from vggcost.bench.numerics import numerics, tf32_switches, uses_tf32  # noqa: E402
from vggcost.bench.result import load, ratio_to_whole, to_json  # noqa: E402
from vggcost.bench.session import run  # noqa: E402
from vggcost.bench.settings import Settings  # noqa: E402
from vggcost.bench.subjects import Subject, build, random_input  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.errors import VggcostError  # noqa: E402
from vggcost.network.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU  # noqa: E402
from vggcost.network.plan import Network, Variant  # noqa: E402
from vggcost.report import bench  # noqa: E402
from vggcost.report.formats import rendered  # noqa: E402

QUICK = Settings(device="cpu", budget_s=1.0)


@pytest.fixture(autouse=True)
def _small_ceilings(monkeypatch):
    """The ceilings of these runs come from a small product and a small copy; their code is the same."""
    monkeypatch.setattr("vggcost.bench.ceilings.LONG_ENOUGH_NS", 1)
    monkeypatch.setattr("vggcost.bench.ceilings.BUDGET_S", 0.05)
    monkeypatch.setattr("vggcost.bench.ceilings.DIRECT_3X3", (3, 16, 14))
    monkeypatch.setattr(session, "cache_bytes", lambda device: None)


def tiny(name="tiny", batch=2, *, batch_norm=False):
    norm = (BatchNorm2d("bn1_1", "features.1", 8),) if batch_norm else ()
    layers = (
        Conv2d("conv1_1", "features.0", 3, 8),
        *norm,
        ReLU("relu1_1", f"features.{1 + len(norm)}"),
        MaxPool2d("pool1", f"features.{2 + len(norm)}"),
        Flatten("flatten", None),
        Linear("fc6", "classifier.0", 8 * 16 * 16, 16),
        ReLU("relu6", "classifier.1"),
        Dropout("drop6", "classifier.2"),
        Linear("fc7", "classifier.3", 16, 10),
    )
    network = Network(name, Variant(classes=10, batch_norm=batch_norm), layers)
    shape = (batch, 3, 32, 32)
    return Subject(name, shape, table(network, shape))


def reasons(outcome):
    """Why each case was refused."""
    return [refusal["reason"] for refusal in outcome.document["refused"]]


def quiet(line):
    """Nobody watches."""


def test_a_run_measures_every_layer_and_the_whole(tmp_path):
    lines = []
    outcome = run([tiny(), tiny(batch=4, batch_norm=True)], QUICK, lines.append)
    document = outcome.document
    assert (document["refused"], outcome.interrupted, document["complete"]) == ([], False, True)
    names = [layer["name"] for layer in document["cases"][0]["layers"]]
    assert names == ["conv1_1", "relu1_1", "pool1", "flatten", "fc6", "relu6", "drop6", "fc7"]
    for case in document["cases"]:
        assert case["rounds"] >= 1
        whole = case["passes"]["layers"]["samples_ns"]
        for number, time in enumerate(whole):
            assert sum(layer["samples_ns"][number] for layer in case["layers"]) == time
        idle = [layer["name"] for layer in case["layers"] if not layer["runs"]]
        assert idle == ["flatten", "drop6"]
        assert ratio_to_whole(case, "layers") > 0
    assert document["ceilings"]["flops_per_s"] > 0
    assert document["environment"]["threads"] == torch.get_num_threads()
    assert any("warm-up" in line for line in lines)
    assert any("forwards" in line for line in lines)
    path = tmp_path / "result.json"
    path.write_text(to_json(document), encoding="utf-8")
    assert load(str(path)) == document
    assert "fc7" in rendered(bench.document(document), "table")


@pytest.mark.parametrize("in_place", [True, False])
def test_a_relu_in_place_works_and_is_timed(in_place, monkeypatch):
    made = []
    monkeypatch.setattr(one_case, "build", lambda *args, **options: made.append(build(*args, **options)) or made[-1])
    document = run([tiny(batch_norm=True)], QUICK.replace(in_place=in_place), quiet).document
    relus = [part for part in made[0].modules() if isinstance(part, torch.nn.ReLU)]
    assert [part.inplace for part in relus] == [in_place] * len(relus)
    assert document["settings"]["in_place"] is in_place
    layers = {layer["name"]: layer for layer in document["cases"][0]["layers"]}
    assert layers["relu1_1"]["runs"]
    assert layers["relu1_1"]["median_ns"] > 0
    assert layers["relu1_1"]["min_bytes"] == 2 * 4 * 2 * 8 * 32 * 32
    assert layers["relu1_1"]["kernels"]
    words = rendered(bench.document(document), "table")
    assert ("ReLU beside its input" in words) is not in_place


def test_the_whole_alone_has_no_layers():
    document = run([tiny()], QUICK.replace(per_layer=False), quiet).document
    assert list(document["cases"][0]["passes"]) == ["whole"]
    assert document["cases"][0]["layers"] == []
    assert "whole, no marks inside" in rendered(bench.document(document), "table")


def test_a_training_step_makes_fresh_gradients_every_time(monkeypatch):
    made = []
    monkeypatch.setattr(one_case, "build", lambda *args, **options: made.append(build(*args, **options)) or made[-1])
    steps = []
    step_of = one_case._training_step

    def watched(subject, module, x):
        work = step_of(subject, module, x)

        def reset():
            work.reset()
            steps.append([parameter.grad for parameter in module.parameters()])

        return work.replace(reset=reset)

    monkeypatch.setattr(one_case, "_training_step", watched)
    document = run([tiny(batch_norm=True)], QUICK.replace(per_layer=False, backward=True), quiet).document
    assert document["settings"]["mode"] == "train, forward and backward"
    assert made[0].training
    assert all(parameter.grad is not None for parameter in made[0].parameters())
    assert all(grad is None for grads in steps for grad in grads)


def test_a_compiled_module_is_timed_as_a_whole(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda module: compiled.append(module) or module)
    document = run([tiny()], QUICK.replace(per_layer=False, compile=True), quiet).document
    assert len(compiled) == 1
    assert list(document["cases"][0]["passes"]) == ["whole"]
    assert "torch.compile" in rendered(bench.document(document), "table")


def test_a_compiler_that_fails_is_a_refusal(monkeypatch):
    import torch._dynamo

    def fail(x):
        raise torch._dynamo.exc.BackendCompilerFailed(fail, RuntimeError("no C++ compiler"), None)

    monkeypatch.setattr(torch, "compile", lambda module: fail)
    outcome = run([tiny()], QUICK.replace(per_layer=False, compile=True), quiet)
    assert "torch.compile failed" in reasons(outcome)[0]
    assert "leave --compile away, or install a C++ compiler" in reasons(outcome)[0]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("Cannot find a working triton installation", "or install triton"),
        (
            "Found Tesla P4 which is too old to be supported by the triton GPU compiler",
            "for its compiler takes later GPUs",
        ),
        ("unsupported operator", "leave --compile away"),
    ],
)
def test_the_advice_about_a_compiler_follows_from_its_words(monkeypatch, words, advice):
    import torch._dynamo

    def fail(x):
        raise torch._dynamo.exc.BackendCompilerFailed(fail, RuntimeError(words), None)

    monkeypatch.setattr(torch, "compile", lambda module: fail)
    reason = reasons(run([tiny()], QUICK.replace(per_layer=False, compile=True), quiet))[0]
    assert advice in reason
    assert "C++" not in reason


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_other_dtypes(dtype):
    document = run([tiny()], QUICK.replace(dtype=dtype), quiet).document
    layer = document["cases"][0]["layers"][0]
    elements = 2 * 3 * 32 * 32 + (3 * 8 * 9 + 8) + 2 * 8 * 32 * 32
    assert layer["min_bytes"] == elements * {"float64": 8, "bfloat16": 2, "float16": 2}[dtype]


def test_channels_last_reaches_weights_and_input():
    subject, cpu = tiny(), torch.device("cpu")
    module = build(subject, cpu, torch.float32, channels_last=True)
    x = random_input((2, 3, 32, 32), cpu, torch.float32, channels_last=True)
    assert module.features[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert run([subject], QUICK.replace(channels_last=True), quiet).document["settings"]["channels_last"]


def test_weights_and_input_are_random_numbers_and_no_zeros():
    module = build(tiny(batch_norm=True), torch.device("cpu"), torch.float32, channels_last=False)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not name.endswith("num_batches_tracked"):
            assert tensor.isfinite().all(), name
            assert (tensor != 0).all(), name
            assert tensor.unique().numel() > 1, name
    assert (module.features[1].running_var > 0).all()


def numbers_alive():
    """Elements of all tensors that something still holds."""
    gc.collect()
    # By type: isinstance would ask objects that warn when they are looked at.
    return sum(part.numel() for part in gc.get_objects() if issubclass(type(part), torch.Tensor))


def test_nothing_of_the_ceilings_is_left_when_the_module_is_built(monkeypatch):
    alive = []

    def watched(*args, **options):
        alive.append(numbers_alive())
        return build(*args, **options)

    monkeypatch.setattr(one_case, "build", watched)
    before = numbers_alive()
    run([tiny(), tiny()], QUICK, quiet)
    # The first product has 3 * 512 * 512 numbers; the second build finds nothing of the first module either.
    assert all(numbers - before < 1000 for numbers in alive)


def test_ctrl_c_half_way_keeps_the_cases_that_were_measured():
    def interrupt(line):
        if line.startswith("2/2") and "forwards" in line:
            raise KeyboardInterrupt

    outcome = run([tiny("first"), tiny("second")], QUICK, interrupt)
    assert outcome.interrupted
    assert outcome.document["complete"] is False
    assert [case["network"]["name"] for case in outcome.document["cases"]] == ["first", "second"]
    assert outcome.document["cases"][1]["stopped_by"] == "interrupted"
    assert outcome.document["verdict"][0]["gate"] == "incomplete"


def test_ctrl_c_while_building_keeps_what_came_before():
    def interrupt(line):
        if line.startswith("2/2"):
            raise KeyboardInterrupt

    outcome = run([tiny("first"), tiny("second")], QUICK, interrupt)
    assert outcome.interrupted
    assert [case["network"]["name"] for case in outcome.document["cases"]] == ["first"]


def test_an_allocator_that_refuses_half_way_ends_the_run_with_advice(monkeypatch):
    real = one_case.random_input

    def refuse(shape, *args, **options):
        if shape[0] == 4:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes")
        return real(shape, *args, **options)

    monkeypatch.setattr(one_case, "random_input", refuse)
    outcome = run([tiny(batch=2), tiny(batch=4)], QUICK, quiet)
    assert "give --batch 2 " in reasons(outcome)[0]
    assert len(outcome.document["cases"]) == 1
    assert outcome.document["complete"] is False


def test_one_failing_case_costs_the_others_nothing(monkeypatch):
    real = one_case.random_input

    def fail(shape, *args, **options):
        if shape[0] == 4:
            raise RuntimeError("shapes do not match\nin a second line")
        return real(shape, *args, **options)

    monkeypatch.setattr(one_case, "random_input", fail)
    outcome = run([tiny(batch=1), tiny(batch=4), tiny(batch=2)], QUICK, quiet)
    assert outcome.document["refused"] == [
        {"case": "tiny at batch 4", "reason": "RuntimeError: shapes do not match"}  # not taken for memory
    ]
    assert [case["input"][0] for case in outcome.document["cases"]] == [1, 2]
    assert outcome.document["complete"] is False
    assert [line["gate"] for line in outcome.document["verdict"] if line["gate"] in ("incomplete", "refused")] == [
        "refused"
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(device="cuda:99"), "cuda"),
        (Settings(device="tpu"), "unknown device 'tpu'"),
        (Settings(device="cpu", dtype="tf32"), "does not do tf32"),
        (Settings(device="cpu", dtype="int4"), "not one that bench times"),
        (Settings(device="cpu", compile=True), "--compile has no per-layer times"),
        (Settings(device="cpu", backward=True), "--backward has no per-layer times"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_built(monkeypatch, settings, words):
    monkeypatch.setattr(one_case, "build", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(VggcostError, match=re.escape(words)):
        run([tiny()], settings, quiet)


def test_too_large_a_batch_is_refused_before_anything_is_built(monkeypatch):
    monkeypatch.setattr(one_case, "build", lambda *_, **__: pytest.fail("built"))
    monkeypatch.setattr(session, "free_bytes", lambda device: 10**9)
    with pytest.raises(VggcostError, match="largest batch that should fit"):
        run([tiny(batch=2), tiny(batch=10**6)], QUICK, quiet)


def test_a_module_that_is_not_what_was_counted_is_found_out():
    subject = tiny()
    other = tiny(batch=4)
    assert "is not the network that was counted" in reasons(run([subject.replace(input=other.input)], QUICK, quiet))[0]


def switches():
    """Every switch that numerics sets."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    precisions = (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision, matmul.fp32_precision)
    return (torch.get_num_threads(), cudnn.benchmark, *precisions)


def test_torchs_switches_are_put_back():
    before = switches()
    old = (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    with numerics(torch.device("cpu"), "tf32", threads=1, cudnn_benchmark=True):
        assert switches() == (1, True, "tf32", "tf32", "tf32")
        assert uses_tf32(torch) == (True, True)
    assert switches() == before
    with numerics(torch.device("cpu"), "float32", threads=None, cudnn_benchmark=False):
        assert switches()[2:] == ("ieee", "ieee", "ieee")
        assert uses_tf32(torch) == (False, False)
    assert switches() == before
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == old


def test_the_users_new_switches_are_no_traceback_and_are_put_back():
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    try:
        matmul.fp32_precision = "tf32"
        document = run([tiny()], QUICK, quiet).document
        assert document["complete"]
        assert document["environment"]["matmul_allow_tf32"] is False
        assert matmul.fp32_precision == "tf32"
    finally:
        matmul.fp32_precision = before


def test_a_torch_without_the_new_switches_has_its_old_ones_set():
    from types import SimpleNamespace

    cudnn, matmul = SimpleNamespace(allow_tf32=True), SimpleNamespace(allow_tf32=False)
    old = SimpleNamespace(backends=SimpleNamespace(cudnn=cudnn, cuda=SimpleNamespace(matmul=matmul)))
    assert tf32_switches(old) == [(cudnn, "allow_tf32", True), (matmul, "allow_tf32", False)]
    assert uses_tf32(old) == (True, False)


def test_a_cpu_has_no_events_though_one_can_be_constructed():
    torch.Event(device="cpu", enable_timing=True)
    assert not has_events(torch.device("cpu"))


def test_free_memory_is_the_machines_or_the_groups(monkeypatch):
    monkeypatch.setattr(devices, "_meminfo_available", lambda: 100)
    monkeypatch.setattr(devices, "_group_left", lambda: 70)
    assert devices.free_bytes(torch.device("cpu")) == 70
    monkeypatch.setattr(devices, "_group_left", lambda: None)
    assert devices.free_bytes(torch.device("cpu")) == 100
    monkeypatch.setattr(devices, "_meminfo_available", lambda: None)
    assert devices.free_bytes(torch.device("cpu")) is None


def test_devices_and_dtypes():
    assert device_named("CPU") == torch.device("cpu")
    assert torch_dtype("tf32") is torch.float32
    check_dtype(torch.device("cpu"), "bfloat16")


def test_a_dtype_that_an_operation_refuses_is_refused(monkeypatch):
    real = torch.nn.functional.conv2d

    def refuse(image, *rest, **options):
        if image.dtype == torch.float16:
            raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")
        return real(image, *rest, **options)

    monkeypatch.setattr(torch.nn.functional, "conv2d", refuse)
    with pytest.raises(VggcostError, match=r"device cpu does not do float16 \(.*not implemented.*give --dtype float32"):
        check_dtype(torch.device("cpu"), "float16")


def test_advice_never_names_what_was_just_refused(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("nothing runs")

    monkeypatch.setattr(torch.nn.functional, "conv2d", refuse)
    for dtype in ("float16", "float32"):
        with pytest.raises(VggcostError, match=r"does not run torch .*nothing runs") as refusal:
            check_dtype(torch.device("cpu"), dtype)
        assert "float32" not in str(refusal.value)
        assert "--device cpu" not in str(refusal.value)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch finds no CUDA device")
def test_on_a_real_gpu_the_chain_is_exact_queued_ahead_and_near_the_whole():
    document = run([tiny(batch=64)], QUICK.replace(device="cuda", budget_s=5.0), quiet).document
    case = document["cases"][0]
    whole = case["passes"]["layers"]["samples_ns"]
    for number, time in enumerate(whole):
        assert sum(layer["samples_ns"][number] for layer in case["layers"]) == time
    assert all(case["passes"]["whole"]["queued_ahead"])
    assert document["settings"]["protocol"]["clock"] == "cuda events"
    assert document["settings"]["protocol"]["flush_bytes"] > 0
    assert case["graph_refused"] is None
    assert "graph" in case["passes"]
    assert document["environment"]["cudnn"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch finds no CUDA device")
@pytest.mark.parametrize("settings", [{"dtype": "float16"}, {"channels_last": True}, {"backward": True}])
def test_on_a_real_gpu_every_way_to_measure_runs(settings):
    changed = QUICK.replace(device="cuda", budget_s=5.0, per_layer="backward" not in settings, **settings)
    assert run([tiny(batch=64)], changed, quiet).document["complete"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch finds no CUDA device")
def test_on_a_real_gpu_what_cannot_fit_is_refused():
    with pytest.raises(VggcostError, match="largest batch that should fit"):
        run([tiny(batch=10**9)], QUICK.replace(device="cuda"), quiet)
