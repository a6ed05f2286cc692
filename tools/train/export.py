"""Writes the Hugging Face directory of abacus from a training state, and verifies it.

`export.py --state STATE --out DIR` writes config, tokenizer and BF16 weights under exact Hugging
Face names, each file replaced atomically. `--average-with BASE` writes the mean of the state's
weights and those of an exported directory: after a short run that started from BASE it is better
than either. `--verify` then loads the directory in `transformers` and demands the same ids, and
the same greedy tokens, as this folder's tokenizer and model.
"""
import argparse
import json
import os
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

import problems
import tokenizer
from checkpoint import load, stored
from evaluate import Decoder
from model import Config, Model


def average(model: Model, base: Model, share: float) -> None:
    """Moves model's weights, selection biases included, to share of their own and the rest of base's."""
    with torch.no_grad():
        for own, other in zip(model.state_dict().values(), base.state_dict().values(), strict=True):
            own.lerp_(other, 1 - share)


def write(model: Model, folder: Path) -> None:
    """Writes the directory, each file by a rename so that a reader never sees half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    generation = {"bos_token_id": tokenizer.BOS_ID, "eos_token_id": tokenizer.EOS_ID, "pad_token_id": tokenizer.PAD_ID,
                  "do_sample": False, "temperature": 1.0, "top_p": 1.0, "max_new_tokens": 1024}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        scratch = Path(scratch)
        tokenizer.write_tokenizer(scratch, model.c.max_position_embeddings)
        for name, content in (("config.json", model.c.hugging_face()), ("generation_config.json", generation)):
            (scratch / name).write_text(json.dumps(content, indent=2) + "\n")
        save_file(stored(model), scratch / "model.safetensors", metadata={"format": "pt"})
        for file in scratch.iterdir():
            os.chmod(file, 0o644)
            os.replace(file, folder / file.name)


def verify(folder: Path, size: int, seed: int) -> None:
    """Raises unless `transformers` agrees with this folder's code on prompts, ids and greedy tokens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    their_tokenizer = AutoTokenizer.from_pretrained(folder)
    model = load(folder)
    gates = [moe.gate for moe in model.moe_layers()]
    for gate in gates:
        gate.chosen_min = float("inf")
    samples = problems.held_out_problems(seed, size) + problems.off_topic(seed, size // 4)
    prompts = [tokenizer.render_prompt(p.messages) for p in samples]
    ours = Decoder(model).answer(prompts)
    different = 0
    for problem, prompt, out in zip(samples, prompts, ours):
        rendered = their_tokenizer.apply_chat_template(problem.messages, add_generation_prompt=True, tokenize=False)
        ids = their_tokenizer(rendered, add_special_tokens=False)["input_ids"]
        assert ids == prompt, f"the tokenizers differ on {problem.text!r}"
        got = theirs.generate(torch.tensor([ids]), max_new_tokens=len(out), do_sample=False)[0, len(ids):].tolist()
        different += got != out
    smallest = min(gate.chosen_min for gate in gates[:-1])
    print(f"{len(samples)} prompts, {different} with other greedy tokens than transformers; smallest chosen biased score {smallest:.4f}")
    assert smallest > 0, "a mask of 0.0 and one of -inf would choose different experts"
    assert different == 0, "transformers disagrees"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, help="state.pt of train.py; random weights if absent")
    parser.add_argument("--average-with", type=Path, metavar="BASE", help="an exported directory to average the state's weights with")
    parser.add_argument("--share", type=float, default=0.5, help="the state's part of that average")
    parser.add_argument("--out", type=Path, required=True, help="the directory to write")
    parser.add_argument("--verify", type=int, default=0, metavar="N", help="compare with transformers on N problems")
    parser.add_argument("--keep", action="store_true", help="verify the directory as it is, write nothing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.keep:
        torch.manual_seed(options.seed)
        model = Model(Config())
        if options.state:
            model.load_state_dict(torch.load(options.state)["model"])
        if options.average_with:
            average(model, load(options.average_with), options.share)
        write(model, options.out)
    if options.verify:
        verify(options.out, options.verify, options.seed)


if __name__ == "__main__":
    main()
