#include "services/placement/client_outbox.h"

namespace baleen {

void DigestOutbox::Exchange(v1::HeartbeatRequest& request) {
  for (const v1::TensorDigest& given : request.digests()) {
    Entry& entry = digests_[given.name()];
    if (entry.digest != given.digest()) entry = {given.digest(), false};
  }
  request.clear_digests();
  for (const auto& [name, entry] : digests_) {
    if (entry.answered) continue;
    v1::TensorDigest& digest = *request.add_digests();
    digest.set_name(name);
    digest.set_digest(entry.digest);
  }
}

void DigestOutbox::Answered() {
  for (auto& [name, entry] : digests_) entry.answered = true;
}

void DigestOutbox::SendAllAgain() {
  for (auto& [name, entry] : digests_) entry.answered = false;
}

}  // namespace baleen
