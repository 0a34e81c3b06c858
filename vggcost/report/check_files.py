"""What ``vggcost check`` found, as other programs read it: GitHub's annotations, JUnit's XML, SARIF."""

from __future__ import annotations

from vggcost.printable import printable
from vggcost.report.check import verdict, word_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from vggcost.lock.outcome import Outcome, Told

FORMATS = {"github": "github", "junit": "xml", "sarif": "sarif"}
"""The formats that check has beside all others', and the endings of their files."""

RULES = {
    "layer-added": "A layer is there that the lock does not have.",
    "layer-dropped": "A layer of the lock is gone.",
    "layer-changed": "A layer has another setting than in the lock.",
    "layer-moved": "A layer stands in another place than in the lock.",
    "layer-renamed": "A layer is called otherwise than in the lock.",
    "layer-frozen": "A layer is trained no longer.",
    "layer-unfrozen": "A layer is trained that was not.",
    "other-input": "The network is given another input.",
    "other-total": "A sum is another, and no layer explains it.",
    "cannot-run": "The network cannot run any more, or is not in the lock.",
    "over-budget": "The network costs more than its budget.",
}
"""What each rule says; ids are those of `vggcost.lock.outcome.Told.sort`."""


def rendered(outcomes: Sequence[Outcome], fmt: str, lock: str) -> str:
    """Return the text of one of FORMATS; what has no line in a program is shown at its entry in the lock."""
    return {"github": _github, "junit": _junit, "sarif": _sarif}[fmt](outcomes, lock)


def _github(outcomes: Sequence[Outcome], _: str) -> str:
    """Workflow commands, one a line (docs.github.com: workflow commands for GitHub Actions)."""
    lines = []
    for outcome in outcomes:
        for told in outcome.told:
            place = told.place or outcome.place
            words = _lines(told.lines)
            title = _property(f"vggcost: {outcome.name}")
            lines.append(f"::error file={_property(place.file)},line={place.line},title={title}::{_message(words)}")
    if not lines:
        lines.append(f"::notice title=vggcost::{_message(printable(verdict(outcomes)))}")
    return "\n".join(lines) + "\n"


def _lines(lines: Iterable[str]) -> str:
    """Lines that hold no other end of a line than those between them, and nothing that a log would act upon."""
    return "\n".join(map(printable, lines))


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _junit(outcomes: Sequence[Outcome], lock: str) -> str:
    """One test case an entry, as Jenkins and GitLab read it (Jenkins's junit-10.xsd); no times, which differ."""
    from xml.etree import ElementTree as ET

    bad = sum(not outcome.held for outcome in outcomes)
    counts = {"tests": str(len(outcomes)), "failures": str(bad), "errors": "0"}
    root = ET.Element("testsuites", {"name": "vggcost check", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": printable(lock), **counts, "skipped": "0"})
    for outcome in outcomes:
        case = ET.SubElement(suite, "testcase", {"classname": "vggcost.check", "name": printable(outcome.name)})
        if not outcome.held:
            first = outcome.told[0].text if outcome.told else word_of(outcome)
            failure = ET.SubElement(case, "failure", {"message": printable(first), "type": word_of(outcome)})
            failure.text = "\n".join(map(_placed, outcome.told))
        if outcome.headrooms:
            ET.SubElement(case, "system-out").text = _lines(each.text for each in outcome.headrooms)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _placed(told: Told) -> str:
    place = f" ({told.place.file}:{told.place.line})" if told.place is not None else ""
    return "\n  ".join(map(printable, (f"{told.lines[0]}{place}", *told.lines[1:])))


def _sarif(outcomes: Sequence[Outcome], _: str) -> str:
    """A log of one run (SARIF 2.1.0, OASIS standard)."""
    import json
    from urllib.parse import quote

    from vggcost import __version__

    results = []
    ids = list(RULES)
    for outcome in outcomes:
        for told in outcome.told:
            place = told.place or outcome.place
            result: dict[str, Any] = {
                "ruleId": told.sort,
                "ruleIndex": ids.index(told.sort),
                "level": "error",
                "message": {"text": printable(f"{outcome.name}: {'; '.join(told.lines)}")},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": quote(place.file, errors="backslashreplace")},
                            "region": {"startLine": place.line},
                        }
                    }
                ],
            }
            if told.finding is not None and told.finding.layers:
                result["locations"][0]["logicalLocations"] = [
                    {"name": name, "fullyQualifiedName": f"{outcome.name}.{name}", "kind": "member"}
                    for name in told.finding.layers
                ]
            results.append(result)
    driver = {
        "name": "vggcost",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in RULES.items()],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2) + "\n"
