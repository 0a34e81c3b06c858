"""What a command line asks for, as one value: networks or a target, input, convention, format, place."""

from __future__ import annotations

from vggcost import api
from vggcost.cli.output import check_writable
from vggcost.conventions.rows import TEXTBOOK
from vggcost.errors import VggcostError
from vggcost.network import catalogue
from vggcost.record import Record
from vggcost.report import formats as report_formats
from vggcost.report.layers import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.conventions.rows import Convention
    from vggcost.network.catalogue import Configuration, Network
    from vggcost.network.layer import Pair
    from vggcost.results.cost import Cost

_VARIANT_OPTIONS = ("batch_norm", "classes", "in_channels", "bias", "adaptive_pool", "head", "width")
"""The options of a variant, which the API's keywords are called like."""


class Request(Record):
    """What was asked for, checked; what a command has no option for is as if it was not given."""

    plans: tuple[Configuration, ...]
    """The configurations that were named and then those of the files, or the command's own; none beside a target."""
    options: Mapping[str, Any]
    """The options of the variant that were given, by the API's keywords."""
    files: tuple[str, ...]
    """The network files, as they were named."""
    target: str | None
    """What makes a module of the user's own, in place of a network."""
    keywords: Mapping[str, Any]
    """What the target is called with."""
    size: Pair | None
    """(height, width) [pixels]; None: each network's own."""
    batches: tuple[int, ...]
    """Images in one forward call; none where --batch is not given."""
    dtype: str
    convention: Convention
    """The row, which was looked up once."""
    fmt: str
    place: str | None
    """The file to write; None is standard output."""
    view: View

    @property
    def networks(self) -> tuple[Network, ...]:
        """The plans in the variant asked for, each ready for its `image`.

        Raises:
            VggcostError: an option that a plan cannot take.
        """
        return tuple(api.unfolded(plan, self.options, self.size) for plan in self.plans)

    @property
    def network(self) -> Network:
        """The network of a command that takes one."""
        (network,) = self.networks
        return network

    @property
    def batch(self) -> int:
        """Images in one forward call, of a command that takes one batch; 1 where --batch is not given."""
        (batch,) = self.batches or (1,)
        return batch

    def count(self, network: Network) -> Cost:
        """Return what one of the networks costs.

        Raises:
            VggcostError: the image does not fit the network.
        """
        return api.count(network, network.image, self.batch, self.dtype, self.convention)


def request(args: Namespace, default: Sequence[str] = ("D",), *, instead: str | None = None) -> Request:
    """Return what the parsed options ask for; default names the networks where none is given.

    instead says which option was given that stands in place of all networks.

    Nothing is counted and no file is written before all of it is checked.

    Raises:
        VggcostError: an unknown name, a place that cannot be written, a file that is no network, several
            networks where the command takes one, a network beside a target or beside `instead`.
    """
    given = vars(args)
    fmt, place = output_from(args)
    target, keywords = given.get("target"), given.get("call")
    if keywords is not None and target is None and "names" in given:
        raise VggcostError("--call has arguments for --target, and none is given")
    return Request(
        plans=_plans(args, target, default, instead),
        options=variant_options(args),
        files=tuple(given.get("file") or ()),
        target=target,
        keywords=keywords or {},
        size=given.get("size"),
        batches=given.get("batch") or (),
        dtype=given.get("dtype", "float32"),
        convention=given.get("convention", TEXTBOOK),
        fmt=fmt,
        place=place,
        view=View(
            formulas=given.get("formulas", False),
            activations=given.get("activations", False),
            receptive_field=given.get("receptive_field", False),
            every_row=given.get("all", False),
            human=given.get("human", False),
        ),
    )


def _plans(
    args: Namespace, target: str | None, default: Sequence[str], instead: str | None
) -> tuple[Configuration, ...]:
    if "names" not in vars(args):
        return ()
    given = [*names_from(args), *(args.file or ())]
    if instead is not None and given:
        raise VggcostError(
            f"{instead} takes every configuration, and {given[0]!r} is named beside it; give one of the two"
        )
    if target is None:
        return tuple(configurations_from(args, default))
    if given:
        raise VggcostError("--target and a network are both given; give one of them")
    return ()


def output_from(args: Namespace) -> tuple[str, str | None]:
    """Return the format's name and the place of the result, for a command that asks for no network.

    The format is --format, or what the ending of --output means, or the command's first.

    Raises:
        VggcostError: the place cannot be written.
    """
    given = vars(args)
    place = given.get("output")
    more = given.get("more_formats", report_formats.NO_MORE)
    fmt: str = given.get("format") or report_formats.implied(place, more) or report_formats.NAMES[0]
    check_writable(place)
    return fmt, place


def names_from(args: Namespace) -> list[str]:
    """Return the names of networks that were given, in their order; none is an empty list.

    Raises:
        VggcostError: the network is named both ways, or a name is empty.
    """
    given = args.names if isinstance(args.names, list) else [args.names] if args.names else []
    if args.config is not None:
        if given:
            raise VggcostError(f"the network is given twice, as {given[0]!r} and --config {args.config[0]!r}; give one")
        given = args.config
    names = [name.strip() for entry in given for name in entry.split(",")]
    if "" in names:
        raise VggcostError(f"an empty configuration name in {','.join(given)!r}; give names such as A,D")
    return names


def configurations_from(args: Namespace, default: Sequence[str] = ("D",)) -> list[Configuration]:
    """Return the configurations that were named and then those of the files; the default ones where there are none.

    Raises:
        VggcostError: an unknown name, a file that is no network, or several where the command takes one.
    """
    names, files = names_from(args), args.file or []
    if not isinstance(args.names, list) and len(names) + len(files) > 1:
        raise VggcostError(
            f"{len(names) + len(files)} configurations are given, {', '.join((*names, *files))}; this command takes one"
        )
    plans = [catalogue.find(name) for name in names]
    if files:
        from vggcost.network import network_file

        plans += [network_file.read(path) for path in files]
    return plans or [catalogue.find(name) for name in default]


def variant_options(args: Namespace) -> dict[str, Any]:
    """Return the options of the variant that were given, by the API's keywords."""
    given = vars(args)
    return {name: value for name in _VARIANT_OPTIONS if (value := given.get(name)) is not None}
