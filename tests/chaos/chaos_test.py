"""A short seeded run: whatever single process is killed, frozen or drained, no request fails and no token changes."""

import unittest

from tests.chaos import faults, harness


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


if __name__ == "__main__":
    unittest.main()
