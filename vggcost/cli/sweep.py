"""``vggcost sweep``: all networks of a space, which of them pass, and the best of those."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, Read, read_convention, read_count
from vggcost.cli.output import check_writable, emit, note
from vggcost.cli.progress import ProgressLine
from vggcost.errors import Needs, VggcostError

if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.sweep.columns import SpaceColumn
    from vggcost.sweep.driver import SweepOutcome
    from vggcost.sweep.question import Question
    from vggcost.sweep.space import Space

EXIT_TERMINATED = 143

SHOWN = 40
"""Rows of a front on the screen."""

NS_OF_MS = 1e6

TRIED_SECONDS = 0.5
"""How long --dry-run tries blocks for its estimate."""

SMALL = 2_000_000
"""Points that are not worth the start of a pool."""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "sweep",
        "Count every network of a space: all widths, depths, sizes, batches, heads that SPACE.toml has. Those that\n"
        "pass every --where are held against each other; what is kept is their front (no other is better in one\n"
        "objective and no worse in the others), the --top of them, a --sample, or with --all each one.",
        "vggcost sweep space.toml --where 'params < 20e6 and training_bytes < 8GiB' -o out.parquet",
    )
    result.add_argument("space", metavar="SPACE", help="a file with [axes], such as width = [0.5, 1]")
    result.add_argument("-o", "--output", metavar="FILE", help="the rows, as .parquet or .csv (a front on the screen)")
    result.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="what has to hold: 'params < 20e6 and dtype == float16'; several all have to",
    )
    result.add_argument(
        "--pareto", metavar="OBJECTIVES", help="two or three: min:training_bytes,max:macs, which is the usual"
    )
    result.add_argument("--top", action=Read, read=read_count, metavar="N", help="the N best by --by instead")
    result.add_argument("--by", metavar="COLUMN", help="what --top goes by: macs is the largest, min:params the least")
    result.add_argument("--sample", action=Read, read=read_count, metavar="N", help="look at N points drawn at random")
    result.add_argument("--seed", action=Read, read=_read_index, default=0, metavar="S", help="of the sample (0)")
    result.add_argument("--all", action="store_true", help="keep every row that passes")
    result.add_argument("--dry-run", action="store_true", help="say how many there are and how long it takes")
    result.add_argument(
        "--show",
        action=Read,
        read=_read_index,
        metavar="INDEX",
        help="the command that shows the network of a row's index",
    )
    result.add_argument(
        "--convention",
        action=Read,
        read=read_convention,
        metavar="NAME",
        help="as which tool `count` counts: fvcore, thop, ... (what SPACE says; mac)",
    )
    result.add_argument(
        "--device",
        metavar="NAME",
        help="forecast each network's forward call there: a column predicted_ns (3090, a100)",
    )
    _add_engine(result)
    return result


def _add_engine(result: Parser) -> None:
    result.add_argument(
        "--engine", metavar="ENGINE", help="pool:2 (the usual, with all processors), here, dask://HOST:PORT"
    )
    result.add_argument("--tls-ca-file", metavar="FILE", help="for a Dask scheduler that asks for TLS")
    result.add_argument("--tls-cert", metavar="FILE", help="this client's certificate")
    result.add_argument("--tls-key", metavar="FILE", help="its key")
    result.add_argument("--restart", action="store_true", help="throw away the parts of an earlier run")


def _read_index(text: str, option: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise VggcostError(f"{option} is {text!r}; give a whole number of at least 0")
    return int(text)


class _Terminated(BaseException):
    """SIGTERM came."""


def run(args: Namespace) -> int:
    """Sweep, and print or write what is kept."""
    with Needs("vggcost sweep", "numpy", "sweep"):
        import numpy  # noqa: F401, ICN001
    from vggcost.sweep import space as spaces
    from vggcost.sweep.driver import largest_number
    from vggcost.sweep.question import question

    space = spaces.read(args.space)
    if args.show is not None:
        return _show(space, args.show)
    name = args.convention and args.convention.name
    asked = question(
        space, args.where, args.pareto, args.top, args.by, args.sample, args.seed, args.all, name, args.device
    )
    if asked.query.device is not None and asked.query.device.note:
        note(asked.query.device.note)
    largest = largest_number(space, name)
    if args.dry_run:
        emit("".join(f"{line}\n" for line in _estimate(asked, largest)), None)
        return EXIT_FINE
    if args.output is None and asked.query.kept == "rows":
        raise VggcostError("every row is asked for, and no place for them; give -o out.parquet or -o out.csv")
    check_writable(args.output)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _sweep(args, asked)
    except _Terminated:
        return EXIT_TERMINATED
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(*_: object) -> None:
    raise _Terminated


def _sweep(args: Namespace, asked: Question) -> int:
    from vggcost.engines import engine
    from vggcost.sweep.driver import answer
    from vggcost.sweep.files import Writer
    from vggcost.sweep.parts import Parts

    space = asked.query.space
    writer = None if args.output is None else Writer(args.output, space)
    if args.all:
        row = 8 * (len(asked.query.columns) + 1)
        note(f"every row: up to {units.human_bytes(row * space.points)} for parts, and some 10 B a row for the file")
    parts = None if args.output is None else Parts(f"{args.output}.parts", asked, restart=args.restart)
    tls = {name: value for name in ("ca_file", "cert", "key") if (value := getattr(args, f"tls_{name}"))}
    usual = "here" if space.points < SMALL or asked.layout.tasks == 1 else "pool"
    workers = engine(args.engine or usual, tls)
    begun = time.monotonic()
    try:
        with ProgressLine() as line:

            def told(done: int, total: int) -> None:
                rate = done / max(time.monotonic() - begun, 1e-3)
                rest = max(total - done, 0) / rate
                line(f"{done:,} of {total:,} networks, {units.human_three(int(rate))}/s, {rest:.0f} s left")

            outcome = answer(asked, workers, parts, writer.add if writer else lambda _: None, told)
        if writer is not None:
            _write(args, asked, outcome, writer)
    finally:
        if writer is not None:
            writer.leave()
        workers.close()
    if writer is None and outcome.kept is not None:
        emit(_table(space, outcome), None)
    _tell(asked, outcome)
    if parts is not None and not outcome.failed:
        parts.remove()
    return EXIT_DIFFERS if outcome.failed else EXIT_FINE


def _write(args: Namespace, asked: Question, outcome: SweepOutcome, writer: Any) -> None:
    """Write the rows that were kept to the end, and the manifest."""
    from vggcost import __version__
    from vggcost.sweep.driver import reasons
    from vggcost.sweep.files import SCHEMA, write_manifest

    if outcome.failed:
        return
    if outcome.kept is not None:
        writer.add(outcome.kept)
    elif not writer.rows:
        writer.add(_nothing(asked))
    writer.close()
    space = asked.query.space
    write_manifest(
        args.output,
        {
            "schema": SCHEMA,
            "version": __version__,
            "question": asked.key,
            "space": space.identity(),
            "convention": asked.query.convention.name,
            "device": None if asked.query.device is None else asked.query.device.device.name,
            "where": args.where,
            "kept": asked.query.kept,
            "objectives": [each.text for each in asked.query.objectives],
            "top": asked.query.top or None,
            "sample": None if args.sample is None else {"points": args.sample, "seed": args.seed},
            "points": space.points,
            "examined": outcome.examined,
            "passed": outcome.passed,
            "refused": sum(points for points, _ in outcome.refused.values()),
            "reasons": list(reasons(space, outcome.refused)),
            "rows": writer.rows,
            "tasks": asked.layout.tasks,
        },
    )


def _nothing(asked: Question) -> Any:
    import numpy as np

    from vggcost.sweep.task import TaskResult

    empty = np.empty(0, np.int64)
    return TaskResult(0, 0, {}, empty, dict.fromkeys(asked.query.columns, empty))


def _tell(asked: Question, outcome: SweepOutcome) -> None:
    """Say on standard error what was looked at, and what failed."""
    from vggcost.sweep.driver import reasons

    refused = sum(points for points, _ in outcome.refused.values())
    note(f"{outcome.examined:,} networks, {outcome.passed:,} pass, {refused:,} cannot run")
    for line in reasons(asked.query.space, outcome.refused, 5):
        note(line)
    for line in outcome.failed:
        note(f"failed: {line}; the parts of the others stay, run the same command again")


def _table(space: Space, outcome: SweepOutcome) -> str:
    """The rows that were kept as text, the first so many."""
    from vggcost.sweep.columns import EVERY_COLUMN
    from vggcost.sweep.files import columns_of
    from vggcost.sweep.places import NOTHING

    if outcome.kept is None:
        return ""
    columns = columns_of(space, outcome.kept)
    total = len(outcome.kept.index)
    varied = [
        name for name in columns if name in EVERY_COLUMN or name == "index" or len(set(columns[name].tolist())) > 1
    ]
    texts = []
    for name in varied:
        cells = [name]
        for value in columns[name][:SHOWN].tolist():
            if value == NOTHING:
                cells.append("-")
            elif name in EVERY_COLUMN:
                cells.append(_shown(EVERY_COLUMN[name], value))
            else:
                cells.append(str(value))
        width = max(map(len, cells))
        texts.append([cell.rjust(width) for cell in cells])
    lines = ["  ".join(row).rstrip() for row in zip(*texts, strict=True)]
    more = f"{total:,} rows" if total <= SHOWN else f"{SHOWN} of {total:,} rows; -o out.parquet has all"
    return "\n".join((*lines, "", f"{more}. vggcost sweep SPACE --show INDEX shows a row's network.", ""))


def _shown(column: SpaceColumn, value: int) -> str:
    if column.is_time:
        return f"{value / NS_OF_MS:.3g} ms"
    return units.human_bytes(value) if column.is_bytes else units.human(value)


def _estimate(asked: Question, largest: tuple[str, int]) -> list[str]:
    """What there is to do, and how long it may take: some blocks are evaluated for that."""
    import pickle
    import random

    from vggcost.engines.pool import PoolEngine
    from vggcost.sweep.task import Task
    from vggcost.sweep.task import run as evaluate

    space, layout = asked.query.space, asked.layout
    blob, draw = pickle.dumps(asked.query), random.Random(0)  # noqa: S311  # which blocks are tried
    begun, done = time.process_time(), 0
    while not done or time.process_time() - begun < TRIED_SECONDS:
        number = draw.randrange(layout.blocks)
        done += evaluate(Task(blob, number, number + 1, None)).examined
    rate = done / max(time.process_time() - begun, 1e-6)
    workers = PoolEngine.usual_workers()
    row = 8 * (len(asked.query.columns) + 1)
    return [
        f"points         {space.points:,}",
        f"structures     {space.structures:,} (walked by themselves), {space.grid:,} points each",
        f"tasks          {layout.tasks:,}",
        f"every row      {units.human_bytes(row * space.points)} of parts, as int64",
        f"time           {space.points / rate / workers:.3g} s on {units.counted(workers, 'processor')}",
        f"rate           {units.human_three(int(rate))} networks a second and processor, tried just now",
        f"largest number {largest[0]} {units.human(largest[1]).strip()} (int64 ends at 9.223 E)",
    ]


def _show(space: Space, index: int) -> int:
    from vggcost.network.network_file import toml_text
    from vggcost.sweep.rows import command, plan_of

    if not 0 <= index < space.points:
        raise VggcostError(f"--show is {index}; the space has indices from 0 to {space.points - 1:,}")
    file = f"{toml_text(plan_of(space, index))}\n# as net.toml:\n" if space.plans.depths else ""
    emit(f"{file}{command(space, index)}\n", None)
    return EXIT_FINE
