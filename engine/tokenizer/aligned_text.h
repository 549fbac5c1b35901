#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quire::engine {

// A text on its way through normalization, and for each of its bytes the bytes of the original
// text that it came from. Built from an original, then rewritten by AlignedTextBuilder.
//
// Offsets are 32 bits: an original must be smaller than 4 GiB.
class AlignedText {
 public:
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  AlignedText() = default;
  // `text` stands at byte `origin` of the original. Without `tracked`, Origin may not be called,
  // and no memory goes into alignment.
  AlignedText(std::string text, std::size_t origin, bool tracked)
      : text_(std::move(text)), offset_(origin), tracked_(tracked) {}

  const std::string& text() const { return text_; }

  // The stretch [begin, end) with its alignment.
  AlignedText Slice(std::size_t begin, std::size_t end) const;

  // The original bytes behind [begin, end): from the first byte's to the last byte's. Empty, at
  // the place it was inserted, for text without an original. Requires: tracked, and
  // begin < end <= text().size().
  Range Origin(std::size_t begin, std::size_t end) const;

 private:
  friend class AlignedTextBuilder;

  std::string text_;
  std::size_t offset_ = 0;  // of text_[0] in the original, while `ranges_` is empty
  bool tracked_ = false;
  std::vector<Range> ranges_;  // by byte of text_; empty while the text is an unchanged stretch
};

// Writes a new text from left to right, as copies and replacements of stretches of an old one.
class AlignedTextBuilder {
 public:
  explicit AlignedTextBuilder(const AlignedText& source);

  // Takes over [begin, end) of the source.
  void Copy(std::size_t begin, std::size_t end) {
    result_.text_.append(source_.text_, begin, end - begin);
    if (source_.tracked_) CopyRanges(begin, end);
  }
  // Writes `replacement` for [begin, end) of the source. begin == end inserts.
  void Replace(std::size_t begin, std::size_t end, std::string_view replacement) {
    result_.text_.append(replacement);
    if (source_.tracked_) ReplaceRanges(begin, end, replacement.size());
  }

  // Drops the last bytes that were written. Requires: count_bytes <= size().
  void RemoveLast(std::size_t count_bytes);

  const std::string& text() const { return result_.text_; }
  std::size_t size() const { return result_.text_.size(); }
  AlignedText Build() && { return std::move(result_); }

 private:
  // The alignment of what was just written.
  void CopyRanges(std::size_t begin, std::size_t end);
  void ReplaceRanges(std::size_t begin, std::size_t end, std::size_t num_bytes);

  const AlignedText& source_;
  AlignedText result_;
};

}  // namespace quire::engine
