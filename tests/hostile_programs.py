# ruff: noqa: E501  # whole programs stand in one line each
"""Programs that do what no model should, at every place where a program runs; and what vggcost owes each of them."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import textwrap
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

from vggcost.cli import main

SIZE = 16
PARAMS, MACS = 314, 55_376
"""Of the network below: 216 + 8 + 80 + 10; 27 x 8 x 16 x 16 + 80."""

PLACES = ("import", "constructor", "forward", "hook", "submodule", "late")
"""Where a deed stands. The last four run in the forward call."""

PROGRAM = """
import asyncio, atexit, builtins, ctypes, gc, inspect, json, locale, logging, os, random, signal, sys, tempfile, threading
import time, unittest, warnings
import torch
from torch import nn


class SaysNothing(Exception):
    def __str__(self):
        raise RuntimeError("no text")
    __repr__ = __str__


class LeavesWhenAsked(BaseException):
    def __str__(self):
        sys.exit(0)
    __repr__ = __str__


class NoText(Exception):
    def __str__(self):
        return 7


class OwnBase(BaseException):
    pass


class LyingMeta(type):
    @property
    def __name__(cls):
        raise SystemExit(0)


class Lying(Exception, metaclass=LyingMeta):
    pass


def endless():
    return endless()


def spin():
    while True:
        time.sleep(0.01)


def fail():
    raise SystemExit("in a thread")


{import_}


class Part(nn.Module):
    def forward(self, x):
{submodule}
        return x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
{constructor}
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.part = Part()
        self.fc = nn.Linear(8, 10)
        self.conv.register_forward_hook(self.hook)

    def hook(self, module, inputs, output):
{hook}
        return None

    def forward(self, x):
{forward}
        x = self.fc(self.part(torch.relu(self.conv(x))).mean((2, 3)))
{late}
        return x
"""

LYING_ERRORS = (
    "raise type('E', (Exception,), {'__class__': property(lambda self: 1 / 0)})('x')",
    "raise type('E', (ImportError,), {'name': property(lambda self: sys.exit(0))})('x')",
    "raise ModuleNotFoundError('x', name=['no', 'name'])",
    "e = SyntaxError('x'); e.filename = object(); e.lineno = 'z'; raise e",
)
"""Exceptions whose attributes are not what an exception's are."""

RAISING = (
    *("sys.exit()", "sys.exit(0)", "sys.exit(1)", "sys.exit('done')", "quit()", "raise SystemExit", "sys.exit([1, 2])"),
    *("raise GeneratorExit", "raise KeyboardInterrupt", "raise BaseException", "raise OwnBase('own')"),
    *("raise StopIteration", "raise StopAsyncIteration", "raise asyncio.CancelledError", "raise MemoryError"),
    *("raise SaysNothing", "raise LeavesWhenAsked", "raise NoText", "raise Lying('x')", "raise Lying"),
    *("raise ValueError('a' * 1_000_000)", "raise ValueError('a\\nb\\r\\n\\x1b[31mred\\u202e\\u2028')"),
    *("raise ValueError('\\ud800')", "raise ValueError(b'\\xff')", "raise OSError(2, 'gone', '/a\\nb')"),
    *("raise ExceptionGroup('many', [ValueError(1), SaysNothing()])",),
    *("raise BaseExceptionGroup('many', [KeyboardInterrupt()])", "raise KeyError(SaysNothing())"),
    *("raise unittest.SkipTest('not here')", "raise __import__('pytest').skip.Exception('not here')"),
    *("__import__('pytest').importorskip('no_such_module')", "__import__('pytest').fail('no')"),
    *("import no_such_module", "from torch import no_such_name", "exec('def (')", "eval('(' * 300)"),
    *("endless()", "1 / 0", "assert False", "bytearray(10**15)", "[0] * 10**15", "undefined_name"),
    *(
        "raise ImportError(name='x' * 9999)",
        "raise torch.cuda.OutOfMemoryError('no')",
        "raise UnicodeDecodeError('x', b'', 0, 1, 'y')",
    ),
    *(
        "raise Warning('w')",
        "warnings.warn(Warning(SaysNothing()))",
        "raise ValueError(*range(10_000))",
        "raise ValueError from SaysNothing()",
    ),
    *(
        "raise RuntimeError('meta')",
        "raise NotImplementedError('meta')",
        "raise SyntaxError('s', ('a\\nb', 1, 1, 'x'))",
    ),
    *("os.kill(os.getpid(), signal.SIGINT) if False else signal.default_int_handler(2, None)",),
    *LYING_ERRORS,
)
"""Deeds that stop a program: a refusal where it is made, an answer that says so where it runs."""

OWN_STREAMS = (
    "sys.stdout.detach()",
    "import io; sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8'); print('é')",
    "import codecs; sys.stderr = codecs.getwriter('utf-8')(sys.stderr.detach()); print('é', file=sys.stderr)",
)
"""A program makes its own streams of ours, as many do for the sake of an encoding."""

HARMLESS = (
    *(
        "print('out')",
        "print('err', file=sys.stderr)",
        "sys.stdout.write('x' * 10_000)",
        "sys.stdout.buffer.write(b'x')",
    ),
    *("sys.stdout.close()", "sys.stderr.close()", "sys.stdout = None", "sys.stderr = None", "sys.stdin = None"),
    *("sys.stdout = sys.stderr = open(os.devnull, 'w')", "sys.stdout.reconfigure(encoding='ascii')"),
    *("del sys.stdout", "sys.stdout = 7", "sys.__stdout__ = None", "print('\\x1b]0;title\\x07')"),
    *("os.chdir('/')", "os.environ.clear()", "os.environ['PATH'] = ''", "os.environ['CUDA_VISIBLE_DEVICES'] = 'x'"),
    *("warnings.simplefilter('ignore')", "warnings.warn('a\\nb')"),
    *("signal.signal(signal.SIGINT, signal.SIG_IGN)", "signal.signal(signal.SIGTERM, lambda *_: None)"),
    *("atexit.register(print, 'bye')", "atexit.register(sys.exit, 3)", "atexit.register(fail)"),
    *("threading.Thread(target=spin, daemon=True).start()", "threading.Thread(target=sys.exit).start()"),
    *("torch.manual_seed(0)", "torch.set_grad_enabled(False)", "torch.set_num_threads(1)", "random.seed(0)"),
    *(
        "torch.set_default_dtype(torch.float64)",
        "torch.set_default_dtype(torch.float32)",
    ),
    *("gc.disable()", "gc.collect()", "sys.settrace(lambda *_: None)", "sys.setprofile(lambda *_: None)"),
    *("sys.excepthook = None", "threading.excepthook = None", "sys.unraisablehook = None", "sys.argv.clear()"),
    *("sys.path.clear()", "sys.path = []", "sys.dont_write_bytecode = True", "sys.displayhook = None"),
    *("logging.disable()", "logging.basicConfig()", "logging.raiseExceptions = True", "logging.getLogger().error('x')"),
    *(
        "builtins.print = None",
        "builtins.own_name = 1",
        "builtins.input = fail",
        "locale.setlocale(locale.LC_ALL, 'C')",
    ),
    *("tempfile.tempdir = '/nowhere'", "time.sleep(0)", "inspect.currentframe().f_back.f_locals.clear()"),
    *("del sys.modules['json']", "sys.modules['json'] = None", "sys.modules['numpy'] = None", "json.dumps = None"),
    *(
        "json.JSONEncoder = None",
        "json.JSONEncoder.encode = None",
        "textwrap = None",
        "os.path.exists = lambda path: False",
        "os.linesep = ''",
    ),
    *("sys.setrecursionlimit(3000)", "sys.stdout.flush()", "os.umask(0o77)", "asyncio.run(asyncio.sleep(0))"),
    *OWN_STREAMS,
)
"""Deeds that a forward call gets over: the answer is the one without them, and the process is what it was."""

CONSTANTS = ("sys.flags = None", "sys.byteorder = '?'", "os.name = 'nt'", "os.environ = None", "sys.modules = None")
"""Names that are no functions, which the libraries and vggcost itself ask for."""

EITHER = (
    *("builtins.len = lambda _: 3", "builtins.sum = None", "builtins.isinstance = lambda *_: True", "del builtins.max"),
    *("builtins.tuple = list", "builtins.int = str", "builtins.zip = map"),
    *("torch.empty = None", "torch.empty = lambda *_, **__: torch.zeros(1)", "torch.Tensor.shape = (1,)"),
    *("torch.Tensor.numel = lambda _: 1", "torch.Tensor.dim = None", "nn.Module.named_modules = None"),
    *("nn.Module.parameters = lambda _: iter(())", "nn.Module.__call__ = None", "nn.Module.modules = fail"),
    *("nn.Module.register_buffer = None", "torch.no_grad = None", "torch.overrides.TorchFunctionMode = None"),
    *("sys.meta_path.clear()", "sys.path_hooks.clear()", "sys.setrecursionlimit(150)"),
    *("os.getcwd = None", "os.getpid = fail", "os.path.join = None", "torch.set_default_device('meta')"),
    *("torch.Tensor.__torch_function__ = None", "torch.Tensor.requires_grad = True", "type(self).forward = None"),
    *(
        "warnings.simplefilter('error')",
        "warnings.filters = None",
        "warnings.showwarning = None",
        "sys.getrecursionlimit = None",
    ),
    *("self.conv = None", "del self.fc", "self.__dict__.clear()", "self.train()", "self.__class__ = nn.Linear"),
    *("torch.inference_mode().__enter__()", "torch.overrides.TorchFunctionMode().__enter__()"),
    *("vars(builtins).clear()", "builtins.getattr = None", "builtins.vars = builtins.dict = None"),
    *CONSTANTS,
    *("signal.setitimer(signal.ITIMER_REAL, 0)", "import vggcost; vggcost.audit = None", "gc.get_objects = None"),
)
"""Deeds after which nobody has to have an answer. If there is one, it is right, or says that the model cannot run."""

ENDING = (
    *("os._exit(0)", "os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", "os.kill(os.getpid(), signal.SIGTERM)"),
    *(
        "ctypes.string_at(0)",
        "os.abort()",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); spin()",
        "os.kill(0, signal.SIGKILL)",
    ),
    *("os.closerange(0, 100); os._exit(0)", "signal.alarm(1); spin()", "os.execv('/bin/true', ['true'])"),
)
"""Deeds that nobody can catch: one line and exit status 1 in a process of its own."""

IN_A_PROCESS = (
    *("os.close(1)", "os.close(2)", "os.close(0); os.close(1); os.close(2)", "os.closerange(3, 256)"),
    *("os.fork() or os._exit(5)", "os.fork()", "threading.Thread(target=spin).start()", "atexit.register(os._exit, 7)"),
    *("os.dup2(os.open(os.devnull, os.O_WRONLY), 1)", "os.dup2(2, 1)", "os.system('echo out')"),
    *("__import__('concurrent.futures').futures.ThreadPoolExecutor().submit(spin)",),
)
"""Deeds that a test's own process would not get over. vggcost does, isolated or not."""

WHOLE = {
    "an async forward": ("class Net(nn.Module):\n    async def forward(self, x):\n        return x\n", {1}),
    "a generator forward": ("class Net(nn.Module):\n    def forward(self, x):\n        yield x\n", {1}),
    "an async generator": ("class Net(nn.Module):\n    async def forward(self, x):\n        yield x\n", {1}),
    "a map": ("class Net(nn.Module):\n    def forward(self, x):\n        return map(torch.relu, [x])\n", {1}),
    "a tuple of a generator": (
        "class Net(nn.Module):\n    def forward(self, x):\n        return x, (i for i in x)\n",
        {1},
    ),
    "an output that holds itself": (
        "class Net(nn.Module):\n    def forward(self, x):\n        found = [x]\n        found.append({'all': found})\n        return found\n",
        {0},
    ),
    "none": ("class Net(nn.Module):\n    def forward(self, x):\n        return None\n", {0}),
    "a lambda": ("class Net(nn.Module):\n    def forward(self, x):\n        return lambda: x\n", {0}),
    "text": ("class Net(nn.Module):\n    def forward(self, x):\n        return 'x' * 9\n", {0}),
    "endless": ("class Net(nn.Module):\n    def forward(self, x):\n        return self.forward(x)\n", {1}),
    "nested": (
        "def Net():\n    m = nn.ReLU()\n    for _ in range(3000):\n        m = nn.Sequential(m)\n    return m\n",
        {1, 2},
    ),
    "its own child": (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.__dict__['me'] = self\n        self._modules['me'] = self\n    def forward(self, x):\n        return x\n",
        {0, 1, 2},
    ),
    "getattr": (
        "class Net(nn.Module):\n    def __getattr__(self, name):\n        raise SystemExit(0)\n    def forward(self, x):\n        return x\n",
        {0, 1, 2},
    ),
    "getattribute": (
        "class Net(nn.Module):\n    def __getattribute__(self, name):\n        raise KeyboardInterrupt\n",
        {1, 2},
    ),
    "training": (
        "class Net(nn.Module):\n    training = property(lambda self: 1 / 0)\n    def forward(self, x):\n        return x\n",
        {0, 1, 2},
    ),
    "no super": (
        "class Net(nn.Module):\n    def __init__(self):\n        pass\n    def forward(self, x):\n        return x\n",
        {1, 2},
    ),
    "class": (
        "class Net(nn.Module):\n    __class__ = property(lambda self: 1 / 0)\n    def forward(self, x):\n        return x\n",
        {0, 1, 2},
    ),
    "class lie": ("class Net:\n    __class__ = nn.Module\n", {1, 2}),
    "metaclass": (
        "class Meta(type):\n    def __call__(cls, *args):\n        sys.exit(0)\nclass Net(nn.Module, metaclass=Meta):\n    pass\n",
        {2},
    ),
    "signature": (
        "class Net(nn.Module):\n    __signature__ = 7\n    def forward(self, x):\n        return x\n",
        {0, 1, 2},
    ),
    "default": ("class R:\n    def __repr__(self):\n        raise SystemExit(0)\ndef Net(a, b=R()):\n    pass\n", {2}),
    "repr": (
        "class Net(nn.Module):\n    def __repr__(self):\n        sys.exit(0)\n    def forward(self, x):\n        return x\n",
        {0},
    ),
    "not a model": ("class Net:\n    def __repr__(self):\n        sys.exit(0)\n", {2}),
    "names": (
        "class Net(nn.Sequential):\n    def __init__(self):\n        super().__init__()\n        self.add_module('a\\nb\\x1b[31m\\u202e|', nn.ReLU())\n        self.add_module('=1+1 \\ud800', nn.ReLU())\n",
        {0},
    ),
    "named by a liar": (
        "class Name(str):\n    def __str__(self):\n        raise SystemExit(0)\n    __repr__ = __format__ = __str__\nclass Net(nn.Sequential):\n    def __init__(self):\n        super().__init__()\n        self.add_module(Name('conv'), nn.ReLU())\n",
        {0, 1, 2},
    ),
    "tensor": (
        "class T(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, *a, **k):\n        sys.exit(0)\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.as_subclass(T) + 1\n",
        {0, 1, 2},
    ),
    "int": (
        "class I(int):\n    def __index__(self):\n        sys.exit(0)\n    __mul__ = __rmul__ = __str__ = __repr__ = __index__\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(I(3), I(8), I(3))\n    def forward(self, x):\n        return self.c(x)\n",
        {0, 1, 2},
    ),
    "hook on all": (
        "torch.nn.modules.module.register_module_forward_hook(lambda *_: sys.exit(0))\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n",
        {0, 1, 2},
    ),
    "a model": ("Net = nn.Sequential(nn.ReLU())\n", {0}),
    "module getattr": ("def __getattr__(name):\n    sys.exit(0)\n", {2}),
    "all": (
        "class V:\n    def __getattr__(self, name):\n        raise SystemExit(0)\n    def __eq__(self, other):\n        raise SystemExit(0)\n    __hash__ = __bool__ = __eq__\nv = V()\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n",
        {0, 2},
    ),
}
"""Whole programs, and the exit statuses that are right for each."""

FILES = {
    "empty.py": b"",
    "syntax.py": b"def Net(:\n",
    "nulls.py": b"x = 1\0\n",
    "cookie.py": b"# -*- coding: no-such-code -*-\nx = 1\n",
    "latin.py": b"x = '\xe9'\n",
    "bom16.py": "x = 1".encode("utf-16"),
    "deep.py": b"x = " + b"(" * 5000 + b")" * 5000,
    "tabs.py": b"if 1:\n\tx = 1\n        y = 1\n",
}
"""Files that are no programs."""


class Hostile(NamedTuple):
    """A program by its source, and what vggcost owes it: these exit statuses, and MACs where it gives any."""

    title: str
    source: bytes
    statuses: frozenset[int]
    macs: int | None = None
    apart: bool = False
    words: tuple[str, ...] = ()


def program(place: str, deed: str) -> bytes:
    """The network with a deed at one place."""
    at = dict.fromkeys(("import_", "constructor", "forward", "hook", "submodule", "late"), "pass")
    at["import_" if place == "import" else place] = deed
    deeds = {name: textwrap.indent(text, "" if name == "import_" else " " * 8) for name, text in at.items()}
    return PROGRAM.format(**deeds).encode("utf-8", "surrogatepass")


def programs() -> list[Hostile]:
    """Every program that is read in this process: places times deeds, and whole ones."""
    found = []
    for place in PLACES:
        runs = place not in ("import", "constructor")
        found += [
            Hostile(f"{deed} in {place}", program(place, deed), frozenset({1 if runs else 2})) for deed in RAISING
        ]
        found += [Hostile(f"{deed} in {place}", program(place, deed), frozenset({0}), MACS) for deed in HARMLESS]
        found += [
            Hostile(f"{deed} in {place}", program(place, deed), frozenset({0, 1, 2}), MACS)
            for deed in EITHER
            if "self" not in deed or place != "import"
        ]
    head = "import sys\nimport torch\nfrom torch import nn\n"
    found += [Hostile(title, (head + text).encode(), frozenset(right)) for title, (text, right) in WHOLE.items()]
    found += [Hostile(title, source, frozenset({2})) for title, source in FILES.items()]
    return found


def programs_apart() -> list[Hostile]:
    """Those that are read by processes: what ends one is read apart, and what one gets over both ways."""
    limit = ("--time-limit", "20")
    found = [
        Hostile(f"{deed} in {place}", program(place, deed), frozenset({1}), apart=True, words=limit)
        for place in PLACES
        for deed in ENDING
    ]
    for deed in IN_A_PROCESS:
        for words in ((), limit):
            right = frozenset({0}) if deed != "os.fork() or os._exit(5)" else frozenset({0, 1})
            found.append(Hostile(f"{deed} in forward", program("forward", deed), right, MACS, apart=True, words=words))
    return found


def drawn(seed: int, number: int, apart: int) -> list[Hostile]:
    """So many of both, by chance."""
    chosen = random.Random(seed)  # noqa: S311  # a draw that everybody can repeat
    return [*chosen.sample(programs(), number), *chosen.sample(programs_apart(), apart)]


def broken_promises(hostile: Hostile, folder: str) -> list[str]:
    """What vggcost owes and does not give: one answer or one refusal, a right number, the process as it was."""
    path = os.path.join(folder, hostile.title if hostile.title in FILES else "net.py")
    with open(path, "wb") as file:
        file.write(hostile.source)
    words = ["audit", path if hostile.title in FILES else f"{path}:Net", "--size", str(SIZE), "--format", "json"]
    if hostile.apart:
        return _promises(hostile, *_in_a_process([*words, *hostile.words]))
    before = _state()
    try:
        status, out, err = _here(words)
    except BaseException as error:  # noqa: BLE001  # what comes out of the command is the finding
        return [f"{type(error)} came out of the command"]
    finally:
        after = _state()
    changed = [name for name in before if before[name] is not after[name] and before[name] != after[name]]
    broken = _promises(hostile, status, out, err)
    broken += [f"{name} is another behind it" for name in changed]
    return broken


def _promises(hostile: Hostile, status: int, out: str, err: str) -> list[str]:
    broken = []
    if status not in hostile.statuses:
        broken.append(f"exit status {status}, and {sorted(hostile.statuses)} is right: {err[-300:]!r} {out[:600]!r}")
    if "Traceback (most recent call last)" in err and "Exception in thread" not in err:
        broken.append(f"a traceback: {err[-600:]}")
    refusals = [line for line in err.splitlines() if line.startswith("vggcost: error: ")]
    if hostile.apart and status == 1 and hostile.statuses == {1}:
        if out or len(refusals) != 1:
            broken.append(f"no one line: {out[:100]!r} {err[-300:]!r}")
    elif status == 2:
        if out or len(refusals) != 1 or any(not sign.isprintable() for sign in refusals[0]) or len(refusals[0]) > 3000:
            broken.append(f"no one refusal: {out[:100]!r} {err[-300:]!r}")
    elif status in (0, 1):
        broken += _answers(hostile, status, out)
        if refusals:
            broken.append(f"an answer and a refusal: {refusals}")
    return broken


def _answers(hostile: Hostile, status: int, out: str) -> list[str]:
    try:
        document = json.loads(out)
    except ValueError:
        return [f"no JSON: {out[:200]!r}"]
    totals = document["totals"]
    if status == 0 and hostile.macs is not None and (totals["params"], totals["macs"]) != (PARAMS, hostile.macs):
        return [f"{totals['params']} parameters and {totals['macs']} MACs"]
    if status == 1 and totals["macs"] is not None:
        return [f"a model that cannot run has {totals['macs']} MACs"]
    return []


def _here(words: list[str]) -> tuple[int, str, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        status = main(words)
    return status, *(stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err))


def _in_a_process(words: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "vggcost", *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def _state() -> dict[str, object]:
    """What a program may have changed of this process, and must not have."""
    import builtins
    import gc
    import signal
    import socket
    import threading
    import urllib.request
    import warnings

    import torch
    from torch import nn

    return {
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "stdin": sys.stdin,
        "path": list(sys.path),
        "argv": list(sys.argv),
        "meta_path": list(sys.meta_path),
        "path_hooks": list(sys.path_hooks),
        "limit": sys.getrecursionlimit(),
        "constants": (sys.flags, sys.byteorder, os.name, os.environ),
        "json": sys.modules["json"],
        "torch": sys.modules["torch"],
        "excepthook": sys.excepthook,
        "thread hook": threading.excepthook,
        "folder": os.getcwd(),
        "environment": {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"},
        "filters": list(warnings.filters),
        "shown": warnings.showwarning,
        "SIGINT": signal.getsignal(signal.SIGINT),
        "SIGTERM": signal.getsignal(signal.SIGTERM),
        "gc": gc.isenabled(),
        "trace": sys.gettrace(),
        "dumps": json.dumps,
        "exists": os.path.exists,
        "connections": (socket.create_connection, socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex),
        "loaders": (urllib.request.urlopen, urllib.request.urlretrieve, torch.load, torch.hub.download_url_to_file),
        "constructor": nn.Module.__init__,
        "len": (builtins.len, builtins.sum, builtins.print, builtins.isinstance, builtins.max),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "device": str(torch.get_default_device()),
        "empty": torch.empty,
        "named_modules": nn.Module.named_modules,
        "call": nn.Module.__call__,
        "modes": torch._C._len_torch_function_stack(),
    }
