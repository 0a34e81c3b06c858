"""The rows of devices: what must be true of a datasheet, and which device a name means."""

from __future__ import annotations

import pytest

from vggcost.errors import VggcostError
from vggcost.predict import devices

TABLE = devices.shipped()


def test_names_and_families_mean_one_board():
    names = [row.name for row in TABLE.rows]
    assert len(set(names)) == len(names)
    for name in names:
        assert TABLE.find(name).device.name == name
        assert TABLE.find(f"  NVIDIA {name.upper().replace('-', ' ')}").device.name == name
    assert set(TABLE.families.values()) <= set(names)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("4090", "RTX 4090"),
        ("GeForce RTX 4090", "RTX 4090"),
        ("rtx3090", "RTX 3090"),
        ("1080ti", "GTX 1080 Ti"),
        ("Tesla T4", "T4"),
        ("nvidia-a100-sxm4-80gb", "A100-SXM4-80GB"),
        ("TITAN Xp", "Titan Xp"),
        ("a6000", "RTX A6000"),
        ("L40s", "L40S"),
    ],
)
def test_a_name_needs_no_case_spaces_hyphens_or_maker(text, name):
    assert TABLE.find(text) == devices.Found(TABLE.find(name).device, None)


@pytest.mark.parametrize(
    ("text", "board"), [("a100", "A100-SXM4-40GB"), ("H100", "H100-SXM5-80GB"), ("Tesla V100", "V100-SXM2")]
)
def test_a_family_takes_its_usual_board_and_says_which(text, board):
    found = TABLE.find(text)
    assert found.device.name == board
    assert board in found.note


def test_an_unknown_device_names_the_nearest():
    with pytest.raises(
        VggcostError, match=r"unknown device '4091'; the nearest are .*RTX 4090.*--devices lists all"
    ) as no:
        TABLE.find("4091")
    assert "RTX 4090" in no.value.nearest
