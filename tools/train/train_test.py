"""Checks how a run starts, what it trains on, and how its weights are averaged."""
import random
import tempfile
import unittest
from pathlib import Path

import torch

import export
import train
from model import Config, Model


def loss_of(model, batch) -> float:
    with torch.no_grad():
        return train.losses(model, *batch)[0][0].item()


class Start(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.batch = train.make_batch(random.Random(1), 1024, reading_share=0.5)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_folder, self.exported = Path(folder.name) / "run", Path(folder.name) / "exported"
        self.run_folder.mkdir()
        export.write(Model(Config()), self.exported)

    def test_from_an_exported_directory_the_loss_is_that_of_the_exported_model(self):
        state = train.start(train.Recipe(seed=2, tokens=1, workers=1), self.run_folder, self.exported)
        self.assertEqual(loss_of(state.model, self.batch), loss_of(export.load(self.exported), self.batch))

    def test_a_saved_state_goes_before_an_exported_directory(self):
        state = train.start(train.Recipe(seed=2, tokens=1, workers=1), self.run_folder, self.exported)
        with torch.no_grad():
            state.model.norm.weight.mul_(2)
        state.save(self.run_folder / "state.pt")
        resumed = train.start(train.Recipe(seed=3, tokens=1, workers=1), self.run_folder, self.exported)
        self.assertEqual(loss_of(resumed.model, self.batch), loss_of(state.model, self.batch))

    def test_bf16_gives_nearly_the_same_loss(self):
        model = export.load(self.exported)
        exact = loss_of(model, self.batch)
        model.dtype = torch.bfloat16
        self.assertAlmostEqual(loss_of(model, self.batch), exact, delta=0.01 * exact)


class Average(unittest.TestCase):
    def test_each_weight_moves_by_its_share(self):
        own, base = Model(Config()), Model(Config())
        before = own.state_dict()["lm_head.weight"].clone()
        base.moe_layers()[0].gate.e_score_correction_bias += 1
        export.average(own, base, 0.25)
        wanted = 0.25 * before + 0.75 * base.state_dict()["lm_head.weight"]
        torch.testing.assert_close(own.state_dict()["lm_head.weight"], wanted)
        self.assertTrue((own.moe_layers()[0].gate.e_score_correction_bias == 0.75).all())


class Reading(unittest.TestCase):
    def test_a_cut_sample_keeps_the_prompt_and_two_lines(self):
        first, second, rest = (train.tokenizer.encode_text(text) for text in ("4 + 5\n", "4+5=9 9\n", "= 9\n"))
        prompt = train.tokenizer.encode_text("what\nis\n")
        self.assertEqual(train.cut_after_reading(prompt + first + second + rest, len(prompt)), prompt + first + second)
        self.assertEqual(train.cut_after_reading(prompt + first, len(prompt)), prompt + first)
        self.assertEqual(train.cut_after_reading(prompt + [1], len(prompt)), prompt + [1])


if __name__ == "__main__":
    unittest.main()
