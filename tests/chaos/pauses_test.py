"""Which pause of a stream is told for which time."""

import threading
import time
import unittest

from tests.chaos.pauses import FIRST, NEXT, Pauses


class PausesTest(unittest.TestCase):

    def setUp(self):
        self.pauses = Pauses()

    def longest(self, what, begin):
        seconds, _, name = self.pauses.longest(what, begin, time.monotonic())
        return seconds, name

    def test_a_first_token_is_no_gap_between_tokens(self):
        begin = time.monotonic()
        stream = self.pauses.begin("a", 1, 9)
        time.sleep(0.05)
        self.pauses.token(stream, 0, 1)
        self.assertGreaterEqual(self.longest(FIRST, begin)[0], 0.05)
        self.assertLess(self.longest(NEXT, begin)[0], 0.05)

    def test_one_that_still_lasts_counts(self):
        stream = self.pauses.begin("a", 1, 9)
        self.pauses.token(stream, 0, 1)
        time.sleep(0.05)
        seconds, name = self.longest(NEXT, time.monotonic() - 0.01)
        self.assertGreaterEqual(seconds, 0.05)
        self.assertEqual("a", name)

    def test_a_choice_does_not_hide_behind_another(self):
        begin = time.monotonic()
        stream = self.pauses.begin("two", 2, 9)
        self.pauses.token(stream, 0, 1)
        self.pauses.token(stream, 1, 1)
        for count in range(2, 7):
            time.sleep(0.02)
            self.pauses.token(stream, 0, count)
        self.pauses.token(stream, 1, 2)
        self.assertGreaterEqual(self.longest(NEXT, begin)[0], 0.1)

    def test_the_way_from_the_last_token_to_the_end_counts(self):
        stream = self.pauses.begin("a", 2, 2)
        for choice in range(2):
            self.pauses.token(stream, choice, 2)
        begin = time.monotonic()
        time.sleep(0.05)
        self.assertGreaterEqual(self.longest(NEXT, begin)[0], 0.05)
        self.pauses.end(stream)
        self.assertGreaterEqual(self.longest(NEXT, begin)[0], 0.05)
        self.assertEqual((0.0, "none"), self.longest(NEXT, time.monotonic()))

    def test_waits_for_all_that_stand_still(self):
        streams = [self.pauses.begin(name, 1, 9) for name in "ab"]
        since = time.monotonic()
        self.pauses.token(streams[0], 0, 1)
        self.assertFalse(self.pauses.all_moved(since, 0.05))
        other = threading.Timer(0.05, lambda: self.pauses.token(streams[1], 0, 1))
        other.start()
        self.assertTrue(self.pauses.all_moved(since, 10))
        other.join()


if __name__ == "__main__":
    unittest.main()
