// How many positions a block of latent KV has.
#ifndef BALEEN_BASE_KV_BLOCK_H_
#define BALEEN_BASE_KV_BLOCK_H_

namespace baleen {

// Attention walks so many keys at a time, workers hand out, name and share KV by so many, and gateways count a request's room by them. Part
// of the numerics: another number adds up in another order.
inline constexpr int kKvBlockTokens = 64;

}  // namespace baleen

#endif  // BALEEN_BASE_KV_BLOCK_H_
