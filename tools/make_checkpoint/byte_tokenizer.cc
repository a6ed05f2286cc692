#include "tools/make_checkpoint/byte_tokenizer.h"

#include <boost/json.hpp>

#include "model/tokenizer/byte_symbols.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr const char* kSpecial[] = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"};
constexpr const char* kControl[] = {"<think>", "</think>", "<｜User｜>", "<｜Assistant｜>"};

json::object AddedToken(int64_t id, const char* content, bool special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

}  // namespace

std::string ByteTokenizerJson() {
  json::array added;
  json::object vocab;
  int64_t id = 0;
  for (const char* content : kSpecial) {
    vocab[content] = id;
    added.push_back(AddedToken(id++, content, true));
  }
  for (const std::string& symbol : ByteSymbols()) vocab[symbol] = id++;
  for (const char* content : kControl) added.push_back(AddedToken(id++, content, false));
  const json::object bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const json::object root = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", bytes},
      {"post_processor", nullptr},
      {"decoder", bytes},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"vocab", vocab},
        {"merges", json::array()}}},
  };
  return json::serialize(root) + "\n";
}

std::string ByteTokenizerConfigJson() {
  const json::object root = {{"add_bos_token", true},
                             {"add_eos_token", false},
                             {"bos_token", kSpecial[0]},
                             {"eos_token", kSpecial[1]},
                             {"pad_token", kSpecial[2]},
                             {"clean_up_tokenization_spaces", false},
                             {"tokenizer_class", "PreTrainedTokenizerFast"}};
  return json::serialize(root) + "\n";
}

}  // namespace baleen
