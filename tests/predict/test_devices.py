"""The rows of devices: what must be true of a datasheet, and which device a name means."""

from __future__ import annotations

import pytest

from vggcost.errors import VggcostError
from vggcost.predict import device_file, devices
from vggcost.predict.capped import capped
from vggcost.predict.datasheets import TENSOR_FLOPS, faults

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
    assert TABLE.find(text) == devices.FoundDevice(TABLE.find(name).device, None)


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


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.name)
def test_a_row_is_a_dense_datasheet_with_its_source(row):
    assert list(faults(row)) == []
    assert row.source
    assert row.checked
    assert row.segment in devices.SEGMENTS
    assert row.tf32 == (row.tf32_tflops > 0)
    if row.fp16_tensor_tflops:
        assert (row.compute_capability, row.segment) in TENSOR_FLOPS


@pytest.mark.parametrize(
    ("name", "changed", "word"),
    [
        ("H100-SXM5-80GB", {"fp16_tensor_tflops": 1978.9}, "a sparse figure"),
        ("A100-SXM4-40GB", {"fp16_tensor_tflops": 624.0}, "a sparse figure"),
        ("RTX 3090", {"fp16_tensor_tflops": 142.3}, "half rate"),  # with float16 accumulation
        ("RTX 4090", {"fp16_tensor_tflops": 330.3}, "half rate"),
        ("RTX 4090", {"fp16_tensor_tflops": 165.2 * 0.97}, "half rate"),
        ("RTX A6000", {"tf32_tflops": 154.8}, "tf32_tflops"),
        ("GTX 1080 Ti", {"fp32_tflops": 11.34 * 1.03}, "cores x 2 x 1582 MHz"),
        ("GTX 1080 Ti", {"boost_mhz": 1480.0}, "cores x 2 x 1480 MHz"),
        ("V100-SXM2", {"fp16_tensor_tflops": 15.0}, "less than fp16_vector_tflops"),
    ],
)
def test_a_figure_of_another_kind_is_seen(name, changed, word):
    assert word in next(faults(TABLE.find(name).device.replace(**changed)))


def test_boards_that_people_ask_about_have_rows():
    for name in ("L40S", "A40", "B200", "RTX 3060", "4080", "5080", "L4", "A10", "H200", "Titan RTX"):
        assert TABLE.find(name)


OWN = """
[[device]]
name = "My Board"
architecture = "Ada"
compute_capability = "8.9"
segment = "consumer"
fp32_tflops = 20.48
fp16_tensor_tflops = 40.96
tf32_tflops = 20.48
memory_gb_per_s = 300
processors = 40
cores_per_processor = 128
boost_mhz = 2000
source = "its box"
checked = "read off the box"
"""


def test_a_file_of_ones_own_stands_before_the_shipped(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN + OWN.replace("My Board", "RTX 4090"))
    table = device_file.read(str(path), TABLE)
    assert table.find("my-board").device.fp32_tflops == 20.48
    assert table.find("4090").device.source == "its box"
    assert len(table.rows) == len(TABLE.rows) + 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("fp16_tensor_tflops = 40.96", "fp16_tensor_tflops = 400", "a sparse figure"),
        ("fp16_tensor_tflops = 40.96", "fp16_tensor_tflops = 81.92", "half rate"),
        ("fp32_tflops = 20.48\nfp16", "fp32_tflops = 30\nfp16", "MHz are 20.48"),
        ("memory_gb_per_s = 300\n", "", "has no 'memory_gb_per_s'; give a number above 0"),
        ("memory_gb_per_s = 300", "memory_gb_per_s = -1", "memory_gb_per_s is -1; give a number above 0"),
        ('segment = "consumer"', 'segment = "gaming"', "segment is 'gaming'; give one of consumer"),
        ("memory_gb_per_s", "bandwidth", "unknown key"),
        ("[[device]]", "[[device", "no TOML"),
    ],
)
def test_a_file_with_impossible_figures_is_refused(tmp_path, old, new, words):
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new))
    with pytest.raises(VggcostError) as no:
        device_file.read(str(path), TABLE)
    assert str(path) in str(no.value)
    assert words in str(no.value)


def test_two_devices_of_one_name_are_refused(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN + OWN)
    with pytest.raises(VggcostError, match="two devices have one name"):
        device_file.read(str(path), TABLE)
    with pytest.raises(VggcostError, match="cannot read"):
        device_file.read(str(tmp_path / "none.toml"), TABLE)


def test_a_capped_board_computes_slower_and_moves_as_fast():
    found = TABLE.find("3090")
    slow, (reason,) = capped(found, None, 1695 / 2)
    assert slow.device.fp16_tensor_tflops == pytest.approx(71.2 / 2)
    assert slow.device.boost_mhz == pytest.approx(1695 / 2)
    assert slow.device.memory_gb_per_s == 936
    assert "no row has a capped board" in reason
    less, (reason,) = capped(found, 350 / 8, None)
    assert less.device.fp32_tflops == pytest.approx(35.6 / 2)
    assert "cube root" in reason
    both, _ = capped(found, 350 / 8, 1695 / 4)
    assert both.device.fp32_tflops == pytest.approx(35.6 / 4)
    assert capped(found, None, None) == (found, ())


@pytest.mark.parametrize(
    ("power", "clock", "words"),
    [(351, None, "--power is 351 W, and the RTX 3090 has 350"), (None, 2300, "--clock is 2300 MHz")],
)
def test_a_cap_above_the_boards_own_is_refused(power, clock, words):
    with pytest.raises(VggcostError, match=words):
        capped(TABLE.find("3090"), power, clock)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Tesla V100-SXM2-16GB", "V100-SXM2"),
        ("Tesla V100-PCIE-32GB", "V100-PCIE"),
        ("Tesla P100-PCIE-16GB", "P100-PCIE"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM5-80GB"),
        ("NVIDIA H100 NVL", "H100-NVL-94GB"),
        ("NVIDIA A100 80GB PCIe", "A100-PCIE-80GB"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM4-80GB"),
        ("NVIDIA GeForce RTX 3080", "RTX 3080"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX PRO 6000"),
        ("v100s", "V100S-PCIE-32GB"),
    ],
)
def test_a_board_is_found_by_the_name_that_nvidia_smi_gives_it(text, name):
    found = devices.shipped().find(text)
    assert (found.device.name, found.note) == (name, None)


def test_a_titan_x_is_one_of_two_and_it_is_said_which():
    assert devices.shipped().find("Titan X").note == "Titan X is taken for the GTX Titan X (Maxwell)"
