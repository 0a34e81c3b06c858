"""Lets a program reach no network: known loaders of weights give nothing, which is noted; all else is refused.

What a constructor would load changes no cost. Connections are refused from the start; the known loaders are replaced
where they are loaded, in every module that has them by name, and the program's step that wanted a connection is
repeated then.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from vggcost.errors import VggcostError
from vggcost.frameworks.guard import OwnSignal
from vggcost.frameworks.own_lines import own_line

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]

Result = TypeVar("Result")


class ReachesOutError(OwnSignal):
    """The program wants a connection. No program's `except Exception` catches it."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


class NoWeights(dict[Any, Any]):
    """The state that was not loaded: it has no tensors, and lets itself be taken apart all the same."""

    def __missing__(self, key: Any) -> NoWeights:
        """What stands under any key: nothing, either."""
        return self

    def __delitem__(self, key: Any) -> None:
        """Nothing is there to delete."""

    def pop(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002  # dict's signature
        """Nothing is there to take out."""
        return default

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002  # dict's signature
        """See `__missing__`."""
        return self


class Loader(NamedTuple):
    """A function that loads from elsewhere: its module and name, where its call says from where, and what it gives.

    gives: "weights" (a state dict), "path" (the path of a file, its argument or a made-up one), "nothing", or "refusal"
    where nothing could stand for what it would give.
    """

    module: str
    name: str
    says: tuple[str, ...]
    gives: str


LOADERS = (
    Loader("torch.hub", "load_state_dict_from_url", ("url",), "weights"),
    Loader("torch.hub", "download_url_to_file", ("url", "dst"), "path"),
    Loader("urllib.request", "urlretrieve", ("url", "filename"), "path and headers"),
    Loader("urllib.request", "urlopen", ("url",), "refusal"),
    Loader("requests.sessions", "Session.request", ("self", "method", "url"), "refusal"),
    Loader("keras.src.utils.file_utils", "get_file", ("fname", "origin"), "path"),
    Loader("huggingface_hub.file_download", "hf_hub_download", ("repo_id", "filename"), "path"),
    Loader("timm.models._builder", "load_pretrained", ("model", "pretrained_cfg"), "nothing"),
)
"""The loaders that programs use, each with the names of its first arguments."""

READERS = (
    ("torch.serialization", "load"),
    ("safetensors.torch", "load_file"),
    ("torch.nn.modules.module", "Module.load_state_dict"),
    ("keras.src.models.model", "Model.load_weights"),
)
"""What programs read the loaded with; where something was not loaded, these give nothing, too."""


NONE_INSIDE = ("torch.", "numpy.", "sympy.", "pandas.", "vggcost.")
"""Packages of thousands of names, whose modules have no loader under another name but where it is at home."""

_HOMES = {"torch.utils.model_zoo", *(loader.module for loader in LOADERS), *(module for module, _ in READERS)}


class Downloads:
    """While it is entered, nothing is downloaded; notes say what would have been."""

    def __init__(self) -> None:
        self._skipped: dict[str, None] = {}
        self._paths: set[str] = set()
        self._replaced: dict[int, tuple[Function, Function]] = {}
        self._methods: list[tuple[type, str, Function]] = []
        self._own: set[Function] = set()
        self._sockets: dict[str, Any] = {}
        self._socket: Any = None

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each thing that was not loaded."""
        return tuple(
            f"built without its pretrained weights: the program would have downloaded {where}"
            for where in self._skipped
        )

    def __enter__(self) -> Self:
        """Refuse connections, and replace the loaders that are loaded."""
        import socket

        self._socket = socket

        def refused(first: Any, *rest: Any, **words: Any) -> Any:
            address = rest[0] if isinstance(first, socket.socket) and rest else first
            if isinstance(first, socket.socket) and first.family not in (socket.AF_INET, socket.AF_INET6):
                return self._sockets["connect"](first, *rest, **words)  # to this machine alone
            host = address[0] if isinstance(address, tuple) else address
            raise ReachesOutError(str(host))

        self._sockets = {name: getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "create_connection")}
        self._sockets["connect"] = socket.socket.connect
        for name in ("getaddrinfo", "gethostbyname", "create_connection"):
            setattr(socket, name, refused)
        socket.socket.connect = refused  # type: ignore[method-assign]  # put back on exit
        socket.socket.connect_ex = lambda *args: refused(*args) or 0  # type: ignore[method-assign]  # the same
        self._replace()
        return self

    def __exit__(self, *_: object) -> None:
        """Put everything back, also in the modules that were loaded meanwhile."""
        if self._replaced:
            _exchange({id(new): old for old, new in self._replaced.values()})
        for holder, name, old in self._methods:
            setattr(holder, name, old)
        socket = self._socket  # a program may have had it loaded anew
        for name in ("connect", "connect_ex"):
            with suppress(AttributeError):
                delattr(socket.socket, name)  # the C type has them
        for name in ("getaddrinfo", "gethostbyname", "create_connection"):
            setattr(socket, name, self._sockets[name])

    def attempt(self, action: Callable[[], Result], what: str) -> Result:
        """Return what a step of the program returns; it is repeated where it wants what can be replaced now.

        Raises:
            VggcostError: it wants a connection that nothing can stand for, or cannot go on without what was left out.
        """
        while True:
            self._replace()
            try:
                return action()
            except VggcostError as error:
                if not self._skipped:
                    raise
                # What the program makes of weights that are not there may be the reason.
                raise VggcostError(f"{error}; it was {'; '.join(self.notes)}") from None
            except ReachesOutError as error:
                if not self._replace():
                    line = own_line(error)
                    raise VggcostError(
                        f"{what} cannot be built: it would download from {error.where}{f' ({line})' if line else ''},"
                        " and vggcost opens no connection; have it made without, as by --call pretrained=False"
                    ) from None

    def _replace(self) -> bool:
        """Replace the loaders and readers that are loaded and were not replaced yet; whether there were any."""
        fresh: dict[int, Function] = {}
        methods = len(self._methods)
        replacements = [(loader.module, loader.name, self._loader(loader)) for loader in LOADERS]
        replacements += [(module, name, self._reader(name)) for module, name in READERS]
        for module, name, replacement in replacements:
            holder: Any = sys.modules.get(module)
            owner, _, last = name.rpartition(".")
            holder = getattr(holder, owner, None) if owner else holder
            old = vars(holder).get(last) if holder is not None else None
            if old is None or old in self._own:
                continue
            new = replacement(old)
            self._own.add(new)
            if owner:
                self._methods.append((holder, last, old))
                setattr(holder, last, new)
            elif id(old) not in self._replaced:
                self._replaced[id(old)] = (old, new)
                fresh[id(old)] = new
        if fresh:
            _exchange(fresh)
        return bool(fresh) or len(self._methods) > methods

    def _loader(self, loader: Loader) -> Callable[[Function], Function]:
        def replacing(old: Function) -> Function:
            def skipped(*args: Any, **words: Any) -> Any:
                said = {**dict(zip(loader.says, args, strict=False)), **words}
                where = _where(said)
                if where.startswith(("file:", "data:")):
                    return old(*args, **words)
                if loader.gives == "refusal":
                    raise ReachesOutError(where)
                self._skipped.setdefault(where)
                if loader.gives == "weights":
                    return NoWeights()
                path = str(said.get("dst") or said.get("filename") or said.get("fname") or where)
                self._paths.update((path, os.path.basename(path)))
                return {"path": path, "path and headers": (path, None)}.get(loader.gives)

            return skipped

        return replacing

    def _reader(self, name: str) -> Callable[[Function], Function]:
        def replacing(old: Function) -> Function:
            def read(first: Any, *args: Any, **words: Any) -> Any:
                if name == "Module.load_state_dict" and self._skipped:
                    return sys.modules["torch.nn.modules.module"]._IncompatibleKeys([], [])  # noqa: SLF001  # torch's answer
                if name == "Model.load_weights" and self._skipped:
                    return None
                if isinstance(first, str | os.PathLike) and os.path.basename(os.fspath(first)) in self._paths:
                    return NoWeights()
                return old(first, *args, **words)

            return read

        return replacing


def _where(said: dict[str, Any]) -> str:
    """From where a call would load, as it says itself."""
    config = said.get("pretrained_cfg")
    if config is not None or "model" in said:
        found = [_of(config, name) for name in ("hf_hub_id", "url", "file")]
        return next((str(each) for each in found if each), "somewhere")
    if "repo_id" in said:
        return f"huggingface.co/{said['repo_id']}/{said.get('filename', '')}"
    address = said.get("url") or said.get("origin") or "somewhere"
    return str(getattr(address, "full_url", address))


def _of(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, dict) else getattr(config, name, None)


def _exchange(by_identity: dict[int, Function]) -> None:
    """Put other functions in the place of some, in every module that may have them, by whatever name."""
    for module_name, module in list(sys.modules.items()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or (module_name.startswith(NONE_INSIDE) and module_name not in _HOMES):
            continue
        # Nearly no module has any: ids are compared without a step of Python for each name.
        if not by_identity.keys().isdisjoint(map(id, names.values())):
            for name, value in list(names.items()):
                if id(value) in by_identity and callable(value):
                    names[name] = by_identity[id(value)]
