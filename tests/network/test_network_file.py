"""Network files: what they say is what is counted, and what they cannot say is refused in one line."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

import vggcost
from vggcost import api
from vggcost.cli import main
from vggcost.errors import VggcostError
from vggcost.network import catalogue, network_file
from vggcost.network.plan import Configuration, ResidualToken, Variant

PAPER_FILES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "networks")


def write(folder, text, name="net.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def refusal(folder, text):
    with pytest.raises(VggcostError) as caught:
        network_file.read(write(folder, text))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


@pytest.mark.parametrize("letter", ["A", "A-LRN", "B", "C", "D", "E"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_papers_six_as_files_give_the_same_tables(letter, batch_norm):
    path = os.path.join(PAPER_FILES, f"{letter}.toml")
    from_file = vggcost.cost(file=path, batch_norm=batch_norm, batch=2)
    built_in = vggcost.cost(letter, batch_norm=batch_norm, batch=2)
    assert from_file.to_json() == built_in.to_json()
    assert from_file.table.ledger == built_in.table.ledger


@pytest.mark.parametrize("fmt", ["table", "markdown", "csv", "json", "latex"])
def test_file_and_name_print_the_same(capsys, fmt):
    assert main(["table", "--file", os.path.join(PAPER_FILES, "D.toml"), "--format", fmt, "--formulas"]) == 0
    from_file = capsys.readouterr().out
    assert main(["table", "D", "--format", fmt, "--formulas"]) == 0
    assert from_file == capsys.readouterr().out


@pytest.mark.parametrize("name", catalogue.names())
def test_a_configuration_written_as_a_file_reads_back_as_itself(tmp_path, name):
    plan = catalogue.find(name)
    again = network_file.read(write(tmp_path, network_file.toml_text(plan)))
    assert again == plan


def test_every_key_of_a_file_reads_back(tmp_path):
    plan = Configuration(
        "own net",
        (64, "LRN", ResidualToken((32, "conv1-64/2"), "conv5-64/2"), "M", 7),
        "what it is",
        'where "it" is from, \\ and \U0001f600',
        Variant(
            batch_norm=True,
            classes=7,
            in_channels=1,
            bias=False,
            adaptive_pool=False,
            head=(30, 20),
            width=0.5,
            softmax=True,
        ),
        (48, 64),
    )
    assert network_file.read(write(tmp_path, network_file.toml_text(plan))) == plan
    headless = plan.replace(variant=Variant(classifier=False, head=()))
    assert network_file.read(write(tmp_path, network_file.toml_text(headless))) == headless


def test_a_token_has_one_meaning_however_it_is_written(tmp_path):
    text = 'features = ["conv3-64", "conv3-64/1", "conv03-64", "conv1-8/1", { residual = ["conv3-8"] }]'
    features = network_file.read(write(tmp_path, text)).features
    assert features == (64, 64, 64, "conv1-8", ResidualToken((8,)))


def test_every_field_of_a_variant_is_a_key_of_the_schema():
    schema = json.loads(network_file.schema_text())
    assert set(Variant._fields) == set(schema["properties"]) - {"name", "about", "source", "features", "size"}
    for name in Variant._fields:
        default = getattr(Variant(), name)
        if name == "head":
            default = list(catalogue.HEAD)
        assert schema["properties"][name]["default"] == default


def test_schema_is_valid_and_takes_what_comes_with_the_package():
    from jsonschema import Draft202012Validator

    schema = json.loads(network_file.schema_text())
    Draft202012Validator.check_schema(schema)
    for name in network_file.packaged_names():
        with open(os.path.join(os.path.dirname(network_file.__file__), "networks", f"{name}.toml"), "rb") as file:
            document = tomllib.load(file)
        Draft202012Validator(schema).validate(document)
        assert document["name"] == name
        assert network_file.packaged(name).about
        assert network_file.packaged(name).source


def test_options_given_beat_the_file(tmp_path, capsys):
    path = write(
        tmp_path,
        'features = [8, "M"]\nclasses = 10\nbatch_norm = true\nbias = false\nsize = 32\nhead = [5]\nwidth = 0.5\n'
        "in_channels = 1\nadaptive_pool = false\n",
    )
    assert main(["table", "--file", path, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["network"]["options"] == {
        "batch_norm": True,
        "classes": 10,
        "in_channels": 1,
        "bias": False,
        "adaptive_pool": False,
        "head": [5],
        "width": 0.5,
        "classifier": True,
        "softmax": False,
    }
    assert document["input"] == [1, 1, 32, 32]
    assert document["totals"]["params"] == (3 * 3 * 1 * 4) + 2 * 4 + (4 * 16 * 16 * 5 + 5) + (5 * 10 + 10)
    given = ["--classes", "1000", "--no-batch-norm", "--bias", "--size", "16", "--head", "none", "--width", "1"]
    assert main(["table", "--file", path, "--format", "json", "--in-channels", "3", "--adaptive-pool", *given]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["network"]["options"] == {
        "batch_norm": False,
        "classes": 1000,
        "in_channels": 3,
        "bias": True,
        "adaptive_pool": True,
        "head": [],
        "width": 1,
        "classifier": True,
        "softmax": False,
    }
    assert document["input"] == [1, 3, 16, 16]


def test_file_takes_the_place_of_a_name_in_every_command(tmp_path, capsys):
    path = write(
        tmp_path, 'features = [8, { residual = [8] }, "M"]\nhead = [5]\nclasses = 10\nsize = 32\n', "mine.toml"
    )
    params = (3 * 3 * 3 * 8 + 8) + (3 * 3 * 8 * 8 + 8) + (8 * 7 * 7 * 5 + 5) + (5 * 10 + 10)
    macs = 32 * 32 * (27 * 8 + 72 * 8) + 8 * 49 * 5 + 5 * 10
    assert main(["formula", "--file", path]) == 0
    assert f"At N = 1, K = 10, 32x32 pixels: {params:,} parameters, {macs:,} MACs" in capsys.readouterr().out
    assert main(["compare", "A", "--file", path, "residual-vgg16", "--format", "json"]) == 0
    columns = json.loads(capsys.readouterr().out)["networks"]
    assert [column["name"] for column in columns] == ["A", "residual-vgg16", "mine"]
    assert columns[2]["params"] == params
    assert columns[2]["macs"] == macs
    folder = str(tmp_path / "out")
    assert main(["report", "--no-figures", "--file", path, "-o", folder]) == 0
    assert sorted(os.listdir(folder)) == ["index.html", "mine.csv", "mine.md", "summary.csv", "summary.md"]
    capsys.readouterr()
    assert main(["report", "--no-figures", "--file", path, "-o", folder, "--check"]) == 0


@pytest.mark.torch
def test_file_is_verified_against_the_real_module(tmp_path, capsys):
    path = write(
        tmp_path, 'features = [8, { residual = ["conv3-16/2"], shortcut = "conv1-16/2" }]\nhead = []\nsize = 32\n'
    )
    assert main(["verify", "--file", path, "--batch-norm", "--layers"]) == 0
    out = capsys.readouterr().out
    assert "res1_1_proj" in out
    assert "every residual is 0" in out or " 0 differ" in out


def test_two_networks_of_one_name_are_not_reported_over_each_other(tmp_path, capsys):
    path = write(tmp_path, 'name = "D"\nfeatures = [8]\n')
    assert main(["report", "D", "--file", path, "-o", str(tmp_path / "out")]) == 2
    assert "two networks are called 'D'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_only_the_papers_own_layers_are_called_by_their_alias(tmp_path):
    impostor = vggcost.cost(file=write(tmp_path, 'name = "D"\nfeatures = [8]\n'))
    assert impostor.network.title == "D"
    assert vggcost.cost("D").network.title == "D (VGG-16)"


def test_no_printed_millions_for_a_network_that_only_bears_the_papers_letter(tmp_path):
    impostor = vggcost.cost(file=write(tmp_path, 'name = "D"\nfeatures = [8]\n'))
    assert impostor.summary()["paper_params_millions"] is None
    assert vggcost.cost("D").summary()["paper_params_millions"] == 138


def test_api_takes_a_file_as_a_path(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text("features = [8]\nclassifier = false\nsize = [16, 20]\n")
    cost = vggcost.cost(file=path)
    assert cost.input == (1, 3, 16, 20)
    assert cost.totals.params == 3 * 3 * 3 * 8 + 8
    form = vggcost.closed_form(file=path, batch=1)
    assert form.at(1, 1, 64, 96)["macs"] == vggcost.cost(file=path, size=(64, 96)).totals.macs
    with pytest.raises(VggcostError, match="given twice"):
        vggcost.cost("D", file=path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('features = [64, "M"\nhead = 3', "net.toml:2: Unclosed array (column 1)"),
        ('features = [64, "M"', "net.toml:1: Unclosed array (at end of document)"),
        ("a = 1\na = 2\nfeatures = [64]", "net.toml:2: Cannot overwrite a value"),
        ("import os", "net.toml:1: Expected '=' after a key"),
        ("features = [64]\nclasses = " + "9" * 5000, "too many digits"),
    ],
)
def test_syntax_errors_have_file_and_line(tmp_path, text, said):
    assert said in refusal(tmp_path, text)


WRONG_CONTENT = [
    ("features = [64, 64, 'M', 128, 128, 'M', 256, 0]", "net.toml: features[7] is 0; give a width"),
    ("features = [64, -3]", "features[1] is -3; give a width from 1 to 10^18"),
    ("features = [1000000000000000001]", "features[0] is 1000000000000000001; give a width from 1 to 10^18"),
    ("features = [64, 1.0]", "features[1] is 1.0; give a width"),
    ("features = [64, true]", "features[1] is true; give a width"),
    ("features = [64, [3]]", "features[1] is a list; give a width"),
    ("features = [64, 'm']", "features[1] is 'm'; give a width"),
    ('features = [64, "M\\n"]', "features[1] is 'M\\n'; give a width"),
    ("features = ['conv2-64']", "features[0] is 'conv2-64'; give a width"),
    ("features = ['conv3-0']", "features[0] is 'conv3-0'; give a width"),
    ("features = ['conv3-64/0']", "features[0] is 'conv3-64/0'; give a width"),
    ("features = [64, {residul = [3]}]", "unknown key 'residul' in features[1]; the nearest are residual"),
    ("features = [64, {}]", "features[1] has no 'residual'; give the list"),
    ("features = [64, {residual = []}]", "features[1].residual has 0 entries; give the list of 1 to 64"),
    ("features = [64, {residual = [3, 'M']}]", "features[1].residual[1] is 'M'; give a width"),
    ("features = [64, {residual = [64], shortcut = 'none'}]", "features[1].shortcut is 'none'; give \"identity\""),
    ("features = [64, {residual = [{residual = [64]}]}]", "features[1].residual[0] is a table; give a width"),
    ("features = 64", "features is 64; give a list of 1 to 4096 tokens"),
    ("features = []", "features has 0 entries; give a list"),
    ("features = [" + "1," * 5000 + "]", "features has 5,000 entries; give a list of 1 to 4096"),
    ("", "the file has no 'features'; give a list"),
    ("features = [64]\nclases = 10", "unknown key 'clases'; the nearest are classes"),
    ("features = [64]\nclasses = 10.0", "classes is 10.0; give a whole number from 1 to 10^18"),
    ("features = [64]\nclasses = 1979-05-27", "classes is 1979-05-27; give a whole number"),
    ("features = [64]\nhead = [512, 0]", "head[1] is 0; give a whole number"),
    ("features = [64]\nhead = 'none'", "head is 'none'; give a list of hidden widths"),
    ("features = [64]\nbias = 1", "bias is 1; give true or false"),
    ("features = [64]\nwidth = 0", "width is 0; give a decimal number above 0"),
    ("features = [64]\nwidth = nan", "width is nan; give a decimal number above 0"),
    ("features = [64]\nwidth = inf", "width is inf; give a decimal number above 0"),
    ("features = [64]\nsize = [3]", "size has 1 entries; give the image in pixels"),
    ("features = [64]\nsize = [3, 0]", "size[1] is 0; give a whole number"),
    ("features = [64]\nname = '../x'", "name is '../x'; give a name"),
    ("features = [64]\nname = 'x/y'", "name is 'x/y'; give a name"),
    ("features = [64]\nname = 'x|y'", "name is 'x|y'; give a name"),
    ("features = [64]\nsize = 0", "size is 0; give the image in pixels"),
    ("features = [64]\nsize = 224.0", "size is 224.0; give the image in pixels"),
    ("features = [64]\nhead = [true]", "head[0] is true; give a whole number"),
    ("features = [64]\nwidth = true", "width is true; give a decimal number above 0"),
    ('features = [64]\nabout = "two\\nlines"', "about is 'two\\nlines'; give one line of text"),
    ('features = [0]\n"a - at `$.classes" = 1', "unknown key 'a - at `$.classes'; the nearest are"),
    ('features = [64]\nname = "D\\n"', "name is 'D\\n'; give a name"),
    ("features = [64]\nname = ''", "name is ''; give a name"),
]


@pytest.mark.parametrize(("text", "said"), WRONG_CONTENT)
def test_content_errors_have_the_keys_path(tmp_path, text, said):
    assert said in refusal(tmp_path, text)


def test_the_published_schema_refuses_what_is_refused_here():
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(network_file.schema_text()))
    taken = {text for text, _ in WRONG_CONTENT if validator.is_valid(tomllib.loads(text))}
    # JSON keeps no integers and floats apart, and has no nan.
    assert all("10.0" in text or "1.0]" in text or "224.0" in text or "nan" in text for text in taken)


def test_every_key_of_the_schema_tells_an_editor_what_to_give():
    schema = json.loads(network_file.schema_text())
    assert schema["description"].startswith("A VGG-like network as TOML")
    for keys in (schema["properties"], schema["$defs"]["ResidualBlock"]["properties"]):
        for name, key in keys.items():
            assert len(key["description"]) > 10, name
    assert schema["properties"]["features"]["items"]["examples"]


@pytest.mark.parametrize(
    "text",
    [
        "features = " + "[" * 50000 + "]" * 50000,
        "features = [" + "{residual = [" * 4000 + "]}" * 4000 + "]",
        "features = [64]\n" + "a." * 50000 + "b = 1",
        "features = [64]\nx = {" + "a." * 50000 + "b = 1}",
        "[" + "a." * 50000 + "b]\nfeatures = [64]",
    ],
)
def test_a_mile_of_nesting_is_one_line(tmp_path, text):
    assert "nested too deeply" in refusal(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path, capsys):
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    (tmp_path / "latin.toml").write_bytes(b"features = [64]\nabout = '\xe9'\n")
    (tmp_path / "big.toml").write_bytes(b"#" * (network_file.LARGEST_FILE_BYTES + 1))
    cases = {
        "nothing.toml": "No such file or directory",
        "": "Is a directory",
        "loop.toml": "symbolic links",
        "latin.toml": "latin.toml:2: not UTF-8 text",
        "big.toml": "has more than 131,072 bytes",
        "nul\0.toml": "that is no file name",
    }
    for name, said in cases.items():
        assert main(["table", "--file", os.path.join(str(tmp_path), name)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("vggcost: error: ")
        assert captured.err.count("\n") == 1
        assert said in captured.err


def test_blocks_that_do_not_add_up_are_refused_with_both_shapes(tmp_path, capsys):
    # The structure of a published residual VGG whose shortcut halves the map before it is added to its own input.
    text = 'features = [64, 64, "M", 128, 128, "M", { residual = ["conv1-128/2"] }]\nhead = []\nclasses = 10\n'
    path = write(tmp_path, text)
    for command in ("table", "formula", "compare"):
        assert main([command, "--file", path]) == 2
        line = capsys.readouterr().err
        assert "res3_1 cannot add" in line
        assert "1x128x28x28" in line
        assert "1x128x56x56" in line


def test_one_network_where_a_command_takes_one(tmp_path, capsys):
    path = write(tmp_path, "features = [8]\n")
    assert main(["table", "D", "--file", path]) == 2
    assert "2 configurations are given" in capsys.readouterr().err
    assert main(["table", "--file", path, "--file", path]) == 2
    assert "2 configurations are given" in capsys.readouterr().err


PROBE = """
import sys
from vggcost.cli import main
assert main(sys.argv[1:]) == 0
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded(*command):
    done = subprocess.run([sys.executable, "-c", PROBE, *command], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_a_name_loads_no_reader_of_files_and_a_file_loads_nothing_heavy(tmp_path):
    readers = {"tomllib", "msgspec", "fractions", "decimal"}
    heavy = {"torch", "numpy", "pandas", "sympy"}
    assert not loaded("table", "--config", "D", "--format", "csv") & (readers | heavy)
    packaged = loaded("table", "residual-vgg16", "--format", "csv")
    assert "tomllib" in packaged
    assert not packaged & ({"msgspec"} | heavy)
    own = loaded("table", "--file", write(tmp_path, "features = [8]\n"), "--format", "csv")
    assert "msgspec" in own
    assert not own & heavy


def test_reading_a_file_touches_neither_the_file_nor_its_folder(tmp_path):
    path = write(tmp_path, "features = [8]\n")
    before = os.stat(path)
    network_file.read(path)
    assert os.listdir(tmp_path) == ["net.toml"]
    assert os.stat(path).st_mtime_ns == before.st_mtime_ns


def test_a_byte_order_mark_is_no_error(tmp_path):
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbffeatures = [8]\n")
    assert network_file.read(tmp_path / "bom.toml").features == (8,)


def test_a_name_from_a_file_cannot_bring_markup_into_a_notebook(tmp_path):
    html = vggcost.cost(file=write(tmp_path, 'name = "<img src=x>"\nfeatures = [8]\n'))._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize(
    ("pools", "said"),
    [(25, "the smallest size that works is 33554432x33554432"), (80, "no size up to 10^18 works")],
)
def test_many_pools_get_true_advice(tmp_path, capsys, pools, said):
    path = write(tmp_path, "features = [8, " + '"M", ' * pools + "]")
    assert main(["table", "--file", path]) == 2
    assert said in capsys.readouterr().err
    works = main(["table", "--file", path, "--size", str(2**25)])
    below = main(["table", "--file", path, "--size", str(2**25 - 1)])
    assert (works, below) == ((0, 2) if pools == 25 else (2, 2))


def test_build_takes_a_packaged_name():
    assert api.build("keras-residual-vgg", Variant()).layers[-1].name == "res6_1"
