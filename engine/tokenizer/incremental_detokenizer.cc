#include "engine/tokenizer/incremental_detokenizer.h"

#include "base/utf8.h"

namespace quire::engine {

IncrementalDetokenizer::IncrementalDetokenizer(const Tokenizer& tokenizer, bool continues)
    : tokenizer_(tokenizer), is_first_(!continues) {}

std::string IncrementalDetokenizer::Push(TokenId id) {
  if (tokenizer_.IsSpecial(id)) return {};
  if (tokenizer_.drops_repeats() && previous_ == id) return {};
  previous_ = id;
  std::string bytes = tokenizer_.TokenBytes(id);
  if (bytes.empty()) return {};
  if (is_first_) {
    bytes = tokenizer_.FirstTokenBytes(id);
    is_first_ = tokenizer_.first_until_text() && bytes.empty();
  }
  pending_ += bytes;
  std::size_t complete = pending_.size() - IncompleteUtf8Suffix(pending_);
  if (tokenizer_.strips_trailing_space() && complete == pending_.size() &&
      pending_.ends_with(' ')) {
    --complete;  // the text may end here
  }
  std::string text = ReplaceInvalidUtf8(std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return text;
}

std::string IncrementalDetokenizer::Finish() {
  if (tokenizer_.strips_trailing_space() && pending_.ends_with(' ')) pending_.pop_back();
  std::string text = ReplaceInvalidUtf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace quire::engine
