"""``vggcost bench``: how long the real forward pass takes, layer by layer, and how far to trust it."""

from __future__ import annotations

import argparse
import sys

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE, EXIT_INTERRUPTED, EXIT_REFUSED
from vggcost.cli.options import (
    Parser,
    add_input,
    add_network,
    add_output,
    count_from,
    format_from,
    keywords_from,
    names_from,
    networks_from,
    size_from,
)
from vggcost.cli.output import check_writable, emit, prints_to_stderr
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from vggcost.bench.session import Settings
    from vggcost.bench.subjects import Subject

FORMATS = ("table", "markdown", "csv", "json")
"""What --format takes here."""

DEFAULT_BUDGET_S = 30.0


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "bench",
        "Build the real network, run its forward pass, and say how long each layer takes, how near that\n"
        "is to this machine's limits, and how far to trust it. docs/measuring.md says what is measured.",
        "vggcost bench --config A,D --batch 1,8 --format json -o result.json",
    )
    add_network(result, several=True)
    result.add_argument(
        "--target",
        metavar="TARGET",
        help="package.module:callable or path/to/file.py:callable of a torch module of your own, which this runs",
    )
    result.add_argument("--call", metavar="ARGS", help='keyword literals for the callable: "num_classes=4"')
    add_input(result, dtype=False, batches=True)
    _add_measuring(result)
    add_output(result, FORMATS, human=False)
    result.add_argument("--load", metavar="FILE", help="print a result again that --format json wrote; measure nothing")
    return result


def _add_measuring(result: Parser) -> None:
    group = result.add_argument_group("measuring")
    group.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, cuda:1, xpu, mps (cuda where there is one, else cpu)"
    )
    both = argparse.BooleanOptionalAction
    group.add_argument(
        "--dtype", metavar="NAME", default="float32", help="float32 (never in TF32), tf32, float16, bfloat16, float64"
    )
    group.add_argument("--channels-last", action="store_true", help="NHWC weights and input")
    group.add_argument("--compile", action="store_true", help="through torch.compile; implies --whole")
    group.add_argument(
        "--backward", action="store_true", help="a training step's forward and backward; implies --whole"
    )
    group.add_argument("--threads", metavar="N", help="threads of a CPU (torch's own choice)")
    group.add_argument("--per-layer", action="store_true", default=None, help="each layer's time as well (the default)")
    group.add_argument("--whole", action="store_true", help="the whole forward alone")
    group.add_argument(
        "--budget",
        metavar="SECONDS",
        help=f"for each network at each batch, warm-up included ({DEFAULT_BUDGET_S:g});"
        " not in it: imports, the ceilings, building, and compiling with --compile",
    )
    group.add_argument("--sustained", metavar="SECONDS", help="also run forwards back to back, 2 seconds or more")
    group.add_argument("--cudnn-benchmark", action=both, default=True, help="cuDNN's autotuning (on)")


def run(args: Namespace) -> int:
    """Measure and print or write the result; what was measured before Ctrl-C is printed too."""
    fmt = format_from(args, FORMATS)
    check_writable(args.output)
    if args.load is not None:
        _refuse_measuring(args)
        from vggcost.bench.result import load

        emit(_rendered(load(args.load), fmt), args.output)
        return EXIT_FINE
    settings = _settings(args)
    from vggcost import __version__
    from vggcost.bench.session import run as measure

    progress = _Progress()
    try:
        with prints_to_stderr():  # what a module of the user's own prints is no part of the result
            subjects = _subjects(args)
            outcome = measure(subjects, settings, progress, __version__)
    finally:
        progress.clear()
    cases, refused = outcome.document["cases"], outcome.document["refused"]
    if cases:
        emit(_rendered(outcome.document, fmt), args.output)
    for refusal in refused:
        named = "" if refusal["case"].partition(" at batch ")[0] in refusal["reason"] else f"{refusal['case']}: "
        sys.stderr.write(f"vggcost: error: {named}{refusal['reason']}\n")
    if outcome.interrupted:
        sys.stderr.write(f"vggcost: interrupted; {_kept(cases, len(subjects), args.output, fmt)}\n")
        return EXIT_INTERRUPTED
    if refused:
        return EXIT_DIFFERS if cases else EXIT_REFUSED
    return EXIT_FINE if cases else EXIT_REFUSED


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


def _rendered(document: dict[str, Any], fmt: str) -> str:
    from vggcost.bench.result import to_json
    from vggcost.report import bench_table

    forms = {
        "table": bench_table.screen,
        "markdown": bench_table.markdown,
        "csv": bench_table.csv_text,
        "json": to_json,
    }
    return forms[fmt](document)


def _refuse_measuring(args: Namespace) -> None:
    """A loaded result is what it is: options that say what to measure would be ignored in silence."""
    fresh = parser().parse([])
    kept = ("load", "format", "output")
    for name, value in vars(args).items():
        if name not in kept and value != getattr(fresh, name):
            raise VggcostError(f"--load prints a result as it was measured; leave {_flag(name)} away")


def _flag(name: str) -> str:
    return "the network's name" if name == "names" else f"--{name.replace('_', '-')}"


def _settings(args: Namespace) -> Settings:
    from vggcost.bench.devices import torch_dtype
    from vggcost.bench.session import Settings
    from vggcost.bench.sustained import LEAST_S

    torch_dtype(args.dtype)
    if args.whole and args.per_layer:
        raise VggcostError("--whole and --per-layer are opposites; give one of them")
    for word in ("compile", "backward"):
        if getattr(args, word) and args.per_layer:
            raise VggcostError(f"--{word} has no per-layer times; leave --per-layer away, or --{word}")
    per_layer = not (args.whole or args.compile or args.backward)
    return Settings(
        device=args.device,
        dtype=args.dtype,
        channels_last=args.channels_last,
        compile=args.compile,
        backward=args.backward,
        per_layer=per_layer,
        threads=count_from(args.threads, "--threads", 1) if args.threads is not None else None,
        budget_s=_seconds(args.budget),
        cudnn_benchmark=args.cudnn_benchmark,
        sustained_s=_seconds(args.sustained, "--sustained", LEAST_S) if args.sustained is not None else None,
    )


def _seconds(text: str | None, option: str = "--budget", least: float = 0.0) -> float:
    if text is None:
        return DEFAULT_BUDGET_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not least <= seconds <= 86_400 or seconds == 0:
        above = f"{least:g} seconds or more" if least else "seconds above 0"
        raise VggcostError(f"{option} is {text!r}; give {above}, at most a day")
    return seconds


def _subjects(args: Namespace) -> list[Subject]:
    from vggcost.bench.subjects import Subject, target_maker
    from vggcost.costs.table import table

    batches = _batches(args.batch)
    if args.target:
        if names_from(args) or args.file:
            raise VggcostError("--target and a network are both given; give one of them")
        image = (count_from(args.in_channels, "--in-channels", 3), *size_from(args.size))
        make = target_maker(args.target, keywords_from(args.call))
        return [Subject(args.target, (batch, *image), None, make) for batch in batches]
    if args.call is not None:
        raise VggcostError("--call has arguments for --target, and none is given")
    subjects = []
    for network in networks_from(args):
        for batch in batches:
            shape = (batch, network.variant.in_channels, *network.image)
            subjects.append(Subject(network.title, shape, table(network, shape)))
    return subjects


def _batches(text: str | None) -> list[int]:
    batches = [count_from(part, "--batch", 1) for part in (text or "1").split(",")]
    if len(set(batches)) < len(batches):
        raise VggcostError(f"--batch is {text!r}; give each batch once")
    return batches


class _Progress:
    """One line on standard error that is written over again; silent where that is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._width = 0

    def __call__(self, line: str) -> None:
        if self._shown:
            line = line[:99]
            sys.stderr.write(f"\r{line.ljust(self._width)}")
            sys.stderr.flush()
            self._width = len(line)

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
