#include "services/kv/transfer/kv_receiver.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/dtype.h"
#include "base/status_macros.h"
#include "proto/baleen/v1/kv.pb.h"
#include "services/common/dtype_wire.h"

namespace baleen {
namespace {

absl::Status Take(ReservationTable& reservations, const v1::KvPageHeader& header, const Payload& payload) {
  ASSIGN_OR_RETURN(const DType dtype, DTypeFromWire(header.dtype()));
  return reservations.Write({.reservation = header.reservation(),
                             .attempt = header.context().attempt(),
                             .layer = header.layer(),
                             .first_token = header.first_token(),
                             .token_count = header.token_count(),
                             .dtype = dtype,
                             .checksum = header.checksum(),
                             .rows = {payload.data, payload.size}});
}

std::string AckFor(const v1::KvPageHeader& header, const absl::Status& taken) {
  v1::KvAckHeader ack;
  ack.set_reservation(header.reservation());
  ack.set_layer(header.layer());
  ack.set_first_token(header.first_token());
  ack.set_token_count(header.token_count());
  if (!taken.ok()) ack.set_error(absl::StrCat(absl::StatusCodeToString(taken.code()), ": ", taken.message()));
  return ack.SerializeAsString();
}

}  // namespace

AcceptFunction AcceptKvPushes(ReservationTable* reservations, std::function<void(size_t bytes)> on_page) {
  return [reservations, on_page = std::move(on_page)](std::shared_ptr<Connection> connection) -> StreamHandlers {
    auto on_message = [reservations, on_page, connection](Message message) {
      v1::KvPageHeader header;
      if (!header.ParseFromString(message.header)) {
        connection->Close();
        return;
      }
      const absl::Status taken = Take(*reservations, header, message.payload);
      if (taken.ok() && on_page) on_page(message.payload.size);
      // An acknowledgement that cannot be queued must not get lost alone: the sender learns from the broken stream.
      if (!connection->Send({.header = AckFor(header, taken), .payload = {}}).ok()) connection->Close();
    };
    return {.on_message = std::move(on_message), .on_closed = [](absl::Status) {}};
  };
}

}  // namespace baleen
