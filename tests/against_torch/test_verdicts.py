"""What programs of published structures are, in the first lines that people see; and what becomes of them."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # behind the check for torch

import vggcost  # noqa: E402

MODELS = Path(__file__).parents[1] / "models"
IMAGES = ("--input", "3x224x224", "--input", "3x224x224")


@pytest.mark.parametrize(
    ("target", "options", "lines"),
    [
        ("unet11.py:UNet11", (), ["It is VGG-11's features and a decoder", "The nearest is A (VGG-11)"]),
        (
            "ssd300.py:SSD300",
            ("--size", "300"),
            [
                "It is no VGG of the paper: something larger that has most of one in it",
                "The nearest is D (VGG-16) with no adaptive pool, with 6 differences:",
            ],
        ),
        (
            "on_vgg16.py:ThiNet",
            (),
            [
                "It is no VGG of the paper",
                "The nearest is D (VGG-16) with no adaptive pool, with 1 difference:",
                "  ~ thinner: conv1_1 .. conv4_3 have 32, 32, 64, 64, ...",
            ],
        ),
        (
            "on_vgg16.py:Truncated",
            (),
            [
                "It is D (VGG-16) cut behind relu3_3",
                "The nearest is D (VGG-16) with no classifier, with 1 difference (E",
            ],
        ),
        ("on_vgg16.py:Siamese", IMAGES, ["It is VGG-16's features, run twice, and more layers behind it"]),
        ("on_vgg16.py:PerceptualLoss", IMAGES, ["It is D (VGG-16) cut behind relu4_3, run twice"]),
        ("unet.py:UNet", (), ["It is no VGG of the paper: something larger", "The nearest is B (VGG-13) with batch"]),
        ("fcn32s.py:FCN32s", (), ["It is no VGG of the paper", "The nearest is D (VGG-16) with no adaptive pool, 21"]),
        ("foreign.py:ResNet18", (), ["It is not like any VGG of the paper"]),
        ("foreign.py:MobileNet", (), ["It is not like any VGG of the paper"]),
        ("foreign.py:AlexNet", (), ["It is not like any VGG of the paper"]),
        ("vit.py:ViT", (), ["It is not like any VGG of the paper"]),
    ],
)
def test_the_first_lines_say_what_a_program_is(vggcost, target, options, lines):
    shown = vggcost("audit", str(MODELS / target), *options).out.splitlines()
    for place, line in enumerate(lines):
        assert shown[place].startswith(line)


def test_an_ssd_is_named_difference_by_difference(vggcost):
    ran = vggcost("audit", str(MODELS / "ssd300.py:SSD300"), "--size", "300", "--format", "json")
    document = json.loads(ran.out)
    changes = [difference["change"] for difference in document["differences"]]
    assert changes == ["different", "different", "convolution", "cut", "inside", "behind"]
    assert [difference["layers"] for difference in document["differences"][:4]] == [
        ["pool3"],
        ["pool5"],
        ["fc6", "fc7"],
        ["fc8"],
    ]
    expected = vggcost_params("D")
    assert sum(difference["params"] for difference in document["differences"]) == (
        document["totals"]["params"] - expected
    )


def vggcost_params(name):
    return vggcost.cost(name).totals.params


class LSTMs(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc(self.lstm(x)[0])


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (LSTMs(), (1, 5, 16)),
        (
            nn.Sequential(nn.Linear(784, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10)),
            (1, 784),
        ),
        (nn.TransformerEncoderLayer(32, 4, batch_first=True), (1, 7, 32)),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32)),
    ],
)
def test_what_is_no_image_network_is_like_no_vgg(model, shape):
    audit = vggcost.audit(model, shape)
    assert "not like any VGG of the paper" in repr(audit)
    assert audit.to_dict()["nearest"] is None
    assert audit.to_text().startswith("It is not like any VGG of the paper\n")


def test_a_folded_view_takes_the_batch_in():
    class Folds(nn.Module):
        def __init__(self):
            super().__init__()
            from vggcost.frameworks.pytorch.build import build_module

            self.model = build_module(vggcost.cost("A", adaptive_pool=False).network)

        def forward(self, x):
            return self.model.classifier(self.model.features(x).view(-1, 25088))

    assert vggcost.audit(Folds(), (1, 3, 224, 224)).paper.same
    (difference,) = vggcost.audit(Folds(), (1, 3, 448, 448)).paper.differences
    assert difference.text == "~ flatten folds the batch: fc6 gets 4 rows for 1 image"


def test_a_missing_flatten_is_named_where_the_program_cannot_run():
    from vggcost.frameworks.pytorch.build import build_module

    whole = build_module(vggcost.cost("A").network)
    model = nn.Sequential(whole.features, whole.avgpool, whole.classifier)
    lines = vggcost.audit(model, (1, 3, 224, 224)).to_text().splitlines()
    assert lines[0] == "It is no VGG of the paper"
    assert lines[1].startswith("It cannot run: 2.0 takes 25,088 features and gets 7")
    assert "  ~ flatten missing before fc6, which gets 1x512x7x7" in lines


def test_as_toml_writes_what_a_program_is(vggcost, tmp_path):
    path = tmp_path / "short.toml"
    assert vggcost("audit", str(MODELS / "short_vgg.py:VGG"), "--as-toml", "-o", str(path)).status == 0
    totals = json.loads(vggcost("table", "--file", str(path), "--format", "json").out)["totals"]
    assert (totals["params"], totals["macs"]) == (135_997_736, 13_620_576_256)


def test_as_toml_of_a_program_that_is_none_writes_nothing(vggcost, tmp_path):
    path = tmp_path / "resnet.toml"
    ran = vggcost("audit", str(MODELS / "foreign.py:ResNet18"), "--as-toml", "-o", str(path))
    assert (ran.status, ran.out, path.exists()) == (2, "", False)
    assert ran.err.startswith("vggcost: error: ")
    assert "cannot be written as a network file: " in ran.err
    assert ran.err.count("\n") == 1


def test_depth_folds_a_keras_model_by_nested_model():
    import os
    import warnings

    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns while it is imported, which is its own affair
        keras = pytest.importorskip("keras")
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Conv2D(2, 1)], name="body"
    )
    outer = keras.Input((8, 8, 3))
    model = keras.Model(outer, keras.layers.Dense(5, name="head")(keras.layers.Flatten(name="flat")(inner(outer))))
    from vggcost.report.audit import AuditView

    audit = vggcost.audit(model, (1, 8, 8, 3))
    rows = json.loads(audit.to_json(AuditView(depth=1)))["layers"]
    assert [(row["name"], row["operations"]) for row in rows] == [("body", 2), ("flat", 1), ("head", 1)]
    assert sum(row["macs"] for row in rows) == audit.macs
    assert rows[0]["params"] == 4 * (27 + 1) + 2 * (4 + 1)
