#include "services/expert/expert_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/baleen/v1/expert.pb.h"
#include "services/common/dtype_wire.h"
#include "transport/limits.h"

namespace baleen {

namespace {

absl::Status Invalid(const std::string& what) { return absl::InvalidArgumentError(absl::StrCat("expert call: ", what)); }

absl::Status CheckDType(const v1::ExpertCallHeader& header, DType dtype) {
  const v1::DType wanted = DTypeToWire(dtype);
  if (header.dtype() == wanted) return absl::OkStatus();
  return Invalid(absl::StrCat("dtype ", header.dtype(), " instead of ", wanted));
}

// Every row names 1 to `experts` ids, all of the layer.
absl::Status CheckLists(const v1::ExpertCallHeader& header, int64_t experts) {
  if (header.experts_per_row_size() != static_cast<int64_t>(header.rows())) {
    return Invalid(absl::StrCat(header.rows(), " rows but ", header.experts_per_row_size(), " experts_per_row"));
  }
  int64_t listed = 0;
  for (const uint32_t count : header.experts_per_row()) {
    if (count == 0 || count > experts) return Invalid(absl::StrCat("a row with ", count, " experts"));
    listed += count;
  }
  if (listed != header.expert_ids_size())
    return Invalid(absl::StrCat(listed, " experts counted but ", header.expert_ids_size(), " listed"));
  for (const uint32_t id : header.expert_ids()) {
    if (id >= experts) return Invalid(absl::StrCat("expert ", id, " of ", experts));
  }
  return absl::OkStatus();
}

absl::Status CheckSizes(const v1::ExpertCallHeader& header, size_t payload, const ExpertShape& shape) {
  // rows and ids are 32 bits and a row is far below 2^31 bytes, so these products fit.
  const uint64_t row_bytes = static_cast<uint64_t>(shape.hidden) * SizeOf(shape.dtype);
  if (payload != header.rows() * row_bytes) {
    return Invalid(absl::StrCat("payload of ", payload, " bytes instead of ", header.rows(), " x ", row_bytes));
  }
  const uint64_t reply = static_cast<uint64_t>(header.expert_ids_size()) * row_bytes;
  if (reply > kMaxPayloadBytes) return Invalid(absl::StrCat("reply of ", reply, " bytes is over the limit"));
  return absl::OkStatus();
}

Message Encode(const v1::ExpertReplyHeader& header, Payload payload) { return {header.SerializeAsString(), std::move(payload)}; }

}  // namespace

absl::StatusOr<ExpertCall> ParseExpertCall(Message message, const ExpertShape& shape, absl::Time now, uint64_t* call_id, uint64_t* epoch) {
  v1::ExpertCallHeader header;
  if (!header.ParseFromString(message.header)) return Invalid("malformed header");
  *call_id = header.call_id();
  *epoch = header.epoch();
  if (header.numerics_id() != shape.numerics_id) {
    return absl::FailedPreconditionError(
        absl::StrCat("expert call: numerics_id \"", header.numerics_id(), "\" but this shard computes ", shape.numerics_id));
  }
  if (header.rows() > 0) RETURN_IF_ERROR(CheckDType(header, shape.dtype));
  RETURN_IF_ERROR(CheckSizes(header, message.payload.size, shape));
  RETURN_IF_ERROR(CheckLists(header, shape.experts));
  if (header.layer() > INT32_MAX) return Invalid(absl::StrCat("layer ", header.layer()));

  ExpertCall call;
  call.call_id = header.call_id();
  call.epoch = header.epoch();
  if (header.timeout_ms() != 0) call.deadline = now + absl::Milliseconds(header.timeout_ms());
  call.layer = static_cast<int>(header.layer());
  call.rows = header.rows();
  call.experts_per_row.assign(header.experts_per_row().begin(), header.experts_per_row().end());
  call.expert_ids.assign(header.expert_ids().begin(), header.expert_ids().end());
  call.input = std::move(message.payload);
  call.traceparent = header.traceparent();
  return call;
}

Message EncodeReply(const ExpertCall& call, Payload outputs) {
  v1::ExpertReplyHeader header;
  header.set_call_id(call.call_id);
  header.set_epoch(call.epoch);
  return Encode(header, std::move(outputs));
}

Message EncodeRefusal(uint64_t call_id, uint64_t epoch, const absl::Status& status) {
  v1::ExpertReplyHeader header;
  header.set_call_id(call_id);
  header.set_epoch(epoch);
  header.set_code(static_cast<int32_t>(status.code()));
  header.set_error(std::string(status.message()));
  return Encode(header, {});
}

}  // namespace baleen
