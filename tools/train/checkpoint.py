"""The model's weights as they lie in a Hugging Face directory, and back."""
from pathlib import Path

import torch
from safetensors import safe_open

from model import Config, Model

EXPERT_PARTS = ("gate_proj", "up_proj", "down_proj")


def is_stacked(name: str) -> bool:
    """Whether the model's own tensor holds one matrix an expert."""
    return name.rpartition(".")[2] in EXPERT_PARTS


def stored_names(name: str, c: Config) -> list[str]:
    """Hugging Face names of one of the model's own tensors: one an expert, or one a copy."""
    mtp = f"model.layers.{c.num_hidden_layers}."
    if name == "embed_tokens":
        return ["model.embed_tokens.weight", mtp + "embed_tokens.weight"]
    if name == "lm_head.weight":
        return [name, mtp + "shared_head.head.weight"]
    full = mtp + name.removeprefix("mtp.") if name.startswith("mtp.") else "model." + name
    full = full.replace("shared_head_norm", "shared_head.norm")
    if is_stacked(name):
        prefix, _, part = full.rpartition(".")
        return [f"{prefix}.experts.{e}.{part}.weight" for e in range(c.n_routed_experts)]
    return [full]


def stored(model: Model) -> dict[str, torch.Tensor]:
    """Every tensor of the checkpoint as it lies on disk: BF16, the selection biases F32."""
    out = {}
    for name, tensor in model.state_dict().items():
        dtype = torch.float32 if name.endswith("e_score_correction_bias") else torch.bfloat16
        names = stored_names(name, model.c)
        parts = tensor.unbind() if is_stacked(name) else [tensor] * len(names)
        out |= {n: part.detach().to(dtype).clone().contiguous() for n, part in zip(names, parts)}
    return out


def load(folder: Path) -> Model:
    """The model of an exported directory, in F32 arithmetic on its BF16 weights."""
    model, state = Model(Config()), {}
    with safe_open(folder / "model.safetensors", "pt") as file:
        for name in model.state_dict():
            parts = [file.get_tensor(n).float() for n in stored_names(name, model.c)]
            state[name] = torch.stack(parts) if is_stacked(name) else parts[0]
    model.load_state_dict(state)
    return model
