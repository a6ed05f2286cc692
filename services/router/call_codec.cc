#include "services/router/call_codec.h"

#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/dtype.h"
#include "proto/baleen/v1/expert.pb.h"
#include "services/common/dtype_wire.h"

namespace baleen {

namespace {

size_t RowBytes(const ExpertBatch& batch) { return static_cast<size_t>(batch.hidden) * SizeOf(batch.wire); }

}  // namespace

Message EncodeCall(const ExpertBatch& batch, const ShardCall& call, const CallInfo& info) {
  v1::ExpertCallHeader header;
  header.set_call_id(info.call_id);
  header.set_epoch(info.epoch);
  header.set_timeout_ms(info.timeout_ms);
  header.set_numerics_id(info.numerics_id);
  header.set_layer(static_cast<uint32_t>(batch.layer));
  header.set_dtype(DTypeToWire(batch.wire));
  header.set_rows(static_cast<uint32_t>(call.rows.size()));
  header.mutable_experts_per_row()->Add(call.experts_per_row.begin(), call.experts_per_row.end());
  header.mutable_expert_ids()->Add(call.expert_ids.begin(), call.expert_ids.end());
  if (!batch.traceparent.empty()) header.set_traceparent(std::string(batch.traceparent));

  const size_t row_bytes = RowBytes(batch);
  const size_t size = call.rows.size() * row_bytes;
  const std::shared_ptr<std::byte[]> bytes = std::make_shared_for_overwrite<std::byte[]>(size);
  for (size_t i = 0; i < call.rows.size(); ++i) {
    std::memcpy(bytes.get() + i * row_bytes, batch.input + static_cast<size_t>(call.rows[i]) * row_bytes, row_bytes);
  }
  return {header.SerializeAsString(), {bytes, bytes.get(), size}};
}

Message EncodeHello(const std::string& numerics_id) {
  v1::ExpertCallHeader header;
  header.set_numerics_id(numerics_id);
  return {header.SerializeAsString(), {}};
}

absl::Status CheckReply(const Payload& payload, size_t slots, const ExpertBatch& batch) {
  const size_t bytes = slots * RowBytes(batch);
  if (payload.size == bytes) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("expert reply has ", payload.size, " bytes instead of ", bytes));
}

void ScatterReply(const Payload& payload, const ShardCall& call, absl::Span<const size_t> places, const ExpertBatch& batch) {
  const size_t row_bytes = RowBytes(batch);
  for (const size_t place : places) batch.outputs[call.slots[place]] = payload.data + place * row_bytes;
}

}  // namespace baleen
