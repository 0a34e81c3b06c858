"""``vggcost bench``: how long the real forward pass takes, layer by layer, and how far to trust it."""

from __future__ import annotations

import argparse
import os

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE, EXIT_INTERRUPTED, EXIT_REFUSED
from vggcost.cli.bench_space import add_space, check_no_space, run_space
from vggcost.cli.options import NO_INPLACE, Parser, Read, Renamed, add_input, add_network, add_output, read_count
from vggcost.cli.output import check_writable, emit, note, prints_to_stderr
from vggcost.cli.program_options import add_call, add_isolation
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import output_from, request
from vggcost.errors import VggcostError
from vggcost.network.plan import DEFAULT_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from vggcost.bench.settings import Settings
    from vggcost.bench.subjects import Subject
    from vggcost.cli.request import Request

DEFAULT_BUDGET_S = 30.0
MOST_REPEATS = 1000


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "bench",
        "Build the real network, run its forward pass, and say how long each layer takes, how near that\n"
        "is to this machine's limits, and how far to trust it. docs/measuring.md says what is measured.",
        "vggcost bench --config A,D --batch 1,8 --format json -o result.json",
    )
    add_network(result, several=True)
    result.add_argument("--target", action=Renamed, now="TARGET", metavar="TARGET")
    add_call(result)
    add_isolation(result)
    result.set_defaults(program_options=("in_channels", "dtype"))
    add_input(result, dtype=False, batches=True)
    _add_measuring(result)
    add_output(result, human=False)
    add_space(result)
    result.add_argument("--load", metavar="FILE", help="print a result again that --format json wrote; measure nothing")
    return result


def _add_measuring(result: Parser) -> None:
    group = result.add_argument_group("measuring")
    group.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda (or gpu, nvidia, rocm), cuda:1, xpu, mps (cuda where there is one, else cpu)",
    )
    both = argparse.BooleanOptionalAction
    group.add_argument(
        "--dtype", metavar="NAME", default="float32", help="float32 (never in TF32), tf32, float16, bfloat16, float64"
    )
    group.add_argument("--channels-last", action="store_true", help="NHWC weights and input")
    group.add_argument("--no-inplace", action="store_true", help=NO_INPLACE)
    group.add_argument("--compile", action="store_true", help="through torch.compile; implies --whole")
    group.add_argument(
        "--backward", action="store_true", help="a training step's forward and backward; implies --whole"
    )
    group.add_argument(
        "--threads", action=Read, read=read_count, metavar="N", help="threads of a CPU (torch's own choice)"
    )
    group.add_argument("--per-layer", action="store_true", default=None, help="each layer's time as well (the default)")
    group.add_argument("--whole", action="store_true", help="the whole forward alone")
    group.add_argument(
        "--budget",
        action=Read,
        read=read_seconds,
        metavar="SECONDS",
        help=f"for each network at each batch, warm-up included ({DEFAULT_BUDGET_S:g});"
        " not in it: imports, the ceilings, building, compiling with --compile, and the few forwards that tell kernels"
        " and memory",
    )
    group.add_argument(
        "--repeat",
        action=Read,
        read=read_repeat,
        metavar="N",
        default=1,
        help="the same in N fresh processes, so that bench-compare knows the spread between them (1)",
    )
    group.add_argument(
        "--sustained",
        action=Read,
        read=read_sustained,
        metavar="SECONDS",
        help="also run forwards back to back, 2 seconds or more, outside the budget",
    )
    group.add_argument(
        "--plan", action="store_true", help="the cases, their memory and the time, estimated; measure nothing"
    )
    group.add_argument("--trace", metavar="FILE", help="write a Chrome trace of one forward, behind the timing, there")
    group.add_argument("--cudnn-benchmark", action=both, default=True, help="cuDNN's autotuning (on)")


def run(args: Namespace) -> int:
    """Measure and print or write the result; what was measured before Ctrl-C is printed too."""
    if args.load is not None:
        return _print_again(args)
    if args.space is not None:
        return run_space(args, parser().parse([]))
    check_no_space(args)
    asked = request(args)
    _check_programs(asked, args)
    _check_trace(args.trace, asked.place)
    settings = _settings(args, asked.dtype)
    if args.plan:
        return _print_plan(args, asked, settings)
    return _run_repeats(args, asked) if args.repeat > 1 else _measure(args, asked, settings)


def _measure(args: Namespace, asked: Request, settings: Settings) -> int:
    """Measure in this process; print or write the result, a line for each network that failed, and the trace."""
    from vggcost import __version__
    from vggcost.bench.session import run as measure

    # What a module of the user's own prints is no part of the result.
    with ProgressLine() as progress, prints_to_stderr():
        subjects = _subjects(asked)
        if args.trace is not None and len(subjects) > 1:
            raise VggcostError(f"--trace has one network at one batch, and {len(subjects)} are asked for; choose one")
        outcome = measure(subjects, settings, progress, __version__)
    cases, refused = outcome.document["cases"], outcome.document["refused"]
    if cases:
        emit(_rendered(outcome.document, asked.fmt), asked.place)
    if args.trace is not None and outcome.trace is not None:
        from vggcost.results import whole_file

        whole_file.write_bytes(args.trace, outcome.trace)
    for refusal in refused:
        named = "" if refusal["case"].partition(" at batch ")[0] in refusal["reason"] else f"{refusal['case']}: "
        note(f"error: {named}{refusal['reason']}")
    if outcome.interrupted:
        kept = _kept(cases, len(subjects), asked.place, asked.fmt)
        note(f"interrupted; {kept}")
        return EXIT_INTERRUPTED
    if not cases:
        return EXIT_REFUSED
    untraced = args.trace is not None and outcome.trace is None
    if untraced:
        reasons = "; ".join(cases[0]["notes"])
        note(f"error: no trace was written to {args.trace!r} ({reasons}); the times stand")
    return EXIT_DIFFERS if refused or untraced else EXIT_FINE


def _print_plan(args: Namespace, asked: Request, settings: Settings) -> int:
    """Print or write what would be measured."""
    from vggcost.bench.plan import planned
    from vggcost.report.bench_plan import document
    from vggcost.report.formats import rendered

    emit(rendered(document(planned(_subjects(asked), settings, args.repeat)), asked.fmt), asked.place)
    return EXIT_FINE


def _run_repeats(args: Namespace, asked: Request) -> int:
    """Measure in fresh processes; print or write their one result, and a line for each that failed."""
    if args.trace is not None:
        raise VggcostError("--trace has one forward of one process; leave --repeat away, or --trace")
    from vggcost.bench.repeat import repeated, run_command

    with ProgressLine() as progress:
        outcome = repeated(args.repeat, run_command(args.words), progress)
    if outcome.document is None and outcome.failures and not outcome.interrupted:
        raise VggcostError(f"none of {args.repeat} processes measured anything; {outcome.failures[0]}")
    if outcome.document is not None:
        emit(_rendered(outcome.document, asked.fmt), asked.place)
    for line in outcome.failures:
        note(f"error: {line}")
    if outcome.interrupted:
        done = len(outcome.document["repeats"]) if outcome.document else 0
        kept = f"what {done} of {args.repeat} processes measured is kept" if done else "nothing was measured yet"
        note(f"interrupted; {kept}")
        return EXIT_INTERRUPTED
    return EXIT_DIFFERS if outcome.failures else EXIT_FINE


def _check_programs(asked: Request, args: Namespace) -> None:
    """Refuse stored models, and an option that no program has a use for, before anything is loaded."""
    if not asked.programs:
        return
    if args.no_inplace and len(asked.programs) == len(asked.subjects):
        raise VggcostError(f"--no-inplace is for a configuration, and {asked.programs[0]!r} is none; leave it away")
    from vggcost.frameworks.target import STORED, kind_of

    for program in asked.programs:
        if kind_of(program) == STORED:
            raise VggcostError(f"bench times configurations and torch programs, and {program!r} is a stored model")


def _check_trace(trace: str | None, place: str | None) -> None:
    """Refuse a --trace that cannot be written, before anything is measured."""
    check_writable(trace, "--trace")
    if trace == "-":
        raise VggcostError("--trace is '-', where the result goes; give a file")
    if trace is not None and place is not None and _same_file(trace, place):
        raise VggcostError(f"--trace and --output are both {trace!r}; give two files")


def _same_file(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _print_again(args: Namespace) -> int:
    """A loaded result is what it is: options that say what to measure would be ignored in silence."""
    fmt, place = output_from(args)
    fresh = parser().parse([])
    kept = ("load", "format", "output", "words")
    for name, value in vars(args).items():
        if name not in kept and value != getattr(fresh, name):
            raise VggcostError(f"--load prints a result as it was measured; leave {_flag(name)} away")
    from vggcost.bench.result import load

    emit(_rendered(load(args.load), fmt), place)
    return EXIT_FINE


def _kept(cases: list[dict[str, Any]], asked: int, path: str | None, fmt: str) -> str:
    """Say what Ctrl-C has left, and where."""
    if not cases:
        return "nothing was measured yet"
    if path is None or path == "-":
        return "what was measured is above"
    full = sum(case["stopped_by"] != "interrupted" for case in cases)
    partly = " and one in part" if full < len(cases) else ""
    marked = "" if fmt == "csv" else ", marked incomplete"  # a CSV has no place for it
    return f"{full} of {asked} measured{partly}, written to {path}{marked}"


def _rendered(result: dict[str, Any], fmt: str) -> str:
    from vggcost.report.bench import document
    from vggcost.report.formats import rendered

    return rendered(document(result), fmt)


def _flag(name: str) -> str:
    return "the network's name" if name == "names" else f"--{name.replace('_', '-')}"


def _settings(args: Namespace, dtype: str) -> Settings:
    from vggcost.bench.devices import torch_dtype
    from vggcost.bench.settings import Settings

    torch_dtype(dtype)
    if args.whole and args.per_layer:
        raise VggcostError("--whole and --per-layer are opposites; give one of them")
    for word in ("compile", "backward"):
        if getattr(args, word) and args.per_layer:
            raise VggcostError(f"--{word} has no per-layer times; leave --per-layer away, or --{word}")
    per_layer = not (args.whole or args.compile or args.backward)
    return Settings(
        device=args.device,
        dtype=dtype,
        channels_last=args.channels_last,
        in_place=not args.no_inplace,
        compile=args.compile,
        backward=args.backward,
        per_layer=per_layer,
        threads=args.threads,
        budget_s=args.budget or DEFAULT_BUDGET_S,
        cudnn_benchmark=args.cudnn_benchmark,
        sustained_s=args.sustained,
    )


def read_repeat(text: str, option: str) -> int:
    """Return a number of processes.

    Raises:
        VggcostError: it is no whole number from 1 to 1000.
    """
    count = read_count(text, option)
    if count > MOST_REPEATS:
        raise VggcostError(f"{option} is {count}; give at most {MOST_REPEATS} processes")
    return count


def read_seconds(text: str, option: str) -> float:
    """Return a time [s].

    Raises:
        VggcostError: it is no number above 0, or more than a day.
    """
    return _seconds(text, option, 0.0)


def read_sustained(text: str, option: str) -> float:
    """Return how long forwards run back to back [s].

    Raises:
        VggcostError: it is no number of at least two, or more than a day.
    """
    from vggcost.bench.sustained import LEAST_S

    return _seconds(text, option, LEAST_S)


def _seconds(text: str, option: str, least: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not least <= seconds <= 86_400 or seconds == 0:
        above = f"{least:g} seconds or more" if least else "seconds above 0"
        raise VggcostError(f"{option} is {text!r}; give {above}, at most a day")
    return seconds


def _subjects(asked: Request) -> list[Subject]:
    """Every subject at every batch, in their order.

    Raises:
        VggcostError: an image does not fit its network; a program cannot be found, or is none of torch.
    """
    from vggcost.bench.subjects import network_subjects, target_subjects

    batches = asked.batches or (1,)
    image = (asked.options.get("in_channels", 3), *(asked.size or DEFAULT_SIZE))
    found: list[Subject] = []
    for subject in asked.subjects:
        if not isinstance(subject, str):
            found += network_subjects([asked.unfolded(subject)], batches)
        else:
            found += target_subjects(subject, asked.call, image, batches)
    return found
