#include "engine/tokenizer/incremental_detokenizer.h"

#include "base/utf8.h"

namespace quire::engine {

IncrementalDetokenizer::IncrementalDetokenizer(const Tokenizer& tokenizer, bool continues)
    : tokenizer_(tokenizer), strip_space_(!continues && tokenizer.strips_leading_space()) {}

std::string IncrementalDetokenizer::Push(TokenId id) {
  std::string bytes = tokenizer_.TokenBytes(id);
  if (bytes.empty()) return bytes;
  if (strip_space_ && bytes.starts_with(' ')) bytes.erase(0, 1);
  strip_space_ = false;
  pending_ += bytes;
  const std::size_t complete = pending_.size() - IncompleteUtf8Suffix(pending_);
  std::string text = ReplaceInvalidUtf8(std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return text;
}

std::string IncrementalDetokenizer::Finish() {
  std::string text = ReplaceInvalidUtf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace quire::engine
