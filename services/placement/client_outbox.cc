#include "services/placement/client_outbox.h"

#include <utility>

namespace baleen {

void DigestOutbox::Exchange(v1::HeartbeatRequest& request) {
  for (const v1::TensorDigest& given : request.digests()) {
    const auto [known, is_new] = given_.try_emplace(given.name(), given.digest());
    if (!is_new && std::exchange(known->second, given.digest()) == given.digest()) continue;
    unanswered_[given.name()] = given.digest();
  }
  request.clear_digests();
  for (const auto& [name, value] : unanswered_) {
    v1::TensorDigest& digest = *request.add_digests();
    digest.set_name(name);
    digest.set_digest(value);
  }
}

void DigestOutbox::Answered() { unanswered_.clear(); }

void DigestOutbox::SendAllAgain() { unanswered_ = given_; }

}  // namespace baleen
