"""bench, bench-compare and roofline as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from bench_documents import MS, case, document  # noqa: E402  # after the skip

from vggcost.bench import one_case, session  # noqa: E402
from vggcost.bench.result import to_json  # noqa: E402

INPUT = ("--size", "32", "--device", "cpu", "--budget", "1")
SMALL = ("--classes", "10", "--no-adaptive-pool", "--head", "none", "--width", "0.25", *INPUT)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("vggcost.bench.ceilings.LONG_ENOUGH_NS", 1)
    monkeypatch.setattr("vggcost.bench.ceilings.BUDGET_S", 0.05)
    monkeypatch.setattr("vggcost.bench.ceilings.DIRECT_3X3", (3, 16, 14))
    monkeypatch.setattr(session, "cache_bytes", lambda device: None)


@pytest.fixture
def saved(tmp_path):
    def save(name, made):
        path = tmp_path / name
        path.write_text(to_json(made), encoding="utf-8")
        return str(path)

    return save


def test_a_network_is_benched_to_a_file_and_printed_again(vggcost, tmp_path):
    path = str(tmp_path / "result.json")
    ran = vggcost("bench", "A", *SMALL, "--batch", "2", "--format", "json", "-o", path)
    assert (ran.status, ran.out) == (0, "")
    made = json.loads(Path(path).read_text(encoding="utf-8"))
    assert made["schema"] == "vggcost.bench/1"
    assert made["cases"][0]["input"] == [2, 3, 32, 32]
    assert [layer["name"] for layer in made["cases"][0]["layers"]][:3] == ["conv1_1", "relu1_1", "pool1"]
    assert made["cases"][0]["layers"][0]["macs"] == 2 * 3 * 16 * 9 * 32 * 32
    again = vggcost("bench", "--load", path)
    assert again.status == 0
    assert "10 classes; input 2x3x32x32" in again.out
    assert max(map(len, again.out.splitlines())) <= 100
    assert vggcost("bench", "--load", path, "--format", "json").out == Path(path).read_text(encoding="utf-8")
    assert (
        vggcost("bench", "--load", path, "--format", "csv").out.count("\n") == 1 + len(made["cases"][0]["layers"]) + 2
    )


def test_a_sustained_pass_is_printed_and_too_short_a_one_is_refused(vggcost, refused):
    ran = vggcost("bench", "A", *SMALL, "--whole", "--sustained", "2")
    assert "Sustained: " in ran.out
    assert "images/s back to back for 2." in ran.out
    for text in ("1", "0", "nan", "x"):
        assert "--sustained is" in refused("bench", "A", *SMALL, "--sustained", text)


def test_several_networks_and_a_file_sweep_over_batches(vggcost, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nfeatures = [4, "M", { residual = [4] }]\nhead = []\n', encoding="utf-8")
    ran = vggcost(
        "bench", "A,B_bn", "--file", str(path), *SMALL, "--budget", "3", "--batch", "1,2", "--whole", "--format", "json"
    )
    assert ran.status == 0
    cases = json.loads(ran.out)["cases"]
    assert [(case["network"]["name"], case["input"][0]) for case in cases] == [
        (name, batch) for name in ("A", "B", "mine") for batch in (1, 2)
    ]


TARGETS = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU())


class Wide(Net):
    def __init__(self, width):
        super().__init__()
        self.append(nn.Conv2d(4, width, 3))
        print("said by the model")


class Broken(nn.Module):
    def __init__(self):
        raise RuntimeError("no weights")


class Branching(Net):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


def number():
    return 7
"""


@pytest.fixture
def targets(tmp_path, monkeypatch):
    (tmp_path / "mypkg_bench.py").write_text(TARGETS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("mypkg_bench", None)


def test_a_target_of_ones_own_is_timed_operation_by_operation(vggcost, targets):
    ran = vggcost("bench", "mypkg_bench:Net", *INPUT)
    assert ran.status == 0
    assert "mypkg_bench:Net; input 1x3x32x32" in ran.out
    assert ran.out.count("\n0 ") == ran.out.count("\n1 ") == 1
    assert "sum of layers" in ran.out
    whole = vggcost("bench", "mypkg_bench:Net", "--whole", *INPUT)
    assert "sum of layers" not in whole.out
    followed = vggcost("bench", "mypkg_bench:Branching", *INPUT)
    assert followed.status == 0
    assert "the whole stands alone" in " ".join(followed.out.split())


def test_a_target_takes_keywords_and_may_stand_in_a_file(vggcost, refused, targets, tmp_path):
    file = f"{tmp_path / 'mypkg_bench.py'}:Wide"
    ran = vggcost("bench", file, "--call", "width=7", *INPUT, "--format", "json")
    assert ran.status == 0
    layers = json.loads(ran.out)["cases"][0]["layers"]
    assert [layer["output"] for layer in layers] == [[1, 4, 30, 30], [1, 4, 30, 30], [1, 7, 28, 28]]
    assert "said by the model" in ran.err
    assert "give its arguments as --call" in refused("bench", file, *INPUT)
    assert "--call is for a program, and none is given" in refused("bench", "--call", "width=7", *INPUT)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("mypkg_bench:number", "yields a int"),
        ("mypkg_bench:none", "has no 'none'"),
        ("nowhere_at_all:Net", "there is no module"),
        (
            "mypkg_bench.py",
            "mypkg_bench.py has the models Net, Wide, Broken, Branching and the function number; name one, as",
        ),
        ("mypkg_bench:Broken", "cannot be made: RuntimeError: no weights (mypkg_bench.py:"),
    ],
)
def test_a_target_that_is_none_is_refused(refused, targets, target, words):
    assert words in refused("bench", target, *INPUT)


def test_a_target_that_cannot_run_is_refused_with_its_own_words(refused, targets):
    line = refused("bench", "mypkg_bench:Net", "--in-channels", "5", *INPUT)
    assert "mypkg_bench:Net cannot run on 1x5x32x32: RuntimeError" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--device", "tpu"), "unknown device 'tpu'"),
        (("--dtype", "int8"), "not one that bench times"),
        (("--dtype", "flaot32"), "float32"),
        (("--device", "cpu", "--dtype", "tf32"), "does not do tf32"),
        (("--compile", "--per-layer"), "--compile has no per-layer times"),
        (("--backward", "--per-layer"), "--backward has no per-layer times"),
        (("--whole", "--per-layer"), "opposites"),
        (("--budget", "0"), "--budget is '0'"),
        (("--budget", "nan"), "--budget is 'nan'"),
        (("--budget", "soon"), "--budget is 'soon'"),
        (("--threads", "0"), "--threads is 0"),
        (("--batch", "1,x"), "--batch is 'x'"),
        (("--batch", "2,2"), "give each batch once"),
        (("--batch", "1000000000"), "the largest batch that should fit is"),
        (("--config", "Z"), "unknown configuration 'Z'"),
        (("A", "x:y"), "there is no module 'x' here"),
        (("--format", "latx"), "unknown format 'latx'; the nearest are latex"),
        (("-o", "/nowhere/at/all.json"), "there is no directory"),
        (("--load", "/nowhere/at/all.json"), "cannot read"),
        (("--load", "x.json", "--dtype", "float16"), "leave --dtype away"),
        (("--load", "x.json", "D"), "leave the network's name away"),
        (("--bugdet", "3"), "--budget"),
    ],
)
def test_bad_use_is_refused_in_one_line_before_anything_is_built(refused, monkeypatch, words, message):
    monkeypatch.setattr(one_case, "build", lambda *_, **__: pytest.fail("built"))
    assert message in refused("bench", *words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_in_one_line(refused, monkeypatch):
    monkeypatch.setattr(one_case, "build", lambda *_, **__: pytest.fail("built"))
    line = refused("bench", "--device", "cuda")
    assert "there is no cuda device" in line
    assert "--device cpu" in line


def test_a_budget_too_small_for_one_forward_is_refused_with_what_it_would_take(refused):
    assert "give --budget" in refused("bench", "A", *SMALL[:-1], "0.000001")


def interrupted_script(*words):
    """Ctrl-C after two forwards of the last network."""
    return (
        "import signal, sys\n"
        "from vggcost.bench import one_case\n"
        "from vggcost.cli import main\n"
        "told = one_case.progress_line\n"
        "def line(prefix, samples, rule, spent_s):\n"
        "    if samples.rounds == 2 and 'batch 2' in prefix:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    return told(prefix, samples, rule, spent_s)\n"
        "one_case.progress_line = line\n"
        f"sys.exit(main(['bench', 'A', '--format', 'json', *{SMALL!r}, *{words!r}]))\n"
    )


def test_ctrl_c_prints_what_was_measured_and_exits_130(heed_ctrl_c):
    done = subprocess.run(
        [sys.executable, "-c", interrupted_script("--batch", "2", "--budget", "60")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=heed_ctrl_c,
    )
    assert done.returncode == 130, done.stderr
    made = json.loads(done.stdout)
    assert made["complete"] is False
    assert made["cases"][0]["stopped_by"] == "interrupted"
    assert made["cases"][0]["rounds"] == 2
    assert done.stderr == "vggcost: interrupted; what was measured is above\n"


@pytest.mark.parametrize(("ending", "mark"), [("json", ", marked incomplete"), ("csv", "")])
def test_ctrl_c_says_how_much_was_written_and_where(heed_ctrl_c, tmp_path, ending, mark):
    path = tmp_path / f"result.{ending}"
    words = ("--batch", "1,2,3", "--whole", "--budget", "6", "--format", ending, "-o", str(path))
    done = subprocess.run(
        [sys.executable, "-c", interrupted_script(*words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=heed_ctrl_c,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == f"vggcost: interrupted; 1 of 3 measured and one in part, written to {path}{mark}\n"
    assert path.exists()


def test_help_loads_no_torch():
    script = (
        "import contextlib, io, sys\nfrom vggcost.cli import main\n"
        "for word in ('bench', 'bench-compare', 'roofline'):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main([word, '--help'])\n"
        "sys.exit(bool({'torch', 'matplotlib', 'numpy', 'sympy', 'pandas'} & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=100, check=False).returncode == 0


def test_a_result_is_printed_without_torch(saved):
    path = saved("result.json", document())
    script = (
        "import sys\nfrom vggcost.cli import main\n"
        f"assert main(['bench', '--load', {path!r}]) == 0\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=100, check=False).returncode == 0


def test_compare_says_faster_slower_or_undecided(vggcost, saved):
    old = saved("old.json", document(case()))
    slow = saved("slow.json", document(case(scale=1.2), environment__torch="2.14.0"))
    assert vggcost("bench-compare", old, old, "--fail-on-slower").status == 0
    ran = vggcost("bench-compare", old, slow)
    assert ran.status == 0
    assert "D at 1x3x224x224: slower" in ran.out
    assert "Differs: torch: 2.13.0 -> 2.14.0" in ran.out
    assert "in_place" not in ran.out
    in_place = document(case())
    in_place["settings"]["in_place"] = True
    assert "Differs: in_place: False -> True" in vggcost("bench-compare", old, saved("in.json", in_place)).out
    assert vggcost("bench-compare", old, slow, "--fail-on-slower").status == 1
    back = vggcost("bench-compare", slow, old, "--fail-on-slower")
    assert back.status == 0
    assert "D at 1x3x224x224: faster" in back.out
    assert "undecided\n" in vggcost("bench-compare", old, slow, "--threshold", "25").out
    assert vggcost("bench-compare", old, slow, "--threshold", "25", "--fail-on-slower").status == 0


def test_compare_in_other_formats(vggcost, saved):
    old, new = saved("old.json", document(case())), saved("new.json", document(case(scale=2.0)))
    made = json.loads(vggcost("bench-compare", old, new, "--format", "json").out)
    assert made["schema"] == "vggcost.bench-compare/1"
    assert made["cases"][0]["word"] == "slower"
    assert made["cases"][0]["passes"][0]["ratio"] == pytest.approx(2.0)
    lines = vggcost("bench-compare", old, new, "--format", "csv").out.splitlines()
    assert lines[1] == "D,1x3x224x224,whole,34000000,68000000,2.0,2.0,2.0,slower"
    assert "|:--" in vggcost("bench-compare", old, new, "--format", "markdown").out


def test_compare_names_what_it_cannot_compare(vggcost, refused, saved):
    old = saved("old.json", document(case("A", scale=0.7), case("D")))
    new = saved("new.json", document(case("D"), case("E", scale=1.2)))
    out = vggcost("bench-compare", old, new).out
    assert "Only in the old result, not compared: A" in out
    assert "Only in the new result, not compared: E" in out
    other = saved("other.json", document(case("C")))
    assert "no network at the same input in common" in refused("bench-compare", old, other)
    half = saved("half.json", document(settings__dtype="float16"))
    assert "differ in dtype" in refused("bench-compare", old, half)
    assert "--threshold is '-1'" in refused("bench-compare", old, new, "--threshold=-1")
    assert "too few forwards" in vggcost("bench-compare", saved("few.json", document(case(count=5))), old).out


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_a_roofline_is_drawn(vggcost, saved, tmp_path, ending):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"picture.{ending}"
    ran = vggcost("roofline", saved("result.json", document()), "-o", str(path))
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    content = path.read_bytes()
    assert content.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[ending])
    vggcost("roofline", saved("result.json", document()), "-o", str(path))
    assert path.read_bytes() == content


def test_the_picture_names_every_layer_with_macs_and_both_ceilings(vggcost, saved, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.svg"
    vggcost("roofline", saved("result.json", document()), "-o", str(path))
    text = path.read_text(encoding="utf-8")
    for words in (
        "conv1_1",
        "conv1_2",
        "fc8",
        "200 GFLOP/s, matrix product of side 2048",
        "40.0 GB/s, copy of 128.0 MiB",
    ):
        assert words in text, words
    assert "layers with MACs take 97 % of it, those without 3 %" in text
    for words in ("no ceiling", "Winograd"):
        assert words not in text, words


def drawn(made):
    """The picture of a result's first case, with its two panels."""
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from vggcost.report.plots import roofline

    figure = Figure(figsize=(7.0, 4.6), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    roofline._draw(figure, made, made["cases"][0])
    return figure


def words_of(axes):
    return [text.get_text() for text in axes.texts]


def test_layers_without_macs_have_a_panel_of_their_own():
    plane, moving = drawn(document()).axes
    assert "relu1_1" in words_of(moving)
    assert "relu1_1" not in words_of(plane)
    assert len(moving.collections[-1].get_offsets()) == 1  # dropout launched nothing and has no speed
    without = document()
    without["cases"][0]["layers"] = [layer for layer in without["cases"][0]["layers"] if layer["macs"]]
    assert len(drawn(without).axes) == 1


@pytest.mark.parametrize(
    ("device", "peak", "lines", "none"),
    [
        ("cuda:0", 200e9, [], False),  # conv1_2 reaches 123 GFLOP/s
        ("cuda:0", 100e9, ["Winograd x2.25"], False),
        ("cuda:0", 50e9, ["Winograd x2.25", "Winograd x4"], False),
        ("cuda:0", 25e9, ["Winograd x2.25", "Winograd x4"], True),
        ("cpu", 200e9, [], False),
        ("cpu", 100e9, [], True),  # x86 has no such algorithm, so its ceiling is none
    ],
)
def test_winograds_line_stands_where_it_lifts_points_and_a_beaten_ceiling_is_marked(device, peak, lines, none):
    plane = drawn(document(device=device, ceilings__flops_per_s=peak)).axes[0]
    assert [words for words in words_of(plane) if "Winograd" in words] == lines
    assert any("no ceiling: it is beaten" in words for words in words_of(plane)) is none
    assert plane.lines[1].get_linestyle() == (":" if none else "-")


def test_bars_are_the_middle_half_of_the_forwards():
    made = document(case(times=[2 * MS, MS, 30 * MS, 0, MS]))
    times = made["cases"][0]["layers"][2]["samples_ns"]
    times[:10], times[20:] = [20 * MS] * 10, [40 * MS] * 10
    bars = drawn(made).axes[0].collections[0]  # those of the convolutions
    ends = [segment[:, 1] for segment in bars.get_segments()]
    flops = 2 * 1_849_688_064
    assert ends[1] == pytest.approx([flops / (40 * MS), flops / (20 * MS)])
    assert ends[0][0] == ends[0][1]


def test_kinds_differ_in_shape_and_lightness_for_a_print_in_grey():
    from matplotlib.colors import to_rgb

    from vggcost.report.plots.roofline import LOOKS, NO_MACS_LOOK, OTHER_LOOK

    looks = [*LOOKS.values(), OTHER_LOOK, NO_MACS_LOOK]
    assert len({marker for marker, _, _ in looks}) == len(looks)
    greys = sorted(sum(part * weight for part, weight in zip(to_rgb(fill), (0.299, 0.587, 0.114), strict=True))
                   for _, fill, _ in looks)  # fmt: skip
    assert all(lighter - darker > 0.08 for darker, lighter in pairwise(greys))


def test_no_two_names_of_a_crowded_picture_overlap():
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from vggcost.report.plots import roofline

    crowded = case()
    crowded["layers"] = [{**crowded["layers"][2], "name": f"conv{block}_{index}"} for block in "345" for index in "123"]
    figure = Figure(figsize=(7.0, 4.6), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    roofline._draw(figure, document(), crowded)
    texts = [text for text in figure.axes[0].texts if text.get_text().startswith("conv")]
    boxes = [Text.get_window_extent(text, figure.canvas.get_renderer()).extents for text in texts]  # without the line
    assert len(boxes) == 9
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_roofline_refuses_what_it_cannot_draw(refused, saved, tmp_path):
    pytest.importorskip("matplotlib")
    two = saved("two.json", document(case("A", scale=0.7), case("D")))
    picture = str(tmp_path / "picture.svg")
    assert "choose one with --config and --batch" in refused("roofline", two, "-o", picture)
    assert "it has A at batch 1, D at batch 1" in refused("roofline", two, "--config", "E", "-o", picture)
    assert "ends in .svg, .png, .pdf" in refused("roofline", two, "-o", str(tmp_path / "picture.jpg"))
    whole = document()
    whole["cases"][0]["layers"] = []
    whole["cases"][0]["passes"].pop("layers")
    assert "--per-layer" in refused("roofline", saved("whole.json", whole), "-o", picture)
    assert not Path(picture).exists()


def test_one_of_several_networks_is_chosen(vggcost, saved, tmp_path):
    pytest.importorskip("matplotlib")
    two = saved("two.json", document(case("A", scale=0.7), case("D")))
    picture = tmp_path / "picture.svg"
    assert vggcost("roofline", two, "--config", "d", "--batch", "1", "-o", str(picture)).status == 0
    assert "D, input 1x3x224x224" in picture.read_text(encoding="utf-8")


def test_networks_are_chosen_by_any_of_their_names():
    from vggcost.bench.roofline import case_of
    from vggcost.errors import VggcostError

    plain, normed = case("D"), case("D", batch_norm=True)
    for made in (plain, normed):
        made["network"]["title"] = made["network"]["title"].replace("D", "D (VGG-16)")
    both, only = document(plain, normed), document(normed)
    for name in ("d", "vgg16", "VGG-16"):
        assert case_of(both, name, None)["network"]["options"]["batch_norm"] is False
        assert case_of(only, name, None)["network"]["options"]["batch_norm"] is True
    for name in ("vgg16_bn", "D-bn", "D (VGG-16) with batch normalization"):
        assert case_of(both, name, None)["network"]["options"]["batch_norm"] is True
    with pytest.raises(VggcostError, match="no such network"):
        case_of(both, "E", None)


def test_operations_of_other_kinds_are_drawn_too(vggcost, saved, tmp_path):
    pytest.importorskip("matplotlib")
    made = document()
    made["cases"][0]["layers"][0]["kind"] = "conv2d"
    picture = tmp_path / "picture.svg"
    assert vggcost("roofline", saved("result.json", made), "-o", str(picture)).status == 0
    assert ">conv1_1<" in picture.read_text(encoding="utf-8")


def test_without_matplotlib_the_extra_is_named(refused, saved, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    line = refused("roofline", saved("result.json", document()), "-o", str(tmp_path / "picture.svg"))
    assert "vggcost[plot]" in line
