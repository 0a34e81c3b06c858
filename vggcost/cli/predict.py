"""``vggcost predict``: how long a network takes on a device that is not at hand."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, Read, add_input, add_network, add_output, read_choice
from vggcost.cli.output import emit
from vggcost.cli.program_options import add_program
from vggcost.cli.request import output_from, request
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from vggcost.cli.request import Request
    from vggcost.predict.classes import Choice
    from vggcost.predict.devices import Devices, Found
    from vggcost.predict.prediction import Prediction
    from vggcost.predict.subject import Subject

SORTS = ("time", "device")
LEVELS = ("80", "90")


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "predict",
        "How long a forward pass takes on a device that is not at hand, as an interval: from shapes and the datasheet\n"
        "of the device (--device). docs/predict.md has the errors, and says when not to believe it.",
        "vggcost predict D --device a100 --dtype float16 --batch 32 --channels-last",
    )
    add_network(result, several=True)
    add_program(result)
    result.set_defaults(program_options=("dtype",))
    add_input(result, batches=True)
    group = result.add_argument_group("the machine")
    group.add_argument("--device", metavar="NAME", help="4090, a100, 'RTX A6000', ... (a comma list for several); all")
    group.add_argument("--devices", action="store_true", help="list the devices, and how each was checked")
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
    return result


def run(args: Namespace) -> int:
    """Print or write the forecasts."""
    from vggcost.report.formats import rendered
    from vggcost.report.predict import devices_document, document

    if args.devices:
        fmt, place = output_from(args)
        emit(rendered(devices_document(_table().rows), fmt), place)
        return EXIT_FINE
    asked = request(args)
    predictions = _from_datasheet(args, asked)
    if args.order == "time":
        predictions.sort(key=lambda each: each.likely_ms)
    elif args.order == "device":
        predictions.sort(key=lambda each: str(each.device["name"]).lower())
    asked.write(document(predictions))
    return EXIT_FINE


def _from_datasheet(args: Namespace, asked: Request) -> list[Prediction]:
    """A forecast for each network at each batch on each device.

    Raises:
        VggcostError: no device is given, one is not known, or there is no forecast for it.
    """
    from vggcost.predict import parameters
    from vggcost.predict.datasheet import predicted

    if args.device is None:
        raise VggcostError("no device is given; give --device NAME (vggcost predict --devices lists them)")
    choice, table, shipped = _choice(args, asked), _table(), parameters.shipped()
    found = _all_devices(table, choice) if args.device.strip().lower() == "all" else _named(table, args.device)
    level = int(args.interval)
    return [predicted(subject, each, choice, shipped, level) for subject in subjects(asked) for each in found]


def _table() -> Devices:
    from vggcost.predict import devices

    return devices.shipped()


def _choice(args: Namespace, asked: Request) -> Choice:
    from vggcost.predict.classes import Choice
    from vggcost.predict.model import COMPILED, EAGER

    mode = COMPILED if args.compile else EAGER
    return Choice(asked.dtype, mode, channels_last=args.channels_last, backward=args.backward)


def _named(table: Devices, text: str) -> list[Found]:
    return [table.find(name.strip()) for name in text.split(",")]


def _all_devices(table: Devices, choice: Choice) -> list[Found]:
    """Those that there is a forecast for."""
    from vggcost.predict.classes import check_device, class_of
    from vggcost.predict.devices import Found

    found = []
    for row in table.rows:
        try:
            check_device(row)
            class_of(row, choice.dtype)
        except VggcostError:
            continue
        found.append(Found(row, None))
    if not found:
        raise VggcostError(f"there is no forecast for {choice.dtype} on any device; give float32, tf32 or float16")
    return found


def subjects(asked: Request) -> Iterator[Subject]:
    """Each network at each batch, counted.

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
