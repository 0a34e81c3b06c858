"""What a command line asks for, as one value: networks and programs, input, convention, format, place."""

from __future__ import annotations

import os

from vggcost import api
from vggcost.cli.output import check_writable, emit, prints_to_stderr
from vggcost.cli.shaping import shape_from
from vggcost.conventions.rows import TEXTBOOK
from vggcost.costs import variants
from vggcost.errors import VggcostError
from vggcost.network import catalogue
from vggcost.record import Record
from vggcost.report import formats as report_formats
from vggcost.report import layers
from vggcost.report.formats import rendered
from vggcost.report.layers import View
from vggcost.results.cost import Cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.frameworks.arguments import Arguments
    from vggcost.frameworks.call_text import CallText
    from vggcost.network.catalogue import Configuration, Network
    from vggcost.network.layer import Pair
    from vggcost.report.document import Column, Document, Shape
    from vggcost.results.audit import Audit

_VARIANT_OPTIONS = ("batch_norm", "classes", "in_channels", "bias", "adaptive_pool", "head", "width")
"""The options of a variant, which the API's keywords are called like."""


class Request(Record):
    """What was asked for, checked; what a command has no option for is as if it was not given."""

    texts: tuple[str, ...]
    """What was named, as it was written; the network files of --file and the module of --target at the end."""
    labels: tuple[str | None, ...]
    """What each of them is to be called, where it was written NAME=TARGET; None where nobody says."""
    subjects: tuple[Configuration | str, ...]
    """The same as configurations, and as texts where they name a program or a stored model; or the command's own."""
    options: Mapping[str, Any]
    """The options of the variant that were given, by the API's keywords."""
    files: tuple[str, ...]
    """The network files of --file."""
    call: CallText | None
    """What programs are called with."""
    inputs: tuple[str, ...]
    """What their models get, as it was written."""
    arguments: Arguments | None
    """The same, read."""
    size: Pair | None
    """(height, width) [pixels]; None: each network's own."""
    batches: tuple[int, ...]
    """Images in one forward call; none where --batch is not given."""
    dtype: str
    own_dtype: str | None
    """The same; None where --dtype is not given, and a program has its own."""
    convention: Convention
    """The row, which was looked up once."""
    fmt: str
    place: str | None
    """The file to write; None is standard output."""
    view: View
    shape: Shape | None
    """How the table is to be shaped; None: as it is."""

    @property
    def programs(self) -> tuple[str, ...]:
        """Those subjects that are programs or stored models."""
        return tuple(subject for subject in self.subjects if isinstance(subject, str))

    @property
    def plans(self) -> tuple[Configuration, ...]:
        """The subjects of a command that takes configurations alone.

        Raises:
            VggcostError: one is none.
        """
        if self.programs:
            raise VggcostError(
                f"{self.programs[0]!r} is no configuration and no network file, and this command takes nothing else"
            )
        return tuple(subject for subject in self.subjects if not isinstance(subject, str))

    @property
    def networks(self) -> tuple[Network, ...]:
        """The plans in the variant asked for, each ready for its `image`.

        Raises:
            VggcostError: one is a program, or cannot take an option.
        """
        return tuple(self.unfolded(plan) for plan in self.plans)

    @property
    def batch(self) -> int:
        """Images in one forward call, of a command that takes one batch; 1 where --batch is not given."""
        (batch,) = self.batches or (1,)
        return batch

    def unfolded(self, plan: Configuration) -> Network:
        """Return one of the plans in the variant asked for, ready for its `image`.

        Raises:
            VggcostError: it cannot take an option.
        """
        return variants.unfolded(plan, self.options, self.size)

    def counted(self) -> Iterator[Cost | Audit]:
        """Yield what each subject costs, in its order; this runs programs.

        Raises:
            VggcostError: an image does not fit a network; a program cannot be read.
        """
        for subject in self.subjects:
            if isinstance(subject, str):
                yield self.audited(subject)
            else:
                network = self.unfolded(subject)
                yield api.count(network, network.image, self.batch, self.dtype, self.convention)

    def audited(self, text: str, like: str | None = None) -> Audit:
        """Return the audit of a target of any kind; what a program prints goes to standard error.

        Raises:
            VggcostError: it cannot be read.
        """
        from vggcost.frameworks.target import Given
        from vggcost.results.audit import audit_target

        given = Given(self.call, self.arguments, self.size, self.batch)
        with prints_to_stderr():
            return audit_target(text, given, like, self.convention)

    def check_shape(self, columns: tuple[Column, ...], *, layers: bool = True) -> None:
        """Refuse a shape that a table of these columns cannot have, before a program is read for its rows.

        Raises:
            VggcostError: it cannot.
        """
        if self.shape is not None:
            from vggcost.report import shaping

            shaping.check(columns, self.shape, layers=layers)

    def check_shape_of_each(self, depth: int | None = None) -> None:
        """Refuse a shape that the table of a subject cannot have, as `check_shape` does; depth is that of audits.

        Raises:
            VggcostError: it cannot.
        """
        if self.shape is None:
            return
        if len(self.programs) < len(self.subjects):
            self.check_shape(layers.listed_columns(self.convention.name))
        if self.programs:
            from vggcost.report import audit

            self.check_shape(audit.listed_columns(self.convention.name, depth))

    def write(self, document: Document) -> None:
        """Print or write a result in the format and the shape asked for.

        Raises:
            VggcostError: its table cannot have that shape; it cannot be written.
        """
        if self.shape is not None and document.listing is None:
            raise VggcostError("there is no table here that could be shaped; leave --columns, --sort and the like away")
        emit(rendered(document.replace(shape=self.shape), self.fmt), self.place)

    def document(self, counted: Cost | Audit) -> Document:
        """One of those that were counted, in the view asked for."""
        if isinstance(counted, Cost):
            return counted.document(self.view)
        from vggcost.report.audit import AuditView

        return counted.document(AuditView(self.view.every_row, self.view.human))


def request(args: Namespace, default: Sequence[str] = ("D",), *, instead: str | None = None) -> Request:
    """Return what the parsed options ask for; default names the networks where none is given.

    instead says which option was given that stands in place of all networks.

    Nothing is counted, no program is run and no file is written before all of it is checked.

    Raises:
        VggcostError: an unknown name, a place that cannot be written, a file that is no network, several
            networks where the command takes one, a network beside `instead`, an option that no subject has a use for.
    """
    given = vars(args)
    fmt, place = output_from(args)
    texts, labels, subjects = _named(args, instead)
    options, batches, inputs = variant_options(args), given.get("batch") or (), tuple(given.get("input") or ())
    _check_uses(args, texts, subjects)
    return Request(
        texts=texts,
        labels=labels,
        subjects=subjects or tuple(catalogue.find(name) for name in default if "names" in given),
        options=options,
        files=tuple(given.get("file") or ()),
        call=given.get("call"),
        inputs=inputs,
        arguments=_arguments(inputs, batches),
        size=given.get("size"),
        batches=batches,
        dtype=given.get("dtype") or "float32",
        own_dtype=given.get("dtype"),
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
        shape=shape_from(args),
    )


def _named(
    args: Namespace, instead: str | None
) -> tuple[tuple[str, ...], tuple[str | None, ...], tuple[Configuration | str, ...]]:
    """What was named, in its order, what each is to be called, and what it is.

    Raises:
        VggcostError: an unknown name, a file that is no network, several where the command takes one, or one beside
            `instead`.
    """
    given = vars(args)
    if "names" not in given:
        return (), (), ()
    names, files = names_from(args), given.get("file") or []
    labels: list[str | None] = [None] * len(names)
    if given.get("labelled"):
        labels = [_label(name)[0] for name in names]
        names = [_label(name)[1] for name in names]
    target = [given["target"]] if given.get("target") is not None else []
    texts = (*names, *files, *target)
    if not isinstance(args.names, list) and len(texts) > 1:
        raise VggcostError(
            f"{len(texts)} configurations are given, {', '.join(texts)}; this command takes one",
            instead=("table", "compare"),
        )
    if instead is not None and texts:
        raise VggcostError(
            f"{instead} takes every configuration, and {texts[0]!r} is named beside it; give one of the two"
        )
    subjects: list[Configuration | str] = [_subject(text) for text in names]
    if files:
        from vggcost.network import network_file

        for path in files:
            _check_file(path)

        subjects += [network_file.read(path) for path in files]
    return texts, (*labels, *[None] * (len(texts) - len(labels))), (*subjects, *target)


def _label(text: str) -> tuple[str | None, str]:
    """The name and the target of ``NAME=TARGET``; what stands before a = in a path is none.

    Raises:
        VggcostError: one of the two is empty.
    """
    name, sign, target = text.partition("=")
    if not sign or any(mark in name for mark in "./\\:"):
        return None, text
    if not name or not target:
        raise VggcostError(f"{text!r} lacks its {'name' if not name else 'target'}; write NAME=TARGET")
    return name, target


def _subject(text: str) -> Configuration | str:
    """The configuration that a text names, or the text itself where it names something else.

    Raises:
        VggcostError: an unknown name, or a file that is no network.
    """
    if catalogue.may_be_name(text) or text.lower().endswith(catalogue.NETWORK_FILE_ENDING):
        return catalogue.named(text)
    return text


def _check_file(path: str) -> None:
    """Refuse a network's name where its file is asked for.

    Raises:
        VggcostError: it is one, and there is no such file.
    """
    if catalogue.may_be_name(path) and not os.path.exists(path) and catalogue.is_name(path):
        raise VggcostError(f"--file is {path!r}, which is a name and no file", instead=("--file", "--config"))


_VIEWS = ("formulas", "activations", "receptive_field")
_OF_CONFIGURATIONS = (*_VARIANT_OPTIONS, "dtype", *_VIEWS)
"""What only a network of ours has a use for."""


def _check_uses(args: Namespace, texts: Sequence[str], subjects: Sequence[Configuration | str]) -> None:
    """Refuse options that none of the subjects has a use for, which would be ignored in silence.

    Raises:
        VggcostError: there is one.
    """
    given = vars(args)
    programs = [subject for subject in subjects if isinstance(subject, str)]
    if not programs:
        for name in ("call", "input"):
            if given.get(name) is not None:
                what = f"{texts[0]!r} is a configuration" if texts else "none is given"
                raise VggcostError(f"--{name} is for a program, and {what}; leave it away")
    elif len(programs) == len(subjects):
        for name in _OF_CONFIGURATIONS:
            value = given.get(name)
            if value is None or (value is False and name in _VIEWS) or name in given.get("program_options", ()):
                continue
            option = f"--{'no-' if value is False else ''}{name.replace('_', '-')}"
            raise VggcostError(
                f"{option} is for a configuration, and {programs[0]!r} is none; leave it away (--call has arguments"
                " for a program)"
            )
    if given.get("input") and given.get("size"):
        raise VggcostError("--input and --size are both given; --input has the size in it, so give one of them")


def _arguments(inputs: Sequence[str], batches: Sequence[int]) -> Arguments | None:
    if not inputs:
        return None
    from vggcost.frameworks.input_text import read_inputs

    return read_inputs(inputs, batches[0] if batches else None)


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
    """Return the targets that were named, in their order; none is an empty list.

    Raises:
        VggcostError: they are named both ways, or a name is empty.
    """
    given = args.names if isinstance(args.names, list) else [] if args.names is None else [args.names]
    config = vars(args).get("config")
    if config is not None:
        if given:
            raise VggcostError(f"the network is given twice, as {given[0]!r} and --config {config[0]!r}; give one")
        given = config
    names = [name.strip() for entry in given for name in _parts(entry)]
    if "" in names:
        raise VggcostError(f"an empty configuration name in {','.join(given)!r}; give names such as A,D")
    return names


def _parts(entry: str) -> list[str]:
    """The names of a comma list; a file whose own name has a comma is one."""
    if "," in entry and not catalogue.may_be_name(entry) and os.path.exists(entry.rpartition(":")[0] or entry):
        return [entry]
    return entry.split(",")


def variant_options(args: Namespace) -> dict[str, Any]:
    """Return the options of the variant that were given, by the API's keywords."""
    given = vars(args)
    return {name: value for name in _VARIANT_OPTIONS if (value := given.get(name)) is not None}
