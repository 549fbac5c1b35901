#include "services/retrieval/upload_budget.h"

#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::chrono::milliseconds kBudgetRetryDelay{2'000};

}  // namespace

Status UploadBudget::Share::GrowTo(std::int64_t bytes) {
  if (bytes <= bytes_) return OkStatus();
  QUIRE_RETURN_IF_ERROR(budget_.Take(bytes - bytes_));
  bytes_ = bytes;
  return OkStatus();
}

Status UploadBudget::Take(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > max_bytes_ - taken_bytes_) {
    return WithRetryInfo(
        WithErrorInfo(ResourceExhausted("uploads: wanted {} bytes of memory more, have {} of {} "
                                        "in use by running uploads",
                                        bytes, taken_bytes_, max_bytes_),
                      kQueueFull, {}),
        kBudgetRetryDelay);
  }
  taken_bytes_ += bytes;
  return OkStatus();
}

void UploadBudget::Return(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  taken_bytes_ -= bytes;
}

}  // namespace quire::services
