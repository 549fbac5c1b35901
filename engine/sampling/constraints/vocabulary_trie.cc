#include "engine/sampling/constraints/vocabulary_trie.h"

#include <algorithm>
#include <limits>
#include <string>

namespace quire::engine::constraints {
namespace {

std::size_t CommonPrefix(std::string_view a, std::string_view b) {
  const auto [end, unused] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

}  // namespace

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer, std::int32_t vocab_size,
                               std::span<const TokenId> left_out) {
  const auto size = static_cast<std::size_t>(vocab_size);
  std::vector<std::string> texts(size);
  const auto known =
      static_cast<TokenId>(std::min<std::int64_t>(vocab_size, tokenizer.vocab_size()));
  for (TokenId id = 0; id < known; ++id)
    texts[static_cast<std::size_t>(id)] = tokenizer.TokenBytes(id);
  for (const TokenId id : left_out) {
    if (id >= 0 && id < vocab_size) texts[static_cast<std::size_t>(id)].clear();
  }
  for (std::size_t i = 0; i < size; ++i) {
    // No vocabulary in use has one; a node counts its depth in 16 bits.
    if (texts[i].size() > std::numeric_limits<std::uint16_t>::max()) texts[i].clear();
    if (texts[i].empty()) continue;
    token_ids_.push_back(static_cast<TokenId>(i));
    max_depth_ = std::max(max_depth_, texts[i].size());
    if (texts[i].size() == 1) single_bytes_.set(static_cast<std::uint8_t>(texts[i][0]));
  }
  bytes_ = TokenTexts(texts);
  std::sort(token_ids_.begin(), token_ids_.end(), [&](TokenId a, TokenId b) {
    const int order = Bytes(a).compare(Bytes(b));
    return order != 0 ? order < 0 : a < b;
  });
  AddNodes();
}

void VocabularyTrie::AddNodes() {
  std::vector<std::size_t> path;  // nodes of the bytes of the last token
  std::string_view last;
  const auto close_down_to = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].next = static_cast<std::uint32_t>(nodes_.size());
    }
  };
  for (std::size_t i = 0; i < token_ids_.size(); ++i) {
    const std::string_view bytes = Bytes(token_ids_[i]);
    close_down_to(CommonPrefix(last, bytes));
    // A node without tokens of its own has those of the next, of which there are none.
    for (std::size_t depth = path.size(); depth < bytes.size(); ++depth) {
      path.push_back(nodes_.size());
      nodes_.push_back({.first_token = static_cast<std::uint32_t>(i),
                        .depth = static_cast<std::uint16_t>(depth + 1),
                        .byte = static_cast<std::uint8_t>(bytes[depth])});
    }
    last = bytes;
  }
  close_down_to(0);
  nodes_.push_back({.first_token = static_cast<std::uint32_t>(token_ids_.size())});
}

}  // namespace quire::engine::constraints
