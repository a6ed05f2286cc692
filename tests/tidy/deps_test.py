"""A library that a target includes from and does not name is found; what is named, its own or made by a macro is left alone."""

import unittest

import deps
from source import Source

LIBRARY = 'cc_library(\n    name = "a",\n    srcs = ["a.cc"],\n    hdrs = ["a.h"],\n)\n'


def found(user, source='#include "base/a.h"\n', base=LIBRARY):
    files = {"base/BUILD.bazel": base, "base/a.cc": '#include "base/a.h"\n', "base/a.h": "// A.\n", "model/BUILD.bazel": user,
             "model/b.cc": source}
    return list(deps.findings([Source(path, text) for path, text in files.items()]))


class DepsTest(unittest.TestCase):
    def test_a_library_that_is_not_named(self):
        self.assertEqual(found('cc_test(\n    name = "b",\n    srcs = ["b.cc"],\n)\n'),
                         ["model/BUILD.bazel:1: deps: b includes base/a.h, and does not name //base:a"])

    def test_named_ones(self):
        for label in ("//base:a", "//base:both"):
            with self.subTest(label=label):
                base = LIBRARY + 'kernel_launcher(\n    name = "both",\n    cuda = ":none",\n    host = ":a",\n)\n'
                self.assertEqual(found(f'cc_binary(\n    name = "b",\n    srcs = ["b.cc"],\n    deps = ["{label}"],\n)\n', base=base), [])
        short = 'cc_library(\n    name = "base",\n    hdrs = ["a.h"],\n)\n'
        self.assertEqual(found('cc_library(\n    name = "b",\n    srcs = ["b.cc"],\n    deps = ["//base"],\n)\n', base=short), [])

    def test_what_no_library_here_has(self):
        test = 'cc_test(\n    name = {name},\n    srcs = ["b.cc"],\n)'
        user = f'[{test.format(name="name")} for name in NAMES]\n{test.format(name=chr(34) + "b" + chr(34))}\n'
        self.assertEqual(found(user, '#include "absl/time/time.h"\n#include <vector>\n'), [])


if __name__ == "__main__":
    unittest.main()
