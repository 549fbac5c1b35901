#include "base/status.h"

namespace quire {

Status MakeError(absl::StatusCode code, std::string message) {
  for (char& c : message) c = (c >= 0 && c < ' ') || c == '\x7f' ? ' ' : c;
  return Status(code, message);
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  Status annotated = MakeError(status.code(), fmt::format("{}: {}", context, Message(status)));
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    annotated.SetPayload(type, payload);
  });
  return annotated;
}

}  // namespace quire
