// Streams of text and control tokens, each in two tokenisations.
#ifndef BALEEN_TESTS_FUZZ_TOKEN_STREAM_H_
#define BALEEN_TESTS_FUZZ_TOKEN_STREAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace baleen {

struct TokenStream {
  std::vector<int32_t> bytes;   // Text as one token a byte.
  std::vector<int32_t> merged;  // The same text as Encode has it.
};

// `spelling`: bytes from 0x80 + i on stand for controls[i], the others for themselves. The tokenizer is a tiny one.
TokenStream MakeTokenStream(const Tokenizer& tokenizer, const std::vector<std::string>& controls, const std::string& spelling);

}  // namespace baleen

#endif  // BALEEN_TESTS_FUZZ_TOKEN_STREAM_H_
