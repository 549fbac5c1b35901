// The parts of http_client.h that need no connection.

#include <cctype>

#include "services/hub/http_client.h"

namespace quire::services::hub {
namespace {

std::string Escape(std::string_view text, std::string_view kept) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || kept.find(c) != kept.npos) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", byte);
    }
  }
  return escaped;
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string EscapeSegment(std::string_view text) { return Escape(text, "-._~"); }
std::string EscapePath(std::string_view text) { return Escape(text, "-._~/"); }

}  // namespace quire::services::hub
