#include "engine/tokenizer/aligned_text.h"

#include "base/check.h"

namespace quire::engine {

AlignedText AlignedText::Slice(std::size_t begin, std::size_t end) const {
  AlignedText slice(text_.substr(begin, end - begin), offset_ + begin, tracked_);
  if (!ranges_.empty()) {
    slice.ranges_.assign(ranges_.begin() + static_cast<std::ptrdiff_t>(begin),
                         ranges_.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return slice;
}

AlignedText::Range AlignedText::Origin(std::size_t begin, std::size_t end) const {
  QUIRE_DCHECK(tracked_ && begin < end && end <= text_.size());
  if (ranges_.empty()) {
    return {static_cast<std::uint32_t>(offset_ + begin), static_cast<std::uint32_t>(offset_ + end)};
  }
  return {ranges_[begin].begin, ranges_[end - 1].end};
}

AlignedTextBuilder::AlignedTextBuilder(const AlignedText& source) : source_(source) {
  result_.offset_ = source.offset_;
  result_.tracked_ = source.tracked_;
  result_.text_.reserve(source.text_.size() + source.text_.size() / 8);
  if (source.tracked_) result_.ranges_.reserve(result_.text_.capacity());
}

void AlignedTextBuilder::CopyRanges(std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) result_.ranges_.push_back(source_.Origin(i, i + 1));
}

void AlignedTextBuilder::RemoveLast(std::size_t count_bytes) {
  result_.text_.resize(result_.text_.size() - count_bytes);
  if (source_.tracked_) result_.ranges_.resize(result_.text_.size());
}

void AlignedTextBuilder::ReplaceRanges(std::size_t begin, std::size_t end, std::size_t num_bytes) {
  AlignedText::Range range;
  if (begin < end) {
    range = source_.Origin(begin, end);
  } else if (begin < source_.text_.size()) {
    range = source_.Origin(begin, begin + 1);
    range.end = range.begin;
  } else if (begin > 0) {
    range = source_.Origin(begin - 1, begin);
    range.begin = range.end;
  } else {
    range.begin = range.end = static_cast<std::uint32_t>(source_.offset_);
  }
  result_.ranges_.insert(result_.ranges_.end(), num_bytes, range);
}

}  // namespace quire::engine
