#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"

namespace quire::services {

// The text of prompts.txt.
extern const std::string_view kEmbeddedPrompts;

// The wording of every prompt: the sections of prompts.txt by name. Which section goes into which
// prompt TaskPrompts knows. Immutable, so thread-safe.
class PromptLibrary {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  // The sections of `text`, in the format of services/orchestrator/README.md. Returns
  // INVALID_ARGUMENT with the line if there is text before the first section, or a section twice.
  static StatusOr<PromptLibrary> Parse(std::string_view text);
  // The sections of the embedded file.
  static const PromptLibrary& Embedded();

  // The section `name` with every "{key}" replaced by its value, and white space at both ends
  // removed. What a value holds is not replaced again; braces around anything but a key of `values`
  // are text. Requires: the section exists.
  std::string Render(std::string_view name, const Values& values) const;

  const std::map<std::string, std::string, std::less<>>& sections() const { return sections_; }

 private:
  std::map<std::string, std::string, std::less<>> sections_;
};

}  // namespace quire::services
