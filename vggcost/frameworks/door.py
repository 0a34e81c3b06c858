"""The one place that knows which frameworks exist: which of them owns a model, and how it makes, shapes and reads one.

A framework is a folder beside this file, whose module `framework` has the names of `Framework`, and an entry of
FRAMEWORKS. A kind of stored model is a module with the names of `FileReader`, and an entry of FILE_READERS.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from vggcost import units
from vggcost.errors import VggcostError, wrong_kind
from vggcost.frameworks.arguments import images, of_values
from vggcost.frameworks.call_text import NO_ARGUMENTS
from vggcost.frameworks.checkpoints import reader as checkpoint_reader
from vggcost.frameworks.constructors import Constructors
from vggcost.frameworks.downloads import Downloads
from vggcost.frameworks.finding import find, maker, place_of
from vggcost.frameworks.guard import Guard, Restored, attempted, class_of
from vggcost.frameworks.keras import framework as keras_framework
from vggcost.frameworks.onnx import framework as onnx_framework
from vggcost.frameworks.onnx import reader as onnx_reader
from vggcost.frameworks.own_warnings import own_warnings
from vggcost.frameworks.pytorch import framework as torch_framework
from vggcost.frameworks.target import PROGRAM, STORED, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vggcost.frameworks.arguments import Arguments
    from vggcost.frameworks.call_text import CallText
    from vggcost.frameworks.finding import Found
    from vggcost.frameworks.place import Place
    from vggcost.frameworks.target import Given
    from vggcost.programs.followed import Asked, Followed
    from vggcost.programs.reading import ProgramReading

    Ints = tuple[int, ...]
    Make = Callable[[], Any]
    Ask = Callable[[ProgramReading], Asked]


class Framework(Protocol):
    """What a framework's module has. None of it may import the framework before a program has done so."""

    PACKAGE: str
    """What a program imports."""
    EXTRA: str
    """The extra of vggcost that brings it."""
    MODEL: str
    """What its models are called, with an article."""

    BASE: tuple[str, str] | None
    """The module and the name of the class that every part of its models is of; None where parts are no objects."""

    def parts(self, model: Any) -> Iterator[tuple[str, Any]]:
        """Every part of a model, by the path that operations have for it."""

    def prepare(self) -> None:
        """Do what must be done before a program imports the framework."""

    def owns(self, model: Any) -> bool:
        """Whether this is a model of the framework."""

    def is_class(self, value: Any) -> bool:
        """Whether this is a class of such models."""

    def makes(self, value: Any) -> bool:
        """Whether a callable is likely to make one."""

    def construct(self, make: Make) -> tuple[Any, tuple[str, ...]]:
        """Call what makes a model, without memory for its weights where that works; and notes on how it was built."""

    def image_shapes(self, model: Any, size: tuple[int, int] | None, batch: int) -> list[Ints]:
        """The shapes of a model's inputs, batch first: an image of this size (height, width), or of the model's own."""

    def read(self, model: Any, arguments: Arguments, program: str, rebuild: Make | None) -> ProgramReading:
        """What one forward call of a model with these arguments does; rebuild makes it with real weights."""

    def follow(
        self, model: Any, arguments: Arguments, program: str, rebuild: Make | None, asked: Asked
    ) -> Followed | None:
        """What a model holds in a forward call and in a training step; None where its storages cannot be followed."""


FRAMEWORKS: tuple[Framework, ...] = (torch_framework, onnx_framework, keras_framework)
"""Every framework. The last is asked first: on its torch backend a Keras model is a torch module, too."""


class FileReader(Protocol):
    """What the reader of a kind of stored model has; it runs nothing that the file holds."""

    ENDINGS: tuple[str, ...]
    """Those of `vggcost.frameworks.target.STORED_ENDINGS` that it reads."""

    def read(self, path: str, given: Given) -> ProgramReading:
        """What the model of a file is, and does with what it is given."""


FILE_READERS: tuple[FileReader, ...] = (checkpoint_reader, onnx_reader)
"""The readers of stored models."""


def read(model: Any, given: Any, program: str) -> ProgramReading:
    """Read a live model, whichever framework's it is; `vggcost.frameworks.arguments.of_values` says what given may be.

    Raises:
        VggcostError: it is no framework's, or one that its framework cannot follow; what is given is no input.
    """
    arguments = of_values(given)
    with Guard(program) as guard, own_warnings(in_words=False), Restored(guard):
        return _owner_of(model, program).read(model, arguments, program, None)


def follow(model: Any, given: Any, program: str, ask: Ask) -> tuple[ProgramReading, Followed | None]:
    """Read a live model as `read` does, and follow what it holds where it runs and its framework lets us.

    ask says of what was read how it is followed.

    Raises:
        VggcostError: as `read`; a training step of it raises, or has nothing to train.
    """
    arguments = of_values(given)
    with Guard(program) as guard, own_warnings(in_words=False), Restored(guard):
        owner = _owner_of(model, program)
        reading = owner.read(model, arguments, program, None)
        return reading, None if reading.failures else owner.follow(model, arguments, program, None, ask(reading))


def _owner_of(model: Any, program: str) -> Framework:
    owner = _owner(model)
    if owner is None:
        raise wrong_kind(program, model, f"{_models()}, or what makes one, in place of a {class_of(model)}")
    return owner


def follow_target(target: str, given: Given, ask: Ask) -> tuple[ProgramReading, Followed | None]:
    """Read a target as `read_target` does; where it is a program that runs, follow what it holds, as in `follow`.

    Raises:
        VggcostError: as `read_target`; a training step of it raises, or has nothing to train.
    """
    if kind_of(target) == PROGRAM:
        return _read_program(target, given, ask)
    return read_target(target, given), None


def read_target(target: str, given: Given) -> ProgramReading:
    """Read a target of any kind: a configuration, a network file, a stored model, or a program, which this runs.

    Raises:
        VggcostError: the target is not there, is no model, or raises before it is one; a configuration or a network
            file is given what only a program takes, or an image that does not fit.
    """
    kind = kind_of(target)
    if kind == PROGRAM:
        return _read_program(target, given)[0]
    if kind == STORED:
        return _read_stored(target, given)
    from vggcost.programs.network_reading import read_network

    if given.call is not None or given.arguments is not None:
        option = "--call" if given.call is not None else "--input"
        raise VggcostError(f"{option} is for a program, and {target!r} is a {kind}; leave it away")
    return read_network(target, kind, given.size, given.batch)


def _read_stored(path: str, given: Given) -> ProgramReading:
    ending = os.path.splitext(path)[1].lower()
    reader = next((each for each in FILE_READERS if ending in each.ENDINGS), None)
    if reader is None:
        raise VggcostError(f"{path!r} is a stored model, and vggcost cannot read {ending} files; give the program")
    return reader.read(path, given)


def _read_program(target: str, given: Given, ask: Ask | None = None) -> tuple[ProgramReading, Followed | None]:
    lines = Constructors(each.BASE for each in FRAMEWORKS if each.BASE is not None and given.constructors)
    place = place_of(target)
    with (
        Guard(target) as guard,
        own_warnings(in_words=True),
        place,
        Downloads() as downloads,
        lines,
        Restored(guard),
    ):
        what = downloads.attempt(lambda: found(target, place), target)
        guard.settle()
        model, owner, notes, rebuild = downloads.attempt(lambda: _made(what, given.call), what.target)
        guard.settle()
        made = {path: line for path, part in owner.parts(model) if (line := lines.line(part)) is not None}
        arguments = given.arguments or images(owner.image_shapes(model, given.size, given.batch))
        reading = downloads.attempt(lambda: owner.read(model, arguments, what.target, rebuild), what.target)
        if reading.failures and given.arguments is not None:
            _check_one_batch(given.arguments, owner, model, what.target)
        followed = None
        if ask is not None and not reading.failures:
            asked = ask(reading)
            followed = downloads.attempt(
                lambda: owner.follow(model, arguments, what.target, rebuild, asked), what.target
            )
    return reading.replace(notes=(*downloads.notes, *notes, *reading.notes), constructed=made), followed


@contextmanager
def live_target(target: str, given: Given) -> Iterator[tuple[Any, Arguments]]:
    """Make the model of a program with its weights, and say what its forward call gets; what it imports can be found.

    Raises:
        VggcostError: the target is no program, is not there, is no model, or raises before it is one.
    """
    if kind_of(target) != PROGRAM:
        raise VggcostError(f"{target!r} is a {kind_of(target)} and no program")
    place = place_of(target)
    with Guard(target) as guard, place, Restored(guard):
        model, owner, _, rebuild = _made(found(target, place), given.call)
        arguments = given.arguments or images(owner.image_shapes(model, given.size, given.batch))
        if rebuild is not None:
            model = attempted(rebuild, f"{target} cannot be built")
        yield model, arguments


def _check_one_batch(arguments: Arguments, owner: Framework, model: Any, target: str) -> None:
    """Refuse an input that cannot run because its shape has the batch in it already, where it runs without that."""
    twice = [each for each in arguments.tensors() if getattr(each, "batch_added", False) and len(each.shape) > 2]
    if not twice:
        return
    alone = arguments.changed(lambda each: each.replace(shape=each.shape[1:]) if each in twice else each)
    try:
        runs = not owner.read(model, alone, target, None).failures
    except VggcostError:
        return
    if runs:
        written = units.shape_text(twice[0].shape[1:])
        raise VggcostError(
            f"--input {written} has the batch in it, which --batch gives ({twice[0].shape[0]}); write"
            f" --input {units.shape_text(twice[0].shape[2:])} --batch {twice[0].shape[1]}, or float32[{written}]"
        )


def found(target: str, place: Place) -> Found:
    """Return what a target names, or the only model of its file; see `vggcost.frameworks.finding.find`.

    Raises:
        MissingExtraError: the program imports a framework that is not installed.
        VggcostError: it does not exist, or cannot be imported.
    """
    for framework in FRAMEWORKS:
        framework.prepare()
    return find(target, place, {framework.PACKAGE: framework.EXTRA for framework in FRAMEWORKS}, _is_model)


def _is_model(value: Any) -> bool:
    """Whether a value is a model, or a class of models."""
    return _owner(value) is not None or any(framework.is_class(value) for framework in FRAMEWORKS)


def _owner(model: Any) -> Framework | None:
    return next((framework for framework in reversed(FRAMEWORKS) if framework.owns(model)), None)


def _made(what: Found, call: CallText | None) -> tuple[Any, Framework, tuple[str, ...], Make | None]:
    """The model, whose it is, notes on how it was built, and a call that builds it again with real weights."""
    value, target = what.value, what.target
    owner = _owner(value)
    if owner is not None:
        if call is not None:
            raise VggcostError(
                f"{target} is a model already, and --call is given; leave --call away, or name what makes it"
            )
        return value, owner, (), None
    make = maker(what, call or NO_ARGUMENTS)
    builder = next((framework for framework in reversed(FRAMEWORKS) if framework.makes(value)), None)
    model, notes = attempted(
        lambda: (make(), ()) if builder is None else builder.construct(make), f"{target} cannot be built"
    )
    owner = _owner(model)
    if owner is None:
        raise VggcostError(f"{target} gives {class_of(model)}, which is no model; name what makes {_models()}")
    return model, owner, notes, make


def _models() -> str:
    return " or ".join(framework.MODEL for framework in FRAMEWORKS)
