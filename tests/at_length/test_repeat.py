"""One measurement in several processes: which command line they get, what they leave, and what stays when one fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from bench_documents import MS, case, document

from vggcost.bench import repeat
from vggcost.bench.result import load, to_json
from vggcost.errors import VggcostError

WORDS = ("bench", "A", "--repeat", "2", "--budget", "1")
ONCE = ["--repeat", "1", "--format", "json", "--output", "x.json"]


def times(scale):
    return [round(one * scale * MS) for one in (2, 1, 30, 0, 1)]


@pytest.mark.parametrize(
    ("started", "entry"),
    [
        (["python", "/bin/vggcost", *WORDS], ["/bin/vggcost", *WORDS]),
        (["python", "-X", "dev", "-m", "vggcost", *WORDS], ["-X", "dev", "-m", "vggcost", *WORDS]),
        (["python", "-c", "import fake", *WORDS], ["-c", "import fake", *WORDS]),
        # A script with words of its own, which calls main with `bench` before those that are left.
        (["python", "fake.py", "--card", "t4", *WORDS[1:]], ["fake.py", "--card", "t4", *WORDS[1:]]),
        # main was called by a longer program, whose command line says something else.
        (["python", "-m", "pytest", "-q", "tests"], ["-m", "vggcost", *WORDS]),
        (["python", "-m", "other", "--budget", "1"], ["-m", "vggcost", *WORDS]),
    ],
)
def test_children_start_from_the_same_entry_point(monkeypatch, started, entry):
    monkeypatch.setattr(sys, "orig_argv", started)
    assert repeat.child_command(WORDS, "x.json") == [sys.executable, *entry, *ONCE]


def test_options_stand_before_a_bare_double_dash(monkeypatch):
    words = ("bench", "--repeat=3", "--", "A")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "vggcost", *words])
    assert repeat.child_command(words, "x.json") == [
        *(sys.executable, "-m", "vggcost", "bench", "--repeat=3", *ONCE, "--", "A")
    ]


def written(made, status=0, said=""):
    """A child that writes this result."""

    def run(place):
        if made is not None:
            with open(place, "w", encoding="utf-8") as file:
                file.write(made if isinstance(made, str) else to_json(made))
        return status, said

    return run


def in_turn(*children):
    left = list(children)
    return lambda place: left.pop(0)(place)  # noqa: PLW0108  # each call takes the next child


def test_the_results_of_all_processes_are_one_that_loads(tmp_path):
    children = [written(document(case(times=times(scale)), case("E", batch=4))) for scale in (1, 2, 3)]
    said = []
    outcome = repeat.repeated(3, in_turn(*children), said.append)
    assert said == ["process 1 of 3", "process 2 of 3", "process 3 of 3"]
    assert (outcome.failures, outcome.interrupted) == ((), False)
    made = outcome.document
    path = tmp_path / "result.json"
    path.write_text(to_json(made), encoding="utf-8")
    assert load(str(path)) == made
    assert made["complete"]
    assert len(made["repeats"]) == 3
    first = made["cases"][0]
    assert first["passes"]["whole"]["n_by_process"] == [30, 30, 30]
    assert first["passes"]["whole"]["samples_ns"] == [time for scale in (1, 2, 3) for time in [34 * scale * MS] * 30]
    assert first["layers"][2]["median_ns"] == 60 * MS
    assert (first["rounds"], first["layers"][2]["n"]) == (sum(first["passes"]["whole"]["n_by_process"]), 90)


def test_a_result_whose_processes_do_not_sum_is_refused(tmp_path):
    made = repeat.pooled([document(), document()], 2)
    made["cases"][0]["passes"]["whole"]["n_by_process"] = [30, 29]
    path = tmp_path / "result.json"
    path.write_text(to_json(made), encoding="utf-8")
    with pytest.raises(VggcostError, match=r"n_by_process of cases\[0\]\.passes\.whole does not sum"):
        load(str(path))
    made["cases"][0]["passes"]["whole"]["n_by_process"] = [61, -1]
    path.write_text(to_json(made), encoding="utf-8")
    with pytest.raises(VggcostError, match="counts nothing"):
        load(str(path))


def test_a_child_that_fails_is_one_line_and_the_others_go_on():
    partly = {**document(), "complete": False}
    outcome = repeat.repeated(
        5,
        in_turn(
            written(document()),
            written(None, 2, "A warning\nvggcost: error: no such device\n"),
            written("{", 0),
            written(None, -9),
            written(partly, 1, "vggcost: error: E at batch 1: out of memory"),
        ),
        lambda _: None,
    )
    assert outcome.failures[0] == "process 2 of 5: no such device"
    assert "is no JSON" in outcome.failures[1]
    assert outcome.failures[2:] == ("process 4 of 5: signal 9 ended it", "process 5 of 5: E at batch 1: out of memory")
    assert len(outcome.document["repeats"]) == 2
    assert not outcome.document["complete"]
    assert outcome.document["repeats_failed"] == list(outcome.failures)
    none = repeat.repeated(2, lambda _: (0, ""), lambda _: None)
    assert none.document is None
    assert none.failures[0] == "process 1 of 2: it has written no result"


def test_ctrl_c_keeps_what_was_measured_and_starts_no_other():
    def stopped(_):
        raise KeyboardInterrupt

    partly = {**document(case(count=4, stopped_by="interrupted")), "complete": False}
    for last, counts in ((stopped, [30]), (written(partly, repeat.INTERRUPTED), [30, 4])):
        outcome = repeat.repeated(3, in_turn(written(document()), last), lambda _: None)
        assert (outcome.interrupted, outcome.failures) == (True, ())
        (only,) = outcome.document["cases"]
        assert only["passes"]["layers"]["n_by_process"] == counts
        assert not outcome.document["complete"]
        assert (only["stopped_by"] == "interrupted") == (len(counts) == 2)


def test_what_belongs_to_a_process_is_kept_and_the_ceiling_is_the_highest():
    slow, fast = document(), document(ceilings__flops_per_s=300e9)
    slow["refused"] = fast["refused"] = [{"case": "D at batch 64", "reason": "out of memory"}]
    slow["cases"][0]["layers"][0]["share"] = 0.5
    made = repeat.pooled([slow, fast], 2)
    assert made["ceilings"]["flops_per_s"] == 300e9
    assert [process["flops_per_s"] for process in made["repeats"]] == [200e9, 300e9]
    assert made["refused"] == [{"case": "D at batch 64", "reason": "out of memory"}]
    assert made["cases"][0]["layers"][0]["share"] == pytest.approx(2 / 34)


CHILD = """
import json, sys
from vggcost.cli import main
if sys.argv[-2:-1] == ["--output"]:  # the child of --repeat, with a device of its own
    {body}
    sys.exit(0)
sys.exit(main(sys.argv[1:]))
"""


def started(tmp_path, body, *words, **options):
    result = tmp_path / "one.json"
    result.write_text(to_json(document()), encoding="utf-8")
    command = [sys.executable, "-c", CHILD.format(body=body), "bench", "D", "--repeat", "2", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    return subprocess.Popen(command, **pipes, **options)


def test_a_script_has_its_own_device_in_the_children(tmp_path):
    child = started(tmp_path, "import shutil; shutil.copy('one.json', sys.argv[-1])", "--format", "json")
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    made = json.loads(out)
    assert made["environment"]["device_name"] == "Simulated 9000"
    assert made["cases"][0]["passes"]["whole"]["n_by_process"] == [30, 30]


@pytest.fixture
def run_code(monkeypatch):
    """Run some code as the one child, which gets the place of its result as its argument."""

    def run(code):
        monkeypatch.setattr(repeat, "child_command", lambda words, place: [sys.executable, "-c", *words, place])
        return repeat.run_command((code,))

    return run


def test_a_child_has_a_status_and_what_it_said(run_code, tmp_path):
    place = tmp_path / "x.json"
    run = run_code("import sys; print('a table'); open(sys.argv[1], 'w').close(); sys.exit('no such network')")
    assert run(str(place)) == (1, "no such network\n")
    assert place.exists()


WAITS = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, {heed})
pathlib.Path(sys.argv[1]).touch()
time.sleep(20)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("times_pressed", [1, 2])
def test_no_child_outlives_ctrl_c(run_code, monkeypatch, tmp_path, times_pressed):
    """Once, it is waited for and what it said is kept; twice, it is ended."""
    place = tmp_path / "ready"
    children = []
    communicate = subprocess.Popen.communicate

    def pressed(child, *args, **kwargs):
        children.append(child)
        while not place.exists():
            time.sleep(0.01)
        if len(children) <= times_pressed:
            raise KeyboardInterrupt
        return communicate(child, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "communicate", pressed)
    if times_pressed == 1:
        run = run_code(WAITS.format(heed="lambda *_: sys.exit('kept')"))
        assert run(str(place)) == (repeat.INTERRUPTED, "kept\n")
        assert children[0].returncode == 1
    else:
        run = run_code(WAITS.format(heed="signal.SIG_IGN"))
        with pytest.raises(KeyboardInterrupt):
            run(str(place))
        assert children[0].returncode == -signal.SIGKILL


def test_all_that_fail_are_one_line(tmp_path):
    child = started(tmp_path, "sys.exit('vggcost: error: nothing here')")
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (2, "")
    assert err == "vggcost: error: none of 2 processes measured anything; process 1 of 2: nothing here\n"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_reaches_the_child_once_and_its_result_is_printed(tmp_path, heed_ctrl_c):
    body = (
        "import pathlib, shutil, signal, time\n"
        "    hits = []\n"
        "    signal.signal(signal.SIGINT, lambda *_: hits.append(1))\n"
        "    pathlib.Path('ready').touch()\n"
        "    while not hits: time.sleep(0.01)\n"
        "    time.sleep(0.2); pathlib.Path('hits').write_text(str(len(hits)))\n"
        "    shutil.copy('one.json', sys.argv[-1]); sys.exit(130)"
    )
    child = started(tmp_path, body, preexec_fn=heed_ctrl_c, start_new_session=True)
    while not (tmp_path / "ready").exists():
        assert child.poll() is None
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, (tmp_path / "hits").read_text()) == (130, "1")
    assert err == "vggcost: interrupted; what 1 of 2 processes measured is kept\n"
    assert "1 of 2 processes measured" in out


def test_bad_input(refused, tmp_path):
    assert "--repeat is 0" in refused("bench", "A", "--repeat", "0")
    assert "at most 1000" in refused("bench", "A", "--repeat", "1001")
    assert "leave --repeat away" in refused("bench", "A", "--repeat", "2", "--trace", str(tmp_path / "t.json"))
    path = tmp_path / "result.json"
    path.write_text(to_json(document()), encoding="utf-8")
    assert "leave --repeat away" in refused("bench", "--load", str(path), "--repeat", "2")
