#!/usr/bin/env python3
"""Makes the golden checkpoints and logits of this folder with transformers.

  make_goldens.py           all random checkpoints, and the shipped model's logits when it is there
  make_goldens.py abacus    only the shipped model's logits (after a new training run)
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import torch
import transformers
from safetensors.torch import save_file

from random_weights import stored_and_plain
from shapes import SHAPES

HERE = pathlib.Path(__file__).resolve().parent
ABACUS = HERE.parent.parent / "checkpoints" / "abacus"
SEQUENCES = 6
ABACUS_QUESTIONS = [
    "What is 4821 + 1397?",
    "What is 305 - 9120?",
    "What is 37 * 284?",
    "Which is larger, 9.9 or 9.11?",
    "Sort 512, 7, 88, 431, 90.",
    "How many times does the letter r appear in strawberry?",
    "What is the capital of France?",
]
ABACUS_MAX_TOKENS = 96


class GateGap:
    """Per position, how close the gate came to another choice in any layer, at this position or an earlier one it attends to."""

    def __init__(self, model, config):
        self._config = config
        self._gaps = []
        for layer in model.model.layers:
            gate = getattr(layer.mlp, "gate", None)
            if gate is not None:
                gate.register_forward_hook(self._hook)

    def _hook(self, gate, _, output):
        logits = output[0].float()
        sigmoid = self._config["topk_method"] == "noaux_tc"
        scores = logits.sigmoid() + gate.e_score_correction_bias.float() if sigmoid else logits.softmax(-1)
        gap = torch.full(scores.shape[:1], float("inf"))
        if self._config["topk_method"] != "greedy" and self._config["n_group"] > 1:
            groups = scores.view(scores.shape[0], self._config["n_group"], -1)
            best = groups.topk(2, -1).values.sum(-1) if sigmoid else groups.amax(-1)
            gap, kept = self._margin(best, self._config["topk_group"])
            scores = groups.masked_fill(~kept.unsqueeze(-1), float("-inf")).flatten(1)
        self._gaps.append(torch.minimum(gap, self._margin(scores, self._config["num_experts_per_tok"])[0]))

    @staticmethod
    def _margin(scores, count):
        ordered, index = scores.sort(-1, descending=True)
        kept = torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, index[:, :count], True)
        if count == scores.shape[-1]:
            return torch.full(scores.shape[:1], float("inf")), kept
        return ordered[:, count - 1] - ordered[:, count], kept

    def take(self):
        lowest = torch.stack(self._gaps).amin(0)
        self._gaps.clear()
        return lowest.cummin(0).values


def load(directory, dtype):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        directory, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True
    )
    problems = {kind: names for kind, names in info.items() if names and kind != "unexpected_keys"}
    if problems:
        raise RuntimeError(f"{directory}: {problems}")
    return model.eval()


def run(model, sequences):
    with torch.no_grad():
        for tokens in sequences:
            yield model(torch.tensor([tokens]), use_cache=False).logits[0].float()


def bf16_distance(reference, other):
    """Top-1 disagreement and mean KL(reference || other) over all positions."""
    reference, other = torch.cat(reference), torch.cat(other)
    disagreement = (reference.argmax(-1) != other.argmax(-1)).double().mean()
    log_p, log_q = reference.double().log_softmax(-1), other.double().log_softmax(-1)
    return torch.tensor([disagreement, (log_p.exp() * (log_p - log_q)).sum(-1).mean()], dtype=torch.float32)


def golden_of(directory, config, sequences):
    """F32 logits of each sequence, the gate's margins, and how far transformers' own BF16 run is from them."""
    model = load(directory, torch.float32)
    gaps = GateGap(model, config)
    golden, reference = {}, []
    for i, (tokens, logits) in enumerate(zip(sequences, run(model, sequences))):
        reference.append(logits)
        golden[f"tokens.{i}"] = torch.tensor(tokens, dtype=torch.int32)
        golden[f"logits.{i}"] = logits.contiguous()
        golden[f"gate_gap.{i}"] = gaps.take()
    golden["bf16_distance"] = bf16_distance(reference, list(run(load(directory, torch.bfloat16), sequences)))
    return golden


def report(name, golden):
    disagreement, divergence = golden["bf16_distance"].tolist()
    positions = sum(len(value) for key, value in golden.items() if key.startswith("tokens."))
    gap = min(float(value.min()) for key, value in golden.items() if key.startswith("gate_gap."))
    print(f"{name}: {positions} positions, BF16 top-1 disagreement {disagreement:.4f}, mean KL {divergence:.3e}, least gate gap {gap:.1e}")


def make_random(name, seed):
    config, dtype, length = SHAPES[name]
    directory = HERE / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    stored, plain = stored_and_plain(config, seed, getattr(torch, dtype))
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(stored, directory / "model.safetensors", metadata={"format": "pt"})
    generator = torch.Generator().manual_seed(seed + 1)
    sequences = torch.randint(config["vocab_size"], (SEQUENCES, length), generator=generator).tolist()
    with tempfile.TemporaryDirectory() as scratch:
        plain_config = {key: value for key, value in config.items() if key != "quantization_config"}
        (pathlib.Path(scratch) / "config.json").write_text(json.dumps(plain_config))
        save_file(plain, pathlib.Path(scratch) / "model.safetensors", metadata={"format": "pt"})
        golden = golden_of(scratch, config, sequences)
    save_file(golden, directory / "golden.safetensors")
    report(name, golden)


def make_abacus():
    """Logits over each question and the model's own greedy answer to it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(ABACUS)
    model = load(ABACUS, torch.float32)
    sequences = []
    for question in ABACUS_QUESTIONS:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=False
        )
        output = model.generate(prompt, do_sample=False, max_new_tokens=ABACUS_MAX_TOKENS - prompt.shape[1])
        sequences.append(output[0].tolist())
    directory = HERE / "abacus"
    directory.mkdir(exist_ok=True)
    golden = golden_of(ABACUS, json.loads((ABACUS / "config.json").read_text()), sequences)
    save_file(golden, directory / "golden.safetensors")
    report("abacus", golden)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join([*SHAPES, 'abacus'])}; all by default")
    names = parser.parse_args().names or [*SHAPES, *(["abacus"] if ABACUS.exists() else [])]
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in names:
        if name == "abacus":
            make_abacus()
        else:
            make_random(name, seed=1000 + list(SHAPES).index(name))


if __name__ == "__main__":
    main()
