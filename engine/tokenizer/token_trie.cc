#include "engine/tokenizer/token_trie.h"

#include <algorithm>

namespace quire::engine {

std::size_t TokenTrie::Child(std::size_t node, char byte) const {
  const auto& children = nodes_[node].children;
  const auto found = std::lower_bound(children.begin(), children.end(), byte,
                                      [](const auto& child, char b) { return child.first < b; });
  return found != children.end() && found->first == byte ? found->second : 0;
}

std::size_t TokenTrie::FindStart(std::string_view text, std::size_t at) const {
  if (start_bytes_.empty()) return text.size();
  // The library looks at many bytes at once for one; most vocabularies have "<" alone.
  if (start_bytes_.size() == 1) return std::min(text.find(start_bytes_[0], at), text.size());
  while (at < text.size() && !CanStartWith(text[at])) ++at;
  return at;
}

void TokenTrie::Insert(std::string_view text, std::size_t value) {
  bool& starts = starts_[static_cast<unsigned char>(text[0])];
  if (!starts) start_bytes_ += text[0];
  starts = true;
  std::size_t node = 0;
  for (const char byte : text) {
    std::size_t child = Child(node, byte);
    if (child == 0) {
      child = nodes_.size();
      auto& children = nodes_[node].children;
      const std::pair<char, std::uint32_t> edge(byte, static_cast<std::uint32_t>(child));
      children.insert(std::upper_bound(children.begin(), children.end(), edge), edge);
      nodes_.emplace_back();
    }
    node = child;
  }
  nodes_[node].value = value;
  nodes_[node].has_value = true;
}

}  // namespace quire::engine
