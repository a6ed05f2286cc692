// The end of KvTransfer.Copy that keeps the copies: blocks into the prefix cache, an answer for each.
#ifndef BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_RECEIVER_H_
#define BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_RECEIVER_H_

#include "services/kv/cache/block_pool.h"
#include "transport/transport.h"

namespace baleen {

// Accepts streams of copies; `pool` outlives them, and without one they are refused. A copy is cached content like any other: it takes no
// memory from sequences, only from what else is cached, and none while less than an eighth of the pool is free. A block is taken only
// behind all before it, which are used by that: the cache gives them up after it. A header that does not parse ends the stream.
AcceptFunction AcceptKvCopies(BlockPool* pool);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_RECEIVER_H_
