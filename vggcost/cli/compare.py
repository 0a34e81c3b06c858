"""``vggcost compare``: configurations side by side."""

from __future__ import annotations

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, add_convention, add_input, add_network, add_output
from vggcost.cli.program_options import add_program
from vggcost.cli.request import request
from vggcost.cli.shaping import add_shape
from vggcost.network.catalogue import TABLE_1
from vggcost.report import compare
from vggcost.results.comparison import side_by_side

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "compare",
        "Configurations and programs side by side, one a column; the paper's six without a name. The paper's Table 2\n"
        "stands beside ours.",
        "vggcost compare D net.toml vgg.py:VGG16",
    )
    add_network(result, several=True)
    add_program(result)
    add_input(result)
    add_convention(result)
    add_shape(result, layers=False)
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the comparison."""
    asked = request(args, default=tuple(TABLE_1))
    asked.check_shape(compare.listed_columns(asked.convention.name), layers=False)
    counted = list(asked.counted())
    asked.write(side_by_side(counted, human=asked.view.human))
    return EXIT_FINE if all(each.runs for each in counted) else EXIT_DIFFERS
