#include "tests/simulation/shared_parts.h"

#include <prometheus/registry.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "services/attention/probe.h"
#include "services/common/log.h"
#include "services/placement/probe.h"

namespace baleen {

const SharedParts& GetSharedParts() {
  struct Owner {
    Owner() {
      SetLogLevel(LogLevel::kError);
      auto loaded = Tokenizer::Load("checkpoints/abacus");
      if (!loaded.ok()) {
        std::cerr << loaded.status() << "\n";
        std::abort();
      }
      tokenizer = *std::move(loaded);
      parts = {tokenizer.get(), &attention_probe, &placement_probe};
    }

    prometheus::Registry registry;
    AttentionProbe attention_probe{registry};
    PlacementProbe placement_probe{registry};
    std::unique_ptr<Tokenizer> tokenizer;
    SharedParts parts;
  };
  static const Owner* const owner = new Owner;
  return owner->parts;
}

}  // namespace baleen
