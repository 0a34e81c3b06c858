"""One word, one number: a word of memory means one thing, and has one value, wherever it is shown for one network."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

import vggcost

WORD = re.compile(r"\w+_bytes(_\w+)?|\w+_elements|\w*activations?\w*|\w+_mib")
"""What may be a word of memory among the keys of a document."""

OF_MACHINES = {
    "cache_bytes": "of a device",
    "memory_bytes": "of a device",
    "free_bytes": "of a device at this moment",
    "beside_bytes": "what a bench allocates beside a network",
    "flush_bytes": "what a bench zeroes between forwards",
    "copy_bytes": "what a ceiling was measured with",
    "element_bytes": "of a dtype",
    "sent_bytes": "what a GPU sends to others in a step",
    "sent_bytes_unsplit": "the same",
    "exchanged_bytes": "the same, of activations",
    "effective_bytes_per_s": "of a line between GPUs",
    "min_bytes": "what a layer moves at least, which is no memory",
}
"""Words that say nothing of how much memory a network takes."""

OF_A_MOMENT = {"working_bytes", "live_gradient_bytes", "live_saved_bytes"}
"""The parts of one worst moment: that of a forward call is another than that of a step."""

FOR_PEOPLE = {"output_mib": "a column that people see beside output_bytes"}

NETWORKS = (
    ("D",),
    ("D", "--batch-norm", "--batch", "3", "--dtype", "float16"),
    ("A-LRN", "--size", "64x96", "--classes", "10"),
    ("residual-vgg16", "--size", "64", "--batch", "2"),
)


@pytest.fixture
def glossary(checkout):
    """The words that docs/memory.md defines, from the first columns of its tables and the sentences on `bench`."""
    text = (checkout / "docs" / "memory.md").read_text(encoding="utf-8")
    text = text[text.index("## What each number is") : text.index("## What holds each line")]
    return set(re.findall(r"`(\w+)`", text))


def words_of(part):
    """Yield each key that may be a word of memory, with its value, layers left out."""
    if isinstance(part, dict):
        for key, value in part.items():
            if WORD.fullmatch(key):
                yield key, value
            elif key != "layers":
                yield from words_of(value)
    elif isinstance(part, list):
        for each in part:
            yield from words_of(each)


def contradictions(documents):
    """The words that have several values in these documents; what nobody asked for has none, and says nothing."""
    values = {}
    for document in documents:
        for word, value in words_of(document):
            if value is not None and word not in OF_A_MOMENT:
                values.setdefault(word, set()).add(value)
    return {word: found for word, found in values.items() if len(found) > 1}


def shown(vggcost, words):
    """Every document that is about a network and has memory in it."""

    def read(*command):
        return json.loads(vggcost(*command, *words, "--format", "json").out)

    documents = [
        read("table", "--activations"),
        read("table"),
        read("compare"),
        read("memory"),
        read("memory", "--no-inplace", "--training", "--optimizer", "momentum"),
    ]
    forward, step = documents[-2:]
    step["totals"].pop("peak_bytes")  # in place and beside are two forward calls
    forward["peak"].pop("optimizer_bytes")  # a forward call has no optimizer
    return documents


@pytest.mark.parametrize("words", NETWORKS)
def test_a_word_has_one_value_wherever_it_is_shown(vggcost, words):
    documents = shown(vggcost, words)
    assert contradictions(documents) == {}
    seen = {word for document in documents for word, _ in words_of(document)}
    assert {"weight_bytes", "output_bytes", "weight_layer_output_bytes", "buffer_bytes", "saved_bytes"} <= seen


def test_another_number_under_the_same_word_is_seen(vggcost):
    documents = shown(vggcost, ("D",))
    documents[2]["networks"][0]["output_bytes"] = 54_226_848
    assert contradictions(documents) == {"output_bytes": {54_226_848, 114_804_640}}


@pytest.mark.parametrize("words", NETWORKS)
def test_rows_sum_to_the_word(vggcost, words):
    for document in shown(vggcost, words):
        for layer in document.get("layers", ()):
            assert set(dict(words_of(layer))) <= {*document["totals"], "live_bytes"}
        for word in ("output_bytes", "output_elements", "weight_bytes"):
            if document.get("layers") and word in document["layers"][0]:
                assert sum(layer[word] for layer in document["layers"]) == document["totals"][word]


def test_formulas_have_the_elements_of_the_same_words(vggcost):
    totals = json.loads(vggcost("table", "D", "--activations", "--batch", "3", "--format", "json").out)["totals"]
    form = json.loads(
        vggcost("formula", "D", "--batch", "3", "--classes", "1000", "--size", "224", "--format", "json").out
    )
    assert int(form["output_elements"]) == totals["output_elements"]
    assert 4 * int(form["output_elements"]) == totals["output_bytes"]
    assert 4 * int(form["weight_layer_output_elements"]) == totals["weight_layer_output_bytes"]


def test_python_has_the_same_words():
    cost, memory, form = vggcost.cost("D", batch=3), vggcost.memory("D", batch=3), vggcost.closed_form("D")
    assert cost.totals.weight_bytes == cost.summary()["weight_bytes"] == memory.totals.weight_bytes
    assert cost.summary()["weight_layer_output_bytes"] == memory.totals.weight_layer_output_bytes == 3 * 54_226_848
    assert cost.table.output_elements * 4 == memory.totals.output_bytes == 3 * 114_804_640
    at = form.at(3, 1000, 224, 224)
    assert 4 * at["output_elements"] == memory.totals.output_bytes
    assert 4 * at["weight_layer_output_elements"] == memory.totals.weight_layer_output_bytes


def test_a_reports_summary_has_the_words_of_compare(vggcost, checkout):
    rows = list(csv.DictReader(io.StringIO((checkout / "reports" / "summary.csv").read_text(encoding="utf-8"))))
    compared = json.loads(vggcost("compare", "--format", "json").out)["networks"]
    by_name = {row["name"]: row for row in rows}
    for network in compared:
        for word, value in words_of(network):
            assert int(by_name[network["name"]][word]) == value


def test_each_word_is_defined(vggcost, checkout, glossary):
    """In what is shown, and in the package's text: a key between quotes, or a field."""
    found = {word for words in NETWORKS for document in shown(vggcost, words) for word, _ in words_of(document)}
    found |= {key for key in json.loads(vggcost("formula", "D", "--format", "json").out) if WORD.fullmatch(key)}
    field = re.compile(rf"^    ({WORD.pattern}): (?!str)", re.MULTILINE)
    quoted = re.compile(rf"[\"']({WORD.pattern})[\"']")
    for path in (checkout / "vggcost").rglob("*.py"):
        if path.relative_to(checkout / "vggcost").parts[0] in ("results", "report", "bench"):
            text = path.read_text(encoding="utf-8")
            found |= {match[1] for pattern in (field, quoted) for match in pattern.finditer(text)}
    assert found - glossary - set(OF_MACHINES) - set(FOR_PEOPLE) - {"activations"} == set()
    assert {"weight_bytes", "in_use_bytes_measured", "working_bytes"} <= found & glossary


def test_activations_is_the_name_of_an_option_alone(vggcost):
    for words in NETWORKS:
        for document in shown(vggcost, words):
            assert "activation" not in json.dumps(document)
    assert "activation" not in vggcost("formula", "D").out + vggcost("compare", "A", "D").out
