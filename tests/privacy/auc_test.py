"""The timing classifier's measure tells what can be told and nothing else."""

import random
import unittest

from tests.privacy.timing import auc


class AucTest(unittest.TestCase):
    def test_ends_and_middle(self):
        self.assertEqual(auc([1, 2], [3, 4]), 1)
        self.assertEqual(auc([3, 4], [1, 2]), 0)
        self.assertEqual(auc([1, 1], [1, 1]), 0.5)
        self.assertEqual(auc([1, 3], [2]), 0.5)

    def test_less_than_half_a_deviation_is_seen_in_a_thousand(self):
        rng = random.Random(3)
        same = auc([rng.gauss(0, 1) for _ in range(1000)], [rng.gauss(0, 1) for _ in range(1000)])
        apart = auc([rng.gauss(0, 1) for _ in range(1000)], [rng.gauss(0.4, 1) for _ in range(1000)])
        self.assertTrue(0.45 < same < 0.55, same)
        self.assertGreater(apart, 0.55)


if __name__ == "__main__":
    unittest.main()
