"""A small DeepSeek-V3 in PyTorch: latent attention, group-limited routing, one MTP layer.

Training runs over `Rows`: rectangles of right-padded sequences laid end to end, so every GEMM
sees one flat [tokens, hidden] matrix and only attention looks at the rectangles. Decoding runs
over a latent cache in the absorbed form. Weights are F32 masters; GEMMs run in `Model.dtype`.
Shapes in comments: N tokens, H hidden, h heads, E experts.
"""
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

TILE_ROWS = 64  # experts' BF16 GEMMs get multiples of it, so that the library meets few shapes
LATENT_EPS = 1e-6  # the two latent norms use it whatever rms_norm_eps says


@dataclass(frozen=True)
class Config:
    """The fields of `config.json` that shape the network, under their Hugging Face names."""
    vocab_size: int = 288
    hidden_size: int = 192
    intermediate_size: int = 512
    moe_intermediate_size: int = 96
    num_hidden_layers: int = 5
    num_attention_heads: int = 4
    q_lora_rank: int = 96
    kv_lora_rank: int = 64
    qk_nope_head_dim: int = 32
    qk_rope_head_dim: int = 16
    v_head_dim: int = 32
    n_routed_experts: int = 16
    n_shared_experts: int = 1
    num_experts_per_tok: int = 4
    n_group: int = 4
    topk_group: int = 2
    routed_scaling_factor: float = 2.5
    first_k_dense_replace: int = 1
    max_position_embeddings: int = 2048
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-6
    num_nextn_predict_layers: int = 1

    def hugging_face(self) -> dict:
        """The whole content of config.json."""
        return {
            "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", **asdict(self),
            "num_key_value_heads": self.num_attention_heads, "moe_layer_freq": 1,
            "topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": True,
            "hidden_act": "silu", "attention_bias": False, "attention_dropout": 0.0,
            "tie_word_embeddings": False, "rope_scaling": None, "rope_interleave": True,
            "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
            "initializer_range": 0.02, "use_cache": True, "torch_dtype": "bfloat16",
        }


@dataclass
class Rows:
    """A batch: `shapes` lists the (rows, length) rectangles that follow one another in the flat tensors."""
    tokens: torch.Tensor     # [N] int64
    positions: torch.Tensor  # [N] int64, from 0 in each row
    real: torch.Tensor       # [N] bool, false on padding
    shapes: list[tuple[int, int]]


def rms_norm(x, weight, eps):
    """RMSNorm with F32 statistics; keeps x's dtype."""
    return F.rms_norm(x.float(), (x.shape[-1],), weight, eps).to(x.dtype)


def rotate(x, angles):
    """RoPE on interleaved pairs. x [..., d], angles [..., d/2] broadcastable."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(x.dtype)


def matrix(*shape, std=0.02):
    return nn.Parameter(torch.randn(*shape) * std)


class Linear(nn.Module):
    """y = x W^T in the dtype of x."""

    def __init__(self, out_features, in_features):
        super().__init__()
        self.weight = matrix(out_features, in_features)

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype))


class Norm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        return rms_norm(x, self.weight, self.eps)


class Attention(nn.Module):
    """Multi-head latent attention: the naive form over rows, the absorbed form over a cache."""

    def __init__(self, c: Config):
        super().__init__()
        self.c, heads = c, c.num_attention_heads
        self.scale = (c.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5
        self.q_a_proj = Linear(c.q_lora_rank, c.hidden_size)
        self.q_a_layernorm = Norm(c.q_lora_rank, LATENT_EPS)
        self.q_b_proj = Linear(heads * (c.qk_nope_head_dim + c.qk_rope_head_dim), c.q_lora_rank)
        self.kv_a_proj_with_mqa = Linear(c.kv_lora_rank + c.qk_rope_head_dim, c.hidden_size)
        self.kv_a_layernorm = Norm(c.kv_lora_rank, LATENT_EPS)
        self.kv_b_proj = Linear(heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank)
        self.o_proj = Linear(c.hidden_size, heads * c.v_head_dim)

    def project(self, x, angles):
        """x [..., H] -> q_nope, q_pe [..., h, *], latent [..., kv_lora], k_pe [..., rope]."""
        c = self.c
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x))).unflatten(-1, (c.num_attention_heads, -1))
        q_nope, q_pe = q.split((c.qk_nope_head_dim, c.qk_rope_head_dim), -1)
        latent, k_pe = self.kv_a_proj_with_mqa(x).split((c.kv_lora_rank, c.qk_rope_head_dim), -1)
        return q_nope, rotate(q_pe, angles[..., None, :]), self.kv_a_layernorm(latent), rotate(k_pe, angles)

    def forward(self, x, angles, shapes):
        """x [N, H] -> [N, H]; causal inside each row of each rectangle."""
        c = self.c
        q_nope, q_pe, latent, k_pe = self.project(x, angles)
        k_nope, v = self.kv_b_proj(latent).unflatten(-1, (c.num_attention_heads, -1)).split(
            (c.qk_nope_head_dim, c.v_head_dim), -1)
        q = torch.cat((q_nope, q_pe), -1)
        k = torch.cat((k_nope, k_pe[:, None].expand(-1, c.num_attention_heads, -1)), -1)
        v = F.pad(v, (0, q.shape[-1] - c.v_head_dim))  # equal widths take the fused attention kernel
        q, k, v = q.float(), k.float(), v.float()  # in which that kernel is fastest
        sizes, out = [rows * length for rows, length in shapes], []
        for (rows, length), *parts in zip(shapes, q.split(sizes), k.split(sizes), v.split(sizes)):
            heads = [p.view(rows, length, c.num_attention_heads, -1).transpose(1, 2) for p in parts]
            y = F.scaled_dot_product_attention(*heads, is_causal=True, scale=self.scale)
            out.append(y[..., :c.v_head_dim].transpose(1, 2).reshape(rows * length, -1))
        return self.o_proj(torch.cat(out).to(x.dtype))

    def cached(self, x, angles, cache, slots):
        """x [B, T, H]; cache [B, L, kv_lora + rope] is written at slots [B, T]; a query sees slots <= its own."""
        c = self.c
        q_nope, q_pe, latent, k_pe = self.project(x, angles)
        cache.scatter_(1, slots[..., None].expand(-1, -1, cache.shape[-1]), torch.cat((latent, k_pe), -1))
        up = self.kv_b_proj.weight.to(x.dtype).view(c.num_attention_heads, -1, c.kv_lora_rank)
        up_k, up_v = up.split((c.qk_nope_head_dim, c.v_head_dim), 1)
        q = torch.cat((torch.einsum("bthn,hnc->bthc", q_nope, up_k), q_pe), -1)
        scores = torch.einsum("bthc,blc->bthl", q, cache) * self.scale
        seen = torch.arange(cache.shape[1]) <= slots[:, :, None, None]
        p = scores.float().masked_fill(~seen, float("-inf")).softmax(-1).to(x.dtype)
        mixed = torch.einsum("bthl,blc->bthc", p, cache[..., :c.kv_lora_rank])
        return self.o_proj(torch.einsum("bthc,hvc->bthv", mixed, up_v).flatten(2))


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, hidden, inner):
        super().__init__()
        self.gate_proj, self.up_proj = Linear(inner, hidden), Linear(inner, hidden)
        self.down_proj = Linear(hidden, inner)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Gate(nn.Module):
    """noaux_tc routing: sigmoid scores, biased group-limited selection, unbiased weights."""

    def __init__(self, c: Config):
        super().__init__()
        self.c, self.weight = c, matrix(c.n_routed_experts, c.hidden_size)
        self.register_buffer("e_score_correction_bias", torch.zeros(c.n_routed_experts))
        self.chosen_min = None  # set to a float to record the smallest chosen biased score

    def forward(self, x):
        """x [N, H] -> expert ids [N, k], weights [N, k] (they sum to routed_scaling_factor)."""
        c = self.c
        scores = F.linear(x.float(), self.weight).sigmoid()
        with torch.no_grad():
            biased = scores + self.e_score_correction_bias
            grouped = biased.unflatten(-1, (c.n_group, -1))
            kept = grouped.topk(2, -1).values.sum(-1).topk(c.topk_group, -1).indices
            closed = torch.ones(grouped.shape[:-1], dtype=torch.bool).scatter_(-1, kept, False)
            best = grouped.masked_fill(closed[..., None], float("-inf")).flatten(-2).topk(c.num_experts_per_tok, -1)
            if self.chosen_min is not None:
                self.chosen_min = min(self.chosen_min, best.values.min().item())
        weights = scores.gather(-1, best.indices)
        return best.indices, weights / (weights.sum(-1, keepdim=True) + 1e-20) * c.routed_scaling_factor


class Moe(nn.Module):
    """Routed experts (stacked weights [E, inner, H]) plus one shared expert."""

    def __init__(self, c: Config):
        super().__init__()
        shape = (c.n_routed_experts, c.moe_intermediate_size, c.hidden_size)
        self.gate = Gate(c)
        self.gate_proj, self.up_proj = matrix(*shape), matrix(*shape)
        self.down_proj = matrix(shape[0], shape[2], shape[1])
        self.shared_experts = Mlp(c.hidden_size, c.moe_intermediate_size * c.n_shared_experts)
        self.load = torch.zeros(c.n_routed_experts)  # rows each expert got since last cleared

    def forward(self, x, real):
        """x [N, H]; rows where real is false are computed but not counted in the load."""
        ids, weights = self.gate(x)
        experts, k = len(self.gate_proj), ids.shape[-1]
        self.load += torch.bincount(ids[real].flatten(), minlength=experts)
        tile = TILE_ROWS if x.dtype == torch.bfloat16 else 1
        order = ids.flatten().argsort(stable=True)
        counts = torch.bincount(ids.flatten(), minlength=experts)
        padded = (counts + tile - 1) // tile * tile
        shift = (padded - counts).cumsum(0) - (padded - counts)  # of an expert's rows, past the padding before them
        places = torch.arange(len(order)) + shift.repeat_interleave(counts)
        source = torch.zeros(int(padded.sum()), dtype=torch.int64).scatter_(0, places, order // k)
        gate_up = torch.cat((self.gate_proj, self.up_proj), 1).to(x.dtype)
        out = []
        chunks = x.index_select(0, source).split(padded.tolist())
        for rows, inner, down in zip(chunks, gate_up.unbind(), self.down_proj.to(x.dtype).unbind()):
            gate, up = F.linear(rows, inner).chunk(2, -1)
            out.append(F.linear(F.silu(gate) * up, down))
        back = torch.empty_like(order).scatter_(0, order, places)
        routed = torch.cat(out).index_select(0, back).view(-1, k, x.shape[-1])
        return (routed * weights[..., None].to(x.dtype)).sum(1) + self.shared_experts(x)


class Layer(nn.Module):
    def __init__(self, c: Config, dense: bool):
        super().__init__()
        self.input_layernorm = Norm(c.hidden_size, c.rms_norm_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = Norm(c.hidden_size, c.rms_norm_eps)
        self.mlp = Mlp(c.hidden_size, c.intermediate_size) if dense else Moe(c)

    def feed_forward(self, x, real):
        y = self.post_attention_layernorm(x)
        return x + (self.mlp(y, real) if isinstance(self.mlp, Moe) else self.mlp(y))

    def forward(self, x, angles, rows: Rows):
        x = x + self.self_attn(self.input_layernorm(x), angles, rows.shapes)
        return self.feed_forward(x, rows.real)

    def cached(self, x, angles, cache, slots):
        x = x + self.self_attn.cached(self.input_layernorm(x), angles, cache, slots)
        flat = x.flatten(0, 1)
        return self.feed_forward(flat, torch.ones(len(flat), dtype=torch.bool)).view_as(x)


class MtpLayer(Layer):
    """Predicts token i+2 from the normed hidden state i and token i+1."""

    def __init__(self, c: Config):
        super().__init__(c, dense=False)
        self.enorm, self.hnorm = Norm(c.hidden_size, c.rms_norm_eps), Norm(c.hidden_size, c.rms_norm_eps)
        self.eh_proj = Linear(c.hidden_size, 2 * c.hidden_size)
        self.shared_head_norm = Norm(c.hidden_size, c.rms_norm_eps)

    def draft(self, embedded_next, hidden, angles, rows: Rows):
        """Both inputs [N, H]; returns [N, H] ready for the shared head."""
        y = self.eh_proj(torch.cat((self.enorm(embedded_next), self.hnorm(hidden)), -1))
        return self.shared_head_norm(self(y, angles, rows))


class Model(nn.Module):
    """The whole network. `dtype` is that of activations and GEMMs."""

    def __init__(self, c: Config, dtype=torch.float32):
        super().__init__()
        self.c, self.dtype = c, dtype
        self.embed_tokens = matrix(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c, i < c.first_k_dense_replace) for i in range(c.num_hidden_layers))
        self.mtp = MtpLayer(c)
        self.norm = Norm(c.hidden_size, c.rms_norm_eps)
        self.lm_head = Linear(c.vocab_size, c.hidden_size)
        half = torch.arange(0, c.qk_rope_head_dim, 2) / c.qk_rope_head_dim
        self.register_buffer("frequencies", c.rope_theta ** -half, persistent=False)

    def moe_layers(self) -> list[Moe]:
        """The MoE blocks in order, the MTP layer's last."""
        return [layer.mlp for layer in [*self.layers, self.mtp] if isinstance(layer.mlp, Moe)]

    def embed(self, tokens):
        return F.embedding(tokens, self.embed_tokens).to(self.dtype)

    def forward(self, rows: Rows):
        """Returns hidden states [N, H] for the head: the main model's and the MTP layer's."""
        angles = rows.positions[:, None].float() * self.frequencies
        embedded = self.embed(rows.tokens)
        x = embedded
        for layer in self.layers:
            x = layer(x, angles, rows)
        hidden = self.norm(x)
        return hidden, self.mtp.draft(embedded.roll(-1, 0), hidden, angles, rows)

    def new_cache(self, batch: int, length: int) -> list[torch.Tensor]:
        width = self.c.kv_lora_rank + self.c.qk_rope_head_dim
        return [torch.zeros(batch, length, width, dtype=self.dtype) for _ in self.layers]

    @torch.inference_mode()
    def decode(self, tokens, start, cache):
        """tokens [B, T] at positions start [B] + 0..T-1; returns logits [B, T, vocab]; extends the cache."""
        slots = start[:, None] + torch.arange(tokens.shape[1])
        angles = slots[..., None].float() * self.frequencies
        x = self.embed(tokens)
        for layer, layer_cache in zip(self.layers, cache):
            x = layer.cached(x, angles, layer_cache, slots)
        return self.lm_head(self.norm(x)).float()
