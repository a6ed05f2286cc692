// A tokenizer.json without merges, so that a random checkpoint can be served.
#ifndef BALEEN_TOOLS_MAKE_CHECKPOINT_BYTE_TOKENIZER_H_
#define BALEEN_TOOLS_MAKE_CHECKPOINT_BYTE_TOKENIZER_H_

#include <string>

namespace baleen {

// BOS 0, EOS 1, padding 2, the 256 bytes, then the chat's control tokens.
std::string ByteTokenizerJson();
// tokenizer_config.json beside it.
std::string ByteTokenizerConfigJson();

}  // namespace baleen

#endif  // BALEEN_TOOLS_MAKE_CHECKPOINT_BYTE_TOKENIZER_H_
