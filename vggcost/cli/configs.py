"""``vggcost configs``: every network that has a name, and network files to start one's own from."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import output_from
from vggcost.errors import VggcostError
from vggcost.network import catalogue
from vggcost.report import configs
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


_WHAT = """\
Every network that has a name: what it is and where it comes from. With a NAME, that network as
a file to change and to give to --file; with --schema, the JSON Schema of such files, for an editor.

A network file is TOML, and only its features are required:
  features = [64, "M", "conv1-128", "conv5-64/2", "LRN", { residual = [64, 64] }]
  64 is a 3x3 convolution of that width and its ReLU, "M" a 2x2 max-pool, "conv5-64/2" a 5x5
  convolution of stride 2; a residual block's shortcut is the identity, or a convolution:
  { residual = [64, 64], shortcut = "conv1-64" }. The other keys and their defaults:
  head = [4096, 4096], classifier = true, classes = 1000, softmax = false, in_channels = 3,
  bias = true, batch_norm = false, adaptive_pool = true, width = 1,
  size = 224 (or [height, width]), name, about, source"""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "configs",
        _WHAT,
        "vggcost configs D -o mynet.toml && vggcost table --file mynet.toml",
    )
    result.add_argument("name", nargs="?", metavar="NAME", help="write this one as a network file")
    result.add_argument("--schema", action="store_true", help="write the JSON Schema of network files")
    add_output(result)
    return result


def _stem(place: str | None) -> str:
    """What a network in a file of this name is called; nothing where it is printed."""
    import os

    return "" if place in (None, "-") else os.path.basename(place or "").partition(".")[0]


def run(args: Namespace) -> int:
    """Print or write the list, one network file, or the schema."""
    fmt, place = output_from(args)
    if args.name is not None or args.schema:
        if args.name is not None and args.schema:
            raise VggcostError(f"both {args.name!r} and --schema are given; give one")
        if fmt != "table" or args.human:
            raise VggcostError("--format and --human are for the list of all networks; leave them away here")
        from vggcost.network import network_file

        if args.schema:
            emit(network_file.schema_text(), place)
            return EXIT_FINE
        plan = catalogue.find(args.name)
        # In a file of its own it is a network of its own, which would shadow the paper's under the same name.
        named = plan.replace(name=_stem(place) or plan.name)
        emit(network_file.toml_text(named), place)
        return EXIT_FINE
    plans = [catalogue.find(name) for name in catalogue.names()]
    counted = [api.count(catalogue.unfolded(plan, plan.variant), plan.size) for plan in plans]
    networks = [
        configs.network_data(plan, catalogue.aliases(plan.name), cost.table)
        for plan, cost in zip(plans, counted, strict=True)
    ]
    emit(rendered(configs.document(networks, human=args.human), fmt), place)
    return EXIT_FINE
