#pragma once

#include <cstdint>
#include <mutex>

#include "base/status.h"

namespace quire::services {

// What running uploads hold in memory together. Thread-safe.
class UploadBudget {
 public:
  explicit UploadBudget(std::int64_t max_bytes) : max_bytes_(max_bytes) {}

  // One upload's part, given back at its end. Thread-compatible.
  class Share {
   public:
    // Borrows `budget`.
    explicit Share(UploadBudget& budget) : budget_(budget) {}
    ~Share() { budget_.Return(bytes_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // Makes the share `bytes` large unless it is already. Returns RESOURCE_EXHAUSTED with ErrorInfo
    // QUEUE_FULL and RetryInfo, with no change, if other uploads hold too much.
    Status GrowTo(std::int64_t bytes);

   private:
    UploadBudget& budget_;
    std::int64_t bytes_ = 0;
  };

 private:
  Status Take(std::int64_t bytes);
  void Return(std::int64_t bytes);

  const std::int64_t max_bytes_;
  std::mutex mutex_;
  std::int64_t taken_bytes_ = 0;
};

}  // namespace quire::services
