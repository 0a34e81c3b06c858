"""vggcost audit, from the command line: published programs, what each is, and what stands in its way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import vggcost
from vggcost.cli import main

torch = pytest.importorskip("torch")

MODELS = Path(__file__).parents[1] / "models"


def audited(capsys, target, *options):
    """The exit status and the JSON document of one audit."""
    status = main(["audit", str(MODELS / target), *options, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def sums(document):
    totals = document["totals"]
    return totals["params"], totals["macs"]


def rows_sum_to_totals(document):
    return all(
        sum(row[key] or 0 for row in document["layers"]) == document["totals"][key]
        for key in ("params", "macs", "flops", "count")
    )


def test_plain_vgg16_is_d(capsys):
    status, document = audited(capsys, "plain_vgg16.py:VGG16")
    assert status == 0
    assert sums(document) == (138_357_544, 15_470_264_320)
    assert rows_sum_to_totals(document)
    assert document["is"]["letter"] == document["nearest"] == "D"
    assert document["is"]["variant"] == "no adaptive pool"
    assert document["is"]["options"] == {
        **vggcost.cost("D", adaptive_pool=False).network.variant.options(),
    }
    assert (document["differences"], document["uncounted"], document["cannot_run"], document["notes"]) == (
        [],
        [],
        None,
        [],
    )
    kinds = [row["kind"] for row in document["layers"]]
    assert (kinds.count("Conv2d"), kinds.count("Linear")) == (13, 3)
    names = [row["name"] for row in document["layers"] if row["macs"]]
    assert names == [row.name for row in vggcost.cost("D").layers if row.macs]
    assert document["layers"][0]["path"] == "convolutions.0"
    assert document["layers"][0]["source"].endswith("plain_vgg16.py:29")


def test_plain_vgg16_cannot_run_at_256(capsys):
    status, document = audited(capsys, "plain_vgg16.py:VGG16", "--size", "256")
    assert status == 1
    assert document["cannot_run"]["text"].startswith("fc6 (linears.0, ")
    assert document["cannot_run"]["text"].endswith("plain_vgg16.py:31) takes 25,088 features and gets 32,768")
    assert document["cannot_run"]["shapes"] == [[1, 32768], [4096, 25088]]
    assert document["cannot_run"]["next"] == []
    assert document["totals"]["params"] == 138_357_544
    assert document["totals"]["macs"] is None
    assert document["is"]["letter"] == "D"
    fc6 = next(row for row in document["layers"] if row["name"] == "fc6")
    assert (fc6["note"], fc6["input"], fc6["output"], fc6["macs"]) == ("fails", [1, 32768], None, None)


@pytest.mark.parametrize(("own", "letter"), [("A", "A"), ("B", "B"), ("C", "D"), ("D", "E")])
def test_letters_of_ones_own_are_the_papers(capsys, own, letter):
    status, document = audited(capsys, "four_letters.py:VGG", "--call", f"letter={own!r}")
    assert status == 0
    assert document["is"]["letter"] == letter
    assert document["is"]["variant"] == "batch normalization, 4 classes"
    ours = vggcost.cost(letter, batch_norm=True, classes=4).totals
    assert sums(document) == (ours.params, ours.macs)


def test_four_class_vgg16_bn(capsys):
    status, document = audited(capsys, "four_letters.py:vgg16_bn")
    assert (status, document["totals"]["params"]) == (0, 134_285_380)
    assert (document["is"]["letter"], document["is"]["variant"]) == ("D", "batch normalization, 4 classes")


def test_the_short_vgg_lacks_one_convolution(capsys):
    status, document = audited(capsys, "short_vgg.py:VGG")
    assert status == 0
    assert sums(document) == (135_997_736, 13_620_576_256)
    assert (document["is"], document["nearest"], document["same_as"]) == (None, "D", "twelve-conv-vgg")
    (difference,) = document["differences"]
    assert (difference["change"], difference["layer"]) == ("missing", "conv4_3")
    assert (difference["params"], difference["macs"]) == (-2_359_808, -1_849_688_064)
    assert difference["text"] == "- conv4_3 3x3 512->512: 2,359,808 parameters, 1,849,688,064 MACs missing"


def test_the_residual_vgg16(capsys):
    status, document = audited(capsys, "residual_vgg16.py:ResidualVGG16")
    assert status == 0
    assert sums(document) == (149_345_960, 31_192_612_864)
    assert rows_sum_to_totals(document)
    assert (document["is"], document["nearest"], document["same_as"]) == (None, "D", "residual-vgg16")
    (difference,) = document["differences"]
    assert difference["text"] == (
        "+ 5 residual blocks of 10 convolutions behind conv1_2, conv2_2, conv3_3, conv4_3 and conv5_3:"
        " 10,988,416 parameters, 15,722,348,544 MACs more"
    )
    assert difference["params"] == 149_345_960 - 138_357_544


def test_the_misfit_addition_is_an_answer(capsys):
    status, document = audited(capsys, "misfit_residual.py:ResidualVGG")
    assert (status, document["totals"]["params"], document["totals"]["macs"]) == (1, 277_962, None)
    failure = document["cannot_run"]
    line = 1 + (MODELS / "misfit_residual.py").read_text().splitlines().index(
        "        x += self.shortcut(x)  # the addition that cannot be"
    )
    assert failure["operation"] == "in-place addition"
    assert failure["source"].endswith(f"misfit_residual.py:{line}")
    assert failure["shapes"] == [[1, 128, 56, 56], [1, 128, 28, 28]]
    (behind,) = failure["next"]
    assert behind["problem"] == "takes 128 features and gets 401,408"
    assert behind["path"] == "classifier"
    assert sum(row["params"] for row in document["layers"]) == 277_962


def test_the_screen_says_it_in_words(capsys):
    assert main(["audit", str(MODELS / "misfit_residual.py:ResidualVGG")]) == 1
    shown = capsys.readouterr()
    assert "It cannot run: the in-place addition (" in shown.out
    assert "gets 1x128x56x56 and 1x128x28x28, which do not go together" in " ".join(shown.out.split())
    assert "takes 128 features and gets 401,408" in " ".join(shown.out.split())
    assert shown.err == ""
    assert main(["audit", str(MODELS / "short_vgg.py:VGG"), "--human"]) == 0
    shown = capsys.readouterr().out
    assert "It is no VGG of the paper (it is the packaged network twelve-conv-vgg)" in shown
    assert "The nearest is D (VGG-16), with 1 difference:\n  - conv4_3 3x3 512->512: 2,359,808" in shown
    assert "136.0 M" in shown


@pytest.mark.parametrize(
    ("target", "like", "status"),
    [
        ("plain_vgg16.py:VGG16", "D", 0),
        ("plain_vgg16.py:VGG16", "vgg16", 0),
        ("plain_vgg16.py:VGG16", "vgg16_bn", 1),
        ("plain_vgg16.py:VGG16", "E", 1),
        ("four_letters.py:vgg16_bn", "vgg16_bn", 0),
        ("short_vgg.py:VGG", "D", 1),
        ("short_vgg.py:VGG", "twelve-conv-vgg", 0),
        ("residual_vgg16.py:ResidualVGG16", "residual-vgg16", 0),
    ],
)
def test_like_compares_with_what_is_named(capsys, target, like, status):
    got, document = audited(capsys, target, "--like", like)
    assert got == status
    assert document["like"] == {"name": like, "same": status == 0}
    assert bool(document["differences"]) == (status == 1)


def test_like_takes_a_network_file(capsys, tmp_path):
    path = tmp_path / "net.toml"
    path.write_text('features = [64, "M", 64]\nclassifier = false\n')
    status, document = audited(capsys, "plain_vgg16.py:VGG16", "--like", str(path))
    assert status == 1
    assert document["differences"][0]["layers"] == ["convolutions.2"]


FILE_OF_D = """features = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]
"""


@pytest.mark.parametrize(
    ("keys", "call", "named"),
    [
        ("bias = true", "num_classes=7", ""),
        ("classes = 1000", "num_classes=7", "fc8"),
        ("classes = 7", "num_classes=7", ""),
        ("bias = false", "", "conv1_1 .. conv5_3 (13 x Conv2d) bias added: + 4,224 parameters"),
        ("batch_norm = true", "", "bn1_1"),
        ("in_channels = 1", "", "conv1_1"),
        ("head = [4096]", "", "linears.3 added: + 16,781,312 parameters"),
        ("size = 224", "", ""),
        ("softmax = true", "", "softmax dropped"),
    ],
)
def test_a_network_file_binds_a_program_in_every_key_that_it_writes(capsys, tmp_path, keys, call, named):
    path = tmp_path / "net.toml"
    path.write_text(f"{FILE_OF_D}{keys}\n")
    given = ["--call", call] if call else []
    status, document = audited(capsys, "plain_vgg16.py:VGG16", "--like", str(path), *given)
    assert (status, bool(document["differences"])) == (1 if named else 0, bool(named))
    assert named in " ".join(" ".join((each["text"], *each["behind"])) for each in document["differences"])


def test_the_size_that_a_network_file_writes_is_the_image_unless_another_is_given(capsys, tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(f"{FILE_OF_D}size = [64, 96]\n")
    status, document = audited(capsys, "four_letters.py:vgg16_bn", "--like", str(path))
    assert (status, document["input"]) == (0, [1, 3, 64, 96])
    status, document = audited(capsys, "four_letters.py:vgg16_bn", "--like", str(path), "--size", "64")
    assert (status, document["input"]) == (1, [1, 3, 64, 64])
    assert [each["text"] for each in document["differences"]] == ["input 1x3x64x96 -> 1x3x64x64"]


@pytest.mark.parametrize("target", ["AlexNet", "ResNet18", "MobileNet"])
@pytest.mark.parametrize("batch", ["1", "2"])
def test_foreign_families_agree_with_torchs_own_counter(capsys, target, batch):
    import importlib.util

    from torch.utils.flop_counter import FlopCounterMode

    spec = importlib.util.spec_from_file_location("foreign", MODELS / "foreign.py")
    foreign = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(foreign)
    with torch.device("meta"):
        model = getattr(foreign, target)().eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.empty(int(batch), 3, 224, 224, device="meta"))
    status, document = audited(capsys, f"foreign.py:{target}", "--batch", batch, "--strict")
    assert (status, document["is"], document["uncounted"]) == (0, None, [])
    assert document["totals"]["params"] == sum(parameter.numel() for parameter in model.parameters())
    assert document["totals"]["flops"] == counter.get_total_flops()
    assert rows_sum_to_totals(document)


@pytest.mark.parametrize("letter", ["A", "A-LRN", "B", "C", "D", "E"])
@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "bias": False}, {"classes": 7, "in_channels": 1}])
def test_every_configuration_is_named_from_its_own_module(letter, options):
    from vggcost.frameworks.pytorch.build import build_module

    cost = vggcost.cost(letter, **options)
    audit = vggcost.audit(build_module(cost.network), cost.input)
    assert audit.paper.same
    assert audit.paper.letter == letter
    assert audit.paper.network.variant == cost.network.variant
    assert audit.paper.departures == ()
    assert (audit.params, audit.macs) == (cost.totals.params, cost.totals.macs)
    named = [(row["name"], row["params"], row["macs"]) for row in audit.to_dict()["layers"] if row["params"]]
    assert named == [(row.name, row.params, row.macs) for row in cost.layers if row.params]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0.5}, "width 0.5"),
        ({"width": 0.25, "batch_norm": True, "classes": 10}, "batch normalization, width 0.25, 10 classes"),
        ({"head": (512, 512), "classes": 10}, "head 512,512, 10 classes"),
        ({"head": (), "adaptive_pool": False, "size": 32, "classes": 10}, "no adaptive pool, head none, 10 classes"),
        ({"adaptive_pool": False, "bias": False}, "bias-less convolutions, no adaptive pool"),
    ],
)
def test_variants_are_named(options, words):
    from vggcost.frameworks.pytorch.build import build_module

    cost = vggcost.cost("D", **options)
    audit = vggcost.audit(build_module(cost.network), cost.input)
    assert audit.paper.same
    assert (audit.paper.letter, audit.paper.words) == ("D", words)
    assert (audit.params, audit.macs) == (cost.totals.params, cost.totals.macs)


def test_departures_that_cost_nothing_are_named():
    from torch import nn

    from vggcost.frameworks.pytorch.build import build_module

    model = build_module(vggcost.cost("A").network)
    model.classifier[2] = nn.Identity()
    model.features[1] = nn.Sigmoid()
    audit = vggcost.audit(model, (1, 3, 224, 224))
    assert audit.paper.same
    assert audit.paper.departures == (
        "9 ReLU layers in place of 10",
        "1 dropout layer in place of 2",
        "relu1_1 behind conv1_1: is sigmoid",
        "1 x sigmoid",
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda model, nn: model.features.__setitem__(0, nn.Conv2d(3, 64, 7, padding=3)),
            "~ conv1_1 3x3 3->64: is 7x7 3->64, +7,680 parameters, +385,351,680 MACs",
        ),
        (
            lambda model, nn: model.features.__setitem__(2, nn.MaxPool2d(2, 2, ceil_mode=True)),
            "~ pool1 max-pool 2x2 of stride 2: is max-pool 2x2 of stride 2, ceil mode",
        ),
        (
            lambda model, nn: model.classifier.__setitem__(3, nn.Linear(4096, 4096, bias=False)),
            "~ fc7 linear 4,096->4,096: is linear 4,096->4,096 without bias, -4,096 parameters",
        ),
        (
            lambda model, nn: model.add_module("spare", nn.Linear(2, 3)),
            "+ spare Linear, which is never used: 9 parameters more",
        ),
        (
            lambda model, nn: model.features.__setitem__(1, nn.Sequential(nn.ReLU(), nn.LocalResponseNorm(5))),
            "+ features.1.1 local response normalization of size 5: not in it",
        ),
    ],
)
def test_differences_are_named(change, text):
    from torch import nn

    from vggcost.frameworks.pytorch.build import build_module

    model = build_module(vggcost.cost("A").network)
    change(model, nn)
    audit = vggcost.audit(model, (1, 3, 224, 224), like="A")
    assert not audit.compared.same
    (difference,) = audit.compared.differences
    assert difference.replace(source=None).text == text


@pytest.mark.parametrize("convention", ["fvcore", "ptflops", "thop", "torch", "onnx-tool", "conv-only"])
def test_conventions_count_a_program_as_they_count_the_network(capsys, convention):
    status, document = audited(capsys, "four_letters.py:vgg16_bn", "--convention", convention)
    ours = vggcost.cost("vgg16_bn", classes=4, convention=convention)
    assert status == 0
    assert (document["convention"], document["unit"]) == (convention, ours.unit)
    assert document["totals"]["count"] == ours.totals.count == sum(row["count"] for row in document["layers"])
    assert document["totals"]["macs"] == ours.totals.macs


def test_what_a_tool_has_no_rule_for_is_a_known_nothing(capsys):
    status, document = audited(capsys, "foreign.py:MobileNet", "--convention", "fvcore")
    norms = sum(row["count"] for row in document["layers"] if row["kind"] == "BatchNorm2d")
    assert (status, document["totals"]["count"], document["totals"]["macs"]) == (0, 568_740_352 + norms, 568_740_352)
    assert document["layers"][2]["note"] == "not counted"
    assert audited(capsys, "foreign.py:MobileNet", "--convention", "torch")[1]["totals"]["count"] == 2 * 568_740_352


def test_a_convention_says_what_it_does_not_know(capsys):
    document = audited(capsys, "foreign.py:MobileNet", "--convention", "deepspeed")[1]
    assert document["totals"]["count"] is None
    assert document["layers"][2]["note"] == "what deepspeed counts is not known"
    main(["audit", str(MODELS / "foreign.py:MobileNet"), "--convention", "deepspeed"])
    words = "deepspeed has no total here: what it counts of 27 hardtanh, 1 mean, 1 log_softmax is not known"
    assert words in " ".join(capsys.readouterr().out.split())


def test_every_format_has_the_totals_the_shares_and_the_sentences(capsys):
    for fmt in ("table", "markdown", "csv", "latex", "html"):
        assert main(["audit", str(MODELS / "short_vgg.py:VGG"), "--format", fmt]) == 0
        shown = capsys.readouterr().out
        assert ("135997736" if fmt == "csv" else "135,997,736") in shown
        assert ("conv4_3" in shown.replace("\\_", "_")) == (fmt != "csv")
        for fact in (
            "75.6",
            "Weights: 135,997,736",
            "It is no VGG of the paper",
            "12 convolutions and 3 linear layers",
        ):
            assert (fact in shown) == (fmt != "csv")


def test_an_audit_stays_as_it_is():
    audit = vggcost.audit(torch.nn.Conv2d(3, 8, 3), (1, 3, 8, 8))
    with pytest.raises(AttributeError, match="Audit is frozen; convention cannot be assigned"):
        audit.convention = "thop"
    assert audit.layers is audit.layers
    assert sum(row.macs for row in audit.layers) == audit.totals.macs == audit.macs == 8 * 3 * 3 * 3 * 6 * 6
    assert audit.verdict in audit._repr_html_()
    assert json.loads(audit.to_json()) == audit.to_dict()


def test_a_name_of_somebody_else_is_escaped_in_every_markup(capsys, tmp_path):
    path = tmp_path / "a&b_<i>.py"
    path.write_text("from torch import nn\ndef build():\n    return nn.Conv2d(3, 8, 3)\n")
    for fmt, escaped in (
        ("html", "a&amp;b_&lt;i&gt;.py"),
        ("latex", r"a\&b\_\textless{}i"),
        ("markdown", r"a&b\_\<i>.py"),
    ):
        assert main(["audit", f"{path}:build", "--format", fmt]) == 0
        assert escaped in capsys.readouterr().out


def test_output_goes_to_a_file(capsys, tmp_path):
    path = tmp_path / "audit.json"
    assert main(["audit", str(MODELS / "short_vgg.py:VGG"), "--format", "json", "-o", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(path.read_text())["nearest"] == "D"


def test_what_a_program_prints_goes_to_standard_error(tmp_path):
    path = tmp_path / "loud.py"
    path.write_text(
        "import os\nfrom torch import nn\nprint('at the top')\nos.system('echo from below')\n"
        "class Loud(nn.Conv2d):\n"
        "    def __init__(self):\n        super().__init__(3, 3, 3)\n        print('constructing')\n"
        "    def forward(self, x):\n        print('forward')\n        return super().forward(x)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "vggcost", "audit", f"{path}:Loud", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["totals"]["params"] == 84
    for words in ("at the top", "from below", "constructing", "forward"):
        assert words in done.stderr


BAD = """
from torch import nn

VALUE = 4

def number():
    return 3

class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(undefined, 3)

class Needs(nn.Module):
    def __init__(self, plan, classes=3):
        super().__init__()

class Two(nn.Module):
    def forward(self, image, meta):
        return image

model = nn.ReLU()
"""


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        ("", [], "TARGET is empty"),
        ("net.toml", [], "cannot read the network file 'net.toml': No such file or directory"),
        ("bad.py", [], "bad.py has the models Raises, Needs, Two, model and the function number; name one, as bad.py:"),
        (":VGG", [], "TARGET is ':VGG'; give package.module:callable or path/to/file.py:callable"),
        ("bad.py:", [], "TARGET is 'bad.py:'; give package.module:callable or path/to/file.py:callable"),
        ("nosuch.py:VGG", [], "the file 'nosuch.py' is not there"),
        ("bad.py:Neds", [], "bad.py has no 'Neds'; the nearest are Needs"),
        ("bad.py:VALUE", [], "bad.py:VALUE is an int, no model and nothing that makes one"),
        ("bad.py:number", [], "bad.py:number gives int, which is no model"),
        ("bad.py:Needs", [], "bad.py:Needs takes (plan, classes=3), and was given nothing"),
        (
            "bad.py:Needs",
            ["--call", "plan=open('x')"],
            "--call has plan=open('x'), which raises FileNotFoundError: [Errno 2]",
        ),
        (
            "bad.py:Needs",
            ["--call", "plan=Nedes(3)"],
            "has plan=Nedes(3), which raises NameError: name 'Nedes' is not defined",
        ),
        ("bad.py:Needs", ["--call", "plan=Nedes(3)"], "; the nearest are Needs"),
        ("bad.py:Needs", ["--call", "Raises()"], "(bad.py:12: self.fc = nn.Linear(undefined, 3))"),
        ("bad.py:Needs", ["--call", "1/0"], "--call has 1 / 0, which raises ZeroDivisionError: division by zero"),
        ("bad.py:Needs", ["--call", "plan="], "--call is 'plan='; give arguments as Python writes them"),
        ("bad.py:Needs", ["--call", "3, 4, 5"], "bad.py:Needs takes (plan, classes=3), and was given 3, 4, 5"),
        ("bad.py:Needs", ["--call", "plann=3"], "was given plann=3"),
        ("bad.py:model", ["--call", "a=3"], "bad.py:model is a model already"),
        ("bad.py:Raises", [], "name 'undefined' is not defined (bad.py:12: self.fc = nn.Linear(undefined, 3))"),
        ("bad.py:Two", [], "bad.py:Two takes 2 inputs (image, meta) and gets 1"),
        (
            "raises.py:VGG",
            [],
            "raises.py cannot be imported: ValueError: math domain error (raises.py:4: return math.sqrt(x))",
        ),
        ("syntax.py:VGG", [], "SyntaxError: invalid syntax (syntax.py:1: def f(:)"),
        ("quits.py:VGG", [], "quits.py cannot be imported: SystemExit: 3 (quits.py:1: raise SystemExit(3))"),
        ("misses.py:VGG", [], "No module named 'nosuchpackage' (misses.py:1: import nosuchpackage)"),
        ("nosuchmodule:VGG", [], "there is no module 'nosuchmodule' here"),
        ("torch.nn:Linaer", [], "torch.nn has no 'Linaer'; the nearest are Linear"),
        ("bad.py:model", ["--like", "Q"], "unknown configuration 'Q'"),
        ("bad.py:model", ["--like", "nosuch.toml"], "nosuch.toml"),
        ("bad.py:model", ["--input", "3x0x4"], "--input is '3x0x4'; give a shape of whole numbers"),
        ("bad.py:model", ["--input", "3x4", "--size", "3"], "--input and --size are both given"),
        ("bad.py:model", ["--batch", "0"], "--batch is 0"),
        ("bad.py:model", ["--lke", "D"], "unknown option '--lke'; the nearest are --like"),
        ("bad.py:model", ["--format", "jsn"], "unknown format 'jsn'"),
    ],
)
def test_bad_input_is_one_line(capsys, tmp_path, monkeypatch, target, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "raises.py").write_text("import math\n\ndef helper(x):\n    return math.sqrt(x)\n\nhelper(-1)\n")
    (tmp_path / "syntax.py").write_text("def f(:\n")
    (tmp_path / "quits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "misses.py").write_text("import nosuchpackage\n")
    for name in ("bad", "raises", "syntax", "quits", "misses"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    before = list(sys.path)
    assert main(["audit", target, *options]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("vggcost: error: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err
    assert sys.path == before


def test_no_target_is_refused(capsys):
    assert main(["audit"]) == 2
    assert "no TARGET is given" in capsys.readouterr().err


def test_help_says_that_auditing_runs_the_file(capsys):
    with pytest.raises(SystemExit) as raised:
        main(["audit", "--help"])
    assert raised.value.code == 0
    assert "Auditing a file runs it" in capsys.readouterr().out
    assert "audit" in vggcost.__all__


def test_help_and_refusals_load_no_framework():
    script = (
        "import sys\nfrom vggcost.cli import main\n"
        "try:\n    main(['audit', '--help'])\nexcept SystemExit:\n    pass\n"
        "main(['audit', 'nosuch.py:VGG'])\n"
        "sys.stderr.write(str([name for name in ('torch', 'keras', 'sympy', 'numpy') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_two_inputs(capsys, tmp_path):
    path = tmp_path / "pair.py"
    path.write_text(
        "from torch import nn\nclass Pair(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.f = nn.Linear(10, 3)\n"
        "    def forward(self, image, meta):\n        return image.mean((2, 3)) + self.f(meta)\n"
    )
    assert main(["audit", f"{path}:Pair", "--input", "3x8x8", "--input", "10", "--batch", "2", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["inputs"] == [[2, 3, 8, 8], [2, 10]]
    assert sums(document) == (33, 60)


def test_strict_refuses_what_is_not_counted(capsys, tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(
        "import torch\nclass Odd(torch.nn.Module):\n    def forward(self, x):\n        return torch.fft.rfft(x)\n"
    )
    assert main(["audit", f"{path}:Odd", "--size", "8"]) == 0
    assert "Not counted, for there is no formula: 1 x fft_rfft on 1x3x8x8" in capsys.readouterr().out
    assert main(["audit", f"{path}:Odd", "--size", "8", "--strict"]) == 1
    assert "--strict: 1 operation has no formula" in capsys.readouterr().err


def test_known_operations_do_not_load_torchs_meta_kernels():
    script = (
        "import sys, json\nfrom vggcost.cli import main\n"
        f"main(['audit', {str(MODELS / 'four_letters.py:vgg16_bn')!r}, '-o', '/dev/null'])\n"
        "print(json.dumps([name for name in ('torch._inductor', 'sympy') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_guard_of_the_meta_kernels_can_fail():
    script = "import sys, torch\ntorch.empty(2, device='meta') + 1\nprint('torch._inductor' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def paper_model(letter="D", **options):
    """The module of one of the paper's configurations."""
    from vggcost.frameworks.pytorch.build import build_module

    return build_module(vggcost.cost(letter, **options).network)


def test_shared_weights_are_a_difference():
    model = paper_model()
    model.features[14] = model.features[12]
    for audit in (vggcost.audit(model, (1, 3, 224, 224)), vggcost.audit(model, (1, 3, 224, 224), like="D")):
        assert audit.params == 138_357_544 - 590_080
        assert audit.to_dict()["is"] is None
        (difference,) = audit.compared.differences
        assert difference.change == "shared"
        assert difference.replace(source=None).text == (
            "~ conv3_3 shares the parameters of conv3_2: 590,080 parameters fewer"
        )


def test_tied_parameters_of_two_modules_are_a_difference():
    model = paper_model()
    model.features[28].weight = model.features[26].weight
    (difference,) = vggcost.audit(model, (1, 3, 224, 224), like="D").compared.differences
    assert difference.replace(source=None).text == (
        "~ conv5_3 shares the parameters of conv5_2: 2,359,296 parameters fewer"
    )


def test_a_layer_called_twice_is_no_vgg_with_a_longer_head():
    from torch import nn

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = paper_model()

        def forward(self, x):
            head = self.model.classifier
            x = torch.flatten(self.model.avgpool(self.model.features(x)), 1)
            return head[6](head[4](head[3](head[4](head[3](head[1](head[0](x)))))))

    assert vggcost.audit(Twice(), (1, 3, 224, 224)).to_dict()["is"] is None


def test_no_total_of_parameters_but_its_own_is_the_same():
    from torch import nn

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = paper_model()
            self.scale = nn.Parameter(torch.ones(1000))

        def forward(self, x):
            return self.model(x) * self.scale

    audit = vggcost.audit(Scaled(), (1, 3, 224, 224), like="D")
    assert not audit.paper.same
    (difference,) = audit.compared.differences
    assert difference.replace(source=None).text == "+ mul: 1,000 parameters more"


@pytest.mark.parametrize(
    ("options", "change", "layers"),
    [
        ({"head": (4096, 1024)}, "width", ["fc7"]),
        ({"head": (4096,)}, "missing", ["fc7"]),
        ({"width": 0.5}, "width", [f"conv{b}_{i}" for b in range(1, 6) for i in range(1, 3 if b < 3 else 4)]),
    ],
)
def test_like_keeps_the_configurations_own_widths(options, change, layers):
    cost = vggcost.cost("D", **options)
    model = paper_model(**options)
    assert vggcost.audit(model, cost.input).paper.same
    audit = vggcost.audit(model, cost.input, like="D")
    assert audit.paper.same
    # What takes the output of a thinner layer differs because of that, and is no difference of its own.
    (difference,) = audit.compared.differences
    assert (difference.change, list(difference.layers)) == (change, layers)
    assert difference.params == audit.params - vggcost.cost("D").totals.params


@pytest.mark.parametrize(
    "options",
    [
        {"batch_norm": True, "bias": False},
        {"classes": 7, "in_channels": 1},
        {"adaptive_pool": False},
        {"softmax": True, "adaptive_pool": False},
    ],
)
def test_like_takes_the_programs_own_variant(options):
    cost = vggcost.cost("D", **options)
    assert vggcost.audit(paper_model(**options), cost.input, like="D").compared.same


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (lambda features, nn: features.__setitem__(1, nn.Identity()), ["- relu1_1 missing behind conv1_1"]),
        (lambda features, nn: features.__setitem__(3, nn.Sigmoid()), ["~ relu1_2 behind conv1_2: is sigmoid"]),
        (
            lambda features, nn: [features.__setitem__(i, nn.Identity()) for i in (1, 3)],
            ["- ReLU missing behind conv1_1 and conv1_2"],
        ),
    ],
)
def test_like_looks_at_activations(change, texts):
    from torch import nn

    model = paper_model()
    change(model.features, nn)
    audit = vggcost.audit(model, (1, 3, 224, 224), like="D")
    assert audit.paper.same
    assert [difference.text for difference in audit.compared.differences] == texts
    assert not audit.compared.same
    assert texts[0][2:] in "".join(audit.paper.departures)


def test_an_activation_behind_the_last_layer_is_more_than_the_configuration_has():
    from torch import nn

    model = nn.Sequential(paper_model(), nn.Tanh())
    (difference,) = vggcost.audit(model, (1, 3, 224, 224), like="D").compared.differences
    assert difference.text == "+ tanh behind fc8: not in it"


def test_sentences_keep_to_the_screens_width():
    model = paper_model(head=(4096, 1024), width=0.5, classes=10)
    shown = vggcost.audit(model, (1, 3, 224, 224), like="D").to_text()
    assert "Folded: " in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_what_is_unlike_every_vgg_has_no_nearest_in_words():
    lines = vggcost.audit(torch.nn.ReLU(), (1, 3, 8, 8)).lines()
    assert "It is not like any VGG of the paper" in lines
    assert not any("nearest" in line for line in lines)


def test_a_sum_that_lacks_an_operation_says_so():
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return torch.fft.rfft(self.conv(x))

    assert "MACs without 1 operation>" in repr(vggcost.audit(Odd(), (1, 3, 8, 8)))


def test_an_input_of_one_number_is_read():
    assert vggcost.audit(torch.nn.ReLU(), torch.tensor(3.0)).macs == 0


def test_an_audit_under_another_convention_takes_its_name():
    audit = vggcost.audit(torch.nn.Conv2d(3, 8, 3), (1, 3, 8, 8))
    assert audit.under("torch").to_dict()["totals"]["count"] == 2 * audit.macs
    for wrong in ("troch", 7):
        with pytest.raises(vggcost.VggcostError):
            audit.under(wrong)
