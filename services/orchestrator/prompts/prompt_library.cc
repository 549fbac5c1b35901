#include "services/orchestrator/prompts/prompt_library.h"

#include "base/check.h"
#include "services/orchestrator/packing/ascii.h"

namespace quire::services {
namespace {

constexpr std::string_view kSectionStart = "== ";

}  // namespace

StatusOr<PromptLibrary> PromptLibrary::Parse(std::string_view text) {
  PromptLibrary library;
  std::string* section = nullptr;
  for (int line_number = 1; !text.empty(); ++line_number) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (line.starts_with(kSectionStart)) {
      const auto [entry, inserted] =
          library.sections_.try_emplace(std::string(TrimAscii(line.substr(kSectionStart.size()))));
      if (!inserted) {
        return InvalidArgument("prompts, line {}: section {} is there already", line_number,
                               entry->first);
      }
      section = &entry->second;
    } else if (section != nullptr) {
      section->append(line);
    } else if (!line.starts_with('#') && !TrimAscii(line).empty()) {
      return InvalidArgument("prompts, line {}: wanted a section, have text", line_number);
    }
  }
  for (auto& [name, body] : library.sections_) body = std::string(TrimAscii(body));
  return library;
}

const PromptLibrary& PromptLibrary::Embedded() {
  static const PromptLibrary library = [] {
    StatusOr<PromptLibrary> parsed = Parse(kEmbeddedPrompts);
    QUIRE_CHECK(parsed.ok());
    return *std::move(parsed);
  }();
  return library;
}

std::string PromptLibrary::Render(std::string_view name, const Values& values) const {
  const auto section = sections_.find(name);
  QUIRE_CHECK(section != sections_.end());
  std::string_view rest = section->second;
  std::string out;
  while (!rest.empty()) {
    const std::size_t open = std::min(rest.find('{'), rest.size());
    out.append(rest.substr(0, open));
    rest.remove_prefix(open);
    const std::size_t close = rest.find('}');
    const auto value =
        close == std::string_view::npos ? values.end() : values.find(rest.substr(1, close - 1));
    if (value != values.end()) {
      out.append(value->second);
      rest.remove_prefix(close + 1);
    } else if (!rest.empty()) {
      out.push_back(rest.front());
      rest.remove_prefix(1);
    }
  }
  return std::string(TrimAscii(out));
}

}  // namespace quire::services
