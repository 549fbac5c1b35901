#include "services/orchestrator/citations/marker_filter.h"

#include <fmt/format.h>

#include "services/orchestrator/citations/marker.h"
#include "services/orchestrator/packing/ascii.h"

namespace quire::services {

std::string MarkerFilter::Push(std::string_view delta) {
  pending_.append(delta);
  return Settle(/*at_end=*/false);
}

std::string MarkerFilter::Finish() { return Settle(/*at_end=*/true); }

std::string MarkerFilter::Settle(bool at_end) {
  std::string out;
  std::string_view rest = pending_;
  for (;;) {
    const std::size_t num_spaces = std::min(rest.find_first_not_of(kAsciiSpaces), rest.size());
    const std::string_view body = rest.substr(num_spaces);
    if (body.empty()) break;
    const MarkerMatch match = MatchMarker(body);
    if (match.kind == MarkerMatch::Kind::kPrefix && !at_end) break;
    const bool is_marker = match.kind == MarkerMatch::Kind::kWhole;
    const std::size_t taken = is_marker ? match.length_bytes : 1;
    const std::string text = is_marker ? Replacement(match) : std::string(body.substr(0, 1));
    if (!text.empty()) {
      if (started_) Append(rest.substr(0, num_spaces), out);
      Append(text, out);
    }
    rest.remove_prefix(num_spaces + taken);
  }
  pending_.erase(0, pending_.size() - rest.size());
  if (at_end) pending_.clear();
  return out;
}

std::string MarkerFilter::Replacement(const MarkerMatch& match) const {
  std::string known;
  for (const int number : match.numbers) {
    if (number <= num_sources_) known += fmt::format("[{}]", number);
  }
  if (known.empty() && in_bracket_) return fmt::format("({})", fmt::join(match.numbers, ", "));
  return known;
}

void MarkerFilter::Append(std::string_view text, std::string& out) {
  out.append(text);
  started_ = started_ || !text.empty();
  for (const char c : text) {
    if (c == '[') {
      in_bracket_ = true;
    } else if (std::string_view("0123456789,; ").find(c) == std::string_view::npos) {
      in_bracket_ = false;
    }
  }
}

std::string FilterMarkers(std::string_view text, int num_sources) {
  MarkerFilter filter(num_sources);
  std::string out = filter.Push(text);
  return out + filter.Finish();
}

}  // namespace quire::services
