#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine::constraints {

// The tokens of a vocabulary that stand for text, as a tree of their bytes. What one prefix decides
// is decided once for all tokens that share it.
//
// Thread-safe: immutable.
class VocabularyTrie {
 public:
  // A byte below the byte of its parent. In preorder: a parent is followed by its children.
  struct Node {
    std::uint32_t next = 0;  // the first node after this one that is not below it
    std::uint32_t first_token =
        0;                    // into token_ids(); its tokens end where those of the next begin
    std::uint16_t depth = 0;  // bytes from the root, this one included
    std::uint8_t byte = 0;
  };

  // Leaves out special tokens, tokens without bytes, those of `left_out` and those from
  // `vocab_size` on, which the model does not have.
  VocabularyTrie(const Tokenizer& tokenizer, std::int32_t vocab_size,
                 std::span<const TokenId> left_out);

  // Ends with a node that is none, so that the tokens of every other end somewhere.
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const TokenId> token_ids() const { return token_ids_; }
  // What a token stands for; empty for those left out. Requires: 0 <= id < vocab_size().
  std::string_view Bytes(TokenId id) const { return bytes_[id]; }
  std::int32_t vocab_size() const { return static_cast<std::int32_t>(bytes_.size()); }
  // The length of the longest token.
  std::size_t max_depth() const { return max_depth_; }
  // The bytes that a token stands for alone.
  const std::bitset<256>& single_bytes() const { return single_bytes_; }

 private:
  void AddNodes();

  TokenTexts bytes_;                // by id
  std::vector<TokenId> token_ids_;  // in the order of their bytes
  std::vector<Node> nodes_;
  std::size_t max_depth_ = 0;
  std::bitset<256> single_bytes_;
};

}  // namespace quire::engine::constraints
