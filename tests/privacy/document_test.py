"""docs/privacy.md says nothing without the test that holds it, and the tests that it names exist."""

import pathlib
import re
import unittest

# The checkout that this test's data are links into: BUILD files are no data.
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
LABEL = re.compile(r"//[\w/]+(?::\w+|/\.\.\.)?")
UNTESTED = "(No test"


def statements(text):
    """Rows of the first table, and bullets, of the parts that promise something."""
    promises = text.split("\n## Rights")[0]
    rows = [line for line in promises.split("\n## Who")[0].splitlines() if line.startswith("| ") and "---" not in line][1:]
    bullets = re.split(r"\n- ", "\n" + promises.split("\n## Who", 1)[1])[1:]
    return rows + [re.split(r"\n(?=\||#)", bullet)[0] for bullet in bullets]


def exists(label):
    package, _, name = label[2:].partition(":")
    if package.endswith("/..."):
        return (CHECKOUT / package[:-4]).is_dir()
    build = CHECKOUT / package / "BUILD.bazel"
    return build.is_file() and f'"{name or package.rsplit("/", 1)[-1]}"' in build.read_text()


class DocumentTest(unittest.TestCase):
    def setUp(self):
        self.text = (CHECKOUT / "docs" / "privacy.md").read_text()

    def test_each_statement_names_its_test(self):
        found = statements(self.text)
        self.assertGreater(len(found), 12)
        for statement in found:
            with self.subTest(statement[:60]):
                self.assertTrue(LABEL.search(statement) or UNTESTED in statement)

    def test_all_tests_exist(self):
        labels = set(LABEL.findall(self.text))
        self.assertGreater(len(labels), 8)
        self.assertEqual([label for label in sorted(labels) if not exists(label)], [])

    def test_the_check_can_fail(self):
        self.assertFalse(exists("//tests/privacy:no_such_test"))
        self.assertFalse(exists("//no/such:test"))
        self.assertTrue(exists("//tests/privacy:canary_test"))
        self.assertEqual(len(statements("a\n| x | y |\n|---|---|\n| r | s |\n## Who\n\n- b\n- c\n")), 3)


if __name__ == "__main__":
    unittest.main()
