#include "engine/tokenizer/vocabulary.h"

#include <algorithm>

namespace quire::engine {

TokenTexts::TokenTexts(const std::vector<std::string>& texts) {
  std::size_t total = 0;
  for (const std::string& text : texts) total += text.size();
  bytes_.reserve(total);
  ends_.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }
}

StatusOr<std::unique_ptr<const Vocabulary>> Vocabulary::Create(
    const std::vector<std::pair<std::string, TokenId>>& tokens, std::string_view place) {
  TokenId max_id = -1;
  for (const auto& [text, id] : tokens) {
    if (id < 0 || id >= kMaxSize) {
      return InvalidArgument("{}: token {}: wanted an id in [0, {}), have {}", place, text,
                             kMaxSize, id);
    }
    max_id = std::max(max_id, id);
  }
  auto vocabulary = std::make_unique<Vocabulary>();
  std::vector<std::string> texts(static_cast<std::size_t>(max_id) + 1);
  vocabulary->present_.resize(texts.size());
  for (const auto& [text, id] : tokens) {
    const auto index = static_cast<std::size_t>(id);
    if (vocabulary->present_[index]) {
      return InvalidArgument("{}: id {}: wanted one token, have \"{}\" and \"{}\"", place, id,
                             texts[index], text);
    }
    vocabulary->present_[index] = true;
    texts[index] = text;
  }
  vocabulary->texts_ = TokenTexts(texts);
  vocabulary->ids_.reserve(tokens.size());
  for (const auto& [text, id] : tokens) {
    if (!vocabulary->ids_.emplace(vocabulary->texts_[id], id).second) {
      return InvalidArgument("{}: token \"{}\": wanted one id, have two", place, text);
    }
  }
  return vocabulary;
}

std::optional<TokenId> Vocabulary::Find(std::string_view text) const {
  const auto found = ids_.find(text);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace quire::engine
