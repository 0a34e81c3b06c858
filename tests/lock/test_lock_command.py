"""``vggcost lock`` and ``vggcost check``: what is written down, what is held to it, and how that is said."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

LOCK = Path("vggcost.lock.json")


def entries(path=LOCK):
    return {entry["name"]: entry for entry in json.loads(path.read_text())["entries"]}


def test_a_lock_has_every_fact_of_every_layer(locked):
    assert locked["schema"] == "vggcost.lock/1"
    assert [entry["name"] for entry in locked["entries"]] == ["D", "net"]
    entry = locked["entries"][0]
    assert (entry["params"], entry["macs"], entry["output_bytes"]) == (138_357_544, 15_470_264_320, 114_804_640)
    assert entry["inputs"] == [[1, 3, 224, 224]]
    assert len(entry["layers"]) == 40  # those that cost nothing, too
    assert json.dumps(entry["layers"][0]) == (
        '{"name": "conv1_1", "kind": "Conv2d", "output": [1, 64, 224, 224], "c_in": 3, "c_out": 64, "kernel": [3, 3],'
        ' "stride": [1, 1], "padding": [1, 1], "bias": true, "groups": 1, "dilation": [1, 1], "params": 1792,'
        ' "params_trainable": 1792, "macs": 86704128}'
    )


def test_the_training_peak_is_that_of_memory(vggcost, locked):
    shown = json.loads(vggcost("memory", "D", "--training", "--format", "json").out)
    assert locked["entries"][0]["training_peak_bytes"] == shown["totals"]["training_peak_bytes"]


def test_buffers_are_those_of_memory(vggcost):
    vggcost("lock", "D-bn")
    shown = json.loads(vggcost("memory", "D-bn", "--format", "json").out)
    assert entries()["D-bn"]["buffer_bytes"] == shown["totals"]["buffer_bytes"] == 33_896
    assert entries()["D-bn"]["buffers"] == 2 * 4_224 + 13


def test_a_lock_is_one_text_whatever_the_order_and_place(vggcost, locked):
    text = LOCK.read_text()
    vggcost("lock", "net.toml", "D")
    assert LOCK.read_text() == text
    assert str(Path.cwd()) not in text
    os.chdir("/")  # the fixture puts it back
    assert text.count("\n") == text.rstrip().count("\n") + 1


def test_a_layer_stands_in_a_line(locked):
    lines = LOCK.read_text().splitlines()
    assert sum('"name": "conv1_1"' in line for line in lines) == 2
    assert all(line.count('"kind"') <= 1 for line in lines)


def test_what_is_as_it_was_is_silent(vggcost, locked):
    assert vggcost("check") == (0, "", "")


IN_ALL = (
    "net: in all 73,998,120 -> 74,588,200 parameters (+ 590,080),"
    " 9,407,397,888 -> 11,257,085,952 MACs (+ 1,849,688,064)"
)


def test_a_changed_network_is_told_layer_by_layer(vggcost, net, locked):
    net("256, 256, 256", "256, 256, 256, 256")
    ran = vggcost("check")
    assert ran.status == 1
    assert ran.out.splitlines() == [
        "net: conv3_4 added: + 590,080 parameters, + 1,849,688,064 MACs (with relu3_4) [net.toml:1]",
        IN_ALL,
    ]
    assert ran.err == "vggcost: 1 of 2 entries not as locked: net; vggcost check --update writes them as they are\n"


def test_an_entry_can_be_checked_alone(vggcost, net, locked):
    net("256, 256, 256", "256, 256")
    assert vggcost("check", "D").status == 0
    assert vggcost("check", "net").status == 1


def test_update_shows_the_difference_and_writes_it(vggcost, net, locked):
    before = entries()
    net("256, 256, 256", "256, 256")
    ran = vggcost("check", "--update")
    assert ran.status == 0
    assert "net: conv3_3 dropped" in ran.out
    assert "vggcost.lock.json written anew: net" in ran.err
    after = entries()
    assert after["D"] == before["D"]
    assert after["net"] != before["net"]
    assert vggcost("check") == (0, "", "")
    text = LOCK.read_bytes()
    assert vggcost("check", "--update") == (0, "", "")
    assert LOCK.read_bytes() == text


def test_options_of_the_command_are_written_down_and_used_again(vggcost):
    vggcost("lock", "small=D", "--size", "64x32", "--batch", "2", "--classes", "10", "--convention", "fvcore,THOP")
    entry = entries()["small"]
    assert entry["given"] == {"size": [64, 32], "batch": 2, "classes": 10}
    assert entry["inputs"] == [[2, 3, 64, 32]]
    assert list(entry["counts"]) == ["fvcore", "thop"]
    assert vggcost("check") == (0, "", "")


def test_a_lock_in_another_folder_finds_its_targets_from_there(vggcost, net):
    Path("locks").mkdir()
    vggcost("lock", "net.toml", "-o", "locks/a.json")
    assert entries(Path("locks/a.json"))["net"]["target"] == "../net.toml"
    assert vggcost("check", "--lock", "locks/a.json") == (0, "", "")
    os.chdir("locks")
    assert vggcost("check", "--lock", "a.json") == (0, "", "")


def test_a_lock_says_what_is_no_longer_in_it(vggcost, locked):
    ran = vggcost("lock", "D")
    assert ran.err.startswith("vggcost: no longer in vggcost.lock.json: net;")
    assert list(entries()) == ["D"]


def test_an_entry_that_a_test_wrote_down_stays(vggcost, locked):
    document = json.loads(LOCK.read_text())
    document["entries"].append({**document["entries"][0], "name": "live", "target": None})
    LOCK.write_text(json.dumps(document))
    assert vggcost("check") == (0, "", "")
    vggcost("lock", "D")
    assert list(entries()) == ["D", "live"]


def test_a_lock_on_standard_output(vggcost, locked):
    text = LOCK.read_text()
    assert vggcost("lock", "D", "net.toml", "-o", "-").out == text


# Formats.


def checked(vggcost, net, fmt):
    net("[64, 64", "[64, 65")
    ran = vggcost("check", "--format", fmt)
    assert ran.status == 1
    return ran.out


def test_json_has_every_number(vggcost, net, locked):
    document = json.loads(checked(vggcost, net, "json"))
    assert (document["schema"], document["same"]) == ("vggcost.check/1", False)
    same, other = document["entries"]
    assert (same["status"], same["findings"], same["held"]) == ("same", [], True)
    (finding,) = other["findings"]
    assert finding["layers"] == ["conv1_2"]
    assert finding["changes"] == {"c_out": {"before": 64, "after": 65}}
    assert (finding["params"], finding["macs"]) == (577, 28_901_376)
    assert (finding["behind"], finding["params_behind"]) == (["conv2_1"], 1152)
    assert finding["place"] == {"file": "net.toml", "line": 1}
    assert other["totals"]["params"]["after"] - other["totals"]["params"]["before"] == 577 + 1152


def test_markdown_is_a_table(vggcost, net, locked):
    text = checked(vggcost, net, "markdown")
    assert "| net     | conv1_2 width 64 -> 65: + 577 parameters" in text
    assert "| D       | D        | as locked     |" in text


def test_github_annotates_a_line_and_adds_a_summary(vggcost, net, locked, monkeypatch, folder):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    (folder / "summary.md").write_text("before\n")
    (line,) = checked(vggcost, net, "github").splitlines()
    head, _, message = line.partition("::error ")[2].partition("::")
    assert head == "file=net.toml,line=1,title=vggcost%3A net"
    assert message.startswith("conv1_2 width 64 -> 65: + 577 parameters, + 28,901,376 MACs%0Abehind it: conv2_1 ")
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("before\n### vggcost check\n")
    assert "conv1_2 width 64" in summary


def test_junit_has_a_case_an_entry(vggcost, net, locked):
    root = ET.fromstring(checked(vggcost, net, "junit"))  # noqa: S314  # our own
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.tag == "testsuite"
    assert {"name", "tests", "failures", "errors", "skipped"} == set(suite.attrib)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [(case.tag, case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("testcase", "D", []),
        ("testcase", "net", ["failure"]),
    ]
    assert suite[1][0].get("message").startswith("conv1_2 width 64 -> 65")


SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "shortDescription": {"type": "object", "required": ["text"]}
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "message": {"type": "object", "required": ["text"]},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {
                                                            "uri": {"type": "string", "format": "uri-reference"}
                                                        }
                                                    },
                                                    "region": {
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}}
                                                    },
                                                }
                                            },
                                            "logicalLocations": {"type": "array", "uniqueItems": True},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""Those parts of the standard's schema (sarif-schema-2.1.0.json) that a log of ours has."""


def test_sarif_is_as_the_standard_says(vggcost, net, locked):
    from jsonschema import Draft7Validator

    log = json.loads(checked(vggcost, net, "sarif"))
    Draft7Validator(SARIF).validate(log)
    with pytest.raises(Exception, match="is a required property"):
        Draft7Validator(SARIF).validate({"version": "2.1.0"})
    (run,) = log["runs"]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "layer-changed"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "net.toml"},
        "region": {"startLine": 1},
    }
    assert result["locations"][0]["logicalLocations"][0]["name"] == "conv1_2"


@pytest.mark.parametrize("fmt", ["json", "markdown", "github", "junit", "sarif", "table"])
def test_every_format_is_a_whole_document_without_findings(vggcost, locked, fmt):
    ran = vggcost("check", "--format", fmt)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out
    if fmt in ("json", "sarif"):
        json.loads(ran.out)
    if fmt == "junit":
        ET.fromstring(ran.out)  # noqa: S314  # our own


def test_the_format_by_the_ending_of_the_output(vggcost, locked):
    vggcost("check", "-o", "a.sarif")
    assert json.loads(Path("a.sarif").read_text())["version"] == "2.1.0"
    vggcost("check", "-o", "a.xml")
    assert Path("a.xml").read_text().startswith("<?xml")


def test_a_name_of_signs_is_safe_in_every_format(vggcost):
    vggcost("lock", "a%b<c>&|;d=D")
    document = json.loads(LOCK.read_text())
    document["entries"][0]["layers"][0]["params"] += 0
    document["entries"][0]["layers"][0]["stride"] = [2, 2]
    LOCK.write_text(json.dumps(document))
    line = vggcost("check", "--format", "github").out
    assert "title=vggcost%3A a%25b<c>&|;d::" in line
    ET.fromstring(vggcost("check", "--format", "junit").out)  # noqa: S314  # our own


# The table in pyproject.toml.

TABLE = """
[tool.vggcost]
conventions = ["fvcore"]

[tool.vggcost.entries.vgg]
target = "D"
size = 64
max_params = "140M"
max_macs = "2G"
max_memory = "2GiB"

[tool.vggcost.entries.mine]
target = "net.toml"
batch = 2
"""


@pytest.fixture
def table(net):
    Path("pyproject.toml").write_text(TABLE)

    def change(old, new):
        assert old in TABLE
        Path("pyproject.toml").write_text(TABLE.replace(old, new))

    return change


def test_the_entries_of_the_table_are_locked_with_their_headroom(vggcost, table):
    ran = vggcost("lock")
    assert list(entries()) == ["mine", "vgg"]
    assert entries()["mine"]["inputs"] == [[2, 3, 224, 224]]
    assert list(entries()["vgg"]["counts"]) == ["fvcore"]
    assert "max_params 140,000,000: 138,357,544 parameters, 1,642,456 left (1.2 %)" in ran.out
    assert "max_memory 2.000 GiB: 1.035 GiB in a training step" in ran.out
    assert vggcost("check") == (0, "", "")
    assert "vgg: max_macs 2,000,000,000: 1,376,419,840 MACs, 623,580,160 left (31.2 %)" in (
        vggcost("check", "--format", "table").out
    )


def test_a_budget_that_does_not_hold(vggcost, table):
    vggcost("lock")
    table('max_params = "140M"', 'max_params = "138M"')
    ran = vggcost("check")
    assert ran.status == 1
    assert ran.out.splitlines()[0] == ("vgg: max_params 138,000,000: 138,357,544 parameters, 357,544 too many (0.3 %)")
    assert vggcost("check", "--update").status == 1  # a lock does not change a budget
    document = json.loads(vggcost("check", "--format", "json").out)
    budget = document["entries"][1]["budgets"][0]
    assert list(budget.values()) == ["max_params", 138_000_000, 138_357_544, -357_544, False]


def test_an_entry_of_the_table_that_is_not_locked(vggcost, table):
    vggcost("lock")
    table("[tool.vggcost.entries.mine]", "[tool.vggcost.entries.other]")
    ran = vggcost("check")
    assert ran.status == 1
    assert ran.out.splitlines() == ["other: not in the lock; vggcost lock writes it"]
    assert vggcost("check", "--update").status == 0
    assert set(entries()) == {"mine", "other", "vgg"}


def test_the_table_says_what_is_checked(vggcost, table):
    vggcost("lock")
    table("size = 64", "size = 96")
    assert vggcost("check").out.startswith("vgg: input 1x3x64x64 -> 1x3x96x96\n")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"140M"', "140000000", "max_params is 140000000, without a unit"),
        ('"140M"', '"140"', "max_params is '140', without a unit"),
        ('"140M"', '"8GiB"', "max_params is '8GiB', which is no number of parameters"),
        ('"2GiB"', '"2"', "max_memory is '2', without a unit"),
        ('"2GiB"', "2", "max_memory is 2, without a unit"),
        ('"2G"', '"2 GFLOPs"', "a MAC is 2 FLOP"),
        ('max_macs = "2G"', 'max_time = "5ms"', "has max_time, which a lock cannot hold"),
        ("size = 64", 'size = "64"', "size is '64'; give a size in pixels"),
        ("size = 64", "sise = 64", "unknown key 'sise'; the nearest are size"),
        ('target = "D"', "", "there is no 'target'"),
        ('target = "D"', 'target = "DD"', "unknown configuration 'DD'"),
        ('["fvcore"]', '["fvcoer"]', "unknown convention 'fvcoer'; the nearest are fvcore"),
        ('["fvcore"]', '"fvcore"', "conventions is 'fvcore'; give a list of conventions"),
        ("[tool.vggcost.entries.mine]", "[tool.vggcost.entries.vgg]", "Cannot declare"),
        ("[tool.vggcost.entries.mine]", "[tool.vggcost.entires.mine]", "unknown key 'entires'"),
        ("batch = 2", "batch = 2\nmax_params = ", "pyproject.toml"),
        ("batch = 2", 'batch = 2\ncall = "x=1"', "call is for a program"),
    ],
)
def test_a_table_that_is_wrong_is_one_line_and_the_lock_stays(vggcost, refused, table, old, new, complaint):
    vggcost("lock")
    text = LOCK.read_bytes()
    table(old, new)
    for words in (("lock",), ("check",), ("check", "--update")):
        error = refused(*words)
        assert complaint in error
        assert error.count("\n") == 1
    assert LOCK.read_bytes() == text


# A lock that is wrong.


def edited(old, new, *, count=1):
    text = LOCK.read_text()
    assert old in text
    LOCK.write_text(text.replace(old, new, count))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("vggcost.lock/1", "vggcost.lock/2", "which a later vggcost wrote"),
        ("vggcost.lock/1", "vggcost.table/1", "this is no lock"),
        ('"schema": "vggcost.lock/1",', "", "this is no lock: it has no schema"),
        ('"name": "net"', '"name": "D"', "two entries are called 'D'"),
        ('"buffers": 0,', '"buffers": 0, "buffers": 0,', "the key 'buffers' stands twice"),
        ('"params": 138357544', '"params": 138357545', "says params 138,357,545, and its layers sum to 138,357,544"),
        ('"macs": 15470264320', '"macs": 15470264321', "says macs 15,470,264,321"),
        ('"params_frozen": 0', '"params_frozen": 1', "says params_frozen 1"),
        ('"params": 1792', '"params": 1793', "its layers sum to 138,357,545"),
        ('"params": 1792', '"params": -1', "entries[0].layers[0].params is -1; give a whole number of at least 0"),
        ('"params": 1792', '"params": "1792"', "entries[0].layers[0].params is '1792'"),
        ('"params": 1792, ', "", "entries[0].layers[0] has no 'params'"),
        ('"framework": "configuration",', '"framework": "configuration", "colour": 1,', "unknown key 'colour'"),
        ('"kernel": [3, 3]', '"kernel": {"a": 3}', "kernel of layer 'conv1_1' is a table"),
        ('"entries": [', '"entries": [1, ', "entries[0] is 1"),
        ('"target": "D"', '"target": "DX"', "entry 'D': unknown configuration 'DX'"),
        ('"given": {}', '"given": {"size": "x"}', "size"),
        ("}\n", "", "the lock is truncated"),
        ("{\n", "<<<<<<< ours\n{\n", "the lock is no JSON"),
    ],
)
def test_a_lock_that_was_edited_is_one_line_and_stays(vggcost, refused, locked, old, new, complaint):
    if new == "":
        text = LOCK.read_text()
        LOCK.write_text(text[: text.rindex(old)] if old == "}\n" else text.replace(old, "", 1))
    else:
        edited(old, new)
    text = LOCK.read_bytes()
    for words in (("check",), ("check", "--update")):
        error = refused(*words)
        assert complaint in error
        assert error.count("\n") == 1
    assert LOCK.read_bytes() == text


@pytest.mark.parametrize("size", [0, 1, 20, 500, -3])
def test_a_truncated_lock_is_refused_by_lock_and_check(refused, locked, size):
    LOCK.write_bytes(LOCK.read_bytes()[:size])
    text = LOCK.read_bytes()
    for words in (("check",), ("lock", "D")):
        assert "vggcost.lock.json" in refused(*words)
    assert LOCK.read_bytes() == text


def test_unknown_entries_and_a_missing_lock(refused, locked):
    assert "unknown entry 'nett'; the nearest are net" in refused("check", "nett")
    LOCK.unlink()
    assert "there is no lock 'vggcost.lock.json'; vggcost lock TARGET ... writes one" in refused("check")


def test_bad_words_of_lock(refused, net):
    assert "two entries would be called 'D': 'D' and 'vgg16'" in refused("lock", "D", "vgg16")
    assert "lacks its target" in refused("lock", "a=")
    assert "no TARGET is given" in refused("lock")
    assert "--classes is given without a TARGET" in refused("lock", "--classes", "5")
    assert "entry 'D': an image of 1x1 is too small" in refused("lock", "D", "--size", "1")
    assert not LOCK.exists()


def test_what_is_no_lock_is_not_overwritten(refused):
    Path("mine.json").write_text('{"a": 1}\n')
    assert "this is no lock" in refused("lock", "D", "-o", "mine.json")
    assert Path("mine.json").read_text() == '{"a": 1}\n'
