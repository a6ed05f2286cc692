"""Random weights in the layout of a published checkpoint, FP8 blocks included."""

import torch

FP8_BLOCK = 128
FP8_MAX = 448.0


def _matrix(generator, rows, cols, gain=1.0):
    return torch.randn(rows, cols, generator=generator) * (gain / cols**0.5)


def _norm(generator, size):
    return 1.0 + 0.1 * torch.randn(size, generator=generator)


def _small(config):
    """Makes what goes into the norms so small that one epsilon in place of another shows, where a checkpoint has two."""
    return 0.02 if config["rms_norm_eps"] != 1e-6 else 1.0


def _attention(generator, config, prefix):
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    nope, rope, value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    q_lora, kv_lora = config["q_lora_rank"], config["kv_lora_rank"]
    if q_lora is None:
        yield prefix + "q_proj.weight", _matrix(generator, heads * (nope + rope), hidden, 2.0)
    else:
        yield prefix + "q_a_proj.weight", _matrix(generator, q_lora, hidden)
        yield prefix + "q_a_layernorm.weight", _norm(generator, q_lora)
        yield prefix + "q_b_proj.weight", _matrix(generator, heads * (nope + rope), q_lora, 2.0)
    down = _matrix(generator, kv_lora + rope, hidden)
    down[:kv_lora] *= _small(config)
    yield prefix + "kv_a_proj_with_mqa.weight", down
    yield prefix + "kv_a_layernorm.weight", _norm(generator, kv_lora)
    yield prefix + "kv_b_proj.weight", _matrix(generator, heads * (nope + value), kv_lora)
    yield prefix + "o_proj.weight", _matrix(generator, hidden, heads * value)


def _mlp(generator, hidden, inner, prefix):
    yield prefix + "gate_proj.weight", _matrix(generator, inner, hidden)
    yield prefix + "up_proj.weight", _matrix(generator, inner, hidden)
    yield prefix + "down_proj.weight", _matrix(generator, hidden, inner)


def _moe(generator, config, prefix):
    hidden, inner, experts = config["hidden_size"], config["moe_intermediate_size"], config["n_routed_experts"]
    yield prefix + "gate.weight", _matrix(generator, experts, hidden)
    if config["topk_method"] == "noaux_tc":
        # Below zero, so that a zero in place of minus infinity would choose from the excluded groups.
        yield prefix + "gate.e_score_correction_bias", 0.1 * torch.randn(experts, generator=generator) - 1.0
    for expert in range(experts):
        yield from _mlp(generator, hidden, inner, f"{prefix}experts.{expert}.")
    yield from _mlp(generator, hidden, inner * config["n_shared_experts"], prefix + "shared_experts.")


def tensors(config, seed):
    """Names and F32 values, before rounding to the stored type."""
    generator = torch.Generator().manual_seed(seed)
    hidden = config["hidden_size"]
    yield "model.embed_tokens.weight", _small(config) * torch.randn(config["vocab_size"], hidden, generator=generator)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", _norm(generator, hidden)
        yield from _attention(generator, config, prefix + "self_attn.")
        yield prefix + "post_attention_layernorm.weight", _norm(generator, hidden)
        if layer < config["first_k_dense_replace"]:
            yield from _mlp(generator, hidden, config["intermediate_size"], prefix + "mlp.")
        else:
            yield from _moe(generator, config, prefix + "mlp.")
    yield "model.norm.weight", _norm(generator, hidden)
    yield "lm_head.weight", _matrix(generator, config["vocab_size"], hidden, 3.0)


def _is_fp8(name):
    return name.endswith("_proj.weight") or name.endswith("kv_a_proj_with_mqa.weight")


def _block_scales(scale, rows, cols):
    spread = scale.repeat_interleave(FP8_BLOCK, 0).repeat_interleave(FP8_BLOCK, 1)
    return spread[:rows, :cols]


def quantize(weight):
    """[rows, cols] F32 -> E4M3 codes and F32 scales of 128x128 blocks, each block's largest value at the format's largest."""
    rows, cols = weight.shape
    padded = torch.zeros(-(-rows // FP8_BLOCK) * FP8_BLOCK, -(-cols // FP8_BLOCK) * FP8_BLOCK)
    padded[:rows, :cols] = weight
    blocks = padded.view(padded.shape[0] // FP8_BLOCK, FP8_BLOCK, padded.shape[1] // FP8_BLOCK, FP8_BLOCK)
    scale = blocks.abs().amax(dim=(1, 3)) / FP8_MAX
    codes = (weight / _block_scales(scale, rows, cols)).clamp(-FP8_MAX, FP8_MAX).to(torch.float8_e4m3fn)
    return codes, scale


def dequantize(codes, scale):
    return codes.float() * _block_scales(scale, *codes.shape)


def stored_and_plain(config, seed, dtype):
    """The state as committed, and the same values as F32 without FP8 for the reference run."""
    stored, plain = {}, {}
    for name, value in tensors(config, seed):
        if "quantization_config" in config and _is_fp8(name):
            codes, scale = quantize(value)
            stored[name], stored[name + "_scale_inv"] = codes, scale
            plain[name] = dequantize(codes, scale)
        else:
            stored[name] = value if name.endswith("e_score_correction_bias") else value.to(dtype)
            plain[name] = stored[name].float()
    return stored, plain
