"""The last line of `make test` counts what really happened."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import test_summary

REPORT = """<testsuites><testsuite>
<testcase name="a" status="run" result="completed"/>
<testcase name="b" status="run"><failure message="x"/></testcase>
<testcase name="c" status="notrun" result="suppressed"/>
<testcase name="d"><skipped/></testcase>
</testsuite></testsuites>"""


class SummaryTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)

    def result(self, label, status, report=None):
        outputs = []
        if report is not None:
            path = self.root / "a b" / "test.xml"  # A blank is escaped in the event's URI.
            path.parent.mkdir(exist_ok=True)
            path.write_text(report)
            outputs = [{"name": "test.xml", "uri": path.as_uri()}]
        return {"id": {"testResult": {"label": label}}, "testResult": {"status": status, "testActionOutput": outputs}}

    def summarise(self, events, exit_code=0):
        path = self.root / "events.json"
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = test_summary.main(path, exit_code)
        return code, out.getvalue().splitlines()

    def test_cases_are_counted(self):
        code, lines = self.summarise([self.result("//a", "FAILED", REPORT)], 3)
        self.assertEqual((code, lines), (1, ["FAILED //a", "1 passed, 1 failed, 2 skipped"]))

    def test_all_good(self):
        report = REPORT.replace("<failure message=\"x\"/>", "")
        self.assertEqual(self.summarise([self.result("//a", "PASSED", report)]), (0, ["2 passed, 0 failed, 2 skipped"]))

    def test_a_target_without_cases_counts_once(self):
        self.assertEqual(self.summarise([self.result("//a", "PASSED")])[1][-1], "1 passed, 0 failed, 0 skipped")
        self.assertEqual(self.summarise([self.result("//a", "TIMEOUT", "<broken")], 3)[1][-1], "0 passed, 1 failed, 0 skipped")

    def test_what_could_not_be_built_fails(self):
        event = {"id": {"targetCompleted": {"label": "//a"}}, "completed": {}}
        code, lines = self.summarise([event], 1)
        self.assertEqual((code, lines), (1, ["FAILED //a (not built)", "0 passed, 1 failed, 0 skipped"]))

    def test_bazels_own_failure_is_never_green(self):
        self.assertEqual(self.summarise([self.result("//a", "PASSED")], 2)[0], 1)
        self.assertEqual(test_summary.main(self.root / "missing.json", 0), 1)


if __name__ == "__main__":
    unittest.main()
