#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quire::engine {

// Texts by their bytes, to find the longest one at a place.
class TokenTrie {
 public:
  struct Entry {
    std::size_t value = 0;
    std::size_t length_bytes = 0;
  };

  TokenTrie() : nodes_(1) {}

  // Replaces the value if `text` is there already. Requires: `text` is not empty.
  void Insert(std::string_view text, std::size_t value);

  bool empty() const { return nodes_.size() == 1; }
  // The first place at or after `at` where the byte is one that a text begins with; text.size() if
  // there is none.
  std::size_t FindStart(std::string_view text, std::size_t at) const;
  // True if a text begins with `byte`.
  bool CanStartWith(char byte) const { return starts_[static_cast<unsigned char>(byte)]; }

  // Calls `visit(entry)` for every text that stands at text[at], the shortest first.
  template <typename Visit>
  void ForEachAt(std::string_view text, std::size_t at, Visit visit) const {
    std::size_t node = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      node = Child(node, text[i]);
      if (node == 0) return;
      if (nodes_[node].has_value) visit(Entry{nodes_[node].value, i + 1 - at});
    }
  }

 private:
  struct Node {
    std::vector<std::pair<char, std::uint32_t>> children;
    std::size_t value = 0;
    bool has_value = false;
  };

  // 0, the root, if there is none.
  std::size_t Child(std::size_t node, char byte) const;

  std::vector<Node> nodes_;
  std::array<bool, 256> starts_{};
  std::string start_bytes_;  // those of starts_
};

}  // namespace quire::engine
