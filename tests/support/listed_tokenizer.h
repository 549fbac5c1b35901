#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace quire::testing {

// The 256 tokens of one byte, token i for byte i.
inline std::vector<std::string> ByteTokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  return tokens;
}

// A vocabulary that a test writes down: token i stands for tokens[i], a special token for no text.
// Encodes as bytes where it has all of them, which is all that tests of constraints ask.
class ListedTokenizer final : public engine::Tokenizer {
 public:
  explicit ListedTokenizer(std::vector<std::string> tokens,
                           std::vector<engine::TokenId> special = {}, bool strips_space = false)
      : tokens_(std::move(tokens)), special_(std::move(special)), strips_space_(strips_space) {}

  std::vector<engine::TokenId> Encode(std::string_view text,
                                      const engine::EncodeOptions&) const override {
    std::vector<engine::TokenId> ids;
    for (const char byte : text) ids.push_back(*FindToken(std::string_view(&byte, 1)));
    return ids;
  }
  std::vector<engine::TokenSpan> EncodeWithSpans(std::string_view,
                                                 const engine::EncodeOptions&) const override {
    return {};
  }
  std::vector<engine::TokenId> EncodeSegments(std::span<const engine::TextSegment>) const override {
    return {};
  }
  StatusOr<std::string> Decode(std::span<const engine::TokenId> ids, bool) const override {
    std::string text;
    for (const engine::TokenId id : ids) text += TokenBytes(id);
    if (strips_space_ && text.starts_with(' ')) text.erase(0, 1);
    return text;
  }
  std::string TokenBytes(engine::TokenId id) const override {
    return IsSpecial(id) ? std::string() : tokens_[static_cast<std::size_t>(id)];
  }
  bool strips_leading_space() const override { return strips_space_; }
  std::int64_t vocab_size() const override { return static_cast<std::int64_t>(tokens_.size()); }
  bool IsSpecial(engine::TokenId id) const override {
    return std::find(special_.begin(), special_.end(), id) != special_.end();
  }
  std::optional<engine::TokenId> FindToken(std::string_view token) const override {
    const auto found = std::find(tokens_.begin(), tokens_.end(), token);
    if (found == tokens_.end()) return std::nullopt;
    return static_cast<engine::TokenId>(found - tokens_.begin());
  }
  std::string TokenText(engine::TokenId id) const override {
    return tokens_[static_cast<std::size_t>(id)];
  }
  std::optional<engine::TokenId> bos_token_id() const override { return std::nullopt; }
  std::optional<engine::TokenId> eos_token_id() const override { return std::nullopt; }

 private:
  const std::vector<std::string> tokens_;
  const std::vector<engine::TokenId> special_;
  const bool strips_space_;
};

}  // namespace quire::testing
