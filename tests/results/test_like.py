"""What ``audit --like`` holds a model to: a network file in every key that stands there, a name in what it is."""

import pytest
from program_readings import reading_of

from vggcost.network import catalogue, network_file
from vggcost.results.audit import Audit

KEYS = {
    "features": '[8, "M", 16, "M"]',
    "head": "[20]",
    "classifier": "true",
    "softmax": "false",
    "classes": "10",
    "in_channels": "3",
    "batch_norm": "false",
    "bias": "true",
    "adaptive_pool": "true",
    "width": "1",
    "size": "32",
}
"""A network file that writes every key but its name, about and source."""

OTHERS = {
    "features": ('[8, 8, "M", 16, "M"]', "conv1_2"),
    "head": ("[21]", "fc3"),
    "classifier": ("false", "fc3 added"),
    "softmax": ("true", "softmax dropped"),
    "classes": ("7", "fc4"),
    "in_channels": ("1", "conv1_1"),
    "batch_norm": ("true", "bn1_1 and bn2_1 dropped"),
    "bias": ("false", "conv1_1 and conv2_1 bias added"),
    "adaptive_pool": ("false", "pool"),
    "width": ("0.5", "conv1_1"),
    "size": ("33", "input 1x3x33x33 -> 1x3x32x32"),
}
"""Another value of each, and what a difference in it names."""


def written(folder, keys, **head):
    path = folder / "net.toml"
    path.write_text("".join(f"{key} = {value}\n" for key, value in {**head, **keys}.items()))
    return str(path)


def read(path):
    plan = network_file.read(path)
    network = catalogue.unfolded(plan, plan.variant, plan.size)
    return reading_of(network.layers, (1, network.variant.in_channels, *plan.size))


def texts(audit):
    """Each difference, and what follows from it."""
    return [text for each in audit.held.findings for text in (each.text, each.text_behind) if text]


def test_every_key_of_a_network_file_has_another_value_here():
    from vggcost.network.file_schema import NetworkFile

    assert set(NetworkFile.__struct_fields__) == {*KEYS, "name", "about", "source"}
    assert KEYS.keys() == OTHERS.keys()


@pytest.mark.parametrize("key", KEYS)
def test_each_key_that_a_file_writes_binds(tmp_path, key):
    reading = read(written(tmp_path, KEYS))
    assert texts(Audit(reading, written(tmp_path, KEYS))) == []
    value, named = OTHERS[key]
    audit = Audit(reading, written(tmp_path, {**KEYS, key: value}))
    assert not audit.as_like
    assert named in " ".join(texts(audit)), texts(audit)
    # And the other way round: what has the other value is not what the file says.
    audit = Audit(read(written(tmp_path, {**KEYS, key: value})), written(tmp_path, KEYS))
    assert not audit.as_like


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("features", "width")])
def test_a_key_that_a_file_does_not_write_does_not_bind(tmp_path, key):
    other = read(written(tmp_path, {**KEYS, key: OTHERS[key][0]}))
    if key == "classifier":  # classes, head, soft-max and adaptive pool are those of one
        keys = {each: KEYS[each] for each in ("features", "in_channels", "batch_norm", "bias", "size")}
    else:
        keys = {each: value for each, value in KEYS.items() if each != key}
    assert texts(Audit(other, written(tmp_path, keys))) == []


@pytest.mark.parametrize("key", ["classes", "head", "softmax", "adaptive_pool"])
def test_a_key_of_the_classifier_says_that_there_is_one(tmp_path, key):
    headless = read(written(tmp_path, {"features": KEYS["features"], "classifier": "false", "size": "32"}))
    assert texts(Audit(headless, written(tmp_path, {"features": KEYS["features"]}))) == []
    audit = Audit(headless, written(tmp_path, {"features": KEYS["features"], key: KEYS[key]}))
    assert "dropped" in " ".join(texts(audit))


def test_what_a_file_says_about_itself_binds_nobody(tmp_path):
    reading = read(written(tmp_path, KEYS))
    head = {"name": '"other"', "about": '"another network"', "source": '"somewhere"'}
    assert Audit(reading, written(tmp_path, KEYS, **head)).as_like


def test_widths_are_those_that_a_file_writes(tmp_path):
    thin = read(written(tmp_path, {**KEYS, "width": "0.5"}))
    audit = Audit(thin, written(tmp_path, {"features": KEYS["features"]}))
    assert [each.layers for each in audit.held.findings] == [("conv1_1",), ("conv2_1",)]
