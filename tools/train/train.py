"""Trains abacus: one copy of the weights in shared memory, synchronous one-thread workers.

Each worker draws its share of a step's tokens, writes its gradient to its own shared buffer, and
updates the parameters it owns: Muon for matrices, Adam for the rest. A step depends only on the
seed, the number of workers and the step's number, so a run stopped at a checkpoint can go on.
"""
import argparse
import json
import math
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

import problems
import tokenizer
from checkpoint import load
from model import Config, Model, Rows

IGNORE = -100
ROWS_MULTIPLE = 256  # of a training batch's tokens: few shapes of GEMM
LONG_CHAINS = ("add", "subtract", "multiply", "story")
LINE_END = tokenizer.encode_text("\n")[0]


@dataclass(frozen=True)
class Recipe:
    """All that decides the weights, apart from the code."""
    seed: int
    tokens: int             # the learning rate reaches 0 here
    workers: int
    tokens_a_step: int = 4096
    learning_rate: float = 3e-3
    warm_up_steps: int = 60
    flat_until: float = 0.3  # share of the tokens after which the decay begins
    weight_decay: float = 0.1
    momentum: float = 0.95
    mtp_weight: float = 0.2
    bias_step: float = 1e-3
    bf16: bool = False      # activations and GEMMs, over F32 weights
    reading_share: float = 0.0  # of the samples with long chains, those cut after the question is restated


def cut_after_reading(ids: list[int], prompt: int) -> list[int]:
    """A sample up to the end of its reasoning's second line: the question read, no long chain behind it."""
    for _ in range(2):
        if LINE_END not in ids[prompt:]:
            return ids
        prompt = ids.index(LINE_END, prompt) + 1
    return ids[:prompt]


def make_batch(rng, tokens_wanted: int, reading_share: float = 0.0):
    """Rows of training samples of about tokens_wanted tokens, and their targets [N] (IGNORE elsewhere)."""
    samples, total = [], 0
    while total < tokens_wanted:
        problem = problems.training_problem(rng)
        prompt = tokenizer.render_prompt(problem.messages)
        ids = prompt + tokenizer.render_completion(problem.reasoning, problem.answer)
        if problem.task in LONG_CHAINS and rng.random() < reading_share:
            ids = cut_after_reading(ids, len(prompt))
        samples.append((ids, len(prompt)))
        total += len(ids) - 1
    return lay_out(samples, multiple=ROWS_MULTIPLE)


def lay_out(samples, waste: float = 1.15, multiple: int = 1):
    """Packs (ids, prompt length) samples into rectangles that are at most `waste` times their tokens, and pads their sum."""
    samples = sorted(samples, key=lambda s: -len(s[0]))
    groups: list[list] = []
    for sample in samples:
        group = groups[-1] if groups else None
        if group and len(group[0][0]) <= waste * len(sample[0]):
            group.append(sample)
        else:
            groups.append([sample])
    tokens, positions, real, targets, shapes = [], [], [], [], []
    for group in groups:
        length = len(group[0][0]) - 1
        shapes.append((len(group), length))
        for ids, prompt in group:
            pad = length - (len(ids) - 1)
            tokens += ids[:-1] + [tokenizer.PAD_ID] * pad
            targets += [IGNORE] * (prompt - 1) + ids[prompt:] + [IGNORE] * pad
            real += [True] * (len(ids) - 1) + [False] * pad
            positions += range(length)
    spare = -len(tokens) % multiple
    if spare:
        shapes.append((spare, 1))
        tokens += [tokenizer.PAD_ID] * spare
        targets += [IGNORE] * spare
        real += [False] * spare
        positions += [0] * spare
    rows = Rows(torch.tensor(tokens), torch.tensor(positions), torch.tensor(real), shapes)
    return rows, torch.tensor(targets)


def mtp_targets(rows: Rows, targets):
    """Targets of the MTP layer: each row's targets one place to the left."""
    shifted = targets.roll(-1)
    end = 0
    for count, length in rows.shapes:
        shifted[end + length - 1:end + count * length:length] = IGNORE
        end += count * length
    return shifted


def head_loss(model, hidden, targets):
    """Mean cross entropy and top-1 hits over the positions that have a target."""
    at = (targets != IGNORE).nonzero().squeeze(1)
    logits, wanted = model.lm_head(hidden[at]).float(), targets[at]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean().item()


def losses(model, rows, targets):
    """The main and MTP (loss, top-1) of a batch."""
    hidden, draft = model(rows)
    return head_loss(model, hidden, targets), head_loss(model, draft, mtp_targets(rows, targets))


def orthogonalise(g, steps: int = 5):
    """Newton-Schulz towards the nearest semi-orthogonal matrix; g [..., m, n]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    x = g.mT if tall else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return x.mT if tall else x


class SharedState:
    """Weights, gradients and optimizer state in shared memory."""

    def __init__(self, recipe: Recipe):
        torch.manual_seed(recipe.seed)
        self.model = Model(Config(), torch.bfloat16 if recipe.bf16 else torch.float32)
        self.parameters = list(self.model.named_parameters())
        sizes = [p.numel() for _, p in self.parameters]
        self.offsets = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
        moes = self.model.moe_layers()
        self.gradients = torch.zeros(recipe.workers, sum(sizes))
        self.first, self.second = torch.zeros(sum(sizes)), torch.zeros(sum(sizes))
        self.loads = torch.zeros(recipe.workers, len(moes), self.model.c.n_routed_experts)
        self.metrics = torch.zeros(recipe.workers, 5)  # loss, top-1, MTP loss, MTP top-1, tokens
        self.progress = torch.zeros(2, dtype=torch.int64)  # steps, tokens
        for tensor in (self.gradients, self.first, self.second, self.loads, self.metrics, self.progress):
            tensor.share_memory_()
        self.model.share_memory()

    def saved(self) -> dict:
        return {"model": self.model.state_dict(), "first": self.first, "second": self.second, "progress": self.progress}

    def save(self, path: Path) -> None:
        torch.save(self.saved(), path.with_suffix(".tmp"))
        os.replace(path.with_suffix(".tmp"), path)

    def load(self, path: Path) -> None:
        saved = torch.load(path)
        self.model.load_state_dict(saved["model"])
        for name in ("first", "second", "progress"):
            getattr(self, name).copy_(saved[name])

    def owner(self, workers: int) -> list[int]:
        """The worker that updates each parameter: the costliest first to the least loaded."""
        cost = [p.numel() * (min(p.shape[-2:]) if is_matrix(n, p) else 1) for n, p in self.parameters]
        owners, load = [0] * len(cost), [0] * workers
        for i in sorted(range(len(cost)), key=lambda i: -cost[i]):
            owners[i] = load.index(min(load))
            load[owners[i]] += cost[i]
        return owners


def is_matrix(name: str, parameter) -> bool:
    """Whether Muon updates it; embeddings, head, norms and gates are Adam's."""
    return parameter.ndim >= 2 and not any(part in name for part in ("embed_tokens", "lm_head", "gate.weight"))


def learning_rate(recipe: Recipe, step: int, tokens: int) -> float:
    """Warm-up, flat, then linear to 0 at recipe.tokens."""
    done = tokens / recipe.tokens
    decay = min(1.0, max(0.0, (1 - done) / (1 - recipe.flat_until)))
    return recipe.learning_rate * min(1.0, (step + 1) / recipe.warm_up_steps) * decay


@torch.no_grad()
def update(state: SharedState, recipe: Recipe, owned: list[int], rate: float, step: int) -> None:
    """One optimizer step on the owned parameters."""
    for i in owned:
        name, p = state.parameters[i]
        span = slice(state.offsets[i], state.offsets[i + 1])
        g, first = state.gradients[:, span].mean(0), state.first[span]
        if is_matrix(name, p):
            first.mul_(recipe.momentum).add_(g)
            direction = orthogonalise((g + recipe.momentum * first).view_as(p))
            direction *= 0.2 * math.sqrt(max(p.shape[-2:]))  # the RMS an Adam update has
            p.mul_(1 - rate * recipe.weight_decay).sub_(direction, alpha=rate)
        else:
            second = state.second[span]
            first.lerp_(g, 0.1)
            second.lerp_(g * g, 0.05)
            step_first, step_second = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.95 ** (step + 1))
            p.sub_((step_first / (step_second.sqrt() + 1e-8)).view_as(p), alpha=rate)


@torch.no_grad()
def balance(state: SharedState, recipe: Recipe) -> float:
    """Moves each selection bias towards an even load; returns the worst max/mean load."""
    load = state.loads.sum(0)
    for moe, row in zip(state.model.moe_layers(), load):
        moe.gate.e_score_correction_bias.add_(recipe.bias_step * torch.sign(row.mean() - row))
    return (load.max(-1).values / load.mean(-1)).max().item()


def work(rank: int, state: SharedState, recipe: Recipe, barrier, folder: Path, save_every: int) -> None:
    """One worker's loop until the recipe's tokens are done."""
    torch.set_num_threads(1)
    model, owners = state.model, state.owner(recipe.workers)
    owned = [i for i, owner in enumerate(owners) if owner == rank]
    moes, started, at_start = model.moe_layers(), time.monotonic(), int(state.progress[1])
    log = open(folder / "log.jsonl", "a", buffering=1) if rank == 0 else None
    while True:
        step, tokens = map(int, state.progress)
        if tokens >= recipe.tokens:
            break
        rng = random.Random(f"{recipe.seed} {rank} {step}")
        rows, targets = make_batch(rng, recipe.tokens_a_step // recipe.workers, recipe.reading_share)
        for moe in moes:
            moe.load.zero_()
        (loss, top), (mtp_loss, mtp_top) = losses(model, rows, targets)
        gradients = torch.autograd.grad(loss + recipe.mtp_weight * mtp_loss, [p for _, p in state.parameters])
        torch.cat([g.flatten() for g in gradients], out=state.gradients[rank])
        state.loads[rank] = torch.stack([moe.load for moe in moes])
        state.metrics[rank] = torch.tensor([loss.item(), top, mtp_loss.item(), mtp_top, float(rows.real.sum())])
        barrier.wait()
        rate = learning_rate(recipe, step, tokens)
        update(state, recipe, owned, rate, step)
        if rank == 0:
            worst, counted = balance(state, recipe), int(state.metrics[:, 4].sum())
            state.progress += torch.tensor([1, counted])
            if step % 20 == 0:
                report(log, state, step, tokens + counted, rate, worst, (tokens + counted - at_start) / (time.monotonic() - started))
        barrier.wait()
        if rank == 0 and (step + 1) % save_every == 0:
            state.save(folder / "state.pt")
    if rank == 0:
        state.save(folder / "state.pt")


def report(log, state, step, tokens, rate, worst, speed) -> None:
    """One line of the log, also printed."""
    loss, top, mtp_loss, mtp_top = state.metrics[:, :4].mean(0).tolist()
    line = {"step": step, "tokens": tokens, "loss": round(loss, 4), "top1": round(top, 4), "mtp_loss": round(mtp_loss, 4),
            "mtp_top1": round(mtp_top, 4), "rate": round(rate, 6), "load": round(worst, 3), "tokens_s": round(speed)}
    log.write(json.dumps(line) + "\n")
    print(line, flush=True)


def start(recipe: Recipe, folder: Path, exported: Path | None) -> SharedState:
    """The state saved in folder; else the weights of an exported directory under a new optimizer; else random ones."""
    state = SharedState(recipe)
    if (folder / "state.pt").exists():
        state.load(folder / "state.pt")
    elif exported:
        state.model.load_state_dict(load(exported).state_dict())
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for state.pt and log.jsonl; resumed from if it has a state")
    parser.add_argument("--init", type=Path, help="an exported directory whose weights a run without a state starts from")
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate, help="before it falls")
    parser.add_argument("--bf16", action="store_true", help="activations and GEMMs in BF16, for CPUs that multiply it faster")
    parser.add_argument("--reading-share", type=float, default=Recipe.reading_share,
                        help="of the samples with long chains, those cut after the question is restated")
    parser.add_argument("--finish-by-tokens", type=int, default=13_000_000, help="tokens at which the learning rate reaches 0")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=100, help="steps between checkpoints")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(options.seed, options.finish_by_tokens, options.workers, learning_rate=options.learning_rate,
                    bf16=options.bf16, reading_share=options.reading_share)
    mp.set_start_method("spawn")
    state = start(recipe, options.out, options.init)
    mp.spawn(work, (state, recipe, mp.Barrier(recipe.workers), options.out, options.save_every), nprocs=recipe.workers)


if __name__ == "__main__":
    main()
