#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace quire::services {

// What a handler may know of the RPC it answers, without gRPC's types. Clock and random source are
// part of it, so that tests fix them.
struct InferenceCall {
  std::string request_id;
  std::string peer;  // the caller's address without the port, as gRPC writes it
  // True once the client has cancelled or vanished. Cheap enough to ask every few milliseconds.
  std::function<bool()> is_cancelled;
  // The client's, or nothing. Handlers apply their own maximum.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::function<std::uint64_t()> random_seed;
  std::int64_t now_seconds = 0;  // since the epoch, for chat templates that write the date
};

}  // namespace quire::services
