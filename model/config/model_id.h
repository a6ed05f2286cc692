// The name under which clients, gateways and workers know a checkpoint.
#ifndef BALEEN_MODEL_CONFIG_MODEL_ID_H_
#define BALEEN_MODEL_CONFIG_MODEL_ID_H_

#include <string>

namespace baleen {

// The last component of the checkpoint's directory: "abacus" for both "checkpoints/abacus" and "checkpoints/abacus/". In Hugging Face's
// cache that is a commit, so "models--ORG--NAME/snapshots/COMMIT" is NAME.
std::string ModelId(const std::string& directory);

}  // namespace baleen

#endif  // BALEEN_MODEL_CONFIG_MODEL_ID_H_
