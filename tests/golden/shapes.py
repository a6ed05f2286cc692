"""The tiny checkpoints that golden logits are made for: one per way in which published models differ."""

# What all of them share; sizes are small enough to commit and odd enough to catch a swapped pair of dimensions.
_BASE = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "vocab_size": 160,
    "hidden_size": 96,
    "intermediate_size": 160,
    "moe_intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "q_lora_rank": 48,
    "kv_lora_rank": 64,
    "qk_nope_head_dim": 24,
    "qk_rope_head_dim": 16,
    "v_head_dim": 32,
    "n_routed_experts": 16,
    "n_shared_experts": 1,
    "num_experts_per_tok": 4,
    "n_group": 4,
    "topk_group": 2,
    "topk_method": "noaux_tc",
    "scoring_func": "sigmoid",
    "norm_topk_prob": True,
    "routed_scaling_factor": 2.5,
    "first_k_dense_replace": 1,
    "moe_layer_freq": 1,
    "num_nextn_predict_layers": 0,
    "max_position_embeddings": 512,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "attention_bias": False,
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "torch_dtype": "bfloat16",
}

_V2 = {
    **_BASE,
    "architectures": ["DeepseekV2ForCausalLM"],
    "model_type": "deepseek_v2",
    "scoring_func": "softmax",
    "norm_topk_prob": False,
}


def _yarn(factor, original, mscale, mscale_all_dim):
    return {
        "type": "yarn",
        "factor": factor,
        "original_max_position_embeddings": original,
        "beta_fast": 32,
        "beta_slow": 1,
        "mscale": mscale,
        "mscale_all_dim": mscale_all_dim,
    }


# Scales of 128x128 blocks: every matrix has a ragged edge (160 = 128 + 32, 144 = 128 + 16, 136 = 128 + 8, 320 = 2 * 128 + 64).
_FP8 = {
    **_BASE,
    "num_hidden_layers": 2,
    "hidden_size": 160,
    "intermediate_size": 320,
    "moe_intermediate_size": 136,
    "q_lora_rank": 144,
    "kv_lora_rank": 128,
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "quantization_config": {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "weight_block_size": [128, 128],
    },
}

# name -> (config.json, dtype of stored weights, length of the sequences)
SHAPES = {
    "v3": (_BASE, "bfloat16", 64),
    "v3-fp8": (_FP8, "bfloat16", 64),
    "v2": (
        {
            **_V2,
            "topk_method": "group_limited_greedy",
            "n_routed_experts": 12,
            "n_shared_experts": 2,
            "num_experts_per_tok": 3,
            "routed_scaling_factor": 16.0,
            "rope_scaling": _yarn(40, 4096, 1.0, 1.0),
            "max_position_embeddings": 163840,
        },
        "bfloat16",
        64,
    ),
    "v2-lite": (
        {
            **_V2,
            "topk_method": "greedy",
            "num_hidden_layers": 2,
            "q_lora_rank": None,
            "n_group": 1,
            "topk_group": 1,
            "n_routed_experts": 8,
            "n_shared_experts": 2,
            "num_experts_per_tok": 3,
            "routed_scaling_factor": 1.0,
            "rope_scaling": _yarn(40, 4096, 0.707, 0.707),
            "max_position_embeddings": 163840,
            "torch_dtype": "float32",
        },
        "float32",
        64,
    ),
    "moonlight": (
        {
            **_BASE,
            "num_hidden_layers": 2,
            "q_lora_rank": None,
            "n_group": 1,
            "topk_group": 1,
            "n_routed_experts": 16,
            "n_shared_experts": 2,
            "num_experts_per_tok": 4,
            "routed_scaling_factor": 2.446,
            "rope_theta": 50000.0,
            "rms_norm_eps": 1e-5,
        },
        "bfloat16",
        64,
    ),
    # The sequences are three times as long as the original length, and cos and sin have a magnitude other than 1.
    "yarn": (
        {
            **_BASE,
            "n_routed_experts": 8,
            "rope_scaling": _yarn(4, 32, 1.0, 0.7),
            "max_position_embeddings": 128,
        },
        "bfloat16",
        96,
    ),
}
