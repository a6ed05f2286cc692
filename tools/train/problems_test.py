"""Checks the generators: every chain is right, held-out sets are disjoint, tokenizers round-trip."""
import hashlib
import random
import re
import tempfile
import unittest
from pathlib import Path

import declines
import grammar
import offtopic
import patterns
import phrasings as ph
import problems
import stories
import tasks
import tokenizer

DRAWS = 3000
# SHA-256 of the held-out sets of seed 1, questions and answers: a change of the training wordings must not change them.
FROZEN = {"problems": "639eb0547523c200", "phrasings": "6f0c7b4c1abefb1a", "off-topic": "b05c113b4907b433"}


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
            problem = offtopic.too_long(rng, grammar.WIDE)
            self.assertTrue(problem.answer.startswith(tasks.CANNOT))
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

    def test_held_out_sets_are_frozen(self):
        for name, draw in problems.HELD_OUT_SETS.items():
            text = "\n".join(f"{p.text}\t{p.answer}" for p in draw(1))
            self.assertEqual(hashlib.sha256(text.encode()).hexdigest()[:16], FROZEN[name], name)

    def test_phrasing_lists_are_long_and_split(self):
        for templates in (ph.EXPRESSION, ph.ADD, ph.SUBTRACT, ph.MULTIPLY, ph.COMPARE, ph.SORT, ph.COUNT,
                          stories.STORY_ADD, stories.STORY_SUBTRACT, stories.STORY_MULTIPLY):
            self.assertGreaterEqual(len(set(ph.split(templates, False))), 19)
            self.assertFalse(set(ph.split(templates, True)) & set(ph.split(templates, False)))
        self.assertFalse(set(declines.DECLINE) & set(declines.DECLINE_HELD_OUT))

    def test_sizes(self):
        self.assertEqual(len(problems.held_out_problems(1)), 1000)
        self.assertGreaterEqual(len(problems.off_topic(1)), 200)


class Grammar(unittest.TestCase):
    def test_names_are_defined_and_parentheses_match(self):
        linked = {name for names, _ in patterns.LINKED for name in names}
        for name, text in [*patterns.NAMED.items(), *((n, p) for n, listed in patterns.PATTERNS.items() for p in listed)]:
            self.assertLessEqual(set(re.findall(r"<(.*?)>", text)), set(patterns.NAMED) | linked, name)
            self.assertEqual(text.count("("), text.count(")"), text)

    def test_no_training_phrasing_contains_a_held_out_one(self):
        rng = random.Random(10)
        for name in patterns.LISTS:
            held_out = [grammar.essence(p) for p in grammar.listed(name, True)]
            for _ in range(DRAWS):
                drawn = f" {grammar.essence(grammar.pick(rng, name, grammar.WIDE))} "
                self.assertFalse([h for h in held_out if f" {h} " in drawn], drawn)

    def test_a_held_out_phrasing_is_known_by_its_essence(self):
        for reworded in ("please, give me the number of {c}s in {w}!", "Could you GIVE ME number of the letter {c} in the word {w} today"):
            self.assertFalse(grammar.is_allowed("count", reworded), reworded)
        self.assertTrue(grammar.is_allowed("count", "find the number of {c}s in {w}"))

    def test_phrasings_keep_what_they_ask_about(self):
        rng = random.Random(11)
        for name in patterns.PATTERNS:
            wanted = set(re.findall(r"{\w}", ph.split(patterns.LISTS[name], True)[0]))
            for _ in range(DRAWS if name != "decline" else 0):
                drawn = grammar.pick(rng, name, grammar.WIDE)
                self.assertLessEqual(wanted & set("{a} {b} {c} {e} {l} {m} {w}".split()), set(re.findall(r"{\w}", drawn)), drawn)

    def test_wordings_are_many(self):
        rng = random.Random(12)
        for name, listed in patterns.PATTERNS.items():
            wordings = {grammar.expand(rng, rng.choice(listed)) for _ in range(DRAWS)}
            self.assertGreater(len(wordings), 50 if name in ("compare yes no", "compare sign") else 500, name)


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
