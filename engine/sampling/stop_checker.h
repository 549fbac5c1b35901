#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quire::engine {

// Looks for stop strings in text that arrives in pieces. Text that may turn out to be the start of
// a stop string is held back, so a stop string is never given out, not even in part.
//
// Thread-compatible.
class StopChecker {
 public:
  // Requires: no stop string is empty.
  explicit StopChecker(std::vector<std::string> stop_strings);

  // Takes the next piece and returns the text that is certain to stay. After a match: the rest of
  // the text before it, then nothing more. The match that is complete first counts, the longest
  // among those that end together, so that the result does not depend on how the text was cut.
  std::string Push(std::string_view piece);
  // What is still held back, at the end of a text without a match.
  std::string Finish();

  // The stop string that was found, or empty.
  const std::string& match() const { return match_; }

 private:
  // Bytes at the end of pending_ that are the start of some stop string.
  std::size_t HeldBack() const;

  const std::vector<std::string> stop_strings_;
  std::string pending_;
  std::string match_;
};

}  // namespace quire::engine
