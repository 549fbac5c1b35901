#include "services/retrieval/library_host.h"

#include <utility>

#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::chrono::milliseconds kBuildRetryDelay{1'000};

}  // namespace

void LibraryHost::Start(std::unique_ptr<retrieval::Library> library,
                        const std::shared_ptr<grpc::Channel>& inference) {
  stub_ = inference::v1::InferenceService::NewStub(inference);
  library_ = std::move(library);
  started_.store(true, std::memory_order_release);
}

void LibraryHost::SetProgress(std::int64_t done, std::int64_t total) {
  num_done_ = done;
  num_total_ = total;
}

StatusOr<retrieval::Library*> LibraryHost::library() const {
  if (started_.load(std::memory_order_acquire)) return library_.get();
  return WithRetryInfo(Unavailable("index: wanted it built, have {} of {} documents so far",
                                   num_done_.load(), num_total_.load()),
                       kBuildRetryDelay);
}

}  // namespace quire::services
