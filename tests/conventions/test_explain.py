"""``vggcost explain``: from a number back to the network, variant and convention."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost.conventions.amounts import BYTES, COUNT, PARAMS, read_amount
from vggcost.conventions.counting import total
from vggcost.conventions.explain import FITS, explain
from vggcost.conventions.rows import CONVENTIONS
from vggcost.conventions.searched import numbers_of, searched
from vggcost.errors import VggcostError

pytestmark = pytest.mark.torch  # for its time: every answer searches thousands of networks


def answers(vggcost, *words):
    return json.loads(vggcost("explain", *words, "--format", "json").out)["answers"]


def test_15_61_is_thops_stale_table(vggcost):
    first = answers(vggcost, "15.61G")[0]
    assert (first["convention"], first["network"]["name"], first["value"]) == ("thop-2019", "D", 15607486488)
    assert first["fit"] == "rounded"
    assert "thop's README" in vggcost("explain", "15.61G").out.splitlines()[0]


def test_14_54_is_the_same_over_1024_cubed(vggcost):
    first = answers(vggcost, "14.54G")[0]
    assert (first["convention"], first["value"], first["fit"]) == ("thop-2019", 15607486488, "1024")
    assert "divided by 1024^3 it is 14.54" in " ".join(vggcost("explain", "14.54G").out.split())


@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        ("30.94G", "torch", 30940528640),
        ("30.94 GFLOPs", "torch", 30940528640),
        ("15.3G", "conv-only", 15346630656),
        ("15.47G", "mac", 15470264320),
        ("30.97G", "calflops", 30973778432),
        ("15470264320", "mac", 15470264320),
        ("313.2M", "mac", 313201664 + 5120),
    ],
)
def test_the_first_answer(vggcost, number, name, value):
    first = answers(vggcost, number)[0]
    assert first["convention"] == name
    if number != "313.2M":
        assert first["value"] == value
        assert first["network"]["name"] == "D"
        assert first["input"] == [1, 3, 224, 224]


@pytest.mark.parametrize("number", ["15.5 GFLOPs", "15.5G"])
def test_the_textbook_comes_before_rarer_counts_that_round_alike(vggcost, number):
    first_two = answers(vggcost, number)[:2]
    assert ("mac", 15470264320) in [(one["convention"], one["value"]) for one in first_two]


def test_31_is_torch_before_any_other(vggcost):
    first = answers(vggcost, "31G")[0]
    assert (first["convention"], first["value"]) == ("torch", 30940528640)


def test_ten_classes_come_first_at_32_and_configurations_take_turns(vggcost):
    found = answers(vggcost, "0.31 GFLOPs")
    assert (found[0]["convention"], found[0]["value"]) == ("mac", 313201664)
    assert {one["network"]["options"]["classes"] for one in found} == {10}
    assert len({one["network"]["name"] for one in found[:3]}) == 3


def test_15_52_names_ptflops_among_the_first(vggcost):
    found = answers(vggcost, "15.52G")
    assert len(found) == 5
    assert "ptflops" in [one["convention"] for one in found]


@pytest.mark.parametrize(
    ("number", "head", "quantity"),
    [
        ("313.2M", [], "count"),
        ("313.46M", [512], "count"),
        ("14,982,474", [512], "params"),
        ("313.73M", [512, 512], "count"),
        ("15,245,130", [512, 512], "params"),
    ],
)
def test_heads_for_small_images(vggcost, number, head, quantity):
    first = answers(vggcost, number)[0]
    assert first["network"]["name"] == "D"
    assert first["network"]["options"]["head"] == head
    assert first["network"]["options"]["classes"] == 10
    assert first["input"] == [1, 3, 32, 32]
    assert first["quantity"] == quantity


def test_parameters_and_bytes(vggcost):
    assert answers(vggcost, "138M")[0]["value"] == 138357544
    assert answers(vggcost, "138M params")[0]["quantity"] == "params"
    first = answers(vggcost, "528MB")[0]
    assert (first["quantity"], first["value"], first["fit"]) == ("bytes", 553430176, "1024")
    assert answers(vggcost, "528MiB")[0]["fit"] == "rounded"
    assert answers(vggcost, "553MB")[0]["fit"] == "rounded"
    assert answers(vggcost, "553,430,176 bytes")[0]["fit"] == "exact"
    assert {one["quantity"] for one in answers(vggcost, "138M params")} == {"params"}


def test_one_layer_less(vggcost):
    first = answers(vggcost, "135,997,736")[0]
    assert first["fit"] == "exact"
    assert first["less_layer"].startswith("conv")
    assert "D (VGG-16), 1000 classes, at 224x224 less one 512 -> 512 convolution" in " ".join(
        vggcost("explain", "135,997,736").out.split()
    )


@pytest.mark.parametrize(
    ("number", "layers", "said"),
    [
        ("123,642,856", ["fc6", "fc7", "fc8"], "the classifier alone, parameters: 123,642,856"),
        ("102,764,544", ["fc6"], "fc6 alone, parameters: 102,764,544"),
        ("1849688064", ["conv1_2"], "conv1_2 alone, mac (the textbook formula): 1,849,688,064 MAC"),
        ("3699376128", ["conv1_2"], "conv1_2 alone, torch (torch FlopCounterMode 2.13): 3,699,376,128 FLOP"),
        ("1.85G", ["conv1_2"], "1,849,688,064 MAC; rounds to 1.85G"),
    ],
)
def test_parts_of_the_papers_networks(vggcost, number, layers, said):
    first = answers(vggcost, number)[0]
    assert first["only_layers"] == layers
    assert first["network"]["name"] == "D"
    assert said in " ".join(vggcost("explain", number).out.split())


NONE, PAPERS = "none", "the paper's"


@pytest.mark.parametrize(
    ("number", "name", "value", "counted", "head", "classes"),
    [
        # The features alone, under a tool's rule: convolutions, their biases, ReLUs and pools.
        ("15.38 GMac", "D", 15_346_630_656 + 2 * 13_547_520 + 6_121_472, "ptflops-modules", NONE, None),
        ("15.36G", "D", 15_346_630_656 + 13_547_520, "ptflops-aten", NONE, None),
        ("15.40G", "D", 15_346_630_656 + 3 * 13_547_520 + 2 * 6_121_472, "ptflops", NONE, None),
        ("30.69G", "D", 2 * 15_346_630_656, "torch", NONE, None),
        # The features of the five configurations.
        ("9.22M", "A", 9_220_480, "params", NONE, None),
        ("9.40M", "B", 9_404_992, "params", NONE, None),
        ("9.4M", "B", 9_404_992, "params", NONE, None),
        ("9,996,096", "C", 9_996_096, "params", NONE, None),
        ("14.71M", "D", 14_714_688, "params", NONE, None),
        ("14,714,688", "D", 14_714_688, "params", NONE, None),
        ("14,723,136", "D", 14_714_688 + 2 * 4224, "params", NONE, None),
        ("20.02M", "E", 20_024_384, "params", NONE, None),
        # A hundred classes on small images.
        ("14.77M", "D", 14_714_688 + 513 * 100, "params", [], 100),
        ("20.07M", "E", 20_024_384 - 5504 + 513 * 100, "params", [], 100),
        ("20.08M", "E", 20_024_384 + 513 * 100, "params", [], 100),
        ("34.0M", "D", 14_714_688 + 513 * 4096 + 4097 * 4096 + 4097 * 100, "params", [4096, 4096], 100),
        ("34.02M", "D", 14_723_136 + 513 * 4096 + 4097 * 4096 + 4097 * 100, "params", [4096, 4096], 100),
        ("28.5M", "A", 9_220_480 + 513 * 4096 + 4097 * 4096 + 4097 * 100, "params", [4096, 4096], 100),
        ("33.6M", "D", 14_714_688 + 513 * 4096 + 4097 * 4096 + 4097 * 10, "params", [4096, 4096], 10),
        ("39.0M", "E", 20_035_392 + 513 * 4096 + 4097 * 4096 + 4097 * 10, "params", [4096, 4096], 10),
        ("134.67M", "D", 138_357_544 - 4097 * 900, "params", PAPERS, 100),
        # In full, ten classes, norms and no biases: what the pruning literature trains.
        ("20,035,018", "E", 20_024_384 + 5504 + 513 * 10, "params", [], 10),
    ],
)
def test_what_people_quote_comes_first(vggcost, number, name, value, counted, head, classes):
    first = answers(vggcost, number)[0]
    assert (first["network"]["name"], first["value"]) == (name, value)
    assert counted in (first["convention"], first["quantity"])
    options = first["network"]["options"]
    if head == NONE:
        assert not options["classifier"]
        assert "no classifier, at 224x224" in first_sentence_of(vggcost, number)
    else:
        assert (options["classifier"], options["classes"]) == (True, classes)
        assert options["head"] == (None if head == PAPERS else head)


def first_sentence_of(vggcost, *words):
    return " ".join(vggcost("explain", *words).out.split()).partition(" 2. ")[0]


@pytest.mark.parametrize("number", ["15.5 GMACs", "30.94 GMACs", "15.38 GMac", "7.6 G mult-adds", "313M MACs"])
def test_a_question_in_macs_is_answered_in_macs(vggcost, number):
    assert "FLOP" not in {one["unit"] for one in answers(vggcost, number)}
    every = answers(vggcost, number, "--all")
    flops = [one["unit"] == "FLOP" for one in every]
    assert flops == sorted(flops)


def test_flops_called_macs_are_told_as_twice_the_macs(vggcost):
    first = answers(vggcost, "30.94 GMACs")[0]
    assert (first["convention"], first["value"], first["fit"]) == ("mac", 15470264320, "doubled or halved")
    assert "30.94 GMACs is twice this" in first_sentence_of(vggcost, "30.94 GMACs")
    # Without that word it is the tool's own count that comes first.
    assert answers(vggcost, "30.94 GFLOPs")[0]["convention"] == "torch"
    near = json.loads(vggcost("explain", "15.43215 GMACs", "--format", "json").out)["nearest"]
    assert "FLOP" not in {one["unit"] for one in near}


@pytest.mark.parametrize(
    ("number", "fit"),
    [("135,997,736", "exact"), ("135.9977M", "rounded"), ("123.6429M", "rounded"), ("15.383560G", "rounded")],
)
def test_parts_to_many_digits_come_before_unit_slips(number, fit):
    found = explain(read_amount(number)).answers
    assert not found[0].candidate.whole
    assert found[0].fit == fit
    slips = [one.fit in ("1024", "doubled or halved") for one in found]
    assert slips == sorted(slips)


def test_parts_to_few_digits_come_behind_unit_slips():
    found = explain(read_amount("14.54G")).answers
    assert found[0].fit == "1024"
    assert not found[-1].candidate.whole


def test_bytes_come_behind_parameters_where_nobody_says_bytes():
    for number in ("39.0M", "39M"):
        found = [one for one in explain(read_amount(number)).answers if one.fit == "rounded" and one.candidate.whole]
        kinds = [one.candidate.quantity == BYTES for one in found]
        assert kinds == sorted(kinds)
        assert set(kinds) == {True, False}


def test_parts_come_behind_whole_networks():
    for number in ("14.7M", "15.3G", "19.5G", "15,346,630,656"):
        whole = [one.candidate.whole for one in explain(read_amount(number)).answers]
        assert whole[0]
        rounded = [one.candidate.whole for one in explain(read_amount(number)).answers if one.fit != "exact"]
        assert rounded == sorted(rounded, reverse=True)


def test_a_number_whose_prefix_was_left_out_is_read_with_it_where_only_that_fits(vggcost):
    ran = vggcost("explain", "15.5")
    assert ran.out.startswith("Nothing that was searched gives 15.5; 15.5G does, and so does 15.5M:\n\n1. ")
    assert ran.out.partition("\n\n")[2] == vggcost("explain", "15.5G").out
    data = json.loads(vggcost("explain", "30.94", "--format", "json").out)
    assert (data["given"], data["read_as"], data["meant"]) == ("30.94", "30.94G", ["30.94G"])
    assert explain(read_amount("138")).answers == explain(read_amount("138M")).answers
    for number in ("15.4321", "15.4321G", "15.5 MACs"):
        found = explain(read_amount(number))
        assert (found.answers, found.meant) == ((), ())
    assert explain(read_amount("15.47G")).meant == ()


@pytest.mark.parametrize("words", [("138M", "15.5G"), ("138M 15.5G",), ("15", "470")])
def test_two_numbers_are_refused(refused, words):
    assert "has a second number" in refused("explain", *words)


def test_a_unit_written_apart(vggcost):
    assert answers(vggcost, "138", "M", "params")[0]["value"] == 138357544


def test_twice_and_half():
    twice = explain(read_amount("61.88G")).answers[0]
    assert (twice.fit, twice.candidate.value) == ("doubled or halved", 30940528640)
    half = explain(read_amount("276,715,088")).answers[0]
    assert (half.fit, half.candidate.value) == ("doubled or halved", 138357544)


def test_nothing_fits_names_the_nearest_three(vggcost):
    document = json.loads(vggcost("explain", "15.4321G", "--format", "json").out)
    assert document["answers"] == []
    assert len({one["value"] for one in document["nearest"]}) == 3
    away = [abs(one["difference"]) for one in document["nearest"]]
    assert away == sorted(away)
    assert all(one["value"] - 15432100000 == one["difference"] for one in document["nearest"])
    assert "Nothing that was searched gives 15.4321G. The nearest:" in vggcost("explain", "15.4321G").out


def test_how_many_more_and_all_of_them(vggcost):
    document = json.loads(vggcost("explain", "15.52G", "--format", "json").out)
    every = json.loads(vggcost("explain", "15.52G", "--all", "--format", "json").out)
    assert document["more"] == len(every["answers"]) - 5 > 0
    assert f"{document['more']} more fit; --all shows them" in vggcost("explain", "15.52G").out


@pytest.mark.parametrize("number", ["15.5G", "14.54G", "138M", "30.94G", "313.46M", "0.5T", "313.4638M"])
def test_the_order_of_answers(number):
    amount = read_amount(number)
    ranks = []
    for one in explain(amount).answers:
        rank = FITS.index(one.fit)
        if not one.candidate.whole and one.fit == "rounded" and amount.digits < 10_000:
            rank = len(FITS)
        elif one.candidate.quantity == BYTES and one.fit == "rounded":
            rank += 0.5
        ranks.append((rank, *one.candidate.departures))
    assert ranks == sorted(ranks)


def test_every_searched_number_explains_itself():
    """Each total of each searched network, typed in full, is found exactly."""
    every = searched()
    for one in every[:: len(every) // 3]:
        for convention in CONVENTIONS[::9]:
            value = total(convention, one.described.table)
            if value is not None:
                first = explain(
                    read_amount(f"{value} {convention.unit}s" if convention.unit != "mixed" else f"{value} MACs")
                ).answers[0]
                assert (first.fit, first.candidate.value) == ("exact", value)


def test_the_numbers_of_sections_add_up_to_those_of_their_network():
    """Features and classifier are counted apart: in sum they are what the whole network's table gives."""
    every = searched()
    kinds = {(one.departures, len(one.sections)) for one in every}
    for one in (
        *every[::11],
        *(next(each for each in every if (each.departures, len(each.sections)) == kind) for kind in kinds),
    ):
        assert one.numbers == numbers_of(one.described.table), one.described.title
        assert [row.name for row in one.rows] == [row.name for row in one.described.table.rows]
        assert sum(row.macs for row in one.rows) == one.described.table.macs


@pytest.mark.parametrize(
    ("text", "value", "quantity"),
    [
        ("15.61G", 15610000000, None),
        ("15.61 GMACs", 15610000000, COUNT),
        ("15.61 gflops", 15610000000, COUNT),
        ("15.5B", 15500000000, None),
        ("15.5 billion", 15500000000, None),
        ("138 million params", 138000000, PARAMS),
        ("138k", 138000, None),
        ("1.2T", 1200000000000, None),
        ("15,470,264,320", 15470264320, None),
        ("15470264320MACs", 15470264320, COUNT),
        ("1.547e10", 15470000000, None),
        ("528MB", 528000000, BYTES),
        ("528MiB", 553648128, BYTES),
        ("0.515 GiB", 552977039, BYTES),
        ("553430176 B", 553430176, BYTES),
        ("14.54Gi", 15612206121, None),
        ("15.52 GMac", 15520000000, COUNT),
        ("30.94 Bn", 30940000000, None),
        ("30.94bn FLOPs", 30940000000, COUNT),
        ("0.14B", 140000000, None),
        ("0.14 B params", 140000000, PARAMS),
        ("138 million", 138000000, None),
        ("138.4 Mn parameters", 138400000, PARAMS),
        ("138 mil", 138000000, None),
        ("138.36M params", 138360000, PARAMS),
        ("138357544 parameters", 138357544, PARAMS),
        ("138.36 M trainable parameters", 138360000, PARAMS),
        ("138M weights", 138000000, PARAMS),
        ("15 470 264 320", 15470264320, None),
        ("15\u202f470\u202f264\u202f320 MACs", 15470264320, COUNT),
        ("15_470_264_320", 15470264320, None),
        ("15'470'264'320", 15470264320, None),
        ("1.5e10", 15000000000, None),
        ("1.5E+10 FLOPs", 15000000000, COUNT),
        ("1.5x10^10", 15000000000, None),
        ("1.5 \u00d7 10^10 MACs", 15000000000, COUNT),
        ("15.5 * 10**9 FLOPs", 15500000000, COUNT),
        ("1.5 \u00b7 10\u00b9\u2070", 15000000000, None),
        ("30.9 Gflops", 30900000000, COUNT),
        ("30.9 GigaFLOPs", 30900000000, COUNT),
        ("15.5 giga", 15500000000, None),
        ("30.9 billion FLOPs", 30900000000, COUNT),
        ("30.9 BFLOPs", 30900000000, COUNT),
        ("15.5 G-MACs", 15500000000, COUNT),
        ("15.5 G mult-adds", 15500000000, COUNT),
        ("15.5 billion multiply-adds", 15500000000, COUNT),
        ("15.5 GMultiply-Accumulates", 15500000000, COUNT),
        ("30.9 GOPs", 30900000000, COUNT),
        ("528 megabytes", 528000000, BYTES),
        ("~138M", 138000000, None),
        ("\u2248 15.5 GFLOPs", 15500000000, COUNT),
        ("about 138M params", 138000000, PARAMS),
        ("approx. 138M", 138000000, None),
    ],
)
def test_numbers_as_people_write_them(text, value, quantity):
    amount = read_amount(text)
    assert amount.nearest_int == value
    assert amount.quantity == quantity


@pytest.mark.parametrize(
    ("text", "unit"),
    [("15.5 GMACs", "MAC"), ("15.5 GMultAdds", "MAC"), ("15.5 GFLOPs", "FLOP"), ("15.5 GOps", None), ("15.5G", None)],
)
def test_the_unit_of_a_count(text, unit):
    assert read_amount(text).unit == unit


@given(st.integers(1, 10**12), st.integers(0, 4), st.sampled_from(["", "k", "M", "G", "Mi", "e3"]))
def test_bounds_are_where_rounding_ends(digits, decimals, prefix):
    number = f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}}" if decimals else str(digits)
    amount = read_amount(number + prefix)
    for scale in (amount.scale, 2 * amount.scale):
        low, high = amount.bounds(scale)
        assert low <= high or not amount.rounds_to(low, scale)
        assert [amount.rounds_to(value, scale) for value in (low - 1, high + 1)] == [False, False]
        if low <= high:
            assert amount.rounds_to(low, scale) and amount.rounds_to(high, scale)


def test_precision_is_what_was_typed():
    amount = read_amount("15.61G")
    assert amount.rounds_to(15605000000, amount.scale)
    assert amount.rounds_to(15614999999, amount.scale)
    assert not amount.rounds_to(15604999999, amount.scale)
    assert not amount.rounds_to(15615000001, amount.scale)
    exact = read_amount("15610000001")
    assert exact.rounds_to(15610000001, 1)
    assert not exact.rounds_to(15610000002, 1)


@pytest.mark.parametrize(
    "text", ["abc", "-5", "15,61G", "1,2345", "1.2.3", "G", ".", "1" * 60, "15%", "1_0", "15'47", "~"]
)
def test_what_cannot_be_read_says_how_to_write(refused, text):
    assert "write it as 15.61G" in refused("explain", "--", text)


@pytest.mark.parametrize("text", ["15 GHz", "1.5x9", "5 apples", "15.61 GB/s", "3 MiMACz", "15.6 G FLOP/s"])
def test_a_unit_that_fits_no_quantity(refused, text):
    assert "fits no quantity of a network; known are MAC, FLOPs, params, B" in refused("explain", text)


def test_zero_and_nothing(refused):
    assert "give one above 0" in refused("explain", "0.00G")
    assert "NUMBER" in refused("explain")
    with pytest.raises(VggcostError, match="above 0"):
        read_amount("0")


@pytest.mark.parametrize("fmt", ["table", "markdown", "csv", "latex", "json"])
def test_formats(vggcost, fmt):
    assert "15607486488" in vggcost("explain", "15.61G", "--format", fmt).out.replace(",", "")


NARROW = """
name = "narrow"
features = [32, "M", 64, "M"]
head = []
classes = 10
adaptive_pool = false
size = [32, 32]
"""


@pytest.fixture
def narrow(tmp_path):
    path = tmp_path / "narrow.toml"
    path.write_text(NARROW, encoding="utf-8")
    return str(path)


def test_networks_of_ones_own_are_searched_and_nothing_else(vggcost, narrow):
    features, head = 32 * 3 * 9 + 32 + 64 * 32 * 9 + 64, 64 * 8 * 8 * 10 + 10
    first = answers(vggcost, f"{features + head}", "--among", narrow)[0]
    assert (first["network"]["name"], first["value"], first["fit"]) == ("narrow", features + head, "exact")
    assert first["input"] == [1, 3, 32, 32]
    alone = answers(vggcost, f"{features}", "--among", f"D,{narrow}")[0]
    assert (alone["network"]["options"]["classifier"], alone["value"]) == (False, features)
    macs = 32 * 32 * 32 * 3 * 9 + 16 * 16 * 64 * 32 * 9 + 64 * 8 * 8 * 10
    found = answers(vggcost, f"{2 * macs} FLOPs", "--among", narrow)[0]
    assert (found["convention"], found["fit"]) == ("torch", "exact")
    ran = vggcost("explain", "138M", "--among", narrow)
    assert "Nothing that was searched gives 138M" in ran.out
    assert answers(vggcost, "138M")[0]["network"]["name"] == "D"


def test_what_is_named_is_searched_at_the_size_that_is_given(vggcost):
    first = answers(vggcost, "61.88G", "--among", "D", "--batch", "2")[0]
    assert (first["convention"], first["input"], first["fit"]) == ("torch", [2, 3, 224, 224], "rounded")
    assert "at 224x224, batch 2" in first_sentence_of(vggcost, "61.88G", "--among", "D", "--batch", "2")
    first = answers(vggcost, "138,357,544", "--among", "A", "--among", "D", "--size", "32")[0]
    assert first["input"] == [1, 3, 32, 32]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "32"), "--size and --batch are for what --among names"),
        (("--call", "a=1"), "--call is for a program, and none is given"),
        (("--among", "nosuch"), "unknown configuration 'nosuch'"),
        (("--among", "nosuch.toml"), "nosuch.toml"),
        (("--among", "D,"), "an empty configuration name"),
    ],
)
def test_what_cannot_be_searched_is_refused(refused, words, said):
    assert said in refused("explain", "138M", *words)


def test_a_number_that_nothing_gives_is_no_success(vggcost):
    assert vggcost("explain", "15.47G").status == 0
    nothing = vggcost("explain", "123456789123")
    assert (nothing.status, nothing.err) == (1, "")
    assert nothing.out.startswith("Nothing that was searched gives")
