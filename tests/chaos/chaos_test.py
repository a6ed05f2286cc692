"""A short seeded run: whatever single process is killed, frozen or drained, no request fails and no token changes."""

import unittest

from tests.chaos import faults, harness


class ChaosTest(unittest.TestCase):

    def test_no_request_fails_and_no_token_changes(self):
        strikes, done = harness.run(harness.Settings(seed=7, streams=6, requests=12, max_tokens=128, faults=8))
        self.assertEqual([], [line for strike in strikes for line in strike.failures])
        self.assertEqual([], [line for strike in strikes for line in strike.differences])
        self.assertEqual(8, len(strikes))
        self.assertGreater(done, 12)

    def test_the_matrix_is_drawn_whole(self):
        drawn = [fault for fault, _ in zip(faults.draw(3), faults.matrix())]
        self.assertCountEqual(drawn, faults.matrix())


if __name__ == "__main__":
    unittest.main()
