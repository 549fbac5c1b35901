#include "retrieval/chunking/token_counter.h"

namespace quire::retrieval {

Status BatchedTokenCounter::Add(std::string_view text, std::int32_t& count) {
  if (texts_.size() == kMaxCountedTexts ||
      (!texts_.empty() && bytes_ + text.size() > kMaxCountedBytes)) {
    QUIRE_RETURN_IF_ERROR(Flush());
  }
  texts_.push_back(text);
  counts_.push_back(&count);
  bytes_ += text.size();
  return OkStatus();
}

Status BatchedTokenCounter::Flush() {
  if (texts_.empty()) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::int32_t> counts, counter_(texts_));
  if (counts.size() != texts_.size()) {
    return Internal("token counts: wanted {}, have {}", texts_.size(), counts.size());
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) return Internal("token count: wanted 0 or more, have {}", counts[i]);
    *counts_[i] = counts[i];
  }
  texts_.clear();
  counts_.clear();
  bytes_ = 0;
  return OkStatus();
}

}  // namespace quire::retrieval
