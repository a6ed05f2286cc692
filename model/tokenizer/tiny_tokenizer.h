// A small tokenizer.json of the DeepSeek-V3 form for tests.
#ifndef BALEEN_MODEL_TOKENIZER_TINY_TOKENIZER_H_
#define BALEEN_MODEL_TOKENIZER_TINY_TOKENIZER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace baleen {

inline constexpr int32_t kTinyFirstByte = 3;

struct TinyTokenizerOptions {
  std::vector<std::string> merges = {"h e", "l l", "he ll", "hell o"};  // Their results take ids 259 and on.
  // After the merges; "special" ones take 0, 1 and 2.
  std::vector<std::string> added = {"<think>",
                                    "</think>",
                                    "<｜User｜>",
                                    "<｜Assistant｜>",
                                    "<｜tool▁calls▁begin｜>",
                                    "<｜tool▁calls▁end｜>",
                                    "<｜tool▁call▁begin｜>",
                                    "<｜tool▁call▁end｜>",
                                    "<｜tool▁outputs▁begin｜>",
                                    "<｜tool▁outputs▁end｜>",
                                    "<｜tool▁output▁begin｜>",
                                    "<｜tool▁output▁end｜>",
                                    "<｜tool▁sep｜>"};
  std::string pre_tokenizer;  // JSON; empty = DeepSeek-V3's.
  bool ignore_merges = false;
};

// The Split patterns of DeepSeek-V3, and of Qwen2 (R1-Distill-Qwen).
const std::vector<std::string>& DeepseekV3Patterns();
const std::string& QwenPattern();

std::string TinyTokenizerJson(const TinyTokenizerOptions& options);
std::unique_ptr<Tokenizer> MakeTinyTokenizer(const TinyTokenizerOptions& options = {});

// The ids of bytes that take part in no merge.
std::vector<int32_t> TinyByteIds(const std::string& bytes);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_TINY_TOKENIZER_H_
