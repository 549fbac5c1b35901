#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quire::engine::jinja {

// Who wrote a stretch of text: the template, or a string of its input.
enum class Origin : std::uint8_t { kTemplate, kInput };

// A string that knows the origin of each of its bytes, so that text cut, joined and rewritten by a
// template still tells what came from outside. Valid UTF-8.
class Text {
 public:
  // Bytes up to `end`, from the end of the run before, have one origin.
  struct Run {
    std::size_t end = 0;
    Origin origin = Origin::kTemplate;
  };

  Text() = default;
  Text(std::string bytes, Origin origin);

  const std::string& bytes() const { return bytes_; }
  std::string_view view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  // Runs cover the text, none is empty, adjoining ones differ.
  const std::vector<Run>& runs() const { return runs_; }
  // The origin of the byte at `offset`; of an empty text, kTemplate.
  Origin OriginAt(std::size_t offset) const;

  void Append(std::string_view bytes, Origin origin);
  void Append(const Text& text) { AppendSlice(text, 0, text.size()); }
  // Appends [begin, end) of `text`.
  void AppendSlice(const Text& text, std::size_t begin, std::size_t end);
  Text Slice(std::size_t begin, std::size_t end) const;

 private:
  std::string bytes_;
  std::vector<Run> runs_;
};

}  // namespace quire::engine::jinja
