"""Grades abacus on the held-out sets, offline or through an OpenAI-compatible server.

`evaluate.py --model DIR` decodes greedily in batches with this folder's model; `--base-url URL`
asks a server instead. Both print the same Markdown table: exact answers a task.
"""
import argparse
import json
import sys
import urllib.request
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import problems
import tasks
import tokenizer

ANSWER_TOKENS_MAX = 900
BARS = {"problems": 0.98, "phrasings": 0.95, "off-topic": 0.95}
DECLINES = ("decline", "too long")


class Decoder:
    """Batched greedy decoding over a latent cache; prompts of like length share a batch."""

    def __init__(self, model, batch: int = 32):
        self.model, self.batch = model, batch

    def answer(self, prompts: list[list[int]]) -> list[list[int]]:
        """The completion's ids for each prompt, the end mark included."""
        out: list[list[int]] = [[] for _ in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for start in range(0, len(order), self.batch):
            chosen = order[start:start + self.batch]
            for i, ids in zip(chosen, self.run([prompts[i] for i in chosen])):
                out[i] = ids
        return out

    def run(self, prompts: list[list[int]]) -> list[list[int]]:
        """Decodes one batch; rows that end leave it."""
        import torch
        lengths = [len(p) for p in prompts]
        room = max(lengths) + ANSWER_TOKENS_MAX
        tokens = torch.tensor([p + [tokenizer.PAD_ID] * (max(lengths) - len(p)) for p in prompts])
        cache = self.model.new_cache(len(prompts), room)
        logits = self.model.decode(tokens, torch.zeros(len(prompts), dtype=torch.int64), cache)
        position = torch.tensor(lengths)
        last = logits[torch.arange(len(prompts)), position - 1].argmax(-1)
        live, out = list(range(len(prompts))), [[] for _ in prompts]
        for _ in range(ANSWER_TOKENS_MAX):
            for i, token in zip(live, last.tolist()):
                out[i].append(token)
            keep = [r for r, token in enumerate(last.tolist()) if token != tokenizer.EOS_ID]
            if not keep:
                break
            if len(keep) < len(live):
                live = [live[r] for r in keep]
                last, position, cache = last[keep], position[keep], [c[keep] for c in cache]
            seen = [c[:, :int(position.max()) + 1] for c in cache]
            last = self.model.decode(last[:, None], position, seen)[:, 0].argmax(-1)
            position = position + 1
        return out


def offline(folder: Path, samples) -> list[str]:
    """Answers of the exported model, without their reasoning."""
    import torch
    from checkpoint import load
    torch.set_grad_enabled(False)
    outputs = Decoder(load(folder)).answer([tokenizer.render_prompt(p.messages) for p in samples])
    texts = [tokenizer.decode_ids(ids) for ids in outputs]
    return [text.partition(tokenizer.END_THINK)[2].strip() for text in texts]


def routing_and_drafts(folder: Path, samples) -> str:
    """Two Markdown lines from the reference texts: max/mean expert load a layer, and MTP top-1."""
    import torch
    from checkpoint import load
    from train import lay_out, losses
    torch.set_grad_enabled(False)
    model, hits, chunk = load(folder), [], 50
    for i in range(0, len(samples), chunk):
        prompts = [tokenizer.render_prompt(p.messages) for p in samples[i:i + chunk]]
        full = [p + tokenizer.render_completion(s.reasoning, s.answer) for p, s in zip(prompts, samples[i:i + chunk])]
        rows, targets = lay_out([(ids, len(p)) for ids, p in zip(full, prompts)])
        (_, top), (_, mtp_top) = losses(model, rows, targets)
        hits.append((top, mtp_top))
    loads = [f"{(moe.load.max() / moe.load.mean()).item():.2f}" for moe in model.moe_layers()]
    top, mtp_top = (sum(h) / len(hits) for h in zip(*hits))
    return (f"Expert load, max/mean a MoE layer (the MTP layer last): {', '.join(loads)}\n"
            f"Next-token top-1 on reference texts {top:.2%}, MTP top-1 {mtp_top:.2%}")


def ask(base_url: str, model: str, messages: list[dict], timeout_s: float) -> str:
    """One answer of a server; a failed request is the answer `error: ...`."""
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": ANSWER_TOKENS_MAX}
    request = urllib.request.Request(base_url.rstrip("/") + "/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:
            content = json.load(reply)["choices"][0]["message"]["content"] or ""
    except (OSError, KeyError, ValueError) as error:
        return f"error: {error}"
    return content.rpartition(tokenizer.END_THINK)[2].strip()


def served(options, samples) -> list[str]:
    """Answers of the server at options.base_url, options.concurrency requests at a time."""
    with ThreadPoolExecutor(options.concurrency) as pool:
        return list(pool.map(lambda p: ask(options.base_url, options.served_name, p.messages, options.timeout_s), samples))


def is_right(problem, answer: str) -> bool:
    """Exact match, except that any plain refusal will do for what must be declined."""
    if problem.task in DECLINES:
        return answer.startswith(tasks.CANNOT)
    return answer == problem.answer


def table(graded: dict[str, list[tuple]]) -> str:
    """Markdown: a row a set, then a row a task of that set."""
    out = ["| set | task | right | of | share |", "|---|---|---:|---:|---:|"]
    for name, results in graded.items():
        tasks = defaultdict(list)
        for problem, _, right in results:
            tasks[problem.task].append(right)
        for task, rights in [("**all**", [r for *_, r in results]), *sorted(tasks.items())]:
            out.append(f"| {name} | {task} | {sum(rights)} | {len(rights)} | {sum(rights) / len(rights):.1%} |")
    return "\n".join(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="an exported directory, for the offline evaluation")
    parser.add_argument("--base-url", help="a server's address up to and including /v1")
    parser.add_argument("--served-name", default="abacus", help="the model's name at the server")
    parser.add_argument("--sets", nargs="+", choices=problems.HELD_OUT_SETS, default=list(problems.HELD_OUT_SETS))
    parser.add_argument("--size", type=int, default=0, help="problems a set; 0 for each set's own size")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--timeout-s", type=float, default=300)
    parser.add_argument("--show-wrong", type=int, default=0, metavar="N", help="print N wrong answers a set")
    options = parser.parse_args()
    if bool(options.model) == bool(options.base_url):
        parser.error("give either --model or --base-url")
    graded = {}
    for name in options.sets:
        draw = problems.HELD_OUT_SETS[name]
        samples = draw(options.seed, options.size) if options.size else draw(options.seed)
        answers = offline(options.model, samples) if options.model else served(options, samples)
        graded[name] = [(p, a, is_right(p, a)) for p, a in zip(samples, answers)]
        for problem, answer, _ in [g for g in graded[name] if not g[2]][:options.show_wrong]:
            print(f"{problem.task}: {problem.text!r}\n  wanted {problem.answer!r}\n  got    {answer!r}", file=sys.stderr)
    print(table(graded))
    if options.model and "problems" in graded:
        print("\n" + routing_and_drafts(options.model, [p for p, *_ in graded["problems"]]))
    passed = [sum(r for *_, r in g) / len(g) >= BARS[name] for name, g in graded.items()]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
