#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Texts by token id, in one allocation. Ids without a text have an empty one.
class TokenTexts {
 public:
  TokenTexts() = default;
  explicit TokenTexts(const std::vector<std::string>& texts);

  std::string_view operator[](TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes_.data() + ends_[i], ends_[i + 1] - ends_[i]);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()) - 1; }

 private:
  std::string bytes_;
  std::vector<std::uint64_t> ends_{0};  // [size + 1]: text i is [ends_[i], ends_[i + 1])
};

// Token texts and their ids, in both directions. Immutable.
class Vocabulary {
 public:
  // More than ten times the largest vocabulary in use; bounds what a file can make us allocate.
  static constexpr TokenId kMaxSize = 1 << 24;

  Vocabulary() = default;
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  // INVALID_ARGUMENT, starting with `place`, if an id or a text occurs twice or an id is not in
  // [0, kMaxSize).
  static StatusOr<std::unique_ptr<const Vocabulary>> Create(
      const std::vector<std::pair<std::string, TokenId>>& tokens, std::string_view place);

  std::optional<TokenId> Find(std::string_view text) const;
  std::string_view Text(TokenId id) const { return texts_[id]; }
  bool Contains(TokenId id) const {
    return id >= 0 && id < size() && present_[static_cast<std::size_t>(id)];
  }
  // The largest id plus one.
  std::int64_t size() const { return texts_.size(); }

 private:
  TokenTexts texts_;
  std::vector<bool> present_;  // by id
  absl::flat_hash_map<std::string_view, TokenId, std::hash<std::string_view>> ids_;
};

}  // namespace quire::engine
