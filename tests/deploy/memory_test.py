"""The memory that values-h800-r1.yaml plans for, recomputed from DeepSeek-R1's dimensions."""

import math
import re
import unittest

from tests.deploy import chart

# DeepSeek-R1's config.json.
LAYERS, DENSE_LAYERS, HIDDEN, HEADS, VOCABULARY = 61, 3, 7168, 128, 129280
Q_LORA, KV_LORA, NOPE, ROPE, VALUE = 1536, 512, 128, 64, 128
DENSE_FF, EXPERT_FF, EXPERTS = 18432, 2048, 256
MOE_LAYERS = LAYERS - DENSE_LAYERS

EXPERT = 3 * HIDDEN * EXPERT_FF
ROUTED = MOE_LAYERS * EXPERTS * EXPERT
ATTENTION = (HIDDEN * Q_LORA + Q_LORA * HEADS * (NOPE + ROPE) + HIDDEN * (KV_LORA + ROPE)
             + KV_LORA * HEADS * (NOPE + VALUE) + HEADS * VALUE * HIDDEN)
REST = LAYERS * ATTENTION + DENSE_LAYERS * 3 * HIDDEN * DENSE_FF + MOE_LAYERS * (EXPERT + EXPERTS * HIDDEN) + 2 * VOCABULARY * HIDDEN
KV_BYTES_PER_TOKEN = LAYERS * (KV_LORA + ROPE) * 2

FP8_BYTES = 1 + 4 / (128 * 128)
BF16_BYTES = 2
GPU_BYTES = 80e9
SHARDS_OF_A_NODE = 8
MIB = 1 << 20
# For activations, buffers and the runtime.
USABLE = 0.95
# What a shard holds beside its plan while experts move: MovingRoom of services/placement/planner/handover.h.
MOVING = 1 + 1 / 8


class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.text = chart.VALUES["h800-r1"].read_text()
        values = chart.read_values(chart.VALUES["h800-r1"])
        self.shards, self.copies = values["expert"]["replicas"], values["placement"]["minReplicas"]
        self.extra = values["placement"]["extraSlots"]
        self.kv = {role: values[role]["kvMiB"] * MIB for role in ("prefill", "decode")}

    def _slots(self, shards):
        """Experts of a layer that a shard holds."""
        return math.ceil(EXPERTS * self.copies / shards) + self.extra

    def _shard_bytes(self, shards, bytes_each):
        return MOE_LAYERS * self._slots(shards) * EXPERT * bytes_each

    def test_shards_fit(self):
        self.assertEqual(EXPERTS * self.copies % self.shards, 0)
        self.assertLess(self._shard_bytes(self.shards, FP8_BYTES) * MOVING, USABLE * GPU_BYTES)
        self.assertLess(self._shard_bytes(self.shards - SHARDS_OF_A_NODE, FP8_BYTES) * MOVING, USABLE * GPU_BYTES)
        self.assertGreater(self._shard_bytes(self.shards, BF16_BYTES), GPU_BYTES)

    def test_attention_workers_fit(self):
        for role, kv in self.kv.items():
            self.assertLess(REST * BF16_BYTES + kv, USABLE * GPU_BYTES, role)

    def test_prefill_holds_the_longest_prompt(self):
        self.assertGreater(self.kv["prefill"] / KV_BYTES_PER_TOKEN, 163840)

    def test_two_copies_on_two_nodes(self):
        self.assertGreaterEqual(self.copies, 2)
        self.assertGreater(self.shards / 8, 1)

    def test_comments_say_what_comes_out(self):
        decode_tokens = self.kv["decode"] / KV_BYTES_PER_TOKEN
        for said in (f"{EXPERT / 1e6:.1f} M parameters", f"{ROUTED / 1e9:.1f} G", f"{REST / 1e9:.1f} G",
                     f"{EXPERTS * self.copies // self.shards} experts a layer and shard, and {self.extra} more of hot ones",
                     f"{MOE_LAYERS} x {self._slots(self.shards)} x {EXPERT / 1e6:.1f} MB",
                     f"an eighth more: {self._shard_bytes(self.shards, FP8_BYTES) * MOVING / 1e9:.1f} GB",
                     f"{self._slots(self.shards - SHARDS_OF_A_NODE)} a layer: "
                     f"{self._shard_bytes(self.shards - SHARDS_OF_A_NODE, FP8_BYTES) / 1e9:.1f} GB",
                     f"{self._shard_bytes(self.shards, FP8_BYTES) / 1e9:.1f} GB of 80 GB",
                     f"{self._shard_bytes(self.shards, BF16_BYTES) / 1e9:.1f} GB: then take",
                     f"{self._shard_bytes(2 * self.shards, BF16_BYTES) / 1e9:.1f} GB each",
                     f"{MOE_LAYERS * EXPERTS * self.copies / 144 * EXPERT * FP8_BYTES / 1e9:.1f} GB, and batches",
                     f"{EXPERTS * self.copies / 144:.1f} experts a layer",
                     f"{REST * BF16_BYTES / 1e9:.1f} GB of weights", f"{KV_BYTES_PER_TOKEN:,} bytes a token",
                     f"{self.kv['decode'] >> 30} GiB of KV = {round(decode_tokens, -3):,.0f} tokens: {decode_tokens // 4096:.0f} sequences",
                     f"{self.kv['prefill'] >> 30} GiB of KV = {round(self.kv['prefill'] / KV_BYTES_PER_TOKEN, -3):,.0f} tokens"):
            self.assertIsNotNone(re.search(re.escape(said), self.text), said)


if __name__ == "__main__":
    unittest.main()
