"""A short seeded run: whatever single process is killed, frozen or drained, no request fails and no token changes."""

import contextlib
import io
import sys
import unittest
import unittest.mock

from tests.chaos import faults, harness, main


class ChaosTest(unittest.TestCase):

    def test_no_request_fails_and_no_token_changes(self):
        outcome = harness.run(harness.Settings(seed=7, streams=6, requests=16, max_tokens=128, faults=8))
        self.assertEqual([], outcome.problems())
        self.assertEqual(8, len(outcome.strikes))
        self.assertGreater(outcome.requests, 12)
        self.assertEqual(0, outcome.leaked_blocks)

    def test_the_matrix_is_drawn_whole(self):
        for with_fabric in (False, True):
            cells = faults.matrix(with_fabric)
            drawn = [fault for fault, _ in zip(faults.draw(3, with_fabric), cells)]
            self.assertCountEqual(drawn, cells)

    def test_an_unknown_fault_is_said_before_anything_starts(self):
        with unittest.mock.patch.object(harness, "ChaosCluster", side_effect=AssertionError("a cluster was started")), \
                unittest.mock.patch.object(sys, "argv", ["chaos", "--only=nonsense", "--transport=ucx"]), \
                contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as ended:
            main.main()
        self.assertEqual(ended.exception.code, 2)
        self.assertIn('chaos: no fault is called "nonsense" where packets cannot be dropped; names are such as "kill ', said.getvalue())


if __name__ == "__main__":
    unittest.main()
