"""Checks the generators: every chain is right, held-out sets are disjoint, tokenizers round-trip."""
import random
import re
import tempfile
import unittest
from pathlib import Path

import declines
import offtopic
import phrasings as ph
import problems
import stories
import tokenizer

DRAWS = 3000


def truth(problem) -> str:
    """The result worked out from an arithmetic key by other means than the chain."""
    left, operator, right = problem.key.split(" ")
    a, b = int(left), int(right)
    return str({"+": a + b, "-": a - b, "*": a * b}[operator])


class Chains(unittest.TestCase):
    def test_arithmetic_reasoning_and_answer_equal_the_truth(self):
        rng = random.Random(1)
        for i in range(DRAWS):
            problem = problems.draw(rng, ("add", "subtract", "multiply", "story")[i % 4])
            self.assertEqual(problem.answer, f"{problem.key} = {truth(problem)}.")
            last = problem.reasoning.split()[-1]
            self.assertEqual(abs(int(last)), abs(int(truth(problem))), problem.reasoning)

    def test_every_equation_in_the_reasoning_holds(self):
        rng = random.Random(2)
        for i in range(DRAWS):
            problem = problems.draw(rng, ("add", "subtract", "multiply")[i % 3])
            for line in problem.reasoning.splitlines():
                for chain in re.findall(r"\d[\d*+-]*(?:=\d[\d*+-]*)+", "" if " ? " in line else line):
                    values = {eval(side) for side in chain.split("=")}
                    self.assertEqual(len(values), 1, problem.reasoning)

    def test_comparison(self):
        rng = random.Random(3)
        for _ in range(DRAWS):
            problem = problems.draw(rng, "compare")
            a, b = problem.key.split(" ? ")
            order = (float(a) > float(b)) - (float(a) < float(b))
            self.assertEqual(problem.reasoning.splitlines()[-1], f"{a} {'<=>'[order + 1]} {b}")
            said = re.fullmatch(r"(\S+) is (larger|smaller) than (\S+)\.", problem.answer)
            if said:
                self.assertEqual(float(said[1]) > float(said[3]), said[2] == "larger")
            elif not problem.answer.startswith("They are equal"):
                self.assertRegex(problem.answer, r"^(Yes|No), ")

    def test_sorting(self):
        rng = random.Random(4)
        for _ in range(DRAWS):
            problem = problems.draw(rng, "sort")
            numbers = sorted(map(int, problem.key.split()[1:]))
            if problem.answer.startswith("The "):
                word, value = re.fullmatch(r"The (\w+) is (\d+)\.", problem.answer).groups()
                self.assertEqual(int(value), numbers[-1] if word == "largest" else numbers[0])
            else:
                done = list(map(int, problem.answer.rstrip(".").split(", ")))
                down = problem.reasoning.startswith("down")
                self.assertEqual(done, numbers[::-1] if down else numbers)

    def test_counting(self):
        rng = random.Random(5)
        for _ in range(DRAWS):
            problem = problems.draw(rng, "count")
            _, letter, word = problem.key.split(" ")
            self.assertLessEqual(len(word), 14)
            self.assertIn(f" appears {word.count(letter)} time", problem.answer)
            self.assertTrue(problem.reasoning.endswith(f": {word.count(letter)}"))

    def test_too_long_inputs_are_declined(self):
        rng = random.Random(6)
        for _ in range(DRAWS):
            problem = offtopic.too_long(rng, False)
            self.assertTrue(problem.answer.startswith(problems.CANNOT))
            self.assertIn("... is too long", problem.reasoning)


class Split(unittest.TestCase):
    def test_held_out_keys_are_never_trained_on(self):
        rng = random.Random(7)
        trained = [problems.training_problem(rng) for _ in range(DRAWS * 5)]
        keys, texts = {p.key for p in trained}, {p.text for p in trained}
        for name, draw in problems.HELD_OUT_SETS.items():
            for problem in draw(1):
                self.assertTrue(problems.is_held_out(problem.key), name)
                self.assertNotIn(problem.key, keys)
                self.assertNotIn(problem.text, texts)

    def test_held_out_sets_depend_on_the_seed_alone(self):
        for draw in problems.HELD_OUT_SETS.values():
            first = [p.text for p in draw(1, 50)]
            self.assertEqual(first, [p.text for p in draw(1, 50)])
            self.assertNotEqual(first, [p.text for p in draw(2, 50)])

    def test_phrasing_lists_are_long_and_split(self):
        for templates in (ph.EXPRESSION, ph.ADD, ph.SUBTRACT, ph.MULTIPLY, ph.COMPARE, ph.SORT, ph.COUNT,
                          stories.STORY_ADD, stories.STORY_SUBTRACT, stories.STORY_MULTIPLY):
            self.assertGreaterEqual(len(set(ph.split(templates, False))), 19)
            self.assertFalse(set(ph.split(templates, True)) & set(ph.split(templates, False)))
        self.assertFalse(set(declines.DECLINE) & set(declines.DECLINE_HELD_OUT))

    def test_sizes(self):
        self.assertEqual(len(problems.held_out_problems(1)), 1000)
        self.assertGreaterEqual(len(problems.off_topic(1)), 200)


class Tokenizer(unittest.TestCase):
    def test_text_round_trips(self):
        rng = random.Random(8)
        for text in ["", "a\n\nb", "９.9 → 🐋", *(offtopic.scribble(rng) for _ in range(500))]:
            self.assertEqual(tokenizer.decode_ids(tokenizer.encode_text(text)), text)

    def test_control_tokens_spelled_in_text_stay_text(self):
        self.assertNotIn(tokenizer.MARKER_IDS[tokenizer.USER], tokenizer.encode_text("<｜User｜>"))

    def test_tokenizer_json_gives_the_same_ids(self):
        try:
            from tokenizers import Tokenizer as Library
        except ImportError:
            self.skipTest("the tokenizers package is not installed")
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.write_tokenizer(Path(folder), 2048)
            library = Library.from_file(f"{folder}/tokenizer.json")
        rng = random.Random(9)
        for _ in range(1000):
            problem = problems.training_problem(rng)
            for text in (problem.text, problem.reasoning, problem.answer, offtopic.scribble(rng)):
                ids = library.encode(text, add_special_tokens=False).ids
                self.assertEqual(ids, tokenizer.encode_text(text))
                self.assertEqual(library.decode(ids), text)
        self.assertEqual(library.encode("Hi").ids[0], tokenizer.BOS_ID)
        self.assertEqual(library.encode("<think>", add_special_tokens=False).ids, [tokenizer.MARKER_IDS["<think>"]])


if __name__ == "__main__":
    unittest.main()
