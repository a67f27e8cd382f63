"""The report as JUnit XML: a suite for each run, a case for each thing judged, one for validity.

The one rule: what was not judged is not green. Where the run proves nothing, its validity is an
error and the expectations that seem to hold are skipped. A warning is skipped with its words, since
JUnit knows nothing between passed and failed. Findings are a case of their own, unless an
expectation is about them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from simulator.run.report_cases import cases

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_CHARS_MAX = 10_000
VALIDITY = "the run proves something"
FINDINGS = "no findings"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(reports: Sequence[dict[str, Any]]) -> bytes:
    """Return one document for one or several reports (see `report.document`)."""
    root = ET.Element("testsuites", name="todoku")
    suites = [_suite(root, report) for report in reports]
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.3f}")
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: ET.Element, report: dict[str, Any]) -> ET.Element:
    scenario, wall = report["scenario"], report.get("wall", {})
    name = f"{_text(scenario['name'])} seed {scenario['seed']}"
    suite = ET.SubElement(root, "testsuite", name=name)
    properties = ET.SubElement(suite, "properties")
    told = {
        "seed": scenario["seed"],
        "digest": report["digest"],
        "exit_code": report["verdict"]["exit_code"],
        "verdict": report["verdict"]["words"],
        "todoku": wall.get("todoku", ""),
    }
    for key, value in told.items():
        ET.SubElement(properties, "property", name=key, value=_text(value))
    proves = report["validity"]["proves"]
    _validity(suite, name, report)
    for result in cases(report):
        _expectation(_case(suite, name, result["name"]), result, proves=proves)
    findings = report["findings"]
    if findings["judged"] and not any(r["that"] == "findings" for r in report["expectations"]):
        _findings(_case(suite, name, FINDINGS), findings, proves=proves)
    rows = suite.findall("testcase")
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in rows)))
    suite.set("tests", str(len(rows)))
    suite.set("time", f"{wall.get('seconds', 0):.3f}")
    if "began" in wall:
        suite.set("timestamp", wall["began"].removesuffix("Z"))
    return suite


def _case(suite: ET.Element, group: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"todoku.{group}", name=_text(name), time="0")


def _validity(suite: ET.Element, group: str, report: dict[str, Any]) -> None:
    case, why = _case(suite, group, VALIDITY), report["validity"]["why"]
    if why:
        _say(case, "error", "proves_nothing", "; ".join(why))
    elif report["verdict"]["exit_code"] == 130:
        _say(case, "error", "interrupted", report["verdict"]["words"])


def _expectation(case: ET.Element, result: dict[str, Any], *, proves: bool) -> None:
    outcome, words = result["outcome"], result["words"]
    if outcome == "not_judged":
        _say(case, "skipped", "not_judged", words)
    elif result["holds"] and not proves:
        _say(case, "skipped", "proves_nothing", f"the run proves nothing; {words}")
    elif result["holds"]:
        ET.SubElement(case, "system-out").text = _text(words)
    elif result["level"] == "warn":
        _say(case, "skipped", "warning", f"warning: {words}")
    else:
        _say(case, "failure", outcome, words)


def _findings(case: ET.Element, findings: dict[str, Any], *, proves: bool) -> None:
    if findings["count"]:
        rows = findings["rows"][:10]
        told = [
            f"{row['kind']}: {row['own_id'] or row['provider_id']}: {row['words']}" for row in rows
        ]
        more = f"{findings['count']:,} findings; the first: "
        _say(case, "failure", "findings", more + "; ".join(told))
    elif not proves:
        _say(case, "skipped", "proves_nothing", "the run proves nothing")


def _say(case: ET.Element, tag: str, kind: str, words: str) -> None:
    text = _text(words)
    found = ET.SubElement(case, tag, message=text[:1000])
    if tag != "skipped":
        found.set("type", kind)
    found.text = text


def _text(value: object) -> str:
    """Write what XML can hold, and no more than anybody reads."""
    return _NO_XML.sub("\ufffd", str(value))[:TEXT_CHARS_MAX]
