#pragma once

#include <gmock/gmock.h>

#include "base/status.h"

// EXPECT_THAT(call, IsOk()) and EXPECT_THAT(call, HasCode(absl::StatusCode::kNotFound)), for Status
// and StatusOr alike.

namespace quire::testing {

inline constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

inline const Status& GetStatus(const Status& status) { return status; }
template <typename T>
const Status& GetStatus(const StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << GetStatus(arg).ToString();
  return GetStatus(arg).ok();
}

MATCHER_P(HasCode, code, "has code " + absl::StatusCodeToString(code)) {
  *result_listener << GetStatus(arg).ToString();
  return GetStatus(arg).code() == code;
}

// Code and a part of the message.
MATCHER_P2(FailsWith, code, part,
           "has code " + absl::StatusCodeToString(code) + " and a message with \"" + part + "\"") {
  *result_listener << GetStatus(arg).ToString();
  return GetStatus(arg).code() == code &&
         std::string(Message(GetStatus(arg))).find(part) != std::string::npos;
}

}  // namespace quire::testing
