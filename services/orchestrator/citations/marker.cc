#include "services/orchestrator/citations/marker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"

namespace quire::services {
namespace {

constexpr std::size_t kMaxMarkerBytes = 64;
constexpr int kMaxDigits = 6;

}  // namespace

MarkerMatch MatchMarker(std::string_view text) {
  if (!text.starts_with('[')) return {};
  const std::string_view window = text.substr(0, kMaxMarkerBytes);
  MarkerMatch cut_off;
  if (window.size() == text.size()) cut_off.kind = MarkerMatch::Kind::kPrefix;
  MarkerMatch match;
  std::size_t i = 1;
  const auto skip_spaces = [&] {
    while (i < window.size() && window[i] == ' ') ++i;
  };
  for (;;) {
    skip_spaces();
    if (i == window.size()) return cut_off;
    if (!IsAsciiDigit(window[i]) || window[i] == '0') return {};
    int number = 0;
    int digits = 0;
    for (; i < window.size() && IsAsciiDigit(window[i]); ++i, ++digits) {
      if (digits == kMaxDigits) return {};
      number = number * 10 + (window[i] - '0');
    }
    match.numbers.push_back(number);
    skip_spaces();
    if (i == window.size()) return cut_off;
    const char separator = window[i++];
    if (separator == ']') break;
    if (separator != ',' && separator != ';') return {};
  }
  match.kind = MarkerMatch::Kind::kWhole;
  match.length_bytes = i;
  return match;
}

std::string EscapeMarkers(std::string_view text) {
  std::string out(text);
  for (std::size_t i = out.find('['); i != std::string::npos; i = out.find('[', i + 1)) {
    const MarkerMatch match = MatchMarker(std::string_view(out).substr(i));
    if (match.kind != MarkerMatch::Kind::kWhole) continue;
    out[i] = '(';
    out[i + match.length_bytes - 1] = ')';
  }
  return out;
}

std::string RewriteMarkers(std::string_view text,
                           const std::function<std::optional<int>(int)>& replacement) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('['), text.size());
    out.append(text.substr(0, open));
    text.remove_prefix(open);
    const MarkerMatch match = MatchMarker(text);
    if (match.kind == MarkerMatch::Kind::kWhole) {
      for (const int number : match.numbers) {
        if (const auto other = replacement(number)) out += fmt::format("[{}]", *other);
      }
      text.remove_prefix(match.length_bytes);
    } else if (!text.empty()) {
      out.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

std::vector<Marker> FindMarkers(std::string_view text, int max_number) {
  std::vector<Marker> markers;
  for (std::size_t i = text.find('['); i < text.size(); i = text.find('[', i + 1)) {
    const MarkerMatch match = MatchMarker(text.substr(i));
    if (match.kind == MarkerMatch::Kind::kWhole && match.numbers.size() == 1 &&
        match.numbers.front() <= max_number) {
      markers.push_back({.number = match.numbers.front(), .offset = i});
    }
  }
  return markers;
}

}  // namespace quire::services
