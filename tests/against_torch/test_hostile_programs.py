# ruff: noqa: E501  # a program's deed stands in one line
"""Programs that do what no model should, a few of each kind; `tests/campaigns/` has hundreds."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from hostile_programs import (
    CONSTANTS,
    EITHER,
    ENDING,
    FILES,
    HARMLESS,
    IN_A_PROCESS,
    LYING_ERRORS,
    MACS,
    OWN_STREAMS,
    RAISING,
    WHOLE,
    Hostile,
    broken_promises,
    drawn,
    program,
)
from torch import nn

import vggcost
from vggcost import VggcostError
from vggcost.cli import main
from vggcost.frameworks import guard

pytestmark = [
    pytest.mark.filterwarnings("default"),  # as where nobody has made errors of them
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

PLAIN = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        {deed}
        return self.conv(x)
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    """A file with one model whose forward does this."""
    monkeypatch.chdir(tmp_path)

    def write(deed="pass"):
        (tmp_path / "net.py").write_text(PLAIN.format(deed=deed))
        return "net.py:Net"

    return write


@pytest.mark.parametrize("seed", range(4))
def test_drawn_programs_break_no_promise(seed, tmp_path):
    for each in drawn(seed, 12, 0):
        assert broken_promises(each, str(tmp_path)) == [], each.title


@pytest.mark.parametrize("deed", [*LYING_ERRORS, *OWN_STREAMS, *CONSTANTS, "vars(builtins).clear()"])
@pytest.mark.parametrize("place", ["import", "late"])
def test_neither_what_an_error_says_of_itself_nor_a_replaced_name_breaks_one(deed, place, tmp_path):
    right = {0} if deed in OWN_STREAMS else {1 if place == "late" else 2} if deed in LYING_ERRORS else {0, 1, 2}
    macs = MACS if deed not in LYING_ERRORS else None
    assert broken_promises(Hostile(deed, program(place, deed), frozenset(right), macs), str(tmp_path)) == []


@pytest.mark.parametrize("title", [*WHOLE, *FILES])
def test_whole_programs_break_no_promise(title, tmp_path):
    text, right = WHOLE.get(title, ("", {2}))
    head = "import sys\nimport torch\nfrom torch import nn\n"
    source = FILES[title] if title in FILES else (head + text).encode()
    assert broken_promises(Hostile(title, source, frozenset(right)), str(tmp_path)) == []


def test_the_promises_can_be_broken(tmp_path, monkeypatch):
    """Each is seen: an exit status, a number, a second line, a process that is another."""
    harmless = Hostile("h", program("late", "pass"), frozenset({0}), MACS)
    assert broken_promises(harmless, str(tmp_path)) == []
    assert broken_promises(harmless._replace(statuses=frozenset({1})), str(tmp_path))
    assert broken_promises(harmless._replace(macs=MACS + 1), str(tmp_path))
    monkeypatch.setattr(guard.ProcessState, "put_back", lambda _: None)
    try:
        changed = broken_promises(
            Hostile("h", program("late", "sys.argv.append('x')"), frozenset({0}), MACS), str(tmp_path)
        )
        assert "argv is another behind it" in changed
    finally:
        sys.argv.remove("x")


def _raised_again(error):
    raise error


def _unguarded(self, *_):
    self._leave()


def test_without_the_guard_a_program_ends_the_command(net, monkeypatch):
    monkeypatch.setattr("vggcost.frameworks.pytorch.program.pass_on", _raised_again)
    monkeypatch.setattr(guard.Guard, "__exit__", _unguarded)
    with pytest.raises(SystemExit):
        main(["audit", net("raise SystemExit(0)")])


def test_sys_exit_in_forward_is_an_answer(net, vggcost):
    ran = vggcost("audit", net("raise SystemExit(0)"), "--format", "json")
    document = json.loads(ran.out)
    assert (ran.status, document["totals"]["macs"]) == (1, None)
    assert "raises SystemExit: 0" in ran.out


@pytest.mark.parametrize("command", ["table", "compare", "conventions", "memory", "verify"])
def test_every_command_that_runs_programs_is_guarded(command, net, vggcost):
    ran = vggcost(command, net("raise GeneratorExit"))
    assert ran.status == (2 if command in ("memory", "verify") else 1)
    assert "GeneratorExit" in ran.out + ran.err or "cannot run" in ran.out
    assert "Traceback" not in ran.err


def test_a_live_model_is_guarded_too():
    class Leaves(nn.Module):
        def forward(self, x):
            raise SystemExit(0)

    audit = vggcost.audit(Leaves(), (1, 3, 8, 8))
    assert not audit.runs
    with pytest.raises(VggcostError):
        vggcost.audit(object(), (1, 3, 8, 8))


@pytest.fixture
def on_ctrl_c():
    """Sets what Ctrl-C does, and puts back what it did: a job in the background of a shell is deaf to it."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda handler: signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler])
def test_a_program_s_own_ctrl_c_is_an_answer_also_where_nobody_can_press_it(net, on_ctrl_c, handler):
    on_ctrl_c(handler)
    assert main(["audit", net("raise KeyboardInterrupt")]) == 1
    assert signal.getsignal(signal.SIGINT) == handler


def test_ctrl_c_ends_the_command_whatever_the_program_makes_of_it(net, capsys, on_ctrl_c):
    """A KeyboardInterrupt of the program's own is an answer; one that somebody pressed ends the command."""
    on_ctrl_c(signal.default_int_handler)
    assert main(["audit", net("raise KeyboardInterrupt")]) == 1
    deed = "exec('try:\\n    import os, signal, time\\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\\nexcept BaseException:\\n    pass')"
    assert main(["audit", net(deed)]) == 130
    assert capsys.readouterr().err == ""


def test_a_value_that_was_asked_for_is_asked_for_though_the_program_catches_it(net, vggcost):
    """Without values the network would take the other path, and be counted as another."""
    deed = "exec('try:\\n    float(x.sum())\\nexcept BaseException:\\n    self.conv = nn.Identity()')"
    ran = vggcost("audit", net(deed), "--size", "8", "--format", "json")
    assert json.loads(ran.out)["totals"]["macs"] == 216 * 36


def test_a_program_s_patches_of_torch_end_with_it(tmp_path, net, vggcost):
    (tmp_path / "bad.py").write_text(
        "import torch\ntorch.nn.functional.conv2d = lambda *_: 0\n" + PLAIN.format(deed="pass")
    )
    ran = vggcost("compare", "bad.py:Net", net(), "--format", "json")
    assert ran.status == 0, ran.err
    assert torch.nn.functional.conv2d(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)).shape == (1, 1, 1, 1)


# In a process of its own


@pytest.mark.parametrize("words", [("audit",), ("audit", "--format", "json"), ("table",), ("conventions",)])
def test_a_program_apart_is_what_it_is_here(words, net, process, tmp_path):
    here, apart = (process(*words, net("print('said')"), *more) for more in ((), ("--isolate",)))
    assert (apart.status, apart.out) == (here.status, here.out)
    assert here.out
    assert "said" in apart.err


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("__import__('os')._exit(0)", "net.py:Net ended its own process while it was read, with status 0"),
        ("__import__('os').abort()", "net.py:Net ended its own process while it was read: SIGABRT"),
    ],
)
def test_a_program_that_ends_its_process_is_one_line(deed, said, net, process):
    ran = process("audit", net(deed), "--isolate")
    assert (ran.status, ran.out, ran.err) == (1, "", f"vggcost: error: {said}\n")


def test_a_program_that_takes_too_long_is_stopped_with_all_that_it_has_started(net, process, tmp_path):
    deed = 'exec(\'import subprocess, sys\\nopen("pid", "w").write(str(subprocess.Popen(["sleep", "600"]).pid))\\nwhile True: pass\')'
    ran = process("audit", net(deed), "--time-limit", "15")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "vggcost: error: net.py:Net was not done after 15 s (--time-limit), and was stopped\n"
    pid = int((tmp_path / "pid").read_text())
    for _ in range(200):
        try:
            if " Z " in Path(f"/proc/{pid}/stat").read_text():
                return
        except OSError:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("what the program had started went on")


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1e3", "9999999"])
def test_a_time_limit_is_seconds(text, refused):
    assert "--time-limit" in refused("audit", "net.py:Net", f"--time-limit={text}")


def test_a_refusal_and_a_wrong_name_are_the_same_apart(process):
    for words in (("audit", "nowhere.py:Net"), ("table", "Q")):
        here, apart = process(*words), process(*words, "--isolate")
        assert (apart.status, apart.out, apart.err) == (here.status, here.out, here.err)
        assert here.status == 2


@pytest.mark.parametrize(
    "deed", ["os.fork()", "os.close(1)", "threading.Thread(target=spin).start()", "atexit.register(os._exit, 7)"]
)
def test_what_outlasts_a_program_holds_nothing_up(deed, tmp_path):
    assert deed in IN_A_PROCESS
    hostile = Hostile(deed, program("forward", deed), frozenset({0}), MACS, apart=True)
    assert broken_promises(hostile, str(tmp_path)) == []


def test_there_are_programs_enough():
    assert (len(RAISING) + len(HARMLESS) + len(EITHER)) * 6 + len(WHOLE) > 800
    assert len(ENDING) >= 10
