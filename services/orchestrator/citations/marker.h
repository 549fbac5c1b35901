#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Markers name the numbered sources of a prompt: "[3]". Models also write "[1, 2]". Numbers start
// at 1 and have at most 6 digits; anything else in brackets is text.

namespace quire::services {

struct MarkerMatch {
  enum class Kind {
    kNone,    // no marker starts here
    kPrefix,  // the text ends inside of what may become a marker
    kWhole,
  };
  Kind kind = Kind::kNone;
  std::size_t length_bytes = 0;  // kWhole: up to and with the closing bracket
  std::vector<int> numbers;      // kWhole: in order of appearance, at least one
};

// Whether a marker starts at the front of `text`. Looks at 64 bytes at most.
MarkerMatch MatchMarker(std::string_view text);

// `text` with the brackets of everything that reads as a marker made round: "[7]" becomes "(7)".
// Documents and questions enter a prompt like this, so that a marker in the output is the model's
// own and not copied. The length stays the same.
std::string EscapeMarkers(std::string_view text);

// `text` with the numbers of its markers replaced; a number without a replacement loses its marker.
std::string RewriteMarkers(std::string_view text,
                           const std::function<std::optional<int>(int)>& replacement);

// A marker of one number in a text.
struct Marker {
  int number = 0;
  std::size_t offset = 0;  // of the opening bracket, in bytes
};
// The markers of one number in [1, max_number], in order.
std::vector<Marker> FindMarkers(std::string_view text, int max_number);

}  // namespace quire::services
