"""What a bench result holds, schema vggcost.bench/1, as msgspec types: everything that is read of one later.

So a damaged file is refused where it is loaded and nowhere else. Keys beside these are taken as they are; a pass that
nobody knows is not. Keys that the first release did not write are optional. What no type can say, that layers sum to
their whole, `vggcost.bench.result` checks.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from vggcost.schema import LENGTH, MISSING, UNKNOWN, WRONG, Fault

_Time = Annotated[
    int,
    Meta(ge=0, extra={WRONG: "has a sample in {place} that is no time in whole nanoseconds; the file is damaged"}),
]
_Clock = Annotated[
    Annotated[int, Meta(ge=0)] | None,
    Meta(extra={WRONG: "has a clock in {place} that is none in whole megahertz; the file is damaged"}),
]
_Side = Annotated[int, Meta(ge=0, extra={WRONG: "has a size in {place} that is no whole number; the file is damaged"})]
_Count = Annotated[int, Meta(ge=0)]
_Number = Annotated[int, Meta(ge=0, extra={WRONG: "has a number in {place} that counts nothing; the file is damaged"})]
_Ceiling = Annotated[float, Meta(gt=0, extra={WRONG: "has a ceiling that is none in {place}; the file is damaged"})]
_AN_OBJECT = Meta(extra={WRONG: "is damaged: {place} is no object"})


class ResultNvml(Struct):
    """What the driver says of the device; clocks [MHz], power [W], temperature [C]."""

    driver: str | None
    power_limit_w: float | None
    sm_clock_mhz: int | None
    default_sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    temperature_c: int | None
    highest_sm_clock_mhz: int | UnsetType | None = UNSET
    mig: bool | UnsetType = UNSET
    other_processes: int | UnsetType | None = UNSET


class ResultEnvironment(Struct):
    """The machine and the libraries."""

    device: str
    device_name: str
    torch: str
    python: str
    cpu_capability: str
    cudnn_benchmark: bool
    cudnn_allow_tf32: bool
    matmul_allow_tf32: bool
    threads: int
    cpu_cores: int | None
    cache_bytes: int | None
    load_average: float | None
    cuda: str | None
    cudnn: int | None
    nvml: ResultNvml | None
    nvml_absent: str | None
    rocm: str | UnsetType | None = UNSET
    launch_blocking: str | UnsetType | None = UNSET
    compute_capability: str | UnsetType | None = UNSET
    multiprocessors: int | UnsetType | None = UNSET
    memory_bytes: int | UnsetType | None = UNSET
    uuid: str | UnsetType | None = UNSET
    cudnn_benchmark_limit: int | UnsetType | None = UNSET
    cudnn_deterministic: bool | UnsetType = UNSET
    matmul_allow_fp16_reduction: bool | UnsetType = UNSET
    matmul_allow_bf16_reduction: bool | UnsetType = UNSET


class ResultRule(Struct):
    """When a measurement stops: enough forwards, the budget [s], a deviation reached."""

    forwards: int
    budget_s: float
    deviation: float


class ResultProtocol(Struct):
    """How it was measured, in words, and how long the device spun before a forward [ns]."""

    clock: str
    cache: str
    spin: str | None
    spin_ns: int | None
    synchronised_marks: bool


class ResultSettings(Struct):
    """What was asked for."""

    dtype: str
    mode: str
    compile: bool
    backward: bool
    channels_last: bool
    cudnn_benchmark: bool
    rule: ResultRule
    protocol: ResultProtocol
    sustained_s: float | UnsetType | None = UNSET
    in_place: bool | UnsetType = UNSET


class ResultComputeKernel(Struct):
    """One kernel that was tried for the compute ceiling [FLOP/s], and its times [ns]."""

    kernel: str
    flops_per_s: float
    samples_ns: list[_Time]


class ResultMemoryKernel(Struct):
    """One kernel that was tried for the memory ceiling [B/s], and its times [ns]."""

    kernel: str
    bytes_per_s: float
    samples_ns: list[_Time]


class ResultCeiling(Struct):
    """The compute ceiling by the name of what reached it [FLOP/s]."""

    kernel: str
    flops_per_s: _Ceiling


class ResultCeilings(Struct):
    """What the device reached at its best [FLOP/s] and [B/s], and the times of a matrix product and a copy [ns]."""

    flops_per_s: _Ceiling
    bytes_per_s: _Ceiling
    matmul_side: int
    copy_bytes: int
    matmul_ns: list[Any]
    copy_ns: list[Any]
    kernel: str | UnsetType = UNSET
    memory_kernel: str | UnsetType = UNSET
    compute: list[ResultComputeKernel] | UnsetType = UNSET
    memory: list[ResultMemoryKernel] | UnsetType = UNSET
    left_out: list[str] | UnsetType = UNSET


class ResultNetwork(Struct):
    """What was measured, by name; options are None for a module of one's own."""

    name: str
    title: str
    heading: str
    options: dict[str, Any] | None


class ResultPass(Struct):
    """The times of one way to run the network [ns]."""

    samples_ns: Annotated[
        list[_Time],
        Meta(min_length=1, extra={LENGTH: "has no samples in {holder}; the file is damaged or was edited"}),
    ]
    n: int
    median_ns: int | None
    q1_ns: int | None
    q3_ns: int | None
    min_ns: int | None
    p90_ns: int | UnsetType | None = UNSET
    p99_ns: int | UnsetType | None = UNSET
    queued_ahead: list[bool | None] | UnsetType = UNSET
    n_by_process: list[_Number] | UnsetType = UNSET


class ResultPasses(Struct, forbid_unknown_fields=True):
    """The passes of `vggcost.bench.protocol`: the one without instruments is always there."""

    whole: Annotated[ResultPass, Meta(extra={MISSING: "lacks {place}; the file is damaged or was edited"})]
    layers: ResultPass | UnsetType = UNSET
    graph: ResultPass | UnsetType = UNSET


class ResultLayer(Struct):
    """One layer: what it does, and its times [ns], none where no pass had marks between the layers."""

    name: str
    kind: str
    path: str | None
    macs: int
    flops: int
    min_bytes: int
    runs: bool
    winograd: bool
    dispatch_bound: int
    samples_ns: list[_Time]
    n: int
    median_ns: int | None
    q1_ns: int | None
    q3_ns: int | None
    min_ns: int | None
    p90_ns: int | UnsetType | None = UNSET
    p99_ns: int | UnsetType | None = UNSET
    share: float | UnsetType = UNSET
    kernels: list[str] | UnsetType | None = UNSET
    in_use_bytes_measured: int | UnsetType | None = UNSET
    in_use_bytes_estimated: int | UnsetType | None = UNSET


class ResultExtent(Struct):
    """The least, the median and the largest of what was read."""

    min: float
    median: float
    max: float


class ResultLoad(Struct):
    """What the device said between the rounds: clock [MHz], temperature [C], and in how many rounds what throttled."""

    throttle_reasons: dict[str, _Count]
    sm_clock_mhz: ResultExtent | UnsetType | None = UNSET
    temperature_c: ResultExtent | UnsetType | None = UNSET


class ResultSustained(Struct):
    """Forwards back to back: how long [s], how many, images/s, power [W], energy an image [J], clock [MHz]."""

    seconds: float
    images_per_s: float
    watts: float | None
    joules_per_image: float | None
    forwards: int | UnsetType = UNSET
    sm_clock_mhz: ResultExtent | UnsetType | None = UNSET
    throttle_reasons: list[str] | UnsetType = UNSET


class ResultCase(Struct):
    """One network at one input."""

    network: ResultNetwork
    input: Annotated[list[_Side], Meta(min_length=1, extra={LENGTH: "has no shape in {place}; the file is damaged"})]
    flops: int | None
    rounds: int
    stopped_by: Annotated[
        Literal["deviation", "budget", "most", "interrupted"],
        Meta(extra={WRONG: "has an unknown stopped_by {value!r:.60} in {holder}; it is damaged"}),
    ]
    graph_refused: str | None
    warm_up_ns: list[_Time]
    sm_clock_mhz: list[_Clock]
    passes: Annotated[ResultPasses, Meta(extra={UNKNOWN: "has an unknown pass {key!r:.60} in {holder}; it is damaged"})]
    layers: list[Annotated[ResultLayer, _AN_OBJECT]]
    late_because: str | UnsetType | None = UNSET
    spent_s: float | UnsetType = UNSET
    warm_up_spent_s: float | UnsetType = UNSET
    spin_ns: int | UnsetType | None = UNSET
    under_load: ResultLoad | UnsetType = UNSET
    sustained: ResultSustained | UnsetType | None = UNSET
    in_use_bytes_measured: int | UnsetType | None = UNSET
    in_use_bytes_estimated: int | UnsetType | None = UNSET
    notes: list[str] | UnsetType = UNSET


class ResultVerdict(Struct):
    """What a gate said of a case."""

    gate: str
    case: str
    text: str


class ResultRefusal(Struct):
    """A case that was asked for and is not among the numbers, and why."""

    case: str
    reason: str


class BenchResult(Struct):
    """The whole document."""

    complete: bool
    environment: ResultEnvironment
    settings: ResultSettings
    ceilings: ResultCeilings | None
    cases: Annotated[
        list[Annotated[ResultCase, _AN_OBJECT]],
        Meta(
            min_length=1,
            extra={LENGTH: "has no networks in {place}; give a file that vggcost bench --format json wrote"},
        ),
    ]
    verdict: list[Annotated[ResultVerdict, _AN_OBJECT]]
    interrupted: bool | UnsetType = UNSET
    refused: list[Annotated[ResultRefusal, _AN_OBJECT]] | UnsetType = UNSET
    ceiling: ResultCeiling | UnsetType | None = UNSET


def refusal(fault: Fault) -> str:
    """Return what is wrong with a file, to stand behind its name; a type's own sentence where it has one."""
    sentence: str = fault.extra.get(fault.what, "lacks a valid {place}; the file is damaged or was edited")
    return sentence.format(place=fault.place, holder=fault.holder, key=fault.key, value=fault.value)
