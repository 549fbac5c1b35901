#include "tests/unit/engine/tokenizer/tokenizer_files.h"

#include "base/utf8.h"

namespace quire::engine::testing {
namespace {

nlohmann::json AddedToken(int id, const std::string& content, bool special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

}  // namespace

nlohmann::json ByteLevelConfig() {
  nlohmann::json vocab;
  int id = 0;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    std::string character;
    AppendUtf8(printable ? static_cast<char32_t>(byte) : next++, character);
    vocab[character] = id++;
  }
  for (const std::string piece : {"he", "ll", "hell", "hello"}) vocab[piece] = id++;
  return {
      {"version", "1.0"},
      {"added_tokens",
       {AddedToken(260, "<|im_start|>", true), AddedToken(261, "<|im_end|>", true),
        AddedToken(262, "<tool>", false)}},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"h e", "l l", "he ll", "hell o"}}}}};
}

}  // namespace quire::engine::testing
