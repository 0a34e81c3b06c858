"""``vggcost predict``: how long a network takes on a device that is not at hand."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.lists import each_once, every_request
from vggcost.cli.options import (
    Parser,
    Read,
    add_input,
    add_network,
    add_output,
    read_choice,
    read_size,
    read_width,
)
from vggcost.cli.program_options import add_program
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from vggcost.cli.request import Request
    from vggcost.predict.classes import Choice
    from vggcost.predict.devices import Devices, FoundDevice
    from vggcost.predict.prediction import Prediction
    from vggcost.predict.subject import ForecastSubject

SORTS = ("time", "device")
LEVELS = ("80", "90")
ALL = "all"
OWN_TABLES = ""
"""What --evaluate without a file is."""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "predict",
        "How long a forward pass takes on a device that is not at hand, as an interval: from shapes and the datasheet\n"
        "of the device (--device), or from one measurement of another network there (--from), which is closer.\n"
        "docs/predict.md has the errors, and says when not to believe it.",
        "vggcost predict D --device a100 --dtype float16 --batch 32 --channels-last",
    )
    add_network(result, several=True, widths=each_once(read_width, "factor"))
    add_program(result)
    result.set_defaults(program_options=("dtype",))
    add_input(result, batches=True, sizes=each_once(read_size, "size"))
    _add_machine(result)
    group = result.add_argument_group("how it runs")
    group.add_argument("--channels-last", action="store_true", help="NHWC weights and input")
    group.add_argument("--compile", action="store_true", help="through torch.compile or XLA")
    group.add_argument("--backward", action="store_true", help="a training step's forward and backward")
    group = result.add_argument_group("the answer")
    group.add_argument(
        "--interval",
        action=Read,
        read=lambda text, option: read_choice(text, option, LEVELS),
        metavar="PERCENT",
        default=LEVELS[0],
        help="how many of the cards like these the interval holds: 80 or 90 (80)",
    )
    group.add_argument(
        "--sort",
        dest="order",
        action=Read,
        read=lambda text, option: read_choice(text, option, SORTS),
        metavar="WHAT",
        help="several: by time, the fastest first, or by device (as they were given)",
    )
    add_output(result, human=False)
    group = result.add_argument_group("in place of a forecast")
    group.add_argument("--devices", action="store_true", help="list the devices, and how each was checked")
    group.add_argument(
        "--evaluate",
        metavar="ROWS.csv",
        nargs="?",
        const=OWN_TABLES,
        help="how far forecasts are off: the tables that ship, or the shipped parameters on rows that somebody measured"
        " (columns of benchmarks/predict/rows.csv)",
    )
    return result


def _add_machine(result: Parser) -> None:
    group = result.add_argument_group("the machine")
    group.add_argument("--device", metavar="NAME", help="4090, a100, 'RTX A6000', ... (a comma list for several); all")
    group.add_argument(
        "--from",
        dest="measured",
        action="append",
        metavar="BENCH.json",
        help="in place of a device: the machine that vggcost bench measured so (again for more results of it)",
    )
    group.add_argument(
        "--device-file", metavar="FILE.toml", help="devices of your own, in the form of the shipped ones"
    )
    group.add_argument(
        "--power", action=Read, read=read_watts, metavar="W", help="the board is limited to so many watts"
    )
    group.add_argument(
        "--clock", action=Read, read=read_megahertz, metavar="MHz", help="its processors run at this clock"
    )


def read_watts(text: str, option: str) -> float:
    """Return a power [W].

    Raises:
        VggcostError: it is no number above 0.
    """
    return _number(text, option, "W", "watts, as 250")


def read_megahertz(text: str, option: str) -> float:
    """Return a clock [MHz].

    Raises:
        VggcostError: it is no number above 0.
    """
    return _number(text, option, "MHz", "megahertz, as 1410")


def _number(text: str, option: str, unit: str, what: str) -> float:
    digits = text.strip().removesuffix(unit).strip()
    whole, _, part = digits.partition(".")
    if not ((whole + part).isascii() and (whole + part).isdigit() and 0 < float(digits) <= 1e6):
        raise VggcostError(f"{option} is {text[:80]!r}; give {what}")
    return float(digits)


def run(args: Namespace) -> int:
    """Print or write the forecasts."""
    if args.devices or args.evaluate is not None:
        return _run_tables(args)
    from vggcost.report.predict import document

    every = list(every_request(args))
    asked = every[0]
    predictions = _from_measurement(args, every) if args.measured else _from_datasheet(args, every)
    if args.order == "time":
        predictions.sort(key=lambda each: each.likely_ms)
    elif args.order == "device":
        predictions.sort(key=lambda each: str(each.device["name"]).lower())
    asked.write(document(predictions))
    return EXIT_FINE


def _run_tables(args: Namespace) -> int:
    """Print or write the devices, or how far forecasts are off.

    Raises:
        VggcostError: a network or a device is named beside them; the rows cannot be read.
    """
    asked = next(every_request(args, default=()))
    option = "--devices" if args.devices else "--evaluate"
    beside = [*asked.texts, *([args.device] if args.device else [])]
    if beside:
        raise VggcostError(f"{option} forecasts nothing, and {beside[0]!r} is named beside it; give one of the two")
    if args.devices:
        from vggcost.report.predict import devices_document

        asked.write(devices_document(_table(args).rows))
        return EXIT_FINE
    from vggcost.predict import evaluation, pairs
    from vggcost.report import predict_evaluation

    if args.evaluate == OWN_TABLES:
        made = predict_evaluation.shipped(evaluation.shipped() | pairs.shipped())
    else:
        from vggcost.predict import parameters, rows

        found, fitted = rows.read(args.evaluate, _table(args)), parameters.shipped()
        data = evaluation.evaluated(found, fitted) | pairs.evaluated(found, fitted)
        made = predict_evaluation.of_rows(data, args.evaluate)
    asked.write(made)
    return EXIT_FINE


def _from_datasheet(args: Namespace, every: Sequence[Request]) -> list[Prediction]:
    """A forecast for each network at each width, size and batch on each device.

    Raises:
        VggcostError: no device is given, one is not known, or there is no forecast for it.
    """
    from vggcost.predict import parameters
    from vggcost.predict.capped import capped
    from vggcost.predict.datasheet import predicted

    if args.device is None:
        raise VggcostError(
            "no device is given; give --device NAME (vggcost predict --devices lists them), or --from BENCH.json"
        )
    choice, table, shipped = _choice(args, every[0]), _table(args), parameters.shipped()
    found = _all_devices(table, choice) if args.device.strip().lower() == ALL else _named(table, args.device)
    boards = [capped(each, args.power, args.clock) for each in found]
    level = int(args.interval)
    return [
        predicted(subject, each, choice, shipped, level, unseen)
        for asked in every
        for subject in subjects(asked)
        for each, unseen in boards
    ]


def _from_measurement(args: Namespace, every: Sequence[Request]) -> list[Prediction]:
    """A forecast for each network at each width, size and batch, on the machine that was measured.

    Its batches are those that were measured where none is given.

    Raises:
        VggcostError: a device is named beside it; a file is no bench result, or none to build on, or of another machine
            than the first, or of another dtype, layout or mode than asked.
    """
    from vggcost.predict.calibration import calibration, forecast
    from vggcost.predict.measurement import check_asked, read, together

    for option, value in (
        ("--device", args.device),
        ("--device-file", args.device_file),
        ("--power", args.power),
        ("--clock", args.clock),
    ):
        if value is not None:
            raise VggcostError(f"--from says which machine it is, and {option} is given beside it; give one of the two")
    files = [read(path) for path in args.measured]
    for one in files:
        check_asked(
            one, every[0].own_dtype, channels_last=args.channels_last, compiled=args.compile, backward=args.backward
        )
    made = calibration(together(files))
    batches, level = every[0].batches or tuple(made.rates), int(args.interval)
    return [forecast(subject, made, level) for asked in every for subject in subjects(asked.replace(batches=batches))]


def _table(args: Namespace) -> Devices:
    """The shipped devices, with those of --device-file before them."""
    from vggcost.predict import devices

    table = devices.shipped()
    if args.device_file is None:
        return table
    from vggcost.predict import device_file

    return device_file.read(args.device_file, table)


def _choice(args: Namespace, asked: Request) -> Choice:
    from vggcost.predict.classes import Choice
    from vggcost.predict.model import COMPILED, EAGER

    mode = COMPILED if args.compile else EAGER
    return Choice(asked.dtype, mode, channels_last=args.channels_last, backward=args.backward)


def _named(table: Devices, text: str) -> list[FoundDevice]:
    return [table.find(name.strip()) for name in text.split(",")]


def _all_devices(table: Devices, choice: Choice) -> list[FoundDevice]:
    """Those that there is a forecast for."""
    from vggcost.predict.classes import check_device, class_of
    from vggcost.predict.devices import FoundDevice

    found = []
    for row in table.rows:
        try:
            check_device(row)
            class_of(row, choice.dtype)
        except VggcostError:
            continue
        found.append(FoundDevice(row, None))
    if not found:
        raise VggcostError(f"there is no forecast for {choice.dtype} on any device; give float32, tf32 or float16")
    return found


def subjects(asked: Request) -> Iterator[ForecastSubject]:
    """Yield each network at each batch, counted.

    Raises:
        VggcostError: an image does not fit a network; a program cannot be read.
    """
    from vggcost.costs.table import table
    from vggcost.predict.subject import of_reading, of_table

    for batch in asked.batches or (1,):
        one = asked.replace(batches=(batch,))
        for named in asked.subjects:
            if isinstance(named, str):
                yield of_reading(one.audited(named).reading)
            else:
                network = asked.unfolded(named)
                yield of_table(table(network, (batch, network.variant.in_channels, *network.image)))
