#!/usr/bin/env python3
"""Counts test cases of a `bazel test` run: test_summary.py EVENTS_JSON BAZEL_EXIT_CODE.

Reads Bazel's build events and each target's test.xml. The last line is `N passed, N failed, N skipped`; a target that could not be
built, timed out or left no report counts as one failed case. Exit code 0 only when Bazel succeeded and nothing failed.
"""

import json
import pathlib
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree

GOOD = ("PASSED", "FLAKY")


def case_outcome(case):
    """'passed', 'failed' or 'skipped' for a <testcase> of GoogleTest or Bazel."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") in ("skipped", "suppressed"):
        return "skipped"
    return "passed"


def report_outcomes(path):
    """Outcomes of a test.xml; empty when it is missing or broken."""
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return []
    return [case_outcome(case) for case in root.iter("testcase")]


def target_outcomes(status, path):
    """Outcomes of one run of a target, never fewer than one, never all good when the target was not."""
    outcomes = report_outcomes(path) if path else []
    if status in GOOD:
        return outcomes or ["passed"]
    return outcomes if "failed" in outcomes else outcomes + ["failed"]


def _xml_path(event):
    for output in event.get("testActionOutput", []):
        if output.get("name") == "test.xml":
            return urllib.request.url2pathname(urllib.parse.urlparse(output["uri"]).path)
    return None


def collect(lines):
    """(outcome counts, names of targets that are not good) of a file of build events."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    bad = []
    for line in lines:
        event = json.loads(line)
        identity = event.get("id", {})
        outcomes = []
        if "testResult" in event:
            result = event["testResult"]
            outcomes = target_outcomes(result.get("status"), _xml_path(result))
            label = identity["testResult"]["label"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            outcomes = ["failed"]
            label = identity["targetCompleted"]["label"] + " (not built)"
        for outcome in outcomes:
            counts[outcome] += 1
        if "failed" in outcomes:
            bad.append(label)
    return counts, bad


def main(events, bazel_exit_code):
    try:
        with open(events, encoding="utf-8") as file:
            counts, bad = collect(file)
    except OSError as error:
        print(f"no test events: {error}", file=sys.stderr)
        counts, bad = {"passed": 0, "failed": 1, "skipped": 0}, []
    if bazel_exit_code != 0 and counts["failed"] == 0:
        counts["failed"] = 1
        bad.append(f"bazel itself (exit code {bazel_exit_code})")
    for label in bad:
        print(f"FAILED {label}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
