// The decode worker's end of KvTransfer.Push: pages into reservations, an acknowledgement for each.
#ifndef BALEEN_SERVICES_KV_TRANSFER_KV_RECEIVER_H_
#define BALEEN_SERVICES_KV_TRANSFER_KV_RECEIVER_H_

#include <functional>
#include <memory>

#include "services/kv/transfer/reservation_table.h"
#include "transport/transport.h"

namespace baleen {

inline constexpr char kKvPushMethod[] = "/baleen.v1.KvTransfer/Push";

// Accepts push streams; `reservations` outlives the streams. `on_page` hears the size of each page taken, on transport threads; may be
// null. A page that cannot be taken is acknowledged with an error and changes nothing; a header that does not parse ends the stream.
AcceptFunction AcceptKvPushes(ReservationTable* reservations, std::function<void(size_t bytes)> on_page);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_KV_RECEIVER_H_
