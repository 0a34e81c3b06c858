"""What kind of target a text is, and the one place that reads any; no framework is loaded for what needs none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import vggcost as package
from vggcost.frameworks import door, target
from vggcost.frameworks.target import NAME, NETWORK_FILE, PROGRAM, STORED, STORED_ENDINGS, Given, kind_of
from vggcost.network import catalogue
from vggcost.programs.reading import ProgramReading


@pytest.mark.parametrize("name", [*catalogue.names(), "vgg16", "vgg19_bn", " D ", "a-lrn", "nosuch", ""])
def test_what_has_no_sign_of_a_path_is_a_name(name):
    assert kind_of(name) == NAME


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("net.toml", NETWORK_FILE),
        ("a/b/NET.TOML", NETWORK_FILE),
        ("vgg.py", PROGRAM),
        ("vgg.py:VGG", PROGRAM),
        ("package.module:make", PROGRAM),
        ("package.module", PROGRAM),
        ("folder/", PROGRAM),
        ("vgg.pt:make", PROGRAM),
        *((f"runs/best{ending}", STORED) for ending in STORED_ENDINGS),
        ("runs/best.PTH", STORED),
    ],
)
def test_a_form_is_a_kind(text, kind):
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("name", "options"), [("D", {}), ("vgg11_bn", {"batch": 2}), ("residual-vgg16", {"size": (64, 96)})]
)
def test_a_configuration_is_read_as_a_program_is(name, options):
    audit_given = Given(**options)
    from vggcost.results.audit import audit_target

    audit = audit_target(name, audit_given)
    cost = package.cost(name, **options)
    assert (audit.params, audit.macs) == (cost.totals.params, cost.totals.macs)
    assert audit.reading.inputs == (cost.input,)
    assert [(row.name, row.params, row.macs) for row in audit.layers] == [
        (row.name, row.params, row.macs) for row in cost.layers
    ]
    assert audit.same_as == name if name in catalogue.names() and not audit.paper.same else audit.paper.same


def test_the_command_says_what_a_name_and_a_network_file_are(vggcost, tmp_path):
    assert "It is B (VGG-13) with batch normalization" in vggcost("audit", "vgg13_bn").out
    path = tmp_path / "net.toml"
    path.write_text(
        'features = [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]\nclasses = 9\n'
    )
    ran = vggcost("audit", str(path), "--like", "vgg13", "--size", "64", "--format", "json")
    document = json.loads(ran.out)
    assert ran.status == 0
    assert (document["is"]["letter"], document["is"]["variant"]) == ("B", "9 classes")
    assert (document["network"]["framework"], document["input"]) == ("network file", [1, 3, 64, 64])


def test_a_configuration_takes_nothing_of_a_program(refused):
    assert "--call is for a program, and 'D' is a configuration; leave it away" in refused(
        "audit", "D", "--call", "a=1"
    )
    assert "--input is for a program, and 'D' is a configuration" in refused("audit", "D", "--input", "3x8x8")
    assert "too small" in refused("audit", "D", "--size", "8")
    assert "unknown configuration 'vgg61'" in refused("audit", "vgg61")


class Tensors:
    """A reader of stored models, as a module beside the door is one."""

    ENDINGS = (".safetensors",)

    def read(self, path, given):
        return ProgramReading(path, "tensors", ((given.batch, 3, *given.size),), ())


def test_a_reader_of_stored_models_is_one_entry(monkeypatch, vggcost, refused):
    assert "'a.safetensors' is a stored model, and vggcost cannot read .safetensors files" in refused(
        "audit", "a.safetensors"
    ) or any(".safetensors" in reader.ENDINGS for reader in door.FILE_READERS)
    monkeypatch.setattr(door, "FILE_READERS", (Tensors(),))
    ran = vggcost("audit", "a.SafeTensors", "--size", "8x6", "--batch", "2", "--format", "json")
    document = json.loads(ran.out)
    assert (document["network"]["framework"], document["input"]) == ("tensors", [2, 3, 8, 6])


def test_what_needs_no_framework_loads_none():
    code = (
        "import sys\nfrom vggcost.results.audit import audit_target\nfrom vggcost.frameworks.target import Given\n"
        "audit_target('D', Given())\n"
        "print([name for name in ('torch', 'keras', 'numpy', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert target.__name__ == "vggcost.frameworks.target"
