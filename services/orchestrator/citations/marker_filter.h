#pragma once

#include <string>
#include <string_view>

#include "services/orchestrator/citations/marker.h"

namespace quire::services {

// Cleans the output of a model as it streams: markers of known sources become "[1]", "[1, 2]"
// becomes "[1][2]", and markers of sources that the prompt does not have are removed with the white
// space before them, because they would look like evidence. White space at both ends is removed.
// What Push and Finish return, joined, is the same however the text was cut into deltas.
//
// Thread-compatible.
class MarkerFilter {
 public:
  // The prompt's sources are numbered from 1 to `num_sources`.
  explicit MarkerFilter(int num_sources) : num_sources_(num_sources) {}

  // What of the text so far can no longer change and was not returned before. Holds back white
  // space and what may become a marker: 64 bytes at most, besides the white space.
  std::string Push(std::string_view delta);
  // The rest. Call once, at the end.
  std::string Finish();

 private:
  // Moves what is settled from pending_ to the result; all of it if `at_end`.
  std::string Settle(bool at_end);
  // What stands for a marker in the result.
  std::string Replacement(const MarkerMatch& match) const;
  void Append(std::string_view text, std::string& out);

  const int num_sources_;
  std::string pending_;
  bool started_ = false;  // something was returned
  // What was returned ends in "[" and perhaps numbers: text that must not become a marker because
  // one was removed from its middle.
  bool in_bracket_ = false;
};

// All of `text`, filtered.
std::string FilterMarkers(std::string_view text, int num_sources);

}  // namespace quire::services
