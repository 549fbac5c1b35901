#include "engine/tokenizer/jinja/text.h"

#include <algorithm>

namespace quire::engine::jinja {

Text::Text(std::string bytes, Origin origin) : bytes_(std::move(bytes)) {
  if (!bytes_.empty()) runs_.push_back({bytes_.size(), origin});
}

Origin Text::OriginAt(std::size_t offset) const {
  const auto run = std::upper_bound(runs_.begin(), runs_.end(), offset,
                                    [](std::size_t at, const Run& r) { return at < r.end; });
  return run == runs_.end() ? Origin::kTemplate : run->origin;
}

void Text::Append(std::string_view bytes, Origin origin) {
  if (bytes.empty()) return;
  bytes_ += bytes;
  if (!runs_.empty() && runs_.back().origin == origin) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), origin});
  }
}

void Text::AppendSlice(const Text& text, std::size_t begin, std::size_t end) {
  auto run = std::upper_bound(text.runs_.begin(), text.runs_.end(), begin,
                              [](std::size_t at, const Run& r) { return at < r.end; });
  for (; begin < end; ++run) {
    const std::size_t run_end = std::min(run->end, end);
    Append(text.view().substr(begin, run_end - begin), run->origin);
    begin = run_end;
  }
}

Text Text::Slice(std::size_t begin, std::size_t end) const {
  Text slice;
  slice.AppendSlice(*this, begin, end);
  return slice;
}

}  // namespace quire::engine::jinja
