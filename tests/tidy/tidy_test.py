"""The tidy checks find what they are for."""

import unittest

import tidy

GOOD = """// What it is.
#ifndef BALEEN_BASE_X_H_
#define BALEEN_BASE_X_H_
#endif  // BALEEN_BASE_X_H_
"""


def found(name, text):
    return list(tidy.findings([(name, text)]))


class TidyTest(unittest.TestCase):

    def test_good_header_passes(self):
        self.assertEqual(found("base/x.h", GOOD), [])

    def test_guard_and_comment(self):
        self.assertEqual(len(found("base/x.h", "#pragma once\n")), 2)

    def test_layers(self):
        self.assertTrue(found("kernels/a.cc", '#include "model/x.h"\n'))
        self.assertTrue(found("model/a.cc", '#include "proto/baleen/v1/common.pb.h"\n'))
        self.assertTrue(found("transport/a.cc", '#include "services/router/router.h"\n'))
        self.assertFalse(found("services/a.cc", '#include "model/x.h"\n'))

    def test_lengths(self):
        self.assertTrue(found("base/a.cc", "\n" * 601))
        long_function = "int F(int x) {\n" + "  ++x;\n" * 70 + "}\n"
        self.assertTrue(found("base/a.cc", long_function))
        self.assertFalse(found("base/a.cc", long_function.replace("  ++x;\n", "", 10)))
        self.assertFalse(found("kernels/cpu/linear/a.cc", long_function))

    def test_banned_calls(self):
        for line in ("  sprintf(b, x);", "  thread.detach();", "  // TO" "DO: later", "  int r = rand();", "  throw 1;"):
            self.assertTrue(found("base/a.cc", line), line)
        self.assertTrue(found("services/a.cc", '  printf("x");'))


if __name__ == "__main__":
    unittest.main()
