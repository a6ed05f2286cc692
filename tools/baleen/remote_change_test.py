"""Changes of a cluster that is known by its URL: whom the admin API is asked about, and how often."""

import argparse
import contextlib
import io
import os
import unittest
import unittest.mock

import remote_change
from errors import Unavailable, UserError

ARGUMENTS = argparse.Namespace(url="http://gateway", ids=["decode-a"])


class DrainTest(unittest.TestCase):

    def drain(self, answers):
        """What it prints; `answers` are those of the admin API, of which None is that the worker drains."""
        there = [{"id": "decode-a"}]

        def answer(*_):
            given = answers.pop(0)
            if given is not None:
                raise given
            there.clear()
            return io.BytesIO()

        with contextlib.ExitStack() as patches:
            patches.enter_context(unittest.mock.patch.dict(os.environ, BALEEN_ADMIN_URL="http://admin"))
            patches.enter_context(unittest.mock.patch("remote.open_url", answer))
            patches.enter_context(unittest.mock.patch("remote.cluster", lambda _: {"workers": list(there)}))
            clock = patches.enter_context(unittest.mock.patch("remote_change.time"))
            clock.monotonic.side_effect = range(100)
            printed = patches.enter_context(contextlib.redirect_stdout(io.StringIO()))
            remote_change.drain(ARGUMENTS)
        return printed.getvalue()

    def test_a_placement_that_has_just_started_is_asked_again(self):
        answers = [Unavailable("does not know all workers yet"), Unavailable("does not know all workers yet"), None]
        self.assertEqual(self.drain(answers), "decode-a left\n")
        self.assertEqual(answers, [])

    def test_one_that_does_not_get_to_know_them_is_given_up(self):
        with self.assertRaisesRegex(Unavailable, "not yet"):
            self.drain([Unavailable("not yet")] * 100)

    def test_a_refusal_stands(self):
        with self.assertRaisesRegex(UserError, "no other decode worker is ready"):
            self.drain([UserError("no other decode worker is ready"), None])


if __name__ == "__main__":
    unittest.main()
