"""Fifty and more command lines that people plausibly type, each with the line that it is to be told to type."""

from __future__ import annotations

import shlex

import pytest

MISTAKES = {
    # A command by another word, or none.
    "vgg16": "table vgg16",
    "D": "table D",
    "A,D": "compare A,D",
    "table A,D": "compare A,D",
    "vgg16 --size 64": "table vgg16 --size 64",
    "--config D": "table --config D",
    "flops vgg16": "table vgg16",
    "params D": "table D",
    "macs D --batch 2": "table D --batch 2",
    "summary D": "table D",
    "Table D": "table D",
    "TABLE D": "table D",
    "diff A D": "compare A D",
    "equation D": "formula D",
    "vram D": "memory D",
    "list": "configs",
    "models": "configs",
    "tools D": "conventions D",
    "why 15.5G": "explain 15.5G",
    "max-batch D --memory 8GiB": "fit D --memory 8GiB",
    "version": "--version",
    "-v": "--version",
    # A command that takes something else.
    "table D E": "compare D E",
    "table vgg16 vgg19": "compare vgg16 vgg19",
    "table D 64": "table D --size 64",
    "table D 64x96": "table D --size 64x96",
    "table D csv": "table D --format csv",
    "table D float16": "table D --dtype float16",
    "fit D 24GiB": "fit D --memory 24GiB",
    "table --file D": "table --config D",
    "table --file=vgg19": "table --config=vgg19",
    # An option by another word.
    "table D --image-size 64": "table D --size 64",
    "table D --input-size=64": "table D --size 64",
    "table D --batchsize 8": "table D --batch 8",
    "table D --batch-size 8": "table D --batch 8",
    "table D --batch_size 8": "table D --batch 8",
    "table D --bs 8": "table D --batch 8",
    "table D --bn": "table D --batch-norm",
    "table --bn D": "table --batch-norm D",
    "table D --batch_norm": "table D --batch-norm",
    "table --model D": "table --config D",
    "table --arch vgg16": "table --config vgg16",
    "table D --num-classes 10": "table D --classes 10",
    "table D --num_classes=10": "table D --classes 10",
    "table D --channels 1": "table D --in-channels 1",
    "table D --tool fvcore": "table D --convention fvcore",
    "table D --json": "table D --format json",
    "table D --csv": "table D --format csv",
    "table D --fp16": "table D --dtype float16",
    "table D --half --batch 2": "table D --dtype float16 --batch 2",
    "table D --gpu": "table D",
    "table D --gpu 0": "table D",
    "table D --device cuda": "table D",
    "table D --flops": "table D",
    "table D --pretrained": "table D",
    "memory D --train": "memory D --training",
    "memory D --optim adam --training": "memory D --optimizer adam --training",
    "fit D --vram 8GiB": "fit D --memory 8GiB",
    # A value by another word.
    "table D --size 64,64": "table D --size 64x64",
    "table D --size 64*96": "table D --size 64x96",
    "table D --size (64,96)": "table D --size 64x96",
    "table D --size 64px": "table D --size 64",
    "table D --size=3x64x64": "table D --size=64x64",
    "table D --size 1x3x64x96": "table D --size 64x96",
    "table D --dtype half": "table D --dtype float16",
    "table D --dtype fp32": "table D --dtype float32",
    "table D --dtype=torch.float16": "table D --dtype=float16",
    "table D --dtype bf16": "table D --dtype bfloat16",
    "table D --convention flops": "table D --convention mac",
    "table D --convention pytorch": "table D --convention torch",
    "table D --format md": "table D --format markdown",
    "table D --format tex": "table D --format latex",
    "table D --format xlsx": "table D --format csv",
}
"""What was typed, and what is to be typed."""

NOT_RUN = {
    "resnet18": "audit torchvision.models:resnet18",
    "table resnet50": "audit torchvision.models:resnet50",
    "flops.py:Net": "audit flops.py:Net",
    "mynet.toml": "table mynet.toml",
    "bench D --gpu": "bench D --device cuda",
    "benchmark D": "bench D",
    "tabel": None,
    "table D --sise 64": None,
    "table vgg61": None,
    "table D --head big": None,
}
"""The same, where what is to be typed needs what may not be here; None: the line has the nearest words, no command."""


@pytest.mark.parametrize(("line", "meant"), [*MISTAKES.items(), *NOT_RUN.items()])
def test_a_plausible_mistake_is_told_what_to_type(refused, line, meant):
    said = refused(*line.split())
    if meant is None:
        assert "; the nearest are " in said or "; give " in said
    else:
        assert said.endswith(f"type: vggcost {shlex.join(meant.split())}\n")


@pytest.mark.parametrize("meant", sorted(set(MISTAKES.values())))
def test_what_is_to_be_typed_is_an_answer(vggcost, meant):
    ran = vggcost(*meant.split())
    assert (ran.status, ran.err) == (0, "")
    assert ran.out


def test_what_is_to_be_typed_is_quoted_for_a_shell(refused):
    assert refused("table", "D", "--out", "my file.csv").endswith("type: vggcost table D --output 'my file.csv'\n")


def test_help_of_a_command_is_found_by_either_word_order(vggcost, capsys):
    shown = []
    for words in (("help", "fit"), ("fit", "--help")):
        with pytest.raises(SystemExit, match=r"^0$"):
            vggcost(*words)
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != ""
    assert vggcost("help").out == vggcost("--help").out == vggcost("help", "nothing").out


def test_a_name_that_is_audited_is_told_which_command_has_its_layers(vggcost):
    ran = vggcost("audit", "vgg16")
    assert ran.status == 0
    assert ran.err == "vggcost: 'vgg16' names a network and no program; its layers: vggcost table vgg16\n"


def test_a_word_that_nobody_would_type_gets_the_list(refused):
    assert "known are table, compare" in refused("qqqq")
    assert "--help lists all" in refused("table", "--qqqq")
    assert "--help shows what it takes" in refused("table", "D", "qqqq")


def test_a_word_of_the_last_release_is_taken_and_says_how_it_is_called_now(vggcost):
    ran = vggcost("verify", "D", "--all")
    assert ran.status == 2
    assert ran.err.splitlines() == [
        "vggcost: --all is called --every-network now; the old word goes with the next release (vggcost verify --help)",
        "vggcost: error: --every-network takes every configuration, and 'D' is named beside it; give one of the two",
    ]


def test_an_old_word_is_told_once_by_a_command_that_runs_in_a_process_of_its_own(process):
    ran = process("bench", "A", "--plan", "--target", "missing.py:Net", "--isolate")
    assert ran.status == 2
    assert ran.err.count("--target is called TARGET now") == 1
