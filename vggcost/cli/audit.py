"""``vggcost audit``: reads a real model, says what it costs and what it is."""

from __future__ import annotations

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import TARGETS, Parser, Read, add_convention, add_output, read_batch, read_size
from vggcost.cli.output import emit, note
from vggcost.cli.program_options import add_program
from vggcost.cli.request import request
from vggcost.cli.shaping import add_shape
from vggcost.errors import VggcostError
from vggcost.report.audit import AuditView
from vggcost.report.formats import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.results.audit import Audit


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "audit",
        "Reads a real PyTorch or Keras model: what every operation costs, and which configuration of the paper\n"
        "it is, or the nearest one and what differs. No weights are allocated where the program allows it.\n"
        "Auditing a file runs it: its imports, its top level, and the constructor of what TARGET names; what it\n"
        "prints goes to standard error.\n"
        "--like NAME compares in the model's own batch normalization, biases, classes, input channels, adaptive pool\n"
        "or none, and soft-max or none. Widths, the classifier's hidden widths and activations are those of NAME:\n"
        "where the model has others, it is different. --like NET.toml holds the model to every key that stands there.\n"
        "Exit status 1: the model cannot run (the answer says where and why), or it differs from --like.",
        'vggcost audit path/to/vgg.py:VGG16 --call "num_classes=10" --size 224',
    )
    result.add_argument("names", nargs="?", metavar="TARGET", help=f"{TARGETS}; or a configuration's name")
    result.add_argument(
        "--like", metavar="NAME", help="compare with this configuration (or NET.toml): 0 same, 1 different"
    )
    result.add_argument("--strict", action="store_true", help="exit status 1 where an operation has no formula")
    add_program(result)
    group = result.add_argument_group("input")
    group.add_argument(
        "--size",
        action=Read,
        read=read_size,
        metavar="HxW",
        help="image size in pixels, with the model's own channels (224)",
    )
    group.add_argument("--batch", action=Read, read=read_batch, metavar="N", help="images in one forward call (1)")
    _add_rows(result)
    add_convention(result)
    add_shape(result)
    add_output(result)
    _add_file(result)
    return result


def _add_rows(parser: Parser) -> None:
    group = parser.add_argument_group("more rows, or fewer")
    group.add_argument("--all", action="store_true", help="also the rows that cost nothing (ReLU, dropout, ...)")
    group.add_argument(
        "--depth",
        action=Read,
        read=_read_depth,
        metavar="N",
        help="a row a module N levels down in place of each operation: 0 the whole, 1 its children, ...",
    )


def _add_file(parser: Parser) -> None:
    parser.add_argument(
        "--as-toml",
        action="store_true",
        help="write the network file (NET.toml) of a program that is one, for --file; status 2 where it is none",
    )


def run(args: Namespace) -> int:
    """Read the model and print what it is."""
    asked = request(args, default=())
    if not asked.texts:
        raise VggcostError("no TARGET is given; as in: vggcost audit path/to/vgg.py:VGG16")
    if args.as_toml and asked.fmt != NAMES[0]:
        raise VggcostError(f"--as-toml and the format {asked.fmt} are both given; a network file is TOML, so give one")
    asked.check_shape_of_each(args.depth)
    audit = asked.audited(asked.texts[0], args.like)
    if args.as_toml:
        emit(audit.to_toml(), asked.place)
        return _status(audit, args)
    view = AuditView(asked.view.every_row, asked.view.human, args.depth)
    asked.write(audit.document(view))
    if not asked.programs and args.like is None:
        note(f"{asked.texts[0]!r} names a network and no program; its layers: vggcost table {asked.texts[0]}")
    return _status(audit, args)


def _read_depth(text: str, option: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        raise VggcostError(
            f"{option} is {text[:80]!r}; give a whole number, 0 for the whole model and 1 for its children"
        )
    return int(digits)


def _status(audit: Audit, args: Namespace) -> int:
    differs = args.like is not None and not audit.as_like
    unknown = args.strict and audit.uncounted
    if unknown:
        number = len(audit.uncounted)
        note(f"--strict: {number} operation{'s have' if number != 1 else ' has'} no formula")
    return EXIT_DIFFERS if not audit.runs or differs or unknown else EXIT_FINE
